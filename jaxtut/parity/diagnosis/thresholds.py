"""Differences on one side of a threshold: another branch, or a formula that breaks down for large or small inputs."""

import numpy as np

from .difference import Difference
from .traps import Cause, Trap

# Of 16 elements, 3 or more lie on one side of a threshold by chance in one case of hundreds.
FEWEST, PARTED = 16, 3
# A threshold has more than one number on either side.
VARIED = 2
# A formula that loses its digits is off by roundings of 1, this many at most.
LOST = 64
# From here on a float32 sigmoid, or 1 + exp(x), has no digits of the small part.
SATURATED = 8.0
NAMED = (0.0, 1.0, -1.0, 3.0, -3.0, 6.0, 20.0, 0.5, -0.5, 2.0, -2.0)


def saturated(difference: Difference) -> Cause | None:
    """The sides part at the largest inputs only, where a formula has no digits left."""
    if difference.own_size < 4:
        return None
    for name, x in difference.arguments:
        for size, label in ((np.abs(x), f"|{name}|"), (x, name), (-x, f"−{name}")):
            limits = _separation(difference, size)
            if limits is not None and limits[2] and limits[1] >= SATURATED:
                text = f"the sides part only where {label} is {limits[1]:.4g} or more: a naive formula saturates there"
                return Trap.SATURATED.cause(text)
    return None


def beyond_a_threshold(difference: Difference) -> Cause | None:
    """The sides part on one side of a threshold of the input: another branch, or digits that a formula loses there."""
    parted = int(difference.parted.sum())
    if difference.own_size < FEWEST or not PARTED <= parted <= difference.own_size - PARTED:
        return None
    for name, x in difference.arguments:
        for size, label in ((x, name), (np.abs(x), f"|{name}|")):
            if (limits := _separation(difference, size)) is None:
                continue
            low, high, above = limits
            point = next((p for p in NAMED if low <= p <= high), None)
            where = f"{'above' if above else 'below'} {point:g}" if point is not None else _between(low, high, above)
            start = f"the sides part only where {label} is {where}"
            if np.abs(difference.gap).max() <= LOST * difference.eps * max(1.0, float(np.abs(difference.b).max())):
                return Trap.SATURATED.cause(f"{start}, in the last digits of 1: a formula cancels or saturates there")
            return Trap.BRANCH.cause(f"{start}: {_branch(difference, point)}")
    return None


def _between(low: float, high: float, above: bool) -> str:
    return f"{high:.6g} or more" if above else f"{low:.6g} or less"


def _branch(difference: Difference, point: float | None) -> str:
    a, b, t = (x[difference.unequal] for x in (difference.a, difference.b, difference.tolerance))
    ratio = a[np.abs(b) > 10 * t] / b[np.abs(b) > 10 * t]
    constant = len(ratio) == len(a) and len(ratio) > 1 and np.ptp(ratio) <= 1e-6 * abs(ratio[0])
    text = f"another branch, JAX {ratio[0]:.6g} times PyTorch there" if constant else "another branch or threshold"
    return text + (", such as another negative slope" if constant and point == 0 else "")


def _separation(difference: Difference, x: np.ndarray) -> tuple[float, float, bool] | None:
    """Return the last input on the one side and the first on the other, and whether the sides part above; None if no threshold parts them.

    Elements that are zero on both sides say nothing.
    """
    parted = difference.parted
    agree = difference.active & ~parted
    if x.shape != parted.shape or not np.isfinite(x).all() or not agree.any():
        return None
    inside, outside = x[parted], x[agree]
    if min(len(np.unique(inside)), len(np.unique(outside))) < VARIED:
        return None
    if inside.min() > outside.max():
        return float(outside.max()), float(inside.min()), True
    if inside.max() < outside.min():
        return float(inside.max()), float(outside.min()), False
    return None
