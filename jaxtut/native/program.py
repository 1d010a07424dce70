"""What is computed, in numbers: how many, and where they stand in memory.

`sums`, `products`, `rows`, `maps`, `copying`, `moving`, `interleaving`, `adam`,
`giving_back` and `padding` write the loops.
"""

import math
from typing import NamedTuple

from .machine import Machine


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
        return tuple(math.prod(self.padded[i + 1 :]) * self.inner for i in range(len(self.size)))

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
    """Results that see the same taps.

    Attributes:
        source: where the first window of an image and group begins, in the source.
        result: where its result stands.
        rows: the axes of places, outermost first, but for the last.
        run: how many neighbouring places follow each other along the last axis, in both arrays.
        taps: the axes of taps that are loops, outermost first.
        last: the taps that are written out: where each stands in the source, and in the kernel.
    """

    source: int
    result: int
    rows: tuple[Axis, ...]
    run: int
    taps: tuple[Taps, ...]
    last: tuple[tuple[int, int], ...]

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

    def width(self, machine: Machine, dtype: str) -> int:
        """Return how many numbers a vector holds."""
        return machine.width(dtype, self.run, within=True)

    def are_lines_long(self, machine: Machine, dtype: str) -> bool:
        """Return whether no line is shorter than a vector, which would be read beyond its end."""
        return self.run >= self.width(machine, dtype)

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
# Multiplications below which neither channels nor lines are cut.
LEAST = 200_000


def division_of(groups: int, inputs: int, outputs: int, taps: int, lines: int, run: int) -> tuple[int, int]:
    """Choose into how many shares the channels, and into how many parts the lines are cut, where a group's outputs are too few pieces of work.

    Parts come last: their sums have to be added up.
    """
    pieces = groups * math.ceil(outputs / 4)
    work = groups * inputs * outputs * taps * lines * run
    wanted = max(1, min(math.ceil(PIECES / pieces), work // LEAST // pieces))
    shares = min(inputs, wanted)
    return shares, min(lines, math.ceil(wanted / shares))


class Rows(NamedTuple):
    """A function of each row of numbers.

    Attributes:
        number: how many rows, one behind the other.
        length: numbers of a row.
        function: which one, a key of `ROW_ARGUMENTS`.
    """

    number: int
    length: int
    function: str


# What a number of a row costs, in multiplications of a convolution.
ROW_WORK = 8
# The functions of rows, and of how many arrays each is.
ROW_ARGUMENTS = {
    "softmax": 1,
    "jacobian product": 2,
    "log softmax": 1,
    "log gradient": 2,
    "label loss": 2,
    "label gradient": 3,
}


# Numbers of a map that are a piece of work.
BLOCK = 4096


class Map(NamedTuple):
    """The same function of each number, or the product of its slope there and another number.

    Attributes:
        number: how many numbers.
        function: which one, a key of `functions.FUNCTIONS`.
        parameters: of the function.
        is_product: whether there is another array, for whose numbers the product is.
    """

    number: int
    function: str
    parameters: tuple[float, ...]
    is_product: bool


class Copy(NamedTuple):
    """The same numbers at another place.

    Attributes:
        number: how many.
    """

    number: int


class Move(NamedTuple):
    """The same numbers with two axes exchanged.

    Attributes:
        rows: of the source, and columns of the result.
        columns: of the source.
    """

    rows: int
    columns: int


class Interleave(NamedTuple):
    """Lines of numbers that were written part by part, put in order.

    Attributes:
        lines: how many.
        parts: of each line.
        each: numbers of a part, at least one; those of a line that are too many are behind.
        kept: numbers of a line.
    """

    lines: int
    parts: int
    each: int
    kept: int


class AdamStep(NamedTuple):
    """A step of Adam.

    Attributes:
        number: how many parameters.
        b1: how much of the running mean of the gradient is kept.
        b2: how much of that of its square.
        eps: added to the root.
        weight_decay: factor of the parameters, added to the gradient.
        decoupled: whether it is added to the step instead.
        maximize: whether the gradient is climbed.
    """

    number: int
    b1: float
    b2: float
    eps: float
    weight_decay: float
    decoupled: bool
    maximize: bool


class GivingBack(NamedTuple):
    """Numbers of windows, each added at the place of one of the window's members.

    Attributes:
        planes: how many.
        size: of each, along each axis.
        kernel: members of a window along each axis.
        strides: positions between neighbouring windows.
        pads: how far the first window begins before the plane.
        dilations: positions between neighbouring members.
        counts: how many windows.
    """

    planes: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    counts: tuple[int, ...]


class Program(NamedTuple):
    """A function of arrays: of source and factor where it is sums or products.

    Attributes:
        dtype: of all numbers.
        main: what is computed.
        padding: what becomes of the source first, if anything; the padded source is then a second result.
    """

    dtype: str
    main: Sums | Products | Rows | Map | Copy | Move | Interleave | AdamStep | GivingBack
    padding: Padding | None = None

    @property
    def arguments(self) -> int:
        """How many arrays it is of."""
        if isinstance(self.main, Rows):
            return ROW_ARGUMENTS[self.main.function]
        if isinstance(self.main, AdamStep):
            return 5
        if isinstance(self.main, Map):
            return 2 if self.main.is_product else 1
        return 1 if isinstance(self.main, Copy | Move | Interleave) else 2

    @property
    def results(self) -> int:
        """How many arrays it fills."""
        if isinstance(self.main, AdamStep):
            return 3
        return 1 if self.padding is None else 2
