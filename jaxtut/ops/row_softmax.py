"""Softmax along the last axis, and the product of its Jacobian and a vector, which is symmetric: u_i = y_i · (v_i − Σ_j y_j · v_j).

Both are primitives of JAX, because then the program is chosen for each platform when it is compiled. On a CPU, XLA goes through the whole array
in five passes; a loop compiled for the processor at hand finishes each row while it is near (`native.rows`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad
from jaxtyping import Array

from . import row_programs
from .lowering import lower
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


def _primitive(name: str, function: str, on_xla: Callable[..., Array]) -> Primitive:
    primitive = Primitive(name)
    primitive.def_abstract_eval(lambda *arrays: arrays[-1].update(weak_type=False))

    def on_cpu(*arrays: Array, is_cut: bool) -> Array:
        if not row_programs.exists_for(arrays[0], is_cut):
            return on_xla(*arrays)
        return row_programs.call(function, arrays[0].shape, *arrays)

    lower(primitive, on_xla, on_cpu)
    row_programs.let_map(primitive)
    return primitive


softmax_p = _primitive("softmax", "softmax", _xla_softmax)
jacobian_product_p = _primitive("softmax_jacobian_product", "jacobian product", _xla_jacobian_product)


def _softmax_jvp(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Any]:
    y = softmax(primals[0])
    return y, tangents[0] if type(tangents[0]) is ad.Zero else jacobian_product(y, tangents[0])


def _jacobian_product_jvp(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Any]:
    (y, v), (of_y, of_v) = primals, tangents
    moves = [] if type(of_v) is ad.Zero else [jacobian_product(y, of_v)]
    if type(of_y) is not ad.Zero:
        mean, its_move = (jnp.sum(a * v, axis=-1, keepdims=True) for a in (y, of_y))
        moves.append(of_y * (v - mean) - y * its_move)
    return jacobian_product(y, v), sum(moves[1:], moves[0])


def _jacobian_product_transpose(cotangent: Any, y: Any, v: Any) -> list[Any]:
    return [None, cotangent if type(cotangent) is ad.Zero else jacobian_product(y, cotangent)]


ad.primitive_jvps[softmax_p] = _softmax_jvp
ad.primitive_jvps[jacobian_product_p] = _jacobian_product_jvp
ad.primitive_transposes[jacobian_product_p] = _jacobian_product_transpose
