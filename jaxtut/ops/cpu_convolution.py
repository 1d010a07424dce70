"""The three maps of a convolution on a CPU, where XLA's own convolution is slow: as matrix products of blocks, or tap by tap.

*Blocks* (`convolution_plans`) are made a few at a time, so that their windows stay in the cache and memory stays small. For outputs, each window
is a row of the product; for gradients, whose bits decide no tie, each is a column, which is faster.

*Equal windows give equal bits*, wherever they lie, or max-pooling would find other winners at ties than PyTorch does. *What is not finite*
among the inputs spoils only what sees it: 0 · ∞ is NaN, so where an input is not finite, the taps are taken one by one (`convolution_taps`).
With few taps there is nothing to gain from a matrix product either.
"""

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from . import convolution_taps
from .convolution_geometry import Geometry
from .convolution_plans import Plan, cheapest, cost, input_axis, output_axis
from .convolution_taps import MULTIPLE

OnXla = Callable[[Array, Array, Geometry], Array]

# Elements of windows that are made at a time: about a megabyte in float32.
CHUNK = 1 << 18
# Kernels with so many numbers for an output channel are summed tap by tap.
MOST_TAPS = 36


def convolve(x: Array, w: Array, where: Geometry, on_xla: OnXla) -> Array:
    """Compute `correlation.convolve`."""
    if not _suits(x, w):
        return on_xla(x, w, where)
    if math.prod(w.shape[1:]) <= MOST_TAPS:
        return convolution_taps.outputs_unrolled(x, w, where)
    plan = cheapest(where, x.shape[where.batch_axis], w.shape[1], w.shape[0] // where.groups, output_axis)
    to_last, back = ((-1, 0), (0, -1)) if where.batch_last else ((1,), (-1,))
    slow = partial(convolution_taps.outputs, w=w, where=where)
    y = _finite(_moved(x, to_last, back), plan.holds_zeros, lambda x: outputs_of(x, w, plan, where), slow)
    return _moved(y, back, to_last)


def input_gradient(y: Array, w: Array, where: Geometry, on_xla: OnXla) -> Array:
    """Compute `correlation.input_gradient`."""
    if not _suits(y, w):
        return on_xla(y, w, where)
    batch, inputs, outputs = y.shape[where.batch_axis], w.shape[1], w.shape[0] // where.groups
    gathered = cheapest(where, batch, outputs, inputs, input_axis)
    spread = cheapest(where, batch, inputs, outputs, output_axis)
    slow = partial(convolution_taps.input_gradient, w=w, where=where)
    if all(axis.is_contiguous for axis in spread.axes) and cost(spread) <= cost(gathered):
        x = _finite(_last(y, where), spread.holds_zeros, lambda y: _spread(y, _matrix(w, spread), spread, where), slow)
    else:
        fast = partial(_gathered, matrix=_matrix(w, gathered, True), plan=gathered, where=where)
        x = _finite(_last(y, where), gathered.holds_zeros, fast, slow)
    return x if where.batch_last else _moved(x, (-1,), (0,))


def kernel_gradient(x: Array, y: Array, where: Geometry, on_xla: OnXla) -> Array:
    """Compute `correlation.kernel_gradient`."""
    if not _suits(x, y):
        return on_xla(x, y, where)
    inputs, outputs = (a.shape[where.channel_axis] // where.groups for a in (x, y))
    plan = cheapest(where, x.shape[where.batch_axis], inputs, outputs, output_axis)
    y = _last(y, where)
    slow = partial(convolution_taps.kernel_gradient, y=y, where=where)
    # Of the products, only those of a tap are taken; but where outputs were added to fill blocks and chunks, windows meet zeros.
    filled = _whole(plan, math.prod(_chunks(plan))) != where.counts
    return _finite(_last(x, where), filled, lambda x: _summed(x, y, plan, where), slow)


def _suits(a: Array, b: Array) -> bool:
    return a.dtype in (jnp.float32, jnp.float64) and a.size > 0 and b.size > 0


def _finite(a: Array, zeros: bool, fast: Callable[[Array], Array], slow: Callable[[Array], Array]) -> Array:
    """Take the fast way where the array is finite, or where it has no zeros that could meet what is not."""
    return lax.cond(jnp.isfinite(a).all(), fast, slow, a) if zeros else fast(a)


def _last(a: Array, where: Geometry) -> Array:
    """Return the array with its batch last."""
    return a if where.batch_last else _moved(a, (0,), (-1,))


def _moved(a: Array, source: tuple[int, ...], destination: tuple[int, ...]) -> Array:
    """Move axes, without XLA fusing that with its neighbours: alone it is several times faster."""
    return lax.optimization_barrier(jnp.moveaxis(lax.optimization_barrier(a), source, destination))


def _matrix(w: Array, plan: Plan, transposed: bool = False) -> Array:
    """Return the kernel's matrix, shape (groups, rows, depth); `transposed` where its outputs are what a window holds."""
    flat = w.reshape(plan.groups, w.shape[0] // plan.groups, w.shape[1], math.prod(w.shape[2:]))
    taps = jnp.concatenate([flat, jnp.zeros_like(flat[..., :1])], -1)[..., plan.meetings]
    order = (0, 3, 2, 1, 4) if transposed else (0, 3, 1, 2, 4)  # of groups, outputs, inputs, block, window
    return taps.transpose(order).reshape(plan.groups, plan.rows, plan.depth)


def _filled(chunks: int, part: Callable[[Array | int], Array], axis: int) -> Array:
    """Return the parts one behind the other along an axis, made one at a time."""
    if chunks == 1:
        return part(0)
    one = jax.eval_shape(part, 0)
    shape = (*one.shape[:axis], chunks * one.shape[axis], *one.shape[axis + 1 :])

    def fill(i: Array, whole: Array) -> Array:
        return lax.dynamic_update_slice_in_dim(whole, part(i), i * one.shape[axis], axis)

    return lax.fori_loop(0, chunks, fill, jnp.zeros(shape, one.dtype))


def _chunks(plan: Plan) -> tuple[int, int]:
    """Return into how many chunks the rows of blocks are cut, and how many rows a chunk has."""
    rows = plan.axes[0].number
    most = max(1, CHUNK * rows // (plan.depth * plan.columns * plan.groups))
    each = math.ceil(rows / math.ceil(rows / most))
    return math.ceil(rows / each), each


def outputs_of(x: Array, w: Array, plan: Plan, where: Geometry) -> Array:
    """Return the outputs of a convolution, from and to arrays with channels last: each window is a row of the product.

    What of a window lies side by side in memory is copied as one run: all channels, and all columns where there are no gaps.
    """
    n, channels = len(plan.axes), x.shape[-1]
    edges = [(-axis.start, axis.end - size, 0) for axis, size in zip(plan.axes, where.size, strict=True)]
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *edges, (0, 0, 0)])
    x = x.reshape(*x.shape[:-2], -1)
    *outer, last = plan.axes
    run = last.offsets if last.is_contiguous else last.offsets[:1]
    offsets = [axis.offsets for axis in outer] + [last.offsets[:: len(run)]]
    dims = lax.GatherDimensionNumbers((n + 1,), tuple(range(n)), tuple(range(n + 1)))
    sizes = (*[1] * n, len(run) * channels)
    matrix = _matrix(w, plan).reshape(plan.groups, plan.rows, plan.channels_in, plan.window)
    matrix = jnp.swapaxes(matrix, 2, 3).reshape(plan.groups, plan.rows, plan.depth)
    chunks = math.ceil(plan.columns * plan.depth * plan.groups / CHUNK)
    each = math.ceil(plan.columns / chunks / MULTIPLE) * MULTIPLE
    chunks = math.ceil(plan.columns / each)

    def windows(chunk: Array | int) -> Array:
        rest = jnp.minimum(chunk * each + jnp.arange(each, dtype=jnp.int32), plan.columns - 1)
        places: list[Array] = []
        for i, axis in reversed(list(enumerate(plan.axes))):
            rest, block = jnp.divmod(rest, axis.number)
            shape = [1, *(-1 if j == i else 1 for j in range(n))]
            place = (block * axis.step).reshape(-1, *[1] * n) + jnp.asarray(offsets[i], jnp.int32).reshape(shape)
            places.insert(0, place if i < n - 1 else place * channels)
        index = jnp.stack(jnp.broadcast_arrays(rest.reshape(-1, *[1] * n), *places), -1)
        return lax.gather(x, index, dims, sizes, mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS)

    def products(chunk: Array | int) -> Array:
        if plan.groups == 1:
            return windows(chunk).reshape(each, plan.depth) @ matrix[0].T
        seen = windows(chunk).reshape(each, plan.window, plan.groups, plan.channels_in)
        seen = seen.transpose(2, 0, 1, 3).reshape(plan.groups, each, plan.depth)
        y = jnp.einsum("gmd,grd->gmr", seen, matrix).reshape(plan.groups, each, plan.block, plan.channels_out)
        return y.transpose(1, 2, 0, 3).reshape(each, -1)

    blocks, counts = [axis.block for axis in plan.axes], [axis.number for axis in plan.axes]
    y = _filled(chunks, products, 0)[: plan.columns].reshape(plan.batch, *counts, *blocks, -1)
    y = y.transpose(0, *(k for i in range(n) for k in (1 + i, 1 + n + i)), 2 * n + 1)
    y = y.reshape(plan.batch, *(c * b for c, b in zip(counts, blocks, strict=True)), -1)
    return y[(slice(None), *(slice(size) for size in where.counts))]


def _windows(x: Array, plan: Plan, rows: int, chunk: Array | int) -> Array:
    """Return the windows of a chunk of rows of blocks, shape (groups, depth, columns); `x` begins where the first window does."""
    top = plan.axes[0]
    strip = lax.dynamic_slice_in_dim(x, chunk * rows * top.step, (rows - 1) * top.step + int(top.offsets[-1]) + 1, 1)
    n = len(plan.axes)
    places: list[np.ndarray] = []
    for i, axis in enumerate(plan.axes):
        place = axis.offsets[:, None] + np.arange(axis.number if i else rows) * axis.step
        shape = [1] * 2 * n
        shape[i], shape[n + i] = place.shape
        places.append(place.reshape(shape))
    seen = strip.at[(slice(None), *places)].get(mode="promise_in_bounds")
    return seen.reshape(plan.groups, plan.depth, -1)


def _reached(x: Array, plan: Plan, rows: int) -> Array:
    """Return the input with zeros before and after it, cut to what the windows of so many rows of blocks see."""
    edges = [(0, 0, 0)]
    for i, (axis, size) in enumerate(zip(plan.axes, x.shape[1:-1], strict=True)):
        end = axis.end + (rows - axis.number) * axis.step if i == 0 else axis.end
        edges.append((-axis.start, end - size, 0))
    return lax.pad(x, jnp.zeros((), x.dtype), [*edges, (0, 0, 0)])


def _gathered(y: Array, matrix: Array, plan: Plan, where: Geometry) -> Array:
    """Return the gradient in the input, shape (channels, *size, batch): each block of it is made from all outputs that see it."""
    chunks, each = _chunks(plan)
    padded = _reached(y, plan, chunks * each)
    blocks, counts = [axis.block for axis in plan.axes], [each, *(axis.number for axis in plan.axes[1:])]
    n = len(blocks)

    def rows(chunk: Array | int) -> Array:
        x = matrix @ _windows(padded, plan, each, chunk)
        x = x.reshape(plan.groups, *blocks, plan.channels_out, *counts, plan.batch)
        x = x.transpose(0, n + 1, *(k for i in range(n) for k in (n + 2 + i, 1 + i)), 2 * n + 2)
        shape = [count * b for count, b in zip(counts, blocks, strict=True)]
        return x.reshape(plan.groups * plan.channels_out, *shape, plan.batch)

    return _filled(chunks, rows, 1)[(slice(None), *(slice(size) for size in where.size))]


def _parts(y: Array, plan: Plan, each: int, chunk: Array | int) -> Array:
    """Return a chunk of rows of blocks of outputs as a matrix, shape (groups, rows, columns); `y` has whole blocks."""
    blocks, counts = [axis.block for axis in plan.axes], [axis.number for axis in plan.axes[1:]]
    n = len(blocks)
    part = lax.dynamic_slice_in_dim(y, chunk * each * blocks[0], each * blocks[0], 1)
    sizes = [size for c, b in zip((each, *counts), blocks, strict=True) for size in (c, b)]
    part = part.reshape(plan.groups, plan.channels_out, *sizes, plan.batch)
    order = [0, *(3 + 2 * i for i in range(n)), 1, *(2 + 2 * i for i in range(n)), 2 * n + 2]
    return part.transpose(order).reshape(plan.groups, plan.rows, -1)


def _whole_blocks(y: Array, plan: Plan, rows: int, where: Geometry) -> Array:
    """Return outputs with zeros at the end, so that blocks are whole."""
    edges = [(0, full - size, 0) for full, size in zip(_whole(plan, rows), where.counts, strict=True)]
    return lax.pad(y, jnp.zeros((), y.dtype), [(0, 0, 0), *edges, (0, 0, 0)])


def _whole(plan: Plan, rows: int) -> tuple[int, ...]:
    """Return the spatial shape of outputs in whole blocks, so many rows of them."""
    return tuple(axis.block * (axis.number if i else rows) for i, axis in enumerate(plan.axes))


def _spread(y: Array, matrix: Array, plan: Plan, where: Geometry) -> Array:
    """Return the gradient in the input, shape (channels, *size, batch): each block of outputs adds to all that it sees."""
    chunks, each = _chunks(plan)
    y = _whole_blocks(y, plan, chunks * each, where)
    windows = [len(axis.offsets) for axis in plan.axes]
    counts = [each, *(axis.number for axis in plan.axes[1:])]

    def strip(chunk: Array | int) -> Array:
        x = jnp.swapaxes(matrix, 1, 2) @ _parts(y, plan, each, chunk)
        x = x.reshape(plan.groups * plan.channels_in, *windows, *counts, plan.batch)
        for i, (axis, window, count) in enumerate(zip(plan.axes, windows, counts, strict=True)):
            x = _overlapped(x, 1 + i, len(windows) - i, axis.step, window, count)
        return x

    if chunks == 1:
        x = strip(0)
    else:
        one, step = jax.eval_shape(strip, 0), each * plan.axes[0].step

        def add(chunk: Array, x: Array) -> Array:
            new = lax.dynamic_slice_in_dim(x, chunk * step, one.shape[1], 1) + strip(chunk)
            return lax.dynamic_update_slice_in_dim(x, new, chunk * step, 1)

        shape = (one.shape[0], (chunks - 1) * step + one.shape[1], *one.shape[2:])
        x = lax.fori_loop(0, chunks, add, jnp.zeros(shape, y.dtype))
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
    """Return the gradient in the kernel, from arrays with the batch last."""
    chunks, each = _chunks(plan)
    padded = _reached(x, plan, chunks * each)
    y = _whole_blocks(y, plan, chunks * each, where)

    def products(chunk: Array | int) -> Array:
        return jnp.einsum("grm,gdm->grd", _parts(y, plan, each, chunk), _windows(padded, plan, each, chunk))

    if chunks == 1:
        sums = products(0)
    else:
        zeros = jnp.zeros((plan.groups, plan.rows, plan.depth), x.dtype)
        sums = lax.fori_loop(0, chunks, lambda chunk, sums: sums + products(chunk), zeros)
    sums = sums.reshape(plan.groups, plan.block, plan.channels_out, plan.channels_in, plan.window)
    sums = sums.transpose(0, 2, 3, 1, 4).reshape(plan.groups, plan.channels_out, plan.channels_in, -1)
    # Each tap meets one element of the window for each result of the block.
    meetings = plan.meetings.reshape(-1)
    places = np.stack([np.flatnonzero(meetings == tap) for tap in range(math.prod(where.kernel))])
    return sums[..., places].sum(-1).reshape(plan.groups * plan.channels_out, plan.channels_in, *where.kernel)
