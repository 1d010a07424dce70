"""Softmax along the last axis, and the product of its Jacobian and a vector, which is symmetric: u_i = y_i · (v_i − Σ_j y_j · v_j).

Both are primitives of JAX, because then the program is chosen for each platform when it is compiled. On a CPU, XLA goes through the whole array
in five passes; a loop compiled for the processor at hand finishes each row while it is near (`native.rows`).
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.interpreters import ad
from jaxtyping import Array

from .lowering import linear_in_last
from .row_programs import primitive
from .shapes import Floats


def softmax(x: Floats, axis: int = -1) -> Floats:
    """Return e^x / Σ e^x along an axis; the primitive is that along the last one."""
    return softmax_p.bind(x) if axis in (-1, x.ndim - 1) else jax.nn.softmax(x, axis=axis)


def jacobian_product(y: Floats, v: Floats) -> Floats:
    """Return y · (v − Σ y · v) along the last axis, for y = softmax(x)."""
    return jacobian_product_p.bind(y, v)


def _xla_softmax(x: Array) -> Array:
    return jax.nn.softmax(x, axis=-1)


def _xla_jacobian_product(y: Array, v: Array) -> Array:
    return y * (v - jnp.sum(y * v, axis=-1, keepdims=True))


softmax_p = primitive("softmax", _xla_softmax, "softmax")
jacobian_product_p = primitive("softmax_jacobian_product", _xla_jacobian_product, "jacobian product")


def _softmax_jvp(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Any]:
    y = softmax(primals[0])
    return y, jacobian_product(y, tangents[0])


ad.primitive_jvps[softmax_p] = _softmax_jvp
linear_in_last(jacobian_product_p, jacobian_product_p, _xla_jacobian_product)
