"""Convolutions whose kernel and strides have a common divisor, as convolutions of patches: each position in a patch is a channel.

Where windows lie side by side, as those of vision transformers, kernels have one position then, and what is multiplied is one matrix. Long windows,
as those over a sound, become short ones.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..native import library
from ..native.program import Patches, Program
from .convolution_geometry import Geometry

# How many times as large images become by the zeros around them, which are written before they are cut, where these are not many.
MOST_PADDED = 1.25


def of_patches(where: Geometry) -> Geometry | None:
    """Return the convolution of the largest patches that can stand for this one, if there is one."""
    sizes = _sizes(where)
    if set(sizes) == {1} or any(d > 1 for d in where.dilations):
        return None
    return where._replace(
        size=_divided(_padded(where), sizes),
        kernel=_divided(where.kernel, sizes),
        strides=_divided(where.strides, sizes),
        pads=((0, 0),) * len(sizes),
    )


def are_zeros_many(where: Geometry) -> bool:
    """Whether to write the zeros around images takes much memory."""
    return math.prod(_padded(where)) > MOST_PADDED * math.prod(where.size)


def kernel_of_patches(w: tuple[int, ...], where: Geometry) -> tuple[int, ...]:
    """Return the shape of its kernel."""
    sizes = _sizes(where)
    return (w[0], w[1] * math.prod(sizes), *_divided(where.kernel, sizes))


def cut_kernel(w: Array, where: Geometry) -> Array:
    """Return its kernel."""
    axes = len(where.kernel)
    sizes = _sizes(where)
    split = w.reshape(*w.shape[:2], *_pairs(_divided(where.kernel, sizes), sizes))
    order = (0, 1, *range(3, 2 * axes + 2, 2), *range(2, 2 * axes + 2, 2))
    return split.transpose(order).reshape(kernel_of_patches(w.shape, where))


def whole_kernel(w: Array, where: Geometry) -> Array:
    """Undo `cut_kernel`."""
    axes, sizes = len(where.kernel), _sizes(where)
    channels = w.shape[1] // math.prod(sizes)
    split = w.reshape(w.shape[0], channels, *sizes, *w.shape[2:])
    order = (0, 1, *(i for axis in range(2, axes + 2) for i in (axis + axes, axis)))
    return split.transpose(order).reshape(w.shape[0], channels, *where.kernel)


def cut(x: Array, where: Geometry) -> Array:
    """Cut images into patches: the channels are channel by channel and position by position."""
    x = jnp.pad(x, _around(where, x.ndim)) if _is_padded(where) else x
    batch, channels = x.shape[where.batch_axis], x.shape[where.channel_axis]
    return _rearranged(x, where, batch, channels, False)


def together(patches: Array, where: Geometry) -> Array:
    """Put patches together; where there is none, images are 0."""
    batch, channels = patches.shape[where.batch_axis], patches.shape[where.channel_axis] // math.prod(_sizes(where))
    x = _rearranged(patches, where, batch, channels, True)
    if not _is_padded(where):
        return x
    ends = zip(_around(where, x.ndim), x.shape, strict=True)
    return x[tuple(slice(low, n - high) for (low, high), n in ends)]


def _rearranged(a: Array, where: Geometry, batch: int, channels: int, is_back: bool) -> Array:
    sizes, padded = _sizes(where), where._replace(size=_padded(where))
    planes, inner = (channels, batch) if where.batch_last else (batch * channels, 1)
    main = Patches(planes, padded.size, sizes, inner, is_back)
    flat = padded._replace(size=main.counts).input_shape(batch, channels * math.prod(sizes))
    shape = padded.input_shape(batch, channels) if is_back else flat
    return jax.ffi.ffi_call(library.target(Program(a.dtype.name, main)), jax.ShapeDtypeStruct(shape, a.dtype))(a)


def _sizes(where: Geometry) -> tuple[int, ...]:
    """Return the size of a patch."""
    return tuple(math.gcd(k, s) for k, s in zip(where.kernel, where.strides, strict=True))


def _padded(where: Geometry) -> tuple[int, ...]:
    """Return the size with the zeros around it."""
    return tuple(n + low + high for n, (low, high) in zip(where.size, where.pads, strict=True))


def _divided(lengths: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
    return tuple(n // size for n, size in zip(lengths, sizes, strict=True))


def _pairs(first: Sequence[int], second: Sequence[int]) -> list[int]:
    return [n for pair in zip(first, second, strict=True) for n in pair]


def _is_padded(where: Geometry) -> bool:
    return any(pad != (0, 0) for pad in where.pads)


def _around(where: Geometry, axes: int) -> list[tuple[int, int]]:
    """Return the zeros around each axis of an array of images."""
    first = where.channel_axis + 1
    return [(0, 0)] * first + list(where.pads) + [(0, 0)] * (axes - first - len(where.pads))
