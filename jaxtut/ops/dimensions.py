"""Which dimensions a reduction goes over."""

from collections.abc import Sequence

import numpy as np

from . import checks

Dims = int | Sequence[int]


def axes(function: str, dim: Dims | None, ndim: int) -> tuple[int, ...]:
    """Return the dimensions counted from the front; None and () are all of them, and an array of rank 0 has none to reduce."""
    if dim is not None and isinstance(dim, (str, bytes)):
        raise TypeError(f"{function}: dim must be an integer or a tuple of them, but {dim!r} was given")
    dims = tuple(range(ndim)) if dim is None else tuple(dim) if isinstance(dim, Sequence) else (dim,)
    found = tuple(checks.axis(function, d, ndim) for d in dims or range(ndim))
    if len(set(found)) < len(found):
        raise ValueError(f"{function}: dim must name each dimension once, but {dim} was given")
    return found if ndim else ()


def not_empty(function: str, shape: tuple[int, ...], over: tuple[int, ...]) -> None:
    """Refuse to look for one element among none: some result would have no member to come from."""
    if any(shape[axis] == 0 for axis in over):
        raise ValueError(f"{function}: expected at least one element to choose from, but shape {shape} was given")


def integer(function: str, argument: str, value: object) -> int:
    """Refuse what is not an integer, booleans too."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{function}: {argument} must be an integer, but {value!r} was given")
    return int(value)
