"""Functions of rows of numbers whose loops are compiled for the processor at hand (`native.rows`)."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import batching
from jaxtyping import Array

from ..native import library, machine
from ..native.program import Program, Rows
from .lowering import on_mesh

# A row with more numbers is too long for one thread alone, where there is no other row.
LONG = 1 << 15

# Numbers below which what can be taken apart into several operations is: as one program it would save no time worth it.
MANY = 1 << 14


def are_many(x: Array) -> bool:
    """Return whether one program for the rows of an array is worth it."""
    # A size may be a symbol, in a program that is exported.
    if not all(isinstance(size, int) for size in x.shape) or x.dtype.name not in machine.BYTES:
        return False
    return x.size >= MANY and not on_mesh(x)


def exists_for(x: Array, is_cut: bool) -> bool:
    """Return whether there are programs for the rows along the last axis of an array; `is_cut` as in `lowering.lower`."""
    (*lead, length), dtype = x.shape, x.dtype
    if is_cut or dtype.name not in machine.BYTES or not machine.host():
        return False
    number = math.prod(lead)  # not before: in a program for export a size may be a symbol
    return number * length > 0 and (number > 1 or length <= LONG)


def call(function: str, shape: Sequence[int], x: Array, *others: Any) -> Array:
    """Return an array of a shape, computed from the rows of `x` and what belongs to each of them; `function` is a key of `ROW_ARGUMENTS`."""
    *lead, length = x.shape
    name = library.target(Program(x.dtype.name, Rows(math.prod(lead), length, function)))
    return jax.ffi.ffi_call(name, jax.ShapeDtypeStruct(tuple(shape), x.dtype))(x, *others)


def let_map(primitive: Primitive) -> None:
    """Let `vmap` map a primitive of arrays that have the same axes in front: another one becomes the first."""

    def rule(operands: Sequence[Array], axes: Sequence[int | None], **how: Any) -> tuple[Array, int]:
        size = next(a.shape[axis] for a, axis in zip(operands, axes, strict=True) if axis is not None)
        first = [
            jnp.broadcast_to(a, (size, *a.shape)) if axis is None else jnp.moveaxis(a, axis, 0)
            for a, axis in zip(operands, axes, strict=True)
        ]
        return primitive.bind(*first, **how), 0

    batching.primitive_batchers[primitive] = rule
