"""Changes of a parameter or a statistic: steps of another size, and running variances over n or n − 1."""

import numpy as np

from .difference import Difference, by_far
from .factors import INFORMATIVE, WIDEST, Interval, factor_between, known_factors
from .traps import Cause, Trap

ENOUGH = 3
# What the new statistics weigh in PyTorch; Flax's momentum weighs the old ones.
MOMENTA = (0.1, 0.01, 0.05)


def another_step(difference: Difference) -> Cause | None:
    """Measured from an input, JAX has gone another multiple of PyTorch's way: a learning rate, a momentum, a branch's scale."""
    if difference.of_gradient:
        return None
    for name, x in difference.twins:
        found = _between(difference, x, 1.0)
        if found is None or found.holds(1) or _by_sign(difference, x):
            continue
        if found.holds(-1):
            return Trap.STEP.cause(f"the change from {name} has the wrong sign: a step uphill for a step downhill")
        if found.holds(0):
            return Trap.STEP.cause(f"JAX leaves {name} as it is, PyTorch changes it")
        return Trap.STEP.cause(f"the change from {name} is {found.middle:.9g} times PyTorch's: {_reason(found)}")
    return None


def another_running_variance(difference: Difference) -> Cause | None:
    """The part that is added to a running statistic has a factor n/(n − 1)."""
    if difference.of_gradient:
        return None
    for name, x in difference.twins:
        for momentum in MOMENTA:
            found = _between(difference, x, 1 - momentum)
            if found is None or found.holds(1) or found.holds(0):
                continue
            start = f"what is added to {1 - momentum:g} · {name} is {found.middle:.9g} times PyTorch's"
            known = [
                text for value, text, trap in known_factors(difference) if trap == Trap.VARIANCE and found.names(value)
            ]
            n = _count(found)
            if known or n:
                text = known[0] if known else f"n and n − 1 below a variance of n = {n} numbers"
                return Trap.VARIANCE.cause(f"{start}: {text}")
    return None


def _between(difference: Difference, x: np.ndarray, share: float) -> Interval | None:
    """Return the factor between what the two sides add to a share of an array, None if elements have different ones."""
    if difference.own_size < ENOUGH or not np.isfinite(x).all() or not x.any():
        return None
    old = share * x.astype(np.float64)
    slack = difference.tolerance + 4 * max(difference.eps, 2.0**-52) * np.abs(old)
    a, b = difference.a - old, difference.b - old
    found = factor_between(a, b, slack)
    telling = (np.abs(b) > INFORMATIVE * slack).sum() >= ENOUGH
    if found is None or not telling or found.width > WIDEST or not by_far(a - found.middle * b, difference.gap):
        return None
    return found


def _by_sign(difference: Difference, x: np.ndarray) -> bool:
    """Say whether an array is changed exactly where it is positive, or negative: that is a slope, no step."""
    changed = np.abs(difference.b - x) > difference.tolerance
    return any(np.array_equal(changed, side) and not side.all() for side in (x > 0, x < 0))


def _reason(found: Interval) -> str:
    for momentum in MOMENTA:
        for value, side in (((1 - momentum) / momentum, "JAX"), (momentum / (1 - momentum), "PyTorch")):
            if found.holds(value):
                return f"a momentum of {momentum:g} is what {side} weighs the old by, and the other side the new"
    return "a learning rate, momentum or scale of a branch"


def _count(found: Interval) -> int | None:
    """Return the n of n/(n − 1) or (n − 1)/n, None if there is no whole one, or more than one."""
    ends = [f / (f - 1) if f > 1 else 1 / (1 - f) for f in (found.low, found.high) if f > 0 and f != 1]
    if len(ends) < 2 or max(ends) - min(ends) > 0.01:
        return None
    n = round(ends[0])
    return n if n > 1 and min(ends) - 0.01 <= n <= max(ends) + 0.01 else None
