"""Primitives of rows of numbers, whose loops are compiled for the processor at hand (`native.rows`)."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.extend.core import Primitive
from jaxtyping import Array

from ..native import library, machine
from ..native.program import Program, Rows
from .lowering import has_fixed_shape, lower, map_leading_axes, on_mesh

# A row with more numbers is too long for one thread alone, where there is no other row.
LONG = 1 << 15
# Arrays with fewer numbers are left to operations of JAX one by one: a program for all of them saves no time worth it.
MANY = 1 << 14


def are_many(x: Array) -> bool:
    """Return whether one program for the rows along the last axis of an array is worth it."""
    return has_fixed_shape(x) and x.dtype.name in machine.BYTES and x.size >= MANY and not on_mesh(x)


def primitive(name: str, on_xla: Callable[..., Array], function: str | None = None, like: int = -1) -> Primitive:
    """Return a primitive of arrays that have rows along the last axis of the first, or a number for each row.

    Args:
        name: of the primitive.
        on_xla: computes it on every platform.
        function: its loop, a key of `native.program.ROW_ARGUMENTS`; on a CPU it is XLA's too where there is none.
        like: which array's shape the result has; its dtype is that of the first.
    """
    made = Primitive(name)

    def on_cpu(*arrays: Array, is_cut: bool) -> Array:
        if function is None or is_cut or not _has_program(arrays[0]):
            return on_xla(*arrays)
        return _call(function, arrays[like].shape, *arrays)

    made.def_abstract_eval(lambda *arrays: arrays[like].update(dtype=arrays[0].dtype, weak_type=False))
    lower(made, on_xla, on_cpu)
    map_leading_axes(made, on_xla)
    return made


def _has_program(x: Array) -> bool:
    *lead, length = x.shape
    if x.dtype.name not in machine.BYTES or not machine.host():
        return False
    number = math.prod(lead)
    return number * length > 0 and (number > 1 or length <= LONG)


def _call(function: str, shape: Sequence[int], x: Array, *others: Any) -> Array:
    *lead, length = x.shape
    name = library.target(Program(x.dtype.name, Rows(math.prod(lead), length, function)))
    return jax.ffi.ffi_call(name, jax.ShapeDtypeStruct(tuple(shape), x.dtype))(x, *others)
