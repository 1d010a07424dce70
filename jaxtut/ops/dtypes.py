"""Python numbers beside arrays: in which dtype PyTorch computes with them, and what fits into it."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array

Number = bool | int | float


def is_array(value: Any) -> bool:
    """Say whether a value is an array, of rank 0 or more; a NumPy scalar counts as a number."""
    return isinstance(value, (jax.Array, np.ndarray))


def with_an_array(function: str, *values: Any) -> tuple[Any, ...]:
    """Refuse numbers alone; NumPy's scalars count as arrays of rank 0 where nothing else is one."""
    if not any(is_array(value) for value in values):
        values = tuple(np.asarray(value) if isinstance(value, np.generic) else value for value in values)
    if not any(is_array(value) for value in values):
        given = " and ".join(type(value).__name__ for value in values)
        raise TypeError(f"{function}: expected at least one array, but {given} were given")
    return values


def number(function: str, argument: str, value: Any, expected: str = "a number") -> Number:
    """Return a Python or NumPy number as a Python one; booleans are numbers here, as in PyTorch's scalars."""
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        value = value.item()
    if not isinstance(value, (bool, int, float)):
        raise TypeError(f"{function}: {argument} must be {expected}, but {value!r} was given")
    return value


def with_numbers(dtype: DTypeLike, numbers: Sequence[Number]) -> np.dtype:
    """Return the dtype in which PyTorch computes with an array and numbers.

    The array's own, unless a number is of a higher kind: an integer beside booleans makes int64, a float beside integers float32.
    """
    kinds = (jnp.bool_, jnp.integer, jnp.floating)
    own = next(i for i, kind in enumerate(kinds) if jnp.issubdtype(dtype, kind))
    highest = max((0 if isinstance(n, bool) else 1 if isinstance(n, int) else 2 for n in numbers), default=0)
    return jnp.dtype(dtype) if highest <= own else (integers() if highest == 1 else jnp.dtype(jnp.float32))


def integers() -> np.dtype:
    """Return the dtype of indices and counts: int64, or int32 where JAX has no 64 bits."""
    return jax.dtypes.canonicalize_dtype(np.int64)


def filled(function: str, argument: str, value: Number, dtype: DTypeLike) -> Array:
    """Return a number as an array of rank 0; a negative one comes round in an unsigned dtype, and what does not fit is refused."""
    if jnp.issubdtype(dtype, jnp.integer):
        info = jnp.iinfo(dtype)
        least = -info.max if info.min == 0 else info.min
        if not least <= value <= info.max:
            raise ValueError(f"{function}: {argument} must fit into {jnp.dtype(dtype)}, but {value} was given")
        value = value % (info.max + 1) if info.min == 0 else value
    return jnp.asarray(value, dtype)
