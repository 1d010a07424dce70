"""The three maps of a convolution as matrix products in a loop over the taps, which XLA can cut for several devices.

Each product is one that the convolution has, so what is not finite spoils only what sees it.
"""

import math

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .convolution_geometry import Geometry

# Windows of a product come in multiples of this: a rest would be summed by other instructions, which round otherwise.
MULTIPLE = 8


def outputs(x: Array, w: Array, where: Geometry) -> Array:
    """Return the outputs of a convolution, from and to arrays with channels last."""
    shape = (x.shape[0], *where.counts, w.shape[0])
    x, rows = _padded(x, where), math.prod(shape[:-1])
    more = -rows % MULTIPLE

    def add(tap: Array, y: Array) -> Array:
        seen = _seen(x, tap, where).reshape(rows, where.groups, -1)
        seen = lax.pad(seen, jnp.zeros((), x.dtype), [(0, more, 0), (0, 0, 0), (0, 0, 0)])
        return y + jnp.einsum("mgi,goi->gmo", seen, _at(w, tap, where))

    zeros = jnp.zeros((where.groups, rows + more, w.shape[0] // where.groups), x.dtype)
    y = lax.fori_loop(0, math.prod(where.kernel), add, zeros)
    return jnp.swapaxes(y[:, :rows], 0, 1).reshape(shape)


def input_gradient(y: Array, w: Array, where: Geometry) -> Array:
    """Return the gradient in the input, from and to arrays with the batch last."""
    grouped = y.reshape(where.groups, w.shape[0] // where.groups, -1)
    channels = where.groups * w.shape[1]
    interior = [(0, 0, stride - 1) for stride in where.strides]
    full = [n + low + high for n, (low, high) in zip(where.size, where.pads, strict=True)]

    def add(tap: Array, x: Array) -> Array:
        part = jnp.einsum("goi,gom->gim", _at(w, tap, where), grouped).reshape(channels, *y.shape[1:])
        part = lax.pad(part, jnp.zeros((), y.dtype), [(0, 0, 0), *interior, (0, 0, 0)])
        start = (0, *_offsets(tap, where), 0)
        return lax.dynamic_update_slice(x, lax.dynamic_slice(x, start, part.shape) + part, start)

    x = lax.fori_loop(0, math.prod(where.kernel), add, jnp.zeros((channels, *full, y.shape[-1]), y.dtype))
    edges = [(-low, -high, 0) for low, high in where.pads]
    return lax.pad(x, jnp.zeros((), y.dtype), [(0, 0, 0), *edges, (0, 0, 0)])


def kernel_gradient(x: Array, y: Array, where: Geometry) -> Array:
    """Return the gradient in the kernel, from arrays with the batch last."""
    grouped = y.reshape(where.groups, y.shape[0] // where.groups, -1)
    padded = _padded(x, where)

    def at(tap: Array) -> Array:
        seen = _seen(padded, tap, where).reshape(where.groups, x.shape[0] // where.groups, -1)
        return jnp.einsum("gom,gim->goi", grouped, seen)

    w = jnp.moveaxis(lax.map(at, jnp.arange(math.prod(where.kernel))), 0, -1)
    return w.reshape(y.shape[0], -1, *where.kernel)


def _padded(x: Array, where: Geometry) -> Array:
    edges = [(low, high, 0) for low, high in where.pads]
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *edges, (0, 0, 0)])


def _offsets(tap: Array, where: Geometry) -> list[Array]:
    """Return where a tap first stands in the padded input, along each axis."""
    return [place * d for place, d in zip(jnp.unravel_index(tap, where.kernel), where.dilations, strict=True)]


def _seen(padded: Array, tap: Array, where: Geometry) -> Array:
    """Return what a tap meets in each window; the spatial axes are the inner ones."""
    spans = [(count - 1) * s + 1 for count, s in zip(where.counts, where.strides, strict=True)]
    part = lax.dynamic_slice(padded, (0, *_offsets(tap, where), 0), (padded.shape[0], *spans, padded.shape[-1]))
    return part[(slice(None), *(slice(None, None, s) for s in where.strides))]


def _at(w: Array, tap: Array, where: Geometry) -> Array:
    """Return the kernel's numbers at one tap, shape (groups, outputs, inputs)."""
    return jnp.take(w.reshape(where.groups, w.shape[0] // where.groups, w.shape[1], -1), tap, axis=-1)
