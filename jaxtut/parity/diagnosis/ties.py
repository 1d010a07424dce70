"""Gradients that part only among equal elements: who gets the gradient of a maximum that several members share."""

import numpy as np

from .difference import Difference
from .traps import Cause, Trap

# How many rows are read to say what each side does.
READ = 64
SHARES, FIRST, LAST, OTHER = (
    "shares the gradient among equal members",
    "gives it to the first",
    "gives it to the last",
    "gives it to one of them",
)


def tie(difference: Difference) -> Cause | None:
    """The sides part only where the input equals another element of itself, and agree on the sum over equal elements."""
    if not difference.of_gradient:
        return None
    for name, x in difference.twins:
        if x.size < 2:
            continue
        groups, tied = _groups(x)
        if (difference.parted & ~tied).any() or not _conserved(difference, groups):
            continue
        # Without an element that has no equal, sums agree by chance where rows sum to zero: a dense gradient says nothing.
        if tied.all() and difference.active.mean() > 0.5 and difference.own_size > 2:
            continue
        jax, torch, where = _rules(difference, x)
        what = f"JAX {jax}, PyTorch {torch}" if jax != torch else "the two pick other members"
        return Trap.TIE.cause(f"the sides part only where {name} equals another element{where}: {what}")
    return None


def _rules(difference: Difference, x: np.ndarray) -> tuple[str, str, str]:
    """Say what each side does with a tie, and along which axis; in windows of several axes less can be said."""
    sides = (difference.a, difference.b)
    if (axis := _axis_of_ties(difference, x)) is not None:
        jax, torch = (_rule(difference, side, x, axis) for side in sides)
        if OTHER not in (jax, torch):
            return jax, torch, "" if x.ndim == 1 else f" along axis {axis}"
    large = [difference.any_cotangent(np.abs(side) > difference.tolerance) for side in sides]
    jax, torch = (SHARES if used[difference.parted].all() else OTHER for used in large)
    return jax, torch, "" if x.ndim == 1 else " in its window"


def _groups(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each element the number of its value, and whether another element has it too."""
    _, groups, counts = np.unique(x, return_inverse=True, return_counts=True)
    groups = groups.reshape(x.shape)
    return groups, counts[groups] > 1


def _conserved(difference: Difference, groups: np.ndarray) -> bool:
    """Say whether the gradients of equal elements have the same sum on both sides, for every cotangent."""
    count, flat = int(groups.max()) + 1, groups.ravel()
    rows = len(difference.a) if difference.lead else 1
    gap, tolerance = (v.reshape(rows, -1) for v in (difference.gap, difference.tolerance))
    return all(
        (np.abs(np.bincount(flat, g, count)) <= np.bincount(flat, t, count)).all()
        for g, t in zip(gap, tolerance, strict=True)
    )


def _axis_of_ties(difference: Difference, x: np.ndarray) -> int | None:
    """Return the last axis along which every parted element has an equal, None if there is none: a window of several axes."""
    for axis in reversed(range(x.ndim)):
        ordered = np.sort(x, axis=axis)
        equal = np.diff(ordered, axis=axis) == 0
        repeated = np.moveaxis(ordered, axis, 0)[1:][np.moveaxis(equal, axis, 0)]
        if np.isin(x[difference.parted], repeated).all() and _tied_along(x, axis)[difference.parted].all():
            return axis
    return None


def _tied_along(x: np.ndarray, axis: int) -> np.ndarray:
    rows = np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])
    tied = np.zeros(rows.shape, bool)
    for row, out in zip(rows, tied, strict=True):
        _, groups, counts = np.unique(row, return_inverse=True, return_counts=True)
        out[:] = counts[groups] > 1
    return np.moveaxis(tied.reshape(np.moveaxis(x, axis, -1).shape), -1, axis)


def _rule(difference: Difference, side: np.ndarray, x: np.ndarray, axis: int) -> str:
    """Say how one side divides a gradient among equal elements, from the first rows in which the sides part."""
    one = side[0] if difference.lead else side
    rest = difference.tolerance[0] if difference.lead else difference.tolerance
    values, gradients, small, parted = (
        np.moveaxis(v, axis, -1).reshape(-1, x.shape[axis]) for v in (x, one, rest, difference.parted)
    )
    seen = {
        _rule_of_row(g[v == top], s[v == top])
        for v, g, s, p in zip(values, gradients, small, parted, strict=True)
        for top in np.unique(v[p])[:READ]
    }
    return seen.pop() if len(seen) == 1 else OTHER


def _rule_of_row(gradient: np.ndarray, small: np.ndarray) -> str:
    used = np.flatnonzero(np.abs(gradient) > small)
    if len(used) == len(gradient) and np.ptp(gradient) <= 2 * small.max():
        return SHARES
    if len(used) == 1:
        return FIRST if used[0] == 0 else LAST if used[0] == len(gradient) - 1 else OTHER
    return OTHER
