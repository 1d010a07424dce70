"""Convolutions whose windows lie side by side: each position in a window is a channel, and the kernel has one position.

Vision transformers cut images like that. What is multiplied is one matrix then, with long lines in place of a few windows in a row.
"""

import math

import jax
from jaxtyping import Array

from ..native import library
from ..native.program import Patches, Program
from .convolution_geometry import Geometry


def flat(where: Geometry) -> Geometry | None:
    """Return the convolution of the patches, if the windows of this one lie side by side, and have several positions."""
    ones = (1,) * len(where.size)
    if where.kernel != where.strides or where.kernel == ones or where.dilations != ones:
        return None
    if any(pad != (0, 0) for pad in where.pads):
        return None
    return where._replace(size=where.counts, kernel=ones, strides=ones)


def flat_kernel(w: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of its kernel."""
    return (w[0], math.prod(w[1:]), *[1] * (len(w) - 2))


def cut(x: Array, where: Geometry) -> Array:
    """Cut images into patches: the channels are channel by channel and position by position."""
    batch, channels = x.shape[where.batch_axis], x.shape[where.channel_axis]
    shape = where._replace(size=where.counts).input_shape(batch, channels * math.prod(where.kernel))
    return _rearranged(x, where, batch, channels, False, shape)


def together(patches: Array, where: Geometry) -> Array:
    """Put patches together; where there is none, images are 0."""
    batch, channels = patches.shape[where.batch_axis], patches.shape[where.channel_axis] // math.prod(where.kernel)
    return _rearranged(patches, where, batch, channels, True, where.input_shape(batch, channels))


def _rearranged(
    a: Array, where: Geometry, batch: int, channels: int, is_back: bool, shape: tuple[int, ...]
) -> Array:
    planes, inner = (channels, batch) if where.batch_last else (batch * channels, 1)
    main = Patches(planes, where.size, where.kernel, inner, is_back)
    return jax.ffi.ffi_call(library.target(Program(a.dtype.name, main)), jax.ShapeDtypeStruct(shape, a.dtype))(a)
