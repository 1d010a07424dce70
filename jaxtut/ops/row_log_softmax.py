"""The logarithm of softmax along the last axis of many numbers, y = log S(x), and its derivatives.

Tangents are t − Σ_j e^(y_j) · t_j, cotangents c − e^y · Σ_j c_j: each is the transpose of the other. All three are primitives of JAX, because then
the program is chosen for each platform when it is compiled; on a CPU the first and the last are loops compiled for the processor at hand, which
finish each row while it is near (`native.rows`). Few numbers, and other axes, are computed by operations of JAX one by one.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.interpreters import ad
from jaxtyping import Array

from .lowering import linear_in_last, strong
from .row_programs import are_many, primitive
from .shapes import Floats


def log_softmax(x: Floats, axis: int) -> Floats:
    """Return (x − m) − log Σ e^(x − m) along an axis, with m the largest number there."""
    if axis in (-1, x.ndim - 1) and are_many(x):
        return log_softmax_p.bind(x)
    return jax.nn.log_softmax(strong(x), axis=axis)


def _xla_log_softmax(x: Array) -> Array:
    return jax.nn.log_softmax(x, axis=-1)


def _xla_tangent(y: Array, t: Array) -> Array:
    return t - jnp.sum(jnp.exp(y) * t, axis=-1, keepdims=True)


def _xla_gradient(y: Array, c: Array) -> Array:
    return c - jnp.exp(y) * jnp.sum(c, axis=-1, keepdims=True)


log_softmax_p = primitive("log_softmax", _xla_log_softmax, "log softmax")
tangent_p = primitive("log_softmax_tangent", _xla_tangent)
gradient_p = primitive("log_softmax_gradient", _xla_gradient, "log gradient")


def _log_softmax_jvp(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Any]:
    y = log_softmax_p.bind(*primals)
    return y, tangent_p.bind(y, tangents[0])


ad.primitive_jvps[log_softmax_p] = _log_softmax_jvp
linear_in_last(tangent_p, gradient_p, _xla_tangent)
linear_in_last(gradient_p, tangent_p, _xla_gradient)
