"""How the three maps of a convolution are computed on a CPU, where XLA's own convolution is slow.

*Loops compiled for the processor at hand* (`direct_convolution`) take float32 and float64 where LLVM is there. They leave the arrays as they lie,
unless the other order is estimated to be faster, or a convolution of patches (`patches`). Where they cannot be used, the taps are matrix products
one after another (`convolution_taps`): in a program for several devices, which XLA cuts, as it cannot do with what it does not know; in one that is
exported; where the loops would be thousands of lines; and where nothing can be compiled.

In both, *equal windows give equal bits*, wherever they lie, or max-pooling would find other winners at ties than PyTorch does; and *what is not
finite* spoils only what sees it.
"""

import math
from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from ..native import costs, library, machine
from ..native.machine import Machine
from ..native.program import Move, Program
from . import convolution_taps, direct_convolution, patches
from .convolution_geometry import Geometry
from .direct_convolution import Loops

OnXla = Callable[[Array, Array, Geometry], Array]

# How much less time the other order must be estimated to take, since an estimate may be wrong.
UNSURE = 1.05

# How many times as fast patches must be estimated to be where their kernel has several positions.
OVERLAPPING = 1.3

# Where windows are more than one position apart, taps along the width are written out, up to so many.
MOST_TAPS = 56


def convolve(x: Array, w: Array, where: Geometry, is_cut: bool, on_xla: OnXla) -> Array:
    """Compute `correlation.convolve`; `is_cut` says that the program is for XLA alone to change."""
    if not _suits(x, w):
        return on_xla(x, w, where)
    if where != (seen := _seen(where)):
        return convolve(_taken(x, where), w, seen, is_cut, on_xla)
    if not is_cut and (flat := _of_patches(direct_convolution.convolution, where, x, w.shape, _is_long(where))):
        return convolve(patches.cut(x, where), patches.cut_kernel(w, where), flat, is_cut, on_xla)
    if is_cut or not machine.host() or _is_long(where):
        last = -1 if where.batch_last else 0
        y = convolution_taps.outputs(jnp.moveaxis(x, (last, where.channel_axis), (0, -1)), w, where)
        return jnp.moveaxis(y, (0, -1), (last, where.channel_axis))
    return _computed(_chosen(direct_convolution.convolution, where, x, w.shape), where, x, w)


def input_gradient(y: Array, w: Array, where: Geometry, is_cut: bool, on_xla: OnXla) -> Array:
    """Compute `correlation.input_gradient`."""
    if not _suits(y, w) or 0 in where.size:
        return on_xla(y, w, where)
    if where != (seen := _seen(where)):
        return _put_back(input_gradient(y, w, seen, is_cut, on_xla), where)
    is_long = _has_long_gradient(where)
    if not is_cut and (flat := _of_patches(direct_convolution.input_gradient, where, y, w.shape, is_long)):
        return patches.together(input_gradient(y, patches.cut_kernel(w, where), flat, is_cut, on_xla), where)
    if is_cut or not machine.host() or is_long:
        x = convolution_taps.input_gradient(y if where.batch_last else jnp.moveaxis(y, 0, -1), w, where)
        return x if where.batch_last else jnp.moveaxis(x, -1, 0)
    return _computed(_chosen(direct_convolution.input_gradient, where, y, w.shape), where, y, w)


