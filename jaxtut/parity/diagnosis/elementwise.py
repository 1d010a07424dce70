"""One side is a function of the other: a softmax, logarithm, root or rounding that only one side applies."""

from collections.abc import Callable, Iterator

import numpy as np

from .difference import Difference, by_far
from .traps import Cause, Trap

# Different numbers that a function must meet: fewer meet many functions.
ENOUGH = 3
# As many for a function along an axis.
AXIS = 2
# A few elements show that most functions do not fit, by a wide margin.
GLANCE, WIDE = 64, 1e-3
# A single number that meets a function so precisely is no accident.
PRECISE = 1e-9
# What is rounded to whole numbers moves by as much somewhere.
COARSE = 0.1

Formula = Callable[[np.ndarray], np.ndarray]

SMOOTH: dict[str, Formula] = {
    "the exponential": np.exp,
    "the logarithm": np.log,
    "minus the logarithm": lambda x: -np.log(x),
    "the square": np.square,
    "the square root": np.sqrt,
    "the inverse": np.reciprocal,
    "the sigmoid": lambda x: 0.5 * (1 + np.tanh(x / 2)),
    "the tanh": np.tanh,
    "log(1 + x)": np.log1p,
    "exp(x) − 1": np.expm1,
    "1 − x": lambda x: 1 - x,
}
# These forget something, and agree with much.
FORGETFUL: dict[str, Formula] = {
    "the absolute value": np.abs,
    "the ReLU": lambda x: np.maximum(x, 0),
    "the nearest whole number": np.rint,
    "the floor": np.floor,
    "the whole part": np.trunc,
}


ROUNDINGS = (np.rint, np.floor, np.trunc)


def function_of_the_other_side(difference: Difference) -> Cause | None:
    """One side is a function of the other, element by element or along an axis."""
    if difference.of_gradient or difference.torch.dtype.kind not in "fi":
        return None
    for name, formula, enough in _formulas(difference):
        for one, other, text in (
            (difference.a, difference.b, f"JAX is {name} of PyTorch"),
            (difference.b, difference.a, f"PyTorch is {name} of JAX"),
        ):
            if _is(difference, one, other, formula, enough):
                return Trap.ELEMENTWISE.cause(
                    f"{text}: one side applies it, or a function with it inside, and the other does not"
                )
    return None


def _formulas(difference: Difference) -> Iterator[tuple[str, Formula, int]]:
    """Yield each function with the number of different arguments that it must meet."""
    for name, formula in SMOOTH.items():
        yield name, formula, 1
    for axis in reversed(range(difference.b.ndim)):
        if difference.b.shape[axis] > 1:
            yield f"the softmax along axis {axis}", lambda x, axis=axis: np.exp(_log_softmax(x, axis)), AXIS
            yield f"the log-softmax along axis {axis}", lambda x, axis=axis: _log_softmax(x, axis), AXIS
    for name, formula in FORGETFUL.items():
        yield name, formula, ENOUGH


def _log_softmax(x: np.ndarray, axis: int) -> np.ndarray:
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _is(difference: Difference, one: np.ndarray, other: np.ndarray, formula: Formula, enough: int) -> bool:
    if enough != AXIS and not _at_a_glance(difference, one, other, formula):
        return False
    expected = formula(other)
    if expected.shape != one.shape or not np.isfinite(expected).all():
        return False
    # What rounding moves the argument by, a smooth function carries on.
    moved = [formula(other + sign * difference.tolerance) for sign in (1, -1)] if enough < ENOUGH else [expected]
    carried = np.max([np.abs(y - expected) for y in moved], axis=0)
    reach = np.nan_to_num(carried) + difference.tolerance + 64 * max(difference.eps, 2.0**-52) * np.abs(expected)
    if not (np.abs(one - expected) <= reach).all() or not by_far(one - expected, one - other):
        return False
    if not _varied(other[difference.unequal], enough):
        return False
    if formula in ROUNDINGS and np.abs(one - other).max() < COARSE:
        return False
    if _varied(other[difference.unequal], ENOUGH):
        return True
    # exp(0) = 1 and the like are no sign of a function.
    trivial = np.isin(one, (0, 1)).any() or np.isin(other, (0, 1)).any()
    return not trivial and bool((reach <= PRECISE * np.abs(one).max()).all())


def _at_a_glance(difference: Difference, one: np.ndarray, other: np.ndarray, formula: Formula) -> bool:
    x, y = (side.ravel()[:: max(1, side.size // GLANCE)] for side in (other, one))
    return bool((np.abs(formula(x) - y) <= WIDE * (1 + np.abs(y)) + 1e3 * float(difference.tolerance.max())).all())


def _varied(x: np.ndarray, enough: int) -> bool:
    return len(np.unique(x)) >= enough
