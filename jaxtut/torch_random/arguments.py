"""Checks of what the generator is asked for."""

import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike

Shape = int | Sequence[int]
Real = int | float  # spelled out for checkers at run time, to which an int is no float


def integer(caller: str, name: str, value: object) -> int:
    """Return `value` if it is an int; a bool is none."""
    if type(value) is int:
        return value
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, SupportsIndex):
        raise TypeError(f"{caller}: {name} must be an int, but {value!r} was given")
    return operator.index(value)


def real(caller: str, name: str, value: object) -> float:
    """Return a number as a float."""
    if not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{caller}: {name} must be a number, but {value!r} was given")
    return float(value)


def float_dtype(caller: str, dtype: DTypeLike, name: str = "dtype") -> np.dtype[Any]:
    """Return float32 or float64 as a dtype, and refuse others."""
    kind = np.dtype(dtype)
    if dtype is None or kind not in (np.float32, np.float64):
        raise TypeError(f"{caller}: {name} must be float32 or float64, but {dtype} was given")
    return kind


def shape_of(caller: str, shape: object) -> tuple[int, ...]:
    """Return the sizes of a shape, which is an int or a sequence of ints."""
    if type(shape) is int and shape >= 0:  # asking for a protocol takes longer than drawing a number
        return (shape,)
    sizes = tuple(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else (shape,)
    checked = tuple(integer(caller, "each size in shape", size) for size in sizes)
    if min(checked, default=0) < 0:
        raise ValueError(f"{caller}: shape must not hold a negative size, but {shape} was given")
    return checked


def shape_of_arguments(caller: str, shape: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the sizes of a shape that may be given as several arguments."""
    if not shape:
        raise TypeError(f"{caller}: a shape is needed; {caller}(()) gives one number")
    return shape_of(caller, shape[0] if len(shape) == 1 else shape)


def bounds(low: Real, high: Real, kind: np.dtype[Any]) -> tuple[Any, Any]:
    """Return the bounds in `kind`, once they are known to be in order."""
    bottom, top, largest = real("uniform", "low", low), real("uniform", "high", high), float(np.finfo(kind).max)
    for name, value in (("low", bottom), ("high", top)):
        if not -largest <= value <= largest:
            raise ValueError(f"uniform: {name} must be finite in {kind}, but {value} was given")
    if bottom > top:
        raise ValueError(f"uniform: low must not be above high, but low={bottom} and high={top} were given")
    if top - bottom > largest:
        raise ValueError(f"uniform: high - low must be finite in {kind}, but low={bottom} and high={top} were given")
    return kind.type(bottom), kind.type(top)
