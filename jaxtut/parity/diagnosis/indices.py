"""Differences in whole slices: one channel, one row, and the rows or classes that labels point at."""

import numpy as np

from .difference import Difference
from .traps import Cause, Trap

# How much of a slice must part for the slice as a whole to count.
COVERED = 0.5
# In fewer slices, labels point at the right ones by chance.
FEWEST = 4


def labelled_rows(difference: Difference) -> Cause | None:
    """The sides part exactly in the rows whose label is out of range, negative or ignored, or in rows that an index repeats."""
    for axis, indices in _slices(difference):
        length = difference.own_shape[axis]
        if length < FEWEST or length < difference.own_size < 2 * FEWEST:
            continue
        for name, y in difference.labels:
            if y.shape[:1] == (length,) and y.ndim == 1 and (text := _rows(difference, axis, indices, name, y)):
                return Trap.LABELS.cause(text)
        for name, y in difference.labels:
            if (cause := _entries(difference, axis, indices, name, y)) is not None:
                return cause
    return None


def one_index(difference: Difference) -> Cause | None:
    """The sides part in one element, or in one slice of an axis."""
    shape = difference.own_shape
    if difference.own_size >= 4 and difference.parted.sum() == 1:
        where = [int(i[0]) for i in np.nonzero(difference.parted)]
        return Trap.ONE_INDEX.cause(
            f"only the element {where} of {difference.own_size} parts: one index, one border or one special value"
        )
    for axis, indices in _slices(difference):
        if len(indices) == 1 and shape[axis] >= 3:
            which = "the last" if indices[0] == shape[axis] - 1 else "the first" if indices[0] == 0 else "one"
            text = f"only index {indices[0]} of axis {axis} parts, {which} of {shape[axis]}: one channel, class or row is treated otherwise"
            return Trap.ONE_INDEX.cause(text + _zeros(difference))
    return None


def _slices(difference: Difference) -> list[tuple[int, np.ndarray]]:
    """Return the axes along which only some slices part, at most half of them, each in most of its elements that are not zero."""
    found = []
    for axis, length in enumerate(difference.own_shape):
        parted, active = (
            np.moveaxis(m, axis, 0).reshape(length, -1).sum(axis=1) for m in (difference.parted, difference.active)
        )
        chosen = parted > 0
        full = (parted[chosen] >= COVERED * active[chosen]).all()
        if chosen.any() and 2 * chosen.sum() <= length and full and active[~chosen].any():
            found.append((axis, np.flatnonzero(chosen)))
    return found


def _rows(difference: Difference, axis: int, indices: np.ndarray, name: str, y: np.ndarray) -> str:
    classes = next((n for i, n in enumerate(difference.own_shape) if i != axis), None) or _classes(difference, y)
    special = (
        (y < 0, "is negative: PyTorch ignores −100 and raises on others, JAX wraps or clamps"),
        (y == -100, "is −100, which PyTorch ignores"),
        (y >= classes if classes else y < y.min(), f"is {classes} or more: JAX clamps it to the last class"),
        ((y < 0) | (y >= classes) if classes else y < y.min(), "is out of range: JAX clamps or wraps it"),
    )
    for mask, what in special:
        if mask.any() and not mask.all() and np.array_equal(np.flatnonzero(mask), indices):
            return f"the sides part only in the rows of axis {axis} whose label {name} {what}"
    values = np.unique(y[indices])
    if len(values) == 1 and len(indices) > 1 and np.array_equal(np.flatnonzero(y == values[0]), indices):
        return f"the sides part only in the rows of axis {axis} whose label {name} is {values[0]}"
    return ""


def _classes(difference: Difference, y: np.ndarray) -> int | None:
    """Return the number of classes from scores that have a row for each label."""
    rows = [x for x in (*difference.inputs.values(), *difference.values.values()) if x.ndim == 2 and len(x) == len(y)]
    return rows[0].shape[1] if rows else None


def _entries(difference: Difference, axis: int, indices: np.ndarray, name: str, y: np.ndarray) -> Cause | None:
    """Compare the slices that part with the entries that an index array uses."""
    length = difference.own_shape[axis]
    used, counts = np.unique(y, return_counts=True)
    repeated = used[(counts > 1) & (used >= 0)]
    if len(repeated) < len(used) and np.array_equal(repeated, indices) and difference.of_gradient:
        return Trap.REPEATED.cause(
            f"the sides part only in the entries of axis {axis} that {name} repeats: set in place of add"
        )
    if len(used) > 1 and np.array_equal(used, indices):
        text = f"the sides part only in the entries of axis {axis} that {name} points at{_zeros(difference)}"
        return Trap.REPEATED.cause(f"{text}: set in place of add")
    outside = used[(used < 0) | (used >= length)]
    reached = {int(np.clip(i + length if i < 0 else i, 0, length - 1)) for i in outside}
    if len(outside) and reached == set(indices.tolist()):
        text = f"only index {', '.join(map(str, indices))} of axis {axis} parts, where JAX clamps or wraps the entries of {name} out of range"
        return Trap.LABELS.cause(text)
    return None


def _zeros(difference: Difference) -> str:
    a, b = difference.a[difference.unequal], difference.b[difference.unequal]
    return "; JAX is 0 there" if not a.any() else "; PyTorch is 0 there" if not b.any() else ""
