"""A small constant inside a logarithm, a root or a denominator, which makes a difference of its own size there."""

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np

from .difference import Difference
from .traps import Cause, Trap

EPSILONS = (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 2.0**-23, 2.0**-52)
ENOUGH = 3
# How well the elements must agree on the constant.
PRECISE = 1e-2

Undo = Callable[[np.ndarray], np.ndarray]


def another_epsilon(difference: Difference) -> Cause | None:
    """With the last function undone, the sides are a small constant apart."""
    if difference.own_size < ENOUGH or difference.torch.dtype.kind != "f":
        return None
    if difference.of_gradient:
        return _in_the_slope(difference)
    for place, undo in _places(difference):
        interval = _constant(difference, undo)
        if interval is not None and (sides := _sides(*interval)) is not None:
            jax, torch = sides
            return Trap.EPSILON.cause(f"an epsilon {place}: {jax} in JAX, {torch} in PyTorch")
    return None


def _in_the_slope(difference: Difference) -> Cause | None:
    """1/(x + ε) for 1/x, or 1/√(x + ε) for 1/√x: the cotangent cancels in the ratio of the two."""
    for name, x in difference.twins:
        size = np.broadcast_to(np.abs(x), difference.a.shape)
        for place, power in (
            (f"beside {name} in a logarithm or a denominator", 1),
            (f"beside {name} in a square root", 2),
        ):
            ratio = (difference.b / difference.a) ** power
            reach = 4 * size * difference.tolerance / np.abs(difference.a)
            found = _agreed((ratio - 1) * size, reach, size)
            if found is not None and (sides := _sides(*found)) is not None:
                return Trap.EPSILON.cause(f"an epsilon {place}: {sides[0]} in JAX, {sides[1]} in PyTorch")
    return None


def _places(difference: Difference) -> Iterator[tuple[str, Undo]]:
    yield "inside a logarithm", np.exp
    yield "inside a square root", np.square
    yield "in a denominator", np.reciprocal
    yield "inside an inverse square root", lambda y: 1 / y**2
    for name, x in difference.twins:
        yield f"in the denominator below {name}", lambda y, x=x: x / y
        yield f"inside the square root below {name}", lambda y, x=x: (x / y) ** 2


def _constant(difference: Difference, undo: Undo) -> tuple[float, float] | None:
    """Return the constants that all elements allow between the two sides with the last function undone."""
    a, b = undo(difference.a), undo(difference.b)
    shaken = np.maximum(*(np.abs(undo(difference.b + s * difference.tolerance) - b) for s in (1, -1)))
    return _agreed(a - b, 2 * shaken + 8 * 2.0**-52 * (np.abs(a) + np.abs(b)), b)


def _agreed(gap: np.ndarray, reach: np.ndarray, x: np.ndarray) -> tuple[float, float] | None:
    """Return the constants that all gaps allow, None if there are none, if they allow many, or if the arguments hardly vary."""
    telling = np.isfinite(gap) & np.isfinite(reach)
    if telling.sum() < ENOUGH or 2 * telling.sum() < telling.size:
        return None
    gap, reach, x = gap[telling], reach[telling], x[telling]
    low, high = float((gap - reach).max()), float((gap + reach).min())
    varied = np.ptp(x) > 1e-3 * np.abs(x).max()
    return (low, high) if low <= high and high - low <= PRECISE * abs(low + high) / 2 and varied else None


def _sides(low: float, high: float) -> tuple[str, str] | None:
    """Find the two epsilons whose difference lies in the interval."""
    if high < 0:
        found = _sides(-high, -low)
        return (found[1], found[0]) if found else None
    for eps in EPSILONS:
        if low <= eps <= high:
            return f"{eps:.3g}", "none"
    for small, large in combinations(sorted(EPSILONS), 2):
        if low <= large - small <= high:
            return f"{large:.3g}", f"{small:.3g}"
    return None
