"""Cross-entropy of rows of scores and one label each, −log S(z)[y], and its derivatives, for many scores.

With d_j = S(z)_j − δ_jy the slope in z_j: the losses, Σ_j d_j · t_j for a tangent t, and c · d for a cotangent c. The last two are each other's
transpose. They are primitives of JAX, because then the program is chosen for each platform when it is compiled. On a CPU, XLA goes through the
whole array several times for the gradient, and writes the labels down as one-hot rows; a loop compiled for the processor at hand finishes each
row while it is near (`native.rows`).

A label that is no class, of those that 32 bits hold, gives a NaN loss, and the slope S(z)_j.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.interpreters import ad
from jaxtyping import Array, Bool, Float, Integer

from . import row_softmax
from .lowering import linear_in_last
from .row_programs import primitive

Scores = Float[Array, "*rows classes"]
RowLabels = Integer[Array, "*rows"]
RowNumbers = Float[Array, "*rows"]


def losses(z: Scores, y: RowLabels) -> RowNumbers:
    """Return −log S(z)[y] of each row, for scores of which `row_programs.are_many` holds."""
    return losses_p.bind(z, y.astype(jnp.int32))


def _chosen(z: Array, y: Array) -> Bool[Array, "*rows classes"]:
    return y[..., None] == jax.lax.broadcasted_iota(y.dtype, z.shape, z.ndim - 1)


def _xla_losses(z: Array, y: Array) -> Array:
    found = jnp.sum(jnp.where(_chosen(z, y), jax.nn.log_softmax(z, axis=-1), 0), axis=-1)
    return jnp.where((y >= 0) & (y < z.shape[-1]), -found, jnp.nan)


def _xla_tangent(z: Array, y: Array, t: Array) -> Array:
    return jnp.sum(row_softmax.softmax(z) * t, axis=-1) - jnp.sum(jnp.where(_chosen(z, y), t, 0), axis=-1)


def _xla_gradient(z: Array, y: Array, c: Array) -> Array:
    return c[..., None] * (row_softmax.softmax(z) - _chosen(z, y).astype(z.dtype))


losses_p = primitive("label_losses", _xla_losses, "label loss", like=1)
tangent_p = primitive("label_losses_tangent", _xla_tangent, like=1)
gradient_p = primitive("label_losses_gradient", _xla_gradient, "label gradient", like=0)


def _losses_jvp(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Any]:
    result = losses_p.bind(*primals)
    if type(tangents[0]) is ad.Zero:
        return result, ad.Zero(ShapedArray(result.shape, result.dtype))
    return result, tangent_p.bind(*primals, tangents[0])


ad.primitive_jvps[losses_p] = _losses_jvp
linear_in_last(tangent_p, gradient_p, _xla_tangent)
linear_in_last(gradient_p, tangent_p, _xla_gradient)
