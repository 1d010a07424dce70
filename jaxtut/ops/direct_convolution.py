"""The three maps of a convolution as loops over the arrays as they lie, for `native`.

Along the last axis, neighbouring results see neighbouring numbers, whole vectors of them. In PyTorch's order that axis is the width; where
windows are a stride apart, the source is first cut into as many parts, in each of which they are neighbours, and the gradient in the source comes
as so many parts, whose numbers alternate. With the batch last, it is the batch, or the width and the batch together.
"""

import math
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product
from operator import add
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array

from ..native import costs, library, machine
from ..native.loops import Axis, Padding, Phase, Products, Reach, Sums, Taps, division_of, steps_of
from ..native.machine import Machine
from ..native.program import Program
from .convolution_geometry import Geometry

# Up to this share of taps that meet the source, it may be worth to leave out those that meet zeros around it.
MOST_MEET = 0.995
# Taps along the last axis from which on they are a loop, and not written out.
MANY_TAPS = 16
# What the program of a gradient in the input may have, where windows are more than one position apart: loops, one for each distance along the
# axes (but for the last, whose parts one loop does); taps that they write out; loops times taps; and steps that order parts. What a loop writes
# out depends on its tiles, too: with these numbers, programs have less than 3,000 lines.
MOST_LOOPS, MOST_WRITTEN, MOST_LOOPED, MOST_STEPS = 16, 96, 300, 256


class Loops(NamedTuple):
    """One way to compute a map.

    Attributes:
        where: the convolution, in the order in which its arrays are taken.
        main: the loops.
        padding: what becomes of the source first.
        shape: of what is written.
    """

    where: Geometry
    main: Sums | Products
    padding: Padding
    shape: tuple[int, ...]

    def cycles(self, dtype: str, host: Machine) -> float:
        """Estimate how long they take, in cycles of one core."""
        padding = costs.of_padding(self.padding) if self._is_copied(dtype, host) else 0.0
        return padding + costs.of_main(self.main, dtype, host)

    def _is_copied(self, dtype: str, host: Machine) -> bool:
        """Whether the source is written anew: with zeros, or since vectors longer than a line are read beyond its end, and so beyond the array."""
        return self.padding.changes or not self.main.are_lines_long(host, dtype)

    def __call__(self, source: Array, factor: Array) -> Array:
        y = self._written(source, factor)
        if isinstance(self.main, Products):
            # Added up one by one: XLA's sum along the first axis is slower by far.
            return reduce(add, y)
        return y

    def _written(self, source: Array, factor: Array) -> Array:
        host = machine.host()
        assert host is not None
        dtype = source.dtype.name
        result = jax.ShapeDtypeStruct(self.shape, source.dtype)
        if not self._is_copied(dtype, host):
            name = library.target(Program(dtype, self.main, None))
            return jax.ffi.ffi_call(name, result)(source, factor)
        padded = jax.ShapeDtypeStruct((self.padding.numbers + host.width(dtype),), source.dtype)
        name = library.target(Program(dtype, self.main, self.padding))
        return jax.ffi.ffi_call(name, (result, padded))(source, factor)[0]


Ways = Callable[[Geometry, int, tuple[int, ...]], list[Loops]]


def convolution(where: Geometry, batch: int, w: tuple[int, ...]) -> list[Loops]:
    """Return the ways to compute `correlation.convolve`, for arrays in the given order; `w` is the kernel's shape."""
    axes = [[_outputs_of(where, i)] for i in range(len(where.size))]
    outputs, inputs, *_ = w
    taps = math.prod(where.kernel)
    arguments = where, axes, where.size, where.counts, batch, inputs, outputs // where.groups
    return _ways(where, lambda *way: _Sums(*arguments, *way).loops(math.prod(w), taps, inputs * taps))


