"""What every optimizer and schedule asks of its arguments."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import jax
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Array, Float

Schedule = Callable[[Any], ArrayLike]
LearningRate = float | Float[Array, ""] | Schedule
Betas = tuple[float, float]


def number(function: str, name: str, value: object) -> float:
    """Return `value` as a float if it is a real number; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, (Real, np.floating, np.integer)):
        raise TypeError(f"{function}: {name} must be a number, but {value!r} was given")
    return float(value)


def not_negative(function: str, **values: object) -> None:
    """Refuse what is not a number, is negative, or is NaN."""
    for name, value in values.items():
        # Not `value < 0`, which lets NaN pass.
        if not number(function, name, value) >= 0:
            raise ValueError(f"{function}: {name} must not be negative, but {value} was given")


def betas(function: str, given: Betas) -> None:
    """Refuse anything but two numbers in [0, 1)."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise TypeError(f"{function}: betas must be a pair of numbers, but {given!r} was given")
    for i, beta in enumerate(given):
        if not 0 <= number(function, f"betas[{i}]", beta) < 1:
            raise ValueError(f"{function}: betas[{i}] must lie in [0, 1), but {beta} was given")


def learning_rate(function: str, lr: LearningRate) -> None:
    """Refuse a negative learning rate; a schedule, and a value hidden by a transformation, cannot be looked at here."""
    if callable(lr) or isinstance(lr, Tracer):
        return
    if isinstance(lr, (jax.Array, np.ndarray)):
        if lr.ndim != 0:
            raise ValueError(
                f"{function}: lr must be a number, an array of shape () or a schedule, but shape {lr.shape} was given"
            )
        lr = float(lr)
    if isinstance(lr, bool) or not isinstance(lr, (Real, np.floating, np.integer)):
        raise TypeError(
            f"{function}: lr must be a number, an array of shape () or a schedule f(step), but {lr!r} was given"
        )
    not_negative(function, lr=lr)


def flags(function: str, **values: object) -> None:
    """Refuse what is neither True nor False."""
    for name, value in values.items():
        if not isinstance(value, bool):
            raise TypeError(f"{function}: {name} must be True or False, but {value!r} was given")


def positive_int(function: str, **values: object) -> None:
    """Refuse what is not an int, or is below 1."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"{function}: {name} must be an int, but {value!r} was given")
        if value < 1:
            raise ValueError(f"{function}: {name} must be at least 1, but {value} was given")
