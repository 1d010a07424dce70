"""What the winners of windows hold, and the transpose of that, for windows that overlap: two linear primitives, each the other's transpose.

XLA adds up one image for each member of the window; on a CPU, a loop of ours adds each number where it belongs (`native.giving_back`).
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jaxtyping import Array, Int

from ..native import library, machine
from ..native.program import GivingBack, Program
from .lowering import has_fixed_shape, linear_in_last, lower, map_leading_axes, on_mesh
from .windows import Windows, members

Places = Int[Array, "..."]


def suits(x: Array, where: Windows) -> bool:
    """Return whether the windows overlap, and the array is one that loops of ours take.

    Each window must have a member in the image: one that lies in the padding alone, as a dilated one may, has no winner to give back to.
    """
    for axis, size in enumerate(where.sizes):
        positions = where.positions(axis)
        if not ((positions >= 0) & (positions < size)).any(axis=1).all():
            return False
    overlap = any(s <= d * (k - 1) for s, k, d in zip(where.strides, where.kernel, where.dilations, strict=True))
    return overlap and has_fixed_shape(x) and x.dtype.name in machine.BYTES and not on_mesh(x)


def taken(place: Places, x: Array, where: Windows) -> Array:
    """Return, for each window, the member of `x` at the place that is given."""
    return taken_p.bind(place, x, where=where)


def _xla_taken(place: Places, x: Array, *, where: Windows) -> Array:
    return chosen(place, members(x, where, jnp.zeros((), x.dtype)))


def chosen(place: Places, each: Sequence[Array]) -> Array:
    """Return, for each window, the one of its members that stands at the place."""
    found = jnp.zeros(place.shape, each[0].dtype)
    for i, member in enumerate(each):
        found = found + jnp.where(place == i, member, 0)
    return found


def _xla_given_back(place: Places, y: Array, *, where: Windows) -> Array:
    x = jax.ShapeDtypeStruct((*y.shape[: -len(where.sizes)], *where.sizes), y.dtype)
    return jax.linear_transpose(partial(_xla_taken, place, where=where), x)(y)[0]


def _taken_on_cpu(place: Places, x: Array, *, where: Windows, is_cut: bool) -> Array:
    del is_cut
    return _xla_taken(place, x, where=where)


def _given_back_on_cpu(place: Places, y: Array, *, where: Windows, is_cut: bool) -> Array:
    if is_cut or y.size == 0 or not machine.host():
        return _xla_given_back(place, y, where=where)
    lead = y.shape[: -len(where.sizes)]
    main = GivingBack(
        math.prod(lead), where.sizes, where.kernel, where.strides, where.pads, where.dilations, where.counts
    )
    result = jax.ShapeDtypeStruct((*lead, *where.sizes), y.dtype)
    return jax.ffi.ffi_call(library.target(Program(y.dtype.name, main)), result)(place, y)


def _primitive(name: str, on_xla: Any, on_cpu: Any, spatial: str) -> Primitive:
    made = Primitive(name)

    def result(place: Any, a: Any, *, where: Windows) -> ShapedArray:
        return ShapedArray((*a.shape[: -len(where.sizes)], *getattr(where, spatial)), a.dtype)

    made.def_abstract_eval(result)
    lower(made, on_xla, on_cpu, "where")
    map_leading_axes(made, on_xla)
    return made


taken_p = _primitive("winners_taken", _xla_taken, _taken_on_cpu, "counts")
given_back_p = _primitive("winners_given_back", _xla_given_back, _given_back_on_cpu, "sizes")
linear_in_last(taken_p, given_back_p, _xla_taken)
linear_in_last(given_back_p, taken_p, _xla_given_back)