def input_gradient(where: Geometry, batch: int, w: tuple[int, ...]) -> list[Loops]:
    """Return the ways to compute `correlation.input_gradient`, for arrays in the given order, if their programs are not too long."""
    if has_long_gradient(where):
        return []
    axes = [[_inputs_of(where, i, first) for first in range(s)] for i, s in enumerate(where.strides)]
    outputs, inputs, *_ = w
    taps = math.prod(where.kernel)
    arguments = where, axes, where.counts, where.size, batch, outputs // where.groups, inputs
    return _ways(where, lambda *way: _Sums(*arguments, *way).loops(math.prod(w), inputs * taps, taps))


def has_long_gradient(where: Geometry) -> bool:
    """Whether the program of the gradient in the input would be too long, for arrays in the given order."""
    *outer, last = where.strides
    distances = math.prod(outer)
    if distances * last == 1:
        return False
    loops, parts = (distances * last, 1) if where.batch_last else (distances, last)
    taps = distances * where.kernel[-1]
    is_long = loops > MOST_LOOPS or taps > MOST_WRITTEN or distances * taps > MOST_LOOPED
    return is_long or loops * parts**2 > MOST_STEPS


def _ways(where: Geometry, loops: Callable[[bool, bool], Loops]) -> list[Loops]:
    """Return the loops that may be the fastest: whether taps that meet zeros are left out, and whether each position is apart."""
    ways = [(False, False), (True, False), *([(True, True)] if where.batch_last else [])]
    return list(dict.fromkeys(loops(*way) for way in ways))


def kernel_gradient(where: Geometry, batch: int, w: tuple[int, ...]) -> list[Loops]:
    """Return the way to compute `correlation.kernel_gradient`, for arrays in the given order."""
    all_outputs, inputs, *_ = w
    outputs = all_outputs // where.groups
    padding = _padding(where, where.size, where.pads, batch, where.groups * inputs, where.strides[-1])
    lines, run = _lines(where, padding, batch, all_outputs)
    taps, last = _kernel_taps(where, padding)
    many, kernel = math.prod(axis.number for axis in lines), math.prod(where.kernel)
    shares, parts = division_of(where.groups, inputs, outputs, kernel, many, run, len(last) == 1)
    main = Products(
        groups=where.groups,
        inputs=inputs,
        outputs=outputs,
        lines=lines,
        run=run,
        taps=taps,
        last=last,
        source_channel=padding.plane,
        other_channel=math.prod(where.counts) * (batch if where.batch_last else 1),
        shares=shares,
        parts=parts,
    )
    return [Loops(where, main, padding, (main.parts, all_outputs, inputs, *where.kernel))]


