"""The three maps of a convolution on a CPU, where XLA's own convolution is slow: as matrix products of blocks, or tap by tap.

*Blocks.* The output is cut into blocks of b elements along each axis. The inputs that a block sees are a column of a matrix, the block's
outputs are rows of the kernel's matrix, in which each tap stands where output and input meet and zeros stand elsewhere (a Toeplitz matrix).
With b = 1 this is im2col; larger blocks copy less and multiply by more zeros, and give a kernel with few output channels a matrix product
that is high enough to be fast. The gradient in the input has the same form, with input and output changed over. Columns are made for a few
rows of blocks at a time, so that they stay in the cache and memory stays small.

*Equal windows give equal bits*, wherever they lie in a block, or max-pooling would find other winners at ties than PyTorch does: each sum
runs over channel, row and column, in this order, and zeros between do not change it. *What is not finite* spoils only what sees it: 0 · ∞ is
NaN, so where an input is not finite, blocks of one element are taken, which hold no zeros.

*Taps.* With few taps and few channels there is nothing to gain from a matrix product: the sum over all taps is one loop.
"""

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from .convolution_geometry import Geometry

OnXla = Callable[[Array, Array, Geometry], Array]

# Elements of the columns that are made at a time: about a megabyte in float32.
CHUNK = 1 << 18
# Rows of a matrix product come in multiples of this: a rest would be summed by other instructions, which round otherwise.
MULTIPLE = 8


