"""Cross-entropy of rows of scores and one label each, −log S(z)[y], and its derivatives, for many scores.

With d_j = S(z)_j − δ_jy the slope in z_j: the losses, Σ_j d_j · t_j for a tangent t, and c · d for a cotangent c. The last two are each other's
transpose. They are primitives of JAX, because then the program is chosen for each platform when it is compiled. On a CPU, XLA goes through the
whole array some eight times for the gradient, one of them for the labels as one-hot rows; a loop compiled for the processor at hand finishes each
row while it is near (`native.rows`).

A label that is no class gives a NaN loss, and the slope S(z)_j.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad
from jaxtyping import Array, Bool, Float, Int

from . import row_programs, row_softmax
from .lowering import lower

Scores = Float[Array, "*rows classes"]
RowLabels = Int[Array, "*rows"]
RowNumbers = Float[Array, "*rows"]


def suits(z: Array) -> bool:
    """Return whether `losses` is made for these scores, of which each row is along the last axis."""
    return row_programs.are_many(z)


def losses(z: Scores, y: RowLabels) -> RowNumbers:
    """Return −log S(z)[y] of each row."""
    return losses_p.bind(z, y.astype(jnp.int32))


def _chosen(z: Array, y: Array) -> Bool[Array, "*rows classes"]:
    return y[..., None] == jax.lax.broadcasted_iota(y.dtype, z.shape, z.ndim - 1)


def _xla_losses(z: Array, y: Array) -> Array:
    found = jnp.sum(jnp.where(_chosen(z, y), jax.nn.log_softmax(z, axis=-1), 0), axis=-1)
    return jnp.where((y >= 0) & (y < z.shape[-1]), -found, jnp.nan)


def _xla_slopes(z: Array, y: Array, t: Array) -> Array:
    return jnp.sum(row_softmax.softmax(z) * t, axis=-1) - jnp.sum(jnp.where(_chosen(z, y), t, 0), axis=-1)


def _xla_gradient(z: Array, y: Array, c: Array) -> Array:
    return c[..., None] * (row_softmax.softmax(z) - _chosen(z, y).astype(z.dtype))


def _losses_on_cpu(z: Array, y: Array) -> Array:
    return row_programs.call("label loss", y.shape, z, y)


def _gradient_on_cpu(z: Array, y: Array, c: Array) -> Array:
    return row_programs.call("label gradient", z.shape, z, y, c)


def _primitive(name: str, on_xla: Callable[..., Array], on_cpu: Callable[..., Array]) -> Primitive:
    primitive = Primitive(name)

    def result(*arrays: Any) -> ShapedArray:
        shapes = (jax.ShapeDtypeStruct(array.shape, array.dtype) for array in arrays)
        return ShapedArray(jax.eval_shape(on_xla, *shapes).shape, arrays[0].dtype)

    def here(*arrays: Array, is_cut: bool) -> Array:
        return (on_cpu if row_programs.exists_for(arrays[0], is_cut) else on_xla)(*arrays)

    primitive.def_abstract_eval(result)
    lower(primitive, on_xla, here)
    row_programs.let_map(primitive)
    return primitive


losses_p = _primitive("label_losses", _xla_losses, _losses_on_cpu)
slopes_p = _primitive("label_losses_tangent", _xla_slopes, _xla_slopes)
gradient_p = _primitive("label_losses_gradient", _xla_gradient, _gradient_on_cpu)


def _is_still(tangent: Any) -> bool:
    return type(tangent) is ad.Zero


def _losses_jvp(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Any]:
    (z, y), (t, _) = primals, tangents
    result = losses_p.bind(z, y)
    still = ad.Zero(ShapedArray(result.shape, result.dtype))
    return result, still if _is_still(t) else slopes_p.bind(z, y, t)


def _slopes_jvp(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Any]:
    (z, y, t), (of_z, _, of_t) = primals, tangents
    moves = [] if _is_still(of_t) else [slopes_p.bind(z, y, of_t)]
    if not _is_still(of_z):
        moves.append(jnp.sum(row_softmax.jacobian_product(row_softmax.softmax(z), of_z) * t, axis=-1))
    return slopes_p.bind(z, y, t), sum(moves[1:], moves[0])


def _gradient_jvp(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Any]:
    (z, y, c), (of_z, _, of_c) = primals, tangents
    moves = [] if _is_still(of_c) else [gradient_p.bind(z, y, of_c)]
    if not _is_still(of_z):
        moves.append(c[..., None] * row_softmax.jacobian_product(row_softmax.softmax(z), of_z))
    return gradient_p.bind(z, y, c), sum(moves[1:], moves[0])


ad.primitive_jvps[losses_p] = _losses_jvp
ad.primitive_jvps[slopes_p] = _slopes_jvp
ad.primitive_jvps[gradient_p] = _gradient_jvp
# What is not linear in an operand, or nothing goes to, has None.
ad.primitive_transposes[slopes_p] = lambda c, z, y, t: [None, None, None if _is_still(c) else gradient_p.bind(z, y, c)]
ad.primitive_transposes[gradient_p] = lambda u, z, y, c: [None, None, None if _is_still(u) else slopes_p.bind(z, y, u)]