def kernel_gradient(x: Array, y: Array, where: Geometry, is_cut: bool, on_xla: OnXla) -> Array:
    """Compute `correlation.kernel_gradient`."""
    if not _suits(x, y):
        return on_xla(x, y, where)
    if where != (seen := _seen(where)):
        return kernel_gradient(_taken(x, where), y, seen, is_cut, on_xla)
    channel = where.channel_axis
    w = (y.shape[channel], x.shape[channel] // where.groups, *where.kernel)
    if not is_cut and (flat := _of_patches(direct_convolution.kernel_gradient, where, x, w, _is_long(where))):
        return patches.whole_kernel(kernel_gradient(patches.cut(x, where), y, flat, is_cut, on_xla), where)
    if is_cut or not machine.host() or _is_long(where):
        x, y = (a if where.batch_last else jnp.moveaxis(a, 0, -1) for a in (x, y))
        return convolution_taps.kernel_gradient(x, y, where)
    loops = _chosen(direct_convolution.kernel_gradient, where, x, w)
    if loops.where != where:
        x, y = _moved(x, where), _moved(y, where)
    return loops(x, y)


@cache
def fastest(
    ways: direct_convolution.Ways, where: Geometry, batch: int, w: tuple[int, ...], dtype: str, host: Machine
) -> Loops:
    """Choose the loops that are estimated to take the fewest cycles.

    With the batch first, vectors lie along the last axis, and where that is no multiple of them, some of their numbers are not needed. With the
    batch last they lie along the batch, or where windows are one position apart, along the last axis and the batch together; or along the batch
    alone. Taps that meet zeros around the source can be left out, row by row, or position by position; but then rows have loops of their own. And in
    the other order than they are in, arrays have to be moved.

    Args:
        ways: to compute one of the three maps, a function of `direct_convolution`.
        where: the convolution, in the order in which the arrays are.
        batch: how many images.
        w: the shape of the kernel.
        dtype: of the numbers.
        host: the processor.
    """
    found = (loops for order in (where, _reordered(where)) for loops in ways(order, batch, w))
    return min(found, key=lambda loops: _cost(loops, where, batch, w, dtype, host))


def _cost(loops: Loops, where: Geometry, batch: int, w: tuple[int, ...], dtype: str, host: Machine) -> float:
    """Estimate the cycles of loops, and of moving what they take in the other order than it is in."""
    cycles = loops.cycles(dtype, host)
    if loops.where.batch_last == where.batch_last:
        return cycles
    arrays = where.input_shape(batch, w[1] * where.groups), where.output_shape(batch, w[0])
    return UNSURE * (cycles + (0.0 if batch == 1 else sum(costs.of_moving(math.prod(shape)) for shape in arrays)))


@cache
def is_faster_in_patches(
    ways: direct_convolution.Ways, where: Geometry, batch: int, w: tuple[int, ...], dtype: str, host: Machine
) -> bool:
    """Whether the convolution of patches is estimated to be faster; the arguments are those of `fastest`."""
    flat = patches.of_patches(where)
    assert flat is not None
    kernel = patches.kernel_of_patches(w, where)
    here = fastest(ways, where, batch, w, dtype, host)
    seen = _seen(flat)
    there = fastest(ways, seen, batch, kernel, dtype, host)
    numbers = math.prod(where.input_shape(batch, w[1] * where.groups))
    cutting = costs.of_cutting(numbers)
    if where.pads != flat.pads or seen != flat:
        cutting += costs.of_copying(numbers)
    if math.prod(flat.kernel) > 1:
        cutting += costs.of_cutting(math.prod(w))
    other = _cost(there, seen, batch, kernel, dtype, host) + cutting
    return (1.0 if math.prod(flat.kernel) == 1 else OVERLAPPING) * other < _cost(here, where, batch, w, dtype, host)


def _of_patches(
    ways: direct_convolution.Ways, where: Geometry, source: Array, w: tuple[int, ...], is_long: bool
) -> Geometry | None:
    """Return the convolution of patches, if it is to be computed in place of this one, whose own loops may be too long."""
    host, flat = machine.host(), patches.of_patches(where)
    if host is None or flat is None:
        return None
    batch, dtype = source.shape[where.batch_axis], source.dtype.name
    if not is_long and (patches.are_zeros_many(where) or not is_faster_in_patches(ways, where, batch, w, dtype, host)):
        return None
    return flat


def _chosen(ways: direct_convolution.Ways, where: Geometry, source: Array, w: tuple[int, ...]) -> Loops:
    host = machine.host()
    assert host is not None
    return fastest(ways, where, source.shape[where.batch_axis], w, source.dtype.name, host)


def _suits(a: Array, b: Array) -> bool:
    return a.dtype.name in machine.BYTES and a.size > 0 and b.size > 0


def _is_long(where: Geometry) -> bool:
    return where.strides[-1] > 1 and where.kernel[-1] > MOST_TAPS


def _has_long_gradient(where: Geometry) -> bool:
    return all(direct_convolution.has_long_gradient(order) for order in (where, _reordered(where)))


def _seen(where: Geometry) -> Geometry:
    """Return the convolution of what the windows see, where these have one position each and step over others."""
    ones = (1,) * len(where.size)
    if where.kernel != ones or any(pad != (0, 0) for pad in where.pads):
        return where
    return where._replace(size=where.counts, strides=ones)


def _taken(x: Array, where: Geometry) -> Array:
    """Leave out what the windows step over."""
    axes = [slice(None, (n - 1) * s + 1, s) for n, s in zip(where.counts, where.strides, strict=True)]
    return x[(*[slice(None)] * (where.channel_axis + 1), *axes)]


def _put_back(x: Array, where: Geometry) -> Array:
    """Put zeros where `_taken` left something out."""
    each = zip(where.size, where.counts, where.strides, strict=True)
    pads = [(0, 0, 0)] * x.ndim
    first = where.channel_axis + 1
    pads[first : first + len(where.size)] = [(0, size - (n - 1) * s - 1, s - 1) for size, n, s in each]
    return lax.pad(x, jnp.zeros((), x.dtype), pads)


def _reordered(where: Geometry) -> Geometry:
    return where._replace(batch_last=not where.batch_last)


def _computed(loops: Loops, where: Geometry, source: Array, w: Array) -> Array:
    """Compute a convolution, or the gradient in its input, in the order of its arrays or in the other one."""
    if loops.where == where:
        return loops(source, w)
    return _moved(loops(_moved(source, where), w), loops.where)


def _moved(a: Array, where: Geometry) -> Array:
    """Move the batch to the other end."""
    batch, rest = (a.shape[-1], a.shape[:-1]) if where.batch_last else (a.shape[0], a.shape[1:])
    shape = (batch, *rest) if where.batch_last else (*rest, batch)
    if batch == 1:
        return a.reshape(shape)
    move = Move(math.prod(rest), batch) if where.batch_last else Move(batch, math.prod(rest))
    return jax.ffi.ffi_call(library.target(Program(a.dtype.name, move)), jax.ShapeDtypeStruct(shape, a.dtype))(a)
