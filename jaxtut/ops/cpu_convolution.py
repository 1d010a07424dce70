"""How the three maps of a convolution are computed on a CPU, where XLA's own convolution is slow.

*Loops compiled for the processor at hand* (`direct_convolution`) take float32 and float64 where LLVM is there. They leave the arrays as they lie,
unless the other order is estimated to be faster. Where they cannot be used, the taps are matrix products one after another (`convolution_taps`):
in a program for several devices, which XLA cuts, as it cannot do with what it does not know; in one that is exported; where the loops would be
thousands of lines; and where nothing can be compiled.

In both, *equal windows give equal bits*, wherever they lie, or max-pooling would find other winners at ties than PyTorch does; and *what is not
finite* spoils only what sees it.
"""

import math
from collections.abc import Callable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from ..native import machine
from . import convolution_taps, direct_convolution
from .convolution_geometry import Geometry

OnXla = Callable[[Array, Array, Geometry], Array]

# Products in about the time in which one number is moved to another order, whatever the number of cores.
# `python -m benchmarks.convolutions` shows what becomes of these estimates.
MOVE = 40
# In PyTorch's order, kernels with more numbers than this are read again for every few results, from beyond the second cache.
WIDE, WIDE_COSTS = 1 << 18, 1.3
# What it costs a gradient in the kernel, in vectors, that a line ends with a part of one.
REST = 0.3
# Where windows are more than one position apart, each distance has a loop of its own, and taps along the width are written out; up to so many.
MOST_LOOPS, MOST_TAPS = 16, 64


def convolve(x: Array, w: Array, where: Geometry, is_cut: bool, on_xla: OnXla) -> Array:
    """Compute `correlation.convolve`; `is_cut` says that the program is for XLA alone to change."""
    if not _suits(x, w):
        return on_xla(x, w, where)
    if is_cut or not machine.host() or _is_long(where):
        last = -1 if where.batch_last else 0
        y = convolution_taps.outputs(jnp.moveaxis(x, (last, where.channel_axis), (0, -1)), w, where)
        return jnp.moveaxis(y, (0, -1), (last, where.channel_axis))
    batch = x.shape[where.batch_axis]
    moved = x.size + math.prod(where.output_shape(batch, w.shape[0]))
    products = _products(where, batch, w)
    if not is_other_order_faster(where, x.dtype.name, batch, where.counts[-1], products, moved, w.size):
        return direct_convolution.convolve(x, w, where)
    return _back(direct_convolution.convolve(_other(x, where), w, _reordered(where)), where)


def input_gradient(y: Array, w: Array, where: Geometry, is_cut: bool, on_xla: OnXla) -> Array:
    """Compute `correlation.input_gradient`."""
    if not _suits(y, w) or 0 in where.size:
        return on_xla(y, w, where)
    if is_cut or not machine.host() or math.prod(where.strides) > MOST_LOOPS:
        x = convolution_taps.input_gradient(y if where.batch_last else jnp.moveaxis(y, 0, -1), w, where)
        return x if where.batch_last else jnp.moveaxis(x, -1, 0)
    batch = y.shape[where.batch_axis]
    moved = y.size + math.prod(where.input_shape(batch, w.shape[1] * where.groups))
    run = math.ceil(where.size[-1] / where.strides[-1])
    if not is_other_order_faster(where, y.dtype.name, batch, run, _products(where, batch, w), moved, w.size):
        return direct_convolution.input_gradient(y, w, where)
    return _back(direct_convolution.input_gradient(_other(y, where), w, _reordered(where)), where)


def kernel_gradient(x: Array, y: Array, where: Geometry, is_cut: bool, on_xla: OnXla) -> Array:
    """Compute `correlation.kernel_gradient`."""
    if not _suits(x, y):
        return on_xla(x, y, where)
    if is_cut or not machine.host() or _is_long(where):
        x, y = (a if where.batch_last else jnp.moveaxis(a, 0, -1) for a in (x, y))
        return convolution_taps.kernel_gradient(x, y, where)
    batch, channels = x.shape[where.batch_axis], x.shape[where.channel_axis] // where.groups
    products = y.size * channels * math.prod(where.kernel)
    if not is_other_order_faster(where, x.dtype.name, batch, where.counts[-1], products, x.size + y.size, rest=REST):
        return direct_convolution.kernel_gradient(x, y, where)
    return direct_convolution.kernel_gradient(_other(x, where), _other(y, where), _reordered(where))


def is_other_order_faster(
    where: Geometry, dtype: str, batch: int, run: int, products: int, moved: int, kernel: int = 0, rest: float = 0.0
) -> bool:
    """Estimate whether it pays to move the batch to the other end.

    With the batch first, vectors lie along the last axis, and where that is no multiple of them, some of their numbers are not needed. With the
    batch last they lie along the batch; for few images whose windows are a stride apart, there is nothing to make vectors of.

    Args:
        where: the convolution.
        dtype: of the numbers.
        batch: how many images.
        run: neighbouring results along the last axis.
        products: to be computed.
        moved: numbers that would have to be moved.
        kernel: numbers of the kernel, if it is read.
        rest: what a part of a vector costs more than a whole one, in vectors.
    """
    host = machine.host()
    assert host is not None
    width = host.width(dtype)
    if where.batch_last:
        return batch < width and where.strides[-1] > 1
    if batch < width:
        return False

    def cost(numbers: int) -> float:
        each = host.width(dtype, numbers)
        vectors = math.ceil(numbers / each) + (rest if numbers % each else 0)
        return products * vectors * each / numbers

    wide = WIDE_COSTS if kernel > WIDE else 1
    return cost(batch) + MOVE * moved < cost(run) * wide


def _suits(a: Array, b: Array) -> bool:
    return a.dtype.name in machine.BYTES and a.size > 0 and b.size > 0


def _is_long(where: Geometry) -> bool:
    return where.strides[-1] > 1 and where.kernel[-1] > MOST_TAPS


def _products(where: Geometry, batch: int, w: Array) -> int:
    return batch * math.prod(where.counts) * w.size


def _reordered(where: Geometry) -> Geometry:
    return where._replace(batch_last=not where.batch_last)


def _other(a: Array, where: Geometry) -> Array:
    """Move the batch to the other end, without XLA fusing that with its neighbours: alone it is several times faster."""
    ends = (-1, 0) if where.batch_last else (0, -1)
    return lax.optimization_barrier(jnp.moveaxis(lax.optimization_barrier(a), *ends))


def _back(a: Array, where: Geometry) -> Array:
    return _other(a, _reordered(where))
