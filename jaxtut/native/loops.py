"""Loops over windows, in numbers: how many there are of what, and where it stands in memory. `sums`, `products` and `padding` write them."""

import math
from typing import NamedTuple

from .machine import Machine


def steps_of(shape: tuple[int, ...], inner: int = 1) -> tuple[int, ...]:
    """Return the distance between neighbours along each axis of an array, at each position of which so many numbers stand."""
    return tuple(math.prod(shape[i + 1 :]) * inner for i in range(len(shape)))


class Padding(NamedTuple):
    """Planes with zeros around them.

    Attributes:
        planes: how many.
        size: of each, along each axis.
        pads: zeros before and after, along each axis.
        inner: neighbouring numbers that stand at one position of the last axis.
        split: the last axis is cut into so many, each of which has every `split`th position; `inner` is 1 then.
    """

    planes: int
    size: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    inner: int = 1
    split: int = 1

    @property
    def padded(self) -> tuple[int, ...]:
        """The size with zeros, the last axis filled up to whole parts."""
        whole = [n + low + high for n, (low, high) in zip(self.size, self.pads, strict=True)]
        return (*whole[:-1], math.ceil(whole[-1] / self.split) * self.split)

    @property
    def steps(self) -> tuple[int, ...]:
        """The distance between neighbours along each axis; along the last, between neighbours of one part."""
        return steps_of(self.padded, self.inner)

    @property
    def plane(self) -> int:
        """The distance between planes."""
        return math.prod(self.padded) * self.inner

    @property
    def numbers(self) -> int:
        return self.planes * self.plane

    @property
    def changes(self) -> bool:
        """Whether the result is another array."""
        return self.split > 1 or any(pad != (0, 0) for pad in self.pads)

    def place(self, positions: tuple[int, ...]) -> int:
        """Return where in a plane a position of the padded array stands."""
        *outer, last = positions
        part = last % self.split * (self.padded[-1] // self.split) + last // self.split
        return sum(i * step for i, step in zip(outer, self.steps, strict=False)) + part * self.inner


class Axis(NamedTuple):
    """Positions along an axis: how many, and how far apart they are in the array that is read and in the other one."""

    number: int
    source: int
    other: int


class Reach(NamedTuple):
    """Which taps of an axis meet the source, and not the zeros around it: tap t of row r stands at start + r · row + t · tap, in 0 to size.

    Attributes:
        rows: the axis of rows, counted in `Phase.rows`.
        start: where the first tap of the first row stands.
        row: the distance of neighbouring rows.
        tap: that of neighbouring taps, which is positive.
        size: of the source.
    """

    rows: int
    start: int
    row: int
    tap: int
    size: int


class Taps(NamedTuple):
    """Taps along an axis: how many, and how far apart they are in the source and in the kernel; those that meet zeros only may be left out."""

    number: int
    source: int
    kernel: int
    reach: Reach | None = None


class Phase(NamedTuple):
    """Results that see the same taps; or in turn those of several parts, whose results alternate along the last axis.

    Attributes:
        source: where the first window of an image and group begins, in the source.
        result: where its result stands.
        rows: the axes of places, outermost first, but for the last.
        run: how many neighbouring places follow each other along the last axis, in the source and in each part of the result.
        taps: the axes of taps that are loops, outermost first.
        parts: of each part, the taps that are written out: where each stands in the source, and in the kernel.
        over: results of the last parts that are not there at the end of a line, fewer than there are parts.
    """

    source: int
    result: int
    rows: tuple[Axis, ...]
    run: int
    taps: tuple[Taps, ...]
    parts: tuple[tuple[tuple[int, int], ...], ...]
    over: int = 0

    @property
    def last(self) -> tuple[tuple[int, int], ...]:
        """The taps of all parts that are written out."""
        return tuple(tap for part in self.parts for tap in part)

    def width(self, machine: Machine, dtype: str) -> int:
        """Return how many numbers a vector holds."""
        return machine.width(dtype, self.run)


class Sums(NamedTuple):
    """The loops, and where their arrays' numbers stand; the source may be read for one vector beyond its end.

    Attributes:
        images: how many, each with distances `source_image` and `result_image`.
        groups: how many; their channels, outputs and kernels follow each other.
        channels: that a result sums over, `source_channel` and `kernel_channel` apart.
        outputs: how many results there are at a place, `result_output` and `kernel_output` apart.
        kernel_group: distance of the groups' kernels.
        phases: which places see which taps.
    """

    images: int
    groups: int
    channels: int
    outputs: int
    source_image: int
    source_channel: int
    result_image: int
    result_output: int
    kernel_group: int
    kernel_channel: int
    kernel_output: int
    phases: tuple[Phase, ...]

    arguments, results = 2, 1

    def are_lines_long(self, machine: Machine, dtype: str) -> bool:
        """Return whether no line is shorter than a vector, which would be read beyond its end."""
        return all(phase.run >= phase.width(machine, dtype) for phase in self.phases)


class Products(NamedTuple):
    """The loops, and where their arrays' numbers stand; the source may be read for one vector beyond its end.

    Attributes:
        groups: how many; their channels and outputs follow each other.
        inputs: channels of the source in a group, `source_channel` apart.
        outputs: channels of the other array in a group, `other_channel` apart.
        lines: the axes of places, outermost first (images too), but for the last.
        run: how many neighbouring places follow each other along the last axis, in both arrays.
        taps: the axes of taps, outermost first, but for the last; `other` counts in the result.
        last: where each tap of the last axis stands in the source.
        source_channel: distance of channels in the source.
        other_channel: distance of channels in the other array.
        shares: into how many shares the channels of the source are cut, each of which is a piece of work of its own.
        parts: into how many parts the lines are cut, each of which has a result of its own.
    """

    groups: int
    inputs: int
    outputs: int
    lines: tuple[Axis, ...]
    run: int
    taps: tuple[Axis, ...]
    last: tuple[int, ...]
    source_channel: int
    other_channel: int
    shares: int
    parts: int

    arguments, results = 2, 1

    def width(self, machine: Machine, dtype: str) -> int:
        """Return how many numbers a vector holds."""
        return machine.width(dtype, self.run, within=True)

    def are_lines_long(self, machine: Machine, dtype: str) -> bool:
        """Return whether no line is shorter than a vector, which would be read beyond its end."""
        return self.run >= self.width(machine, dtype)

    @property
    def by_channel(self) -> bool:
        """Whether channels make a tile, since there is one tap only; else neighbouring taps do."""
        return len(self.last) == 1

    @property
    def kernel(self) -> int:
        """Taps in all."""
        return math.prod(axis.number for axis in self.taps) * len(self.last)

    @property
    def numbers(self) -> int:
        """Of the result, without its parts."""
        return self.groups * self.outputs * self.inputs * self.kernel


# Pieces of work, for so many threads, and some more, so that none waits long for the last.
PIECES = 32
# Channels that a tile has at most.
TOGETHER = 16
# Channels that a share has at most where they make tiles: the sums of so many wait in a cache.
LARGEST_SHARE = 64
# Multiplications below which nothing is cut for the sake of more pieces.
LEAST = 200_000


def division_of(
    groups: int, inputs: int, outputs: int, taps: int, lines: int, run: int, by_channel: bool
) -> tuple[int, int]:
    """Choose into how many shares the channels, and into how many parts the lines are cut, where a group's outputs are too few pieces of work.

    Parts come last: their sums have to be added up. Channels that make a tile together stay together (`by_channel`), in shares that are not large.
    """
    pieces = groups * math.ceil(outputs / 4)
    work = groups * inputs * outputs * taps * lines * run
    wanted = max(1, min(math.ceil(PIECES / pieces), work // LEAST // pieces))
    most = math.ceil(inputs / TOGETHER) if by_channel else inputs
    shares = max(min(most, wanted), math.ceil(inputs / LARGEST_SHARE) if by_channel else 1)
    return shares, min(lines, math.ceil(wanted / shares))
