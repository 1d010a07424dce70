"""A factor for each index of one axis: weights per channel or per sample that one side leaves out."""

from collections.abc import Iterator

import numpy as np

from .difference import Difference, by_far
from .factors import ENOUGH, INFORMATIVE, WIDEST, factor_between
from .traps import Cause, Trap


def axis_factor(difference: Difference) -> Cause | None:
    """JAX is PyTorch times a factor that changes along one axis only."""
    if len(difference.own_shape) < 2:
        return None
    for axis, length in enumerate(difference.own_shape):
        found = _factors(difference, axis) if 1 < length < difference.own_size else None
        if found is None:
            continue
        low, high = found
        if (name := _match(difference, length, low, high)) is not None:
            return Trap.AXIS_FACTOR.cause(
                f"JAX is PyTorch times {name} along axis {axis}: weights that one side leaves out"
            )
        # Slices that are either equal or zero are no weights.
        masked = (np.isnan(low) | ((low <= 0) & (high >= 0)) | ((low <= 1) & (high >= 1))).all()
        if not masked and not _proportional_slices(difference, axis):
            middle = (low + high) / 2
            text = f"JAX is PyTorch times a factor for each index of axis {axis}, from {np.nanmin(middle):.6g} to {np.nanmax(middle):.6g}"
            return Trap.AXIS_FACTOR.cause(text)
    return None


def _slices(difference: Difference, x: np.ndarray, axis: int) -> np.ndarray:
    """Return the array as (index on the axis, everything else)."""
    return np.moveaxis(x, axis + difference.lead, 0).reshape(difference.own_shape[axis], -1)


def _factors(difference: Difference, axis: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the lowest and highest factor of each slice, NaN where a slice says nothing; None if the slices have no factors."""
    a, b, t = (_slices(difference, x, axis) for x in (difference.a, difference.b, difference.tolerance))
    telling = np.abs(b) > INFORMATIVE * t
    count = np.moveaxis(difference.any_cotangent(telling_own(difference)), axis, 0).reshape(len(a), -1).sum(axis=1)
    used = telling.any(axis=1)
    # One element a slice always has a factor; two or more must agree.
    if (count >= 2).sum() < 2 or count.sum() < used.sum() + ENOUGH:
        return None
    ratio = np.where(telling, a / np.where(telling, b, 1), 0)
    half = np.where(telling, t * np.maximum(1, np.abs(ratio)) / np.where(telling, np.abs(b), 1), np.inf)
    low, high = (ratio - half).max(axis=1), (ratio + half).min(axis=1)
    with_factor = np.where(used, (low + high) / 2, 1)
    rest = np.abs(a - with_factor[:, None] * b) <= 2 * t * np.maximum(1, np.abs(with_factor[:, None]))
    if (low[used] > high[used]).any() or not rest[~telling].all():
        return None
    if not by_far(a - with_factor[:, None] * b, a - b):
        return None
    low, high = np.where(used, low, np.nan), np.where(used, high, np.nan)
    narrow = np.nanmax(high - low) <= WIDEST * np.nanmax(np.abs(with_factor))
    return (low, high) if narrow and np.nanmax(low) > np.nanmin(high) else None


def telling_own(difference: Difference) -> np.ndarray:
    """Return where an element is large enough to say something about a factor."""
    return np.abs(difference.b) > INFORMATIVE * difference.tolerance


def _match(difference: Difference, length: int, low: np.ndarray, high: np.ndarray) -> str | None:
    used = ~np.isnan(low)
    for name, vector in _vectors(difference, length):
        slack = 4 * np.finfo(np.float64).eps * np.abs(vector)
        if ((vector >= low - slack) & (vector <= high + slack))[used].all():
            return name
    return None


def _vectors(difference: Difference, length: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the inputs of that length, their inverses, and weights looked up by label."""
    vectors = {n: x.astype(np.float64) for n, x in difference.inputs.items() if x.ndim == 1 and x.dtype.kind in "fiub"}
    for name, y in difference.labels:
        for weight, w in list(vectors.items()):
            if y.ndim == 1 and weight != name and ((y >= 0) & (y < w.size)).all():
                vectors[f"{weight}[{name}]"] = w[y]
    for name, x in vectors.items():
        if x.size == length:
            yield name, x
            if (x != 0).all():
                yield f"1/{name}", 1 / x
            if x.sum() != 0:
                yield f"{name}/mean({name})", x / x.mean()


def _proportional_slices(difference: Difference, axis: int) -> bool:
    """Say whether the slices are multiples of one another: then any change upstream gives each its own factor."""
    first = (0,) * difference.lead
    b, t = (
        np.moveaxis(x[first], axis, 0).reshape(difference.own_shape[axis], -1)
        for x in (difference.b, difference.tolerance)
    )
    largest = b[np.argmax(np.abs(b).max(axis=1))]
    informative = [i for i in range(min(len(b), 16)) if (np.abs(b[i]) > INFORMATIVE * t[i]).any()]
    return all(factor_between(b[i], largest, 16 * t[i]) is not None for i in informative)