class Axis(NamedTuple):
    """How blocks of results and the windows that they are made from lie along one axis.

    Attributes:
        number: how many blocks.
        step: from where a block's window begins to where the next one does.
        start: where the first window begins.
        taps: for each result in a block and each element of its window, the tap of the kernel between them, or -1.
    """

    number: int
    step: int
    start: int
    offsets: np.ndarray
    taps: np.ndarray

    @property
    def block(self) -> int:
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
    """The axes of a map, and the sizes of its matrix product: `rows` × `depth` times `depth` × `columns`, in each of `groups`."""

    axes: tuple[Axis, ...]
    groups: int
    channels_in: int
    channels_out: int
    batch: int

    @property
    def block(self) -> int:
        return math.prod(axis.block for axis in self.axes)

    @property
    def window(self) -> int:
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

    def chunks(self) -> tuple[int, int]:
        """Return into how many chunks the rows of blocks are cut, and how many a chunk has."""
        rows = self.axes[0].number
        unit = MULTIPLE // math.gcd(MULTIPLE, self.columns // rows)
        most = max(1, CHUNK * rows // max(1, self.depth * self.columns * self.groups))
        chunks = -(-rows // min(most, rows))
        each = -(-rows // chunks)
        each = -(-each // unit) * unit
        return -(-rows // each), each


def _paired(table: np.ndarray) -> np.ndarray:
    """Return a table over (block, window, block, window) as one over (block, window)."""
    b, w, b2, w2 = table.shape
    return table.transpose(0, 2, 1, 3).reshape(b * b2, w * w2)


def convolve(x: Array, w: Array, where: Geometry, on_xla: OnXla) -> Array:
    """Compute `correlation.convolve`."""
    if not _suits(x, w):
        return on_xla(x, w, where)
    batch = x.shape[where.batch_axis]
    if w.shape[1] * math.prod(where.kernel) <= MOST_TAPS:
        return _tap_by_tap(x, w, where)
    inputs, outputs = w.shape[1], w.shape[0] // where.groups
    plan = cheapest(where, batch, inputs, outputs, output_axis)
    one = planned(where, batch, inputs, outputs, output_axis, (1,) * len(where.size))
    x = _alone(
        lambda a: (
            jnp.moveaxis(a, where.channel_axis, -1) if not where.batch_last else jnp.moveaxis(a, (-1, 0), (0, -1))
        ),
        x,
    )
    y = _finite(x, plan, one, lambda plan, x: from_windows(x, w, plan, where))
    return _alone(lambda a: jnp.moveaxis(a, -1, 1) if not where.batch_last else jnp.moveaxis(a, (0, -1), (-1, 0)), y)


def input_gradient(y: Array, w: Array, where: Geometry, on_xla: OnXla) -> Array:
    """Compute `correlation.input_gradient`."""
    if not _suits(y, w):
        return on_xla(y, w, where)
    batch, inputs, outputs = y.shape[where.batch_axis], w.shape[1], w.shape[0] // where.groups
    gathered = cheapest(where, batch, outputs, inputs, input_axis)
    spread = cheapest(where, batch, inputs, outputs, output_axis)
    if all(axis.is_contiguous for axis in spread.axes) and cost(spread) <= cost(gathered):
        one = planned(where, batch, inputs, outputs, output_axis, (1,) * len(where.size))
        return _in_order(
            lambda y, w: _finite(y, spread, one, lambda plan, y: _spread(y, _matrix(w, plan, False), plan, where)),
            y,
            w,
            where,
        )
    one = planned(where, batch, outputs, inputs, input_axis, where.strides)
    return _in_order(
        lambda y, w: _finite(y, gathered, one, lambda plan, y: _blocks(y, _matrix(w, plan, True), plan, where.size)),
        y,
        w,
        where,
    )


def kernel_gradient(x: Array, y: Array, where: Geometry, on_xla: OnXla) -> Array:
    """Compute `correlation.kernel_gradient`."""
    if not _suits(x, y):
        return on_xla(x, y, where)
    batch, channel = x.shape[where.batch_axis], where.channel_axis
    inputs, outputs = (a.shape[channel] // where.groups for a in (x, y))
    plan = cheapest(where, batch, inputs, outputs, output_axis)
    one = planned(where, batch, inputs, outputs, output_axis, (1,) * len(where.size))
    return _finite(
        _last(x, where),
        plan,
        one,
        lambda plan, x: _summed(x, _last(y, where), plan, where),
    )


MOST_TAPS = 36


def _suits(a: Array, b: Array) -> bool:
    return a.dtype in (jnp.float32, jnp.float64) and a.size > 0 and b.size > 0


def _last(a: Array, where: Geometry) -> Array:
    """Return the array with its batch last."""
    return a if where.batch_last else _alone(lambda a: jnp.moveaxis(a, 0, -1), a)


def _alone(function: Callable[[Array], Array], a: Array) -> Array:
    """Keep XLA from fusing a transposition with its neighbours: alone it is several times faster."""
    return lax.optimization_barrier(function(lax.optimization_barrier(a)))


def _in_order(map: Callable[[Array, Array], Array], a: Array, w: Array, where: Geometry) -> Array:
    if where.batch_last:
        return map(a, w)
    return _alone(lambda a: jnp.moveaxis(a, -1, 0), map(_last(a, where), w))


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


BLOCKS = (1, 2, 3, 4)
# What it costs to make and read an element of the columns, in multiplications.
COPY = 40
MOST_DEPTH = 256


def cost(plan: Plan) -> float:
    """Estimate the time of a plan, in multiplications."""
    return plan.groups * plan.columns * plan.depth * (COPY + plan.rows)


def _finite(a: Array, plan: Plan, one: Plan, map: Callable[[Plan, Array], Array]) -> Array:
    """Take blocks of one element where an input is not finite."""
    if plan.block == one.block:
        return map(one, a)
    return lax.cond(jnp.isfinite(a).all(), lambda a: map(plan, a), lambda a: map(one, a), a)


def _matrix(w: Array, plan: Plan, transposed: bool) -> Array:
    """Return the kernel's matrix, shape (groups, rows, depth)."""
    index = plan.meetings
    flat = w.reshape(plan.groups, w.shape[0] // plan.groups, w.shape[1], math.prod(w.shape[2:]))
    taps = jnp.concatenate([flat, jnp.zeros_like(flat[..., :1])], -1)[..., index]  # groups, out, in, block, window
    order = (0, 3, 2, 1, 4) if transposed else (0, 3, 1, 2, 4)
    return taps.transpose(order).reshape(plan.groups, plan.rows, plan.depth)


def _windows(x: Array, plan: Plan, rows: int, first: Array | int) -> Array:
    """Return the columns of some rows of blocks, shape (groups, depth, columns); `x` begins where the first window does."""
    top = plan.axes[0]
    strip = lax.dynamic_slice_in_dim(x, first * top.step, (rows - 1) * top.step + int(top.offsets[-1]) + 1, 1)
    n = len(plan.axes)
    places: list[np.ndarray] = []
    for i, axis in enumerate(plan.axes):
        place = axis.offsets[:, None] + np.arange(axis.number if i else rows) * axis.step
        places.append(
            place.reshape(tuple(place.shape[k] if j in (i, n + i) else 1 for j in range(2 * n) for k in [int(j >= n)]))
        )
    seen = strip.at[(slice(None), *places)].get(mode="promise_in_bounds")
    return seen.reshape(plan.groups, plan.depth, -1)


def _reached(x: Array, plan: Plan, rows: int) -> Array:
    """Return the input with zeros before and after it, cut to what the windows of so many rows of blocks see."""
    edges = [(0, 0, 0)]
    for i, (axis, size) in enumerate(zip(plan.axes, x.shape[1:-1], strict=True)):
        end = axis.end + (rows - axis.number) * axis.step if i == 0 else axis.end
        edges.append((-axis.start, end - size, 0))
    return lax.pad(x, jnp.zeros((), x.dtype), [*edges, (0, 0, 0)])


def from_windows(x: Array, w: Array, plan: Plan, where: Geometry) -> Array:
    """Return the outputs of a convolution, from and to arrays with channels last.

    Each window is a row here, since then all windows of a product are summed by the same instructions.
    """
    edges = [(-axis.start, axis.end - size, 0) for axis, size in zip(plan.axes, where.size, strict=True)]
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *edges, (0, 0, 0)])
    *outer, last = plan.axes
    channels = x.shape[-1]
    rows = x.reshape(*x.shape[:-2], -1)
    run = last.is_contiguous
    length = channels * (len(last.offsets) if run else 1)
    starts = [axis.offsets for axis in outer] + ([np.zeros(1, int)] if run else [last.offsets])
    n = len(plan.axes)
    chunk = max(1, CHUNK // (plan.depth * plan.groups)) // MULTIPLE * MULTIPLE or MULTIPLE
    chunks = math.ceil(plan.columns / chunk)
    chunk = math.ceil(plan.columns / chunks / MULTIPLE) * MULTIPLE
    matrix = _matrix(w, plan, False).reshape(plan.groups, plan.rows, plan.channels_in, plan.window)
    matrix = jnp.swapaxes(matrix, 2, 3).reshape(plan.groups, plan.rows, plan.depth)
    dims = lax.GatherDimensionNumbers((n + 1,), tuple(range(n)), tuple(range(n + 1)))

    def products(first: Array | int) -> Array:
        m = jnp.minimum(first + jnp.arange(chunk, dtype=jnp.int32), plan.columns - 1)
        places = []
        for i, axis in reversed(list(enumerate(plan.axes))):
            m, block = jnp.divmod(m, axis.number)
            scale = channels if i == n - 1 else 1
            place = (block * axis.step * scale).reshape(-1, *[1] * n)
            offset = jnp.asarray(starts[i] * scale, jnp.int32).reshape([1] + [-1 if j == i else 1 for j in range(n)])
            places.append(place + offset)
        index = jnp.broadcast_arrays(m.reshape(-1, *[1] * n), *reversed(places))
        seen = lax.gather(
            rows, jnp.stack(index, -1), dims, (*[1] * n, length), mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS
        )
        if plan.groups == 1:
            return seen.reshape(chunk, plan.depth) @ matrix[0].T
        seen = seen.reshape(chunk, plan.window, plan.groups, plan.channels_in)
        seen = seen.transpose(2, 0, 1, 3).reshape(plan.groups, chunk, plan.depth)
        y = jnp.einsum("gmd,grd->gmr", seen, matrix).reshape(plan.groups, chunk, plan.block, plan.channels_out)
        return y.transpose(1, 2, 0, 3).reshape(chunk, -1)

    if chunks == 1:
        y = products(0)
    else:
        empty = jnp.zeros((chunks * chunk, plan.groups * plan.rows), x.dtype)
        y = lax.fori_loop(
            0, chunks, lambda i, y: lax.dynamic_update_slice_in_dim(y, products(i * chunk), i * chunk, 0), empty
        )
    blocks, counts = [axis.block for axis in plan.axes], [axis.number for axis in plan.axes]
    y = y[: plan.columns].reshape(plan.batch, *counts, *blocks, -1)
    y = y.transpose(0, *(k for i in range(n) for k in (1 + i, 1 + n + i)), 2 * n + 1)
    y = y.reshape(plan.batch, *(c * b for c, b in zip(counts, blocks, strict=True)), -1)
    return y[(slice(None), *(slice(size) for size in where.counts))]


def _blocks(x: Array, matrix: Array, plan: Plan, sizes: tuple[int, ...]) -> Array:
    """Return the results of a map, shape (channels, *sizes, batch)."""
    chunks, each = plan.chunks()
    padded = _reached(x, plan, chunks * each)
    blocks, counts = [axis.block for axis in plan.axes], [axis.number for axis in plan.axes[1:]]
    n = len(blocks)

    def rows(first: Array | int) -> Array:
        y = (matrix @ _windows(padded, plan, each, first)).reshape(
            plan.groups, *blocks, plan.channels_out, each, *counts, plan.batch
        )
        order = [0, n + 1]
        for i in range(n):
            order += [n + 2 + i, 1 + i]
        shape = [count * b for count, b in zip((each, *counts), blocks, strict=True)]
        return y.transpose(*order, 2 * n + 2).reshape(plan.groups * plan.channels_out, *shape, plan.batch)

    if chunks == 1:
        y = rows(0)
    else:
        height = each * blocks[0]
        shape = (chunks * height, *(c * b for c, b in zip(counts, blocks[1:], strict=True)))
        empty = jnp.zeros((plan.groups * plan.channels_out, *shape, plan.batch), x.dtype)
        y = lax.fori_loop(
            0, chunks, lambda i, y: lax.dynamic_update_slice_in_dim(y, rows(i * each), i * height, 1), empty
        )
    return y[(slice(None), *(slice(size) for size in sizes))]


def _parts(y: Array, plan: Plan, each: int, first: Array | int) -> Array:
    """Return some rows of blocks of outputs as a matrix, shape (groups, rows, columns); `y` has whole blocks."""
    blocks, counts = [axis.block for axis in plan.axes], [axis.number for axis in plan.axes[1:]]
    n = len(blocks)
    part = lax.dynamic_slice_in_dim(y, first * blocks[0], each * blocks[0], 1)
    sizes = [size for c, b in zip((each, *counts), blocks, strict=True) for size in (c, b)]
    part = part.reshape(plan.groups, plan.channels_out, *sizes, plan.batch)
    order = [0, *(3 + 2 * i for i in range(n)), 1, *(2 + 2 * i for i in range(n)), 2 * n + 2]
    return part.transpose(order).reshape(plan.groups, plan.rows, -1)


def _whole_blocks(y: Array, plan: Plan, rows: int, where: Geometry) -> Array:
    """Return outputs with zeros at the end, so that blocks are whole."""
    whole = [axis.block * (axis.number if i else rows) for i, axis in enumerate(plan.axes)]
    edges = [(0, 0, 0), *((0, full - size, 0) for full, size in zip(whole, where.counts, strict=True)), (0, 0, 0)]
    return lax.pad(y, jnp.zeros((), y.dtype), edges)


def _spread(y: Array, matrix: Array, plan: Plan, where: Geometry) -> Array:
    """Return the gradient in the input, shape (channels, *size, batch): each block of outputs adds to all that it sees."""
    chunks, each = plan.chunks()
    y = _whole_blocks(y, plan, chunks * each, where)
    windows = [len(axis.offsets) for axis in plan.axes]
    counts = [each, *(axis.number for axis in plan.axes[1:])]
    n = len(windows)

    def strip(first: Array | int) -> Array:
        x = jnp.swapaxes(matrix, 1, 2) @ _parts(y, plan, each, first)
        x = x.reshape(plan.groups * plan.channels_in, *windows, *counts, plan.batch)
        for i, (axis, window, count) in enumerate(zip(plan.axes, windows, counts, strict=True)):
            x = _overlapped(x, 1 + i, n - i, axis.step, window, count)
        return x

    length = (each - 1) * plan.axes[0].step + windows[0]
    if chunks == 1:
        x = strip(0)
    else:
        height = (chunks * each - 1) * plan.axes[0].step + windows[0]
        others = [(c - 1) * axis.step + w for c, axis, w in zip(counts[1:], plan.axes[1:], windows[1:], strict=True)]
        empty = jnp.zeros((plan.groups * plan.channels_in, height, *others, plan.batch), y.dtype)

        def add(i: Array, x: Array) -> Array:
            first = i * each * plan.axes[0].step
            old = lax.dynamic_slice_in_dim(x, first, length, 1)
            return lax.dynamic_update_slice_in_dim(x, old + strip(i * each), first, 1)

        x = lax.fori_loop(0, chunks, add, empty)
    edges = [
        (axis.start, size - axis.start - found, 0)
        for axis, size, found in zip(plan.axes, where.size, x.shape[1:-1], strict=True)
    ]
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *edges, (0, 0, 0)])


def _overlapped(x: Array, axis: int, distance: int, step: int, window: int, count: int) -> Array:
    """Add windows that begin `step` apart: the axis of the window, and that of the blocks `distance` behind it, become one."""
    x = jnp.moveaxis(x, axis + distance, axis)  # blocks, then the window
    pieces = -(-window // step)
    total = None
    for i in range(pieces):
        piece = lax.slice_in_dim(x, i * step, min((i + 1) * step, window), axis=axis + 1)
        edges = [(0, 0, 0)] * x.ndim
        edges[axis], edges[axis + 1] = (i, pieces - 1 - i, 0), (0, step - piece.shape[axis + 1], 0)
        piece = lax.pad(piece, jnp.zeros((), x.dtype), edges)
        total = piece if total is None else total + piece
    assert total is not None
    total = total.reshape(*x.shape[:axis], (count + pieces - 1) * step, *x.shape[axis + 2 :])
    return lax.slice_in_dim(total, 0, (count - 1) * step + window, axis=axis)


def _summed(x: Array, y: Array, plan: Plan, where: Geometry) -> Array:
    """Return the gradient in the kernel."""
    chunks, each = plan.chunks()
    padded = _reached(x, plan, chunks * each)
    y = _whole_blocks(y, plan, chunks * each, where)

    def rows(first: Array | int) -> Array:
        return jnp.einsum("grm,gdm->grd", _parts(y, plan, each, first), _windows(padded, plan, each, first))

    if chunks == 1:
        sums = rows(0)
    else:
        empty = jnp.zeros((plan.groups, plan.rows, plan.depth), x.dtype)
        sums = lax.fori_loop(0, chunks, lambda i, sums: sums + rows(i * each), empty)
    taps = math.prod(where.kernel)
    # Each tap stands once in every row of the block.
    places = np.stack([np.argwhere(plan.meetings == tap)[:, 1] for tap in range(taps)], 1) + (
        np.arange(plan.block)[:, None] * plan.window
    )
    parts = sums.reshape(plan.groups, plan.block, plan.channels_out, plan.channels_in, plan.window)
    parts = parts.transpose(0, 2, 3, 1, 4).reshape(*(plan.groups, plan.channels_out, plan.channels_in), -1)
    return parts[..., places].sum(-2).reshape(plan.groups * plan.channels_out, plan.channels_in, *where.kernel)


def _tap_by_tap(x: Array, w: Array, where: Geometry) -> Array:
    channel, n = where.channel_axis, len(where.size)
    spatial = range(1, n + 1) if where.batch_last else range(2, n + 2)
    edges = [(0, 0, 0)] * x.ndim
    for axis, (low, high) in zip(spatial, where.pads, strict=True):
        edges[axis] = (low, high, 0)
    x = lax.pad(x, jnp.zeros((), x.dtype), edges)
    outputs, inputs = w.shape[0] // where.groups, w.shape[1]
    shape = list(x.shape)
    shape[channel : channel + 1] = [where.groups, 1, inputs]
    grouped = x.reshape(shape)  # groups, 1, channels of a group in place of the channels
    flat = w.reshape(where.groups, outputs, inputs, *where.kernel)
    y = None
    for c, *taps in product(range(inputs), *map(range, where.kernel)):
        part = lax.index_in_dim(grouped, c, channel + 2, keepdims=False)
        for axis, tap, d, s, count in zip(spatial, taps, where.dilations, where.strides, where.counts, strict=True):
            part = lax.slice_in_dim(part, tap * d, tap * d + (count - 1) * s + 1, s, axis + 1)
        factor = flat[(slice(None), slice(None), c, *taps)]
        factor = factor.reshape([1] * channel + [where.groups, outputs] + [1] * (part.ndim - channel - 2))
        y = factor * part if y is None else y + factor * part
    assert y is not None
    # Or XLA would compute the sum again in each operation that follows.
    return lax.optimization_barrier(y).reshape(where.output_shape(x.shape[where.batch_axis], w.shape[0]))
