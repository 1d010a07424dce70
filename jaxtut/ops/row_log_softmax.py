"""The logarithm of softmax along the last axis of many numbers, y = log S(x), and its derivatives.

Tangents are t − Σ_j e^(y_j) · t_j, cotangents c − e^y · Σ_j c_j: each is the transpose of the other. All three are primitives of JAX, because then
the program is chosen for each platform when it is compiled; on a CPU the first and the last are loops compiled for the processor at hand, which
finish each row while it is near (`native.rows`). Few numbers, and other axes, are computed by operations of JAX one by one.
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


def log_softmax(x: Floats, axis: int) -> Floats:
    """Return (x − m) − log Σ e^(x − m) along an axis, with m the largest number there."""
    if axis in (-1, x.ndim - 1) and row_programs.are_many(x):
        return log_softmax_p.bind(x)
    return jax.nn.log_softmax(x, axis=axis)


def _xla_log_softmax(x: Array) -> Array:
    return jax.nn.log_softmax(x, axis=-1)


def _xla_tangent(y: Array, t: Array) -> Array:
    return t - jnp.sum(jnp.exp(y) * t, axis=-1, keepdims=True)


def _xla_gradient(y: Array, c: Array) -> Array:
    return c - jnp.exp(y) * jnp.sum(c, axis=-1, keepdims=True)


def _primitive(name: str, on_xla: Callable[..., Array], function: str | None) -> Primitive:
    primitive = Primitive(name)

    def on_cpu(*arrays: Array, is_cut: bool) -> Array:
        if function is None or not row_programs.exists_for(arrays[0], is_cut):
            return on_xla(*arrays)
        return row_programs.call(function, arrays[0].shape, *arrays)

    primitive.def_abstract_eval(lambda *arrays: arrays[-1].update(weak_type=False))
    lower(primitive, on_xla, on_cpu)
    row_programs.let_map(primitive)
    return primitive


log_softmax_p = _primitive("log_softmax", _xla_log_softmax, "log softmax")
tangent_p = _primitive("log_softmax_tangent", _xla_tangent, None)
gradient_p = _primitive("log_softmax_gradient", _xla_gradient, "log gradient")


def _log_softmax_jvp(primals: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Any]:
    y = log_softmax_p.bind(*primals)
    return y, tangent_p.bind(y, tangents[0])


def _linear_jvp(
    primitive: Primitive, on_xla: Callable[..., Array], primals: Sequence[Array], tangents: Sequence[Any]
) -> tuple[Array, Any]:
    (y, v), (of_y, of_v) = primals, tangents
    moves = [] if type(of_v) is ad.Zero else [primitive.bind(y, of_v)]
    if type(of_y) is not ad.Zero:
        moves.append(jax.jvp(lambda y: on_xla(y, v), (y,), (of_y,))[1])
    return primitive.bind(y, v), sum(moves[1:], moves[0])


def _transposed(into: Primitive) -> Callable[..., list[Any]]:
    return lambda cotangent, y, _: [None, None if type(cotangent) is ad.Zero else into.bind(y, cotangent)]


ad.primitive_jvps[log_softmax_p] = _log_softmax_jvp
for _primitive_, _on_xla, _other in (
    (tangent_p, _xla_tangent, gradient_p),
    (gradient_p, _xla_gradient, tangent_p),
):
    ad.primitive_jvps[_primitive_] = lambda p, t, one=_primitive_, on_xla=_on_xla: _linear_jvp(one, on_xla, p, t)
    ad.primitive_transposes[_primitive_] = _transposed(_other)