def _lines(where: Geometry, padding: Padding, batch: int, channels: int) -> tuple[tuple[Axis, ...], int]:
    """Return where lines of outputs and of what they see begin, and how long they are; lines that follow each other are one."""
    steps = steps_of(where.counts, batch if where.batch_last else 1)
    strides = [s * step for s, step in zip(where.strides, padding.steps, strict=True)]
    lines = [Axis(*each) for each in zip(where.counts, strides, steps, strict=True)]
    if where.batch_last:
        run = batch
    else:
        lines.insert(0, Axis(batch, padding.numbers // batch, channels * math.prod(where.counts)))
        run = lines.pop().number
    while lines and lines[-1].source == lines[-1].other == run:
        run *= lines.pop().number
    return tuple(lines), run


def _kernel_taps(where: Geometry, padding: Padding) -> tuple[tuple[Axis, ...], tuple[int, ...]]:
    """Return the axes of taps that are loops, and where those that are written out stand in the source."""
    each = zip(where.kernel, where.dilations, padding.steps, steps_of(where.kernel), strict=True)
    taps = [Axis(number, dilation * step, place) for number, dilation, step, place in each]
    corner = (0,) * (len(taps) - 1)
    last = tuple(padding.place((*corner, k * where.dilations[-1])) for k in range(where.kernel[-1]))
    if len(last) > MANY_TAPS and padding.split == 1:
        last = last[:1]
    else:
        taps.pop()
    return tuple(axis for axis in taps if axis.number > 1), last


class _Part(NamedTuple):
    """Results along one axis that see taps at the same distances.

    Attributes:
        number: how many.
        first: the position of the first result.
        step: positions between results.
        source_step: positions of the source between their windows.
        taps: which taps they see, and where those of the first result stand in the source, in order; both at equal distances.
    """

    number: int
    first: int
    step: int
    source_step: int
    taps: tuple[tuple[int, int], ...]


def _outputs_of(where: Geometry, axis: int) -> _Part:
    low, d = where.pads[axis][0], where.dilations[axis]
    taps = tuple((k, k * d - low) for k in range(where.kernel[axis]))
    return _Part(where.counts[axis], 0, 1, where.strides[axis], taps)


def _inputs_of(where: Geometry, axis: int, first: int) -> _Part:
    stride, reach = where.strides[axis], first + where.pads[axis][0]
    distances = [(k, reach - k * where.dilations[axis]) for k in range(where.kernel[axis])]
    taps = tuple((k, distance // stride) for k, distance in distances if distance % stride == 0)
    return _Part(math.ceil((where.size[axis] - first) / stride), first, stride, 1, taps[::-1])


def _alternating(parts: Sequence[_Part]) -> tuple[_Part, ...]:
    """Return parts of equal numbers, of which the last ones may have results too many; those with none do not see taps."""
    return tuple(part._replace(number=parts[0].number, taps=part.taps if part.number > 0 else ()) for part in parts)


class _Sums:
    """A convolution, or the gradient in its input: both sum over windows of a source.

    Args:
        where: the convolution.
        axes: for each axis, the parts of its results.
        source: the spatial shape of what is read.
        result: that of what is written.
        batch: images.
        channels: that are summed over, in a group.
        outputs: channels of the result, in a group.
        leaves_out: whether taps that meet only zeros around the source are left out, row by row.
        by_position: with the batch last, vectors hold numbers of several images at one position, and never of several positions.
    """

    def __init__(
        self,
        where: Geometry,
        axes: Sequence[Sequence[_Part]],
        source: tuple[int, ...],
        result: tuple[int, ...],
        batch: int,
        channels: int,
        outputs: int,
        leaves_out: bool,
        by_position: bool,
    ) -> None:
        self.where, self.result, self.batch = where, result, batch
        # In PyTorch's order the results of all parts of the last axis are written together, in turn.
        *self.axes, last = [[part for part in parts if part.number > 0] for parts in axes]
        self.last = [(part,) for part in last] if where.batch_last else [_alternating(axes[-1])]
        axes = *self.axes, [part for parts in self.last for part in parts]
        self.channels, self.outputs = channels, outputs
        self.leaves_out, self.is_by_position = leaves_out, by_position
        # By position, each has tap loops of its own: where they leave out what meets zeros, these need not be there.
        pads = tuple(_reached(parts, size) for parts, size in zip(axes, source, strict=True))
        if self.is_by_position and all(
            pad == (0, 0) or all(self._leaves_some_out(part, size) for part in parts)
            for parts, size, pad in zip(axes, source, pads, strict=True)
        ):
            pads = ((0, 0),) * len(pads)
        self.padding = _padding(where, source, pads, batch, where.groups * channels, axes[-1][0].source_step)
        self.steps = steps_of(result, batch if where.batch_last else 1)

    def loops(self, kernel: int, kernel_channel: int, kernel_output: int) -> Loops:
        groups, last = self.where.groups, self.where.batch_last
        plane = math.prod(self.result) * (self.batch if last else 1)
        phases = tuple(self._phase(outer, parts) for outer in product(*self.axes) for parts in self.last)
        main = Sums(
            images=1 if last else self.batch,
            groups=groups,
            channels=self.channels,
            outputs=self.outputs,
            source_image=0 if last else groups * self.channels * self.padding.plane,
            source_channel=self.padding.plane,
            result_image=0 if last else groups * self.outputs * plane,
            result_output=plane,
            kernel_group=kernel // groups,
            kernel_channel=kernel_channel,
            kernel_output=kernel_output,
            phases=phases,
        )
        channels = groups * self.outputs
        shape = (channels, *self.result, self.batch) if last else (self.batch, channels, *self.result)
        return Loops(self.where, main, self.padding, shape)

    def _phase(self, outer: Sequence[_Part], together: Sequence[_Part]) -> Phase:
        """Return the results of one part of each axis but for the last, and of some of the last, in turn."""
        padding, steps, kernel = self.padding, self.steps, steps_of(self.where.kernel)
        lows = [low for low, _ in padding.pads]
        seen = [[(k, position + low) for k, position in part.taps] for part, low in zip(outer, lows, strict=False)]
        parts = *outer, together[0]
        result = sum(part.first * step for part, step in zip(parts, steps, strict=True))
        rows = [
            Axis(part.number, part.source_step * step, part.step * other)
            for part, step, other in zip(parts, padding.steps, steps, strict=True)
        ]
        if self.where.batch_last:
            run, over = self.batch, 0
        else:
            run = rows.pop().number
            over = run * len(together) - self.result[-1]
        if not self.is_by_position and not over:
            while rows and rows[-1].source == run and rows[-1].other == run * len(together):
                run *= rows.pop().number
        if not all(seen) or not any(part.taps for part in together):
            return Phase(0, result, tuple(rows), run, (), ((),) * len(together), over)
        start = padding.place((*(axis[0][1] for axis in seen), 0))
        first = sum(axis[0][0] * k for axis, k in zip(seen, kernel, strict=False))
        last = [[(k, position + lows[-1]) for k, position in part.taps] for part in together]
        corner = (0,) * len(outer)
        written = [tuple((padding.place((*corner, position)), first + k) for k, position in part) for part in last]
        taps = [self._taps(*each, kernel, rows) for each in zip(range(len(outer)), seen, outer, strict=True)]
        if len(together) == 1:
            along = self._taps(len(outer), last[0], together[0], kernel, rows)
            if along.reach or (len(last[0]) > MANY_TAPS and padding.split == 1):
                taps.append(along)
                written = [written[0][:1]]
        taps = tuple(axis for axis in taps if axis.number > 1)
        return Phase(start, result, tuple(rows), run, taps, tuple(written), over)

    def _taps(
        self, axis: int, seen: list[tuple[int, int]], part: _Part, kernel: Sequence[int], rows: Sequence[Axis]
    ) -> Taps:
        """Return taps at equal distances along an axis, without those that meet zeros only, if these are left out."""
        many = max(len(seen) - 1, 1)
        tap, source = (seen[-1][0] - seen[0][0]) // many, (seen[-1][1] - seen[0][1]) // many
        reach, size = None, self.padding.size[axis]
        if axis < len(rows) and self._leaves_some_out(part, size):
            reach = Reach(axis, part.taps[0][1], part.source_step, source, size)
        return Taps(len(seen), source * self.padding.steps[axis], tap * kernel[axis], reach)

    def _leaves_some_out(self, part: _Part, size: int) -> bool:
        """Whether there are several taps, and some meet zeros that are to be left out."""
        positions = np.array([position for _, position in part.taps])
        if len(positions) < 2 or not self.leaves_out:
            return False
        meet = costs.meetings(positions, part.number, part.source_step, size)
        return bool(meet.mean() < MOST_MEET * part.number)


def _reached(parts: Sequence[_Part], size: int) -> tuple[int, int]:
    """Return how many zeros the windows of all parts reach before and after the source."""
    places = [p for part in parts for _, tap in part.taps for p in (tap, tap + (part.number - 1) * part.source_step)]
    return max(0, -min(places, default=0)), max(0, max(places, default=0) - size + 1)


def _padding(
    where: Geometry, size: tuple[int, ...], pads: tuple[tuple[int, int], ...], batch: int, channels: int, stride: int
) -> Padding:
    if where.batch_last:
        return Padding(channels, size, pads, inner=batch)
    return Padding(batch * channels, size, pads, split=stride)
