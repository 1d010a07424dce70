"""How the three maps of a convolution are cut into blocks, and which blocks are the fastest that still give equal windows equal bits.

The results are cut into blocks of b elements along each axis. In a matrix product, a block is what a window of elements gives with the
kernel's matrix, in which each tap stands where a result and an element meet, and zeros stand elsewhere (a Toeplitz matrix). With b = 1 this is
im2col; larger blocks copy less and multiply by more zeros, and give a kernel with few output channels a product that is high enough to be fast.
The gradient in the input has the same form as the output, with the two changed over.
"""

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from .convolution_geometry import Geometry

# The sizes of blocks that are tried along each axis, in strides of the result.
BLOCKS = (1, 2, 3, 4)
# What it costs to copy an element of a window and to read it, in multiplications; fitted to products of 6 to 96 rows on two cores.
COPY = 40
# Sums up to this length are made in one go by the matrix products of XLA (they were up to 2,000 terms long when that was tried).
MOST_DEPTH = 256


class Axis(NamedTuple):
    """How blocks of results and the windows that they are made from lie along one axis.

    Attributes:
        number: how many blocks.
        step: from where a block's window begins to where the next one does.
        start: where the first window begins.
        offsets: where the elements of a window stand, counted from where it begins.
        taps: for each result in a block and each element of its window, the tap of the kernel between them, or -1.
    """

    number: int
    step: int
    start: int
    offsets: np.ndarray
    taps: np.ndarray

    @property
    def block(self) -> int:
        """Results in a block."""
        return self.taps.shape[0]

    @property
    def is_contiguous(self) -> bool:
        """Whether a window has no gaps."""
        return len(self.offsets) == int(self.offsets[-1]) + 1

    @property
    def end(self) -> int:
        """Where the last window ends."""
        return self.start + (self.number - 1) * self.step + int(self.offsets[-1]) + 1


def output_axis(where: Geometry, axis: int, block: int) -> Axis:
    """Return how blocks of outputs are made from inputs, along one axis."""
    stride, dilation, kernel = where.strides[axis], where.dilations[axis], where.kernel[axis]
    seen = np.arange(block)[:, None] * stride + np.arange(kernel) * dilation
    return _axis(seen, np.ones_like(seen, bool), -where.pads[axis][0], block * stride, -(-where.counts[axis] // block))


def input_axis(where: Geometry, axis: int, block: int) -> Axis:
    """Return how blocks of the input's gradient are made from that of the output; a block is some strides long."""
    stride, dilation, kernel = where.strides[axis], where.dilations[axis], where.kernel[axis]
    seen = np.arange(block)[:, None] + where.pads[axis][0] - np.arange(kernel) * dilation
    return _axis(seen // stride, seen % stride == 0, 0, block // stride, -(-where.size[axis] // block))


def _axis(seen: np.ndarray, exists: np.ndarray, start: int, step: int, count: int) -> Axis:
    offsets = np.unique(seen[exists])
    taps = np.full((len(seen), len(offsets)), -1)
    for (i, tap), position in np.ndenumerate(seen):
        if exists[i, tap]:
            taps[i, np.searchsorted(offsets, position)] = tap
    return Axis(count, step, start + int(offsets[0]), offsets - offsets[0], taps)


class Plan(NamedTuple):
    """The axes of a map, and the sizes of its matrix product: `rows` × `depth` times `depth` × `columns`, in each of `groups`.

    Attributes:
        axes: how blocks and windows lie along each axis.
        groups: blocks of channels that are convolved apart.
        channels_in: channels of a window, in each group.
        channels_out: channels of a result, in each group.
        batch: how many images.
    """

    axes: tuple[Axis, ...]
    groups: int
    channels_in: int
    channels_out: int
    batch: int

    @property
    def block(self) -> int:
        """Results in a block, in each channel."""
        return math.prod(axis.block for axis in self.axes)

    @property
    def window(self) -> int:
        """Elements in a window, in each channel."""
        return math.prod(len(axis.offsets) for axis in self.axes)

    @property
    def rows(self) -> int:
        return self.block * self.channels_out

    @property
    def depth(self) -> int:
        return self.window * self.channels_in

    @property
    def columns(self) -> int:
        return math.prod(axis.number for axis in self.axes) * self.batch

    @property
    def holds_zeros(self) -> bool:
        """Whether the kernel's matrix has zeros, since not every result of a block sees its whole window."""
        return any(bool((axis.taps < 0).any()) for axis in self.axes)

    @property
    def meetings(self) -> np.ndarray:
        """The flat tap for each result in a block and each element of its window; the number of taps where there is none."""
        flat, inside, taps = np.zeros((1, 1), int), np.ones((1, 1), bool), 1
        for axis in self.axes:
            kernel = int(axis.taps.max()) + 1
            flat = np.multiply.outer(flat, np.ones_like(axis.taps)) * kernel + np.maximum(axis.taps, 0)
            inside = np.logical_and.outer(inside, axis.taps >= 0)
            flat, inside = (_paired(each) for each in (flat, inside))
            taps *= kernel
        return np.where(inside, flat, taps)


def _paired(table: np.ndarray) -> np.ndarray:
    """Return a table over (block, window, block, window) as one over (block, window)."""
    b, w, b2, w2 = table.shape
    return table.transpose(0, 2, 1, 3).reshape(b * b2, w * w2)


def planned(
    where: Geometry,
    batch: int,
    inputs: int,
    outputs: int,
    axis: Callable[[Geometry, int, int], Axis],
    blocks: Sequence[int],
) -> Plan:
    """Return the plan with blocks of these sizes."""
    axes = tuple(axis(where, i, b) for i, b in enumerate(blocks))
    return Plan(axes, where.groups, inputs, outputs, batch)


def cheapest(
    where: Geometry, batch: int, inputs: int, outputs: int, axis: Callable[[Geometry, int, int], Axis]
) -> Plan:
    """Return the plan with the blocks that are estimated to take the least time."""
    units = where.strides if axis is input_axis else (1,) * len(where.size)
    sizes = where.size if axis is input_axis else where.counts
    choices = [[u * b for b in BLOCKS if u * b <= max(n, u)] or [u] for u, n in zip(units, sizes, strict=True)]
    plans = (planned(where, batch, inputs, outputs, axis, blocks) for blocks in product(*choices))
    return min((plan for plan in plans if is_safe(plan, math.prod(units))), key=cost)


def is_safe(plan: Plan, least: int) -> bool:
    """Whether equal windows get equal bits wherever they lie in a block, which is so where a block has the least size.

    In larger blocks they meet zeros at other places. That changes nothing while a sum is made in one go; but long sums are made in pieces,
    and what is left over behind a multiple of two or four is added by other instructions, which round otherwise.
    """
    return plan.block == least or (plan.depth <= MOST_DEPTH and plan.depth % 4 == 0)


def cost(plan: Plan) -> float:
    """Estimate the time of a plan, in multiplications."""
    return plan.groups * plan.columns * plan.depth * (COPY + plan.rows)
