"""Differences in a frame around an image, and along one diagonal: paddings, and masks that are off by one."""

from itertools import product

import numpy as np

from .difference import Difference
from .traps import Cause, Trap

# A side of the frame counts if the images part at so many of its elements.
COVERED = 0.9
# One end alone is told from one index in longer axes only.
LONG = 5
# A diagonal of fewer elements may be an accident.
SHORTEST = 3
SIDES = ("the start", "the end")


def border(difference: Difference) -> Cause | None:
    """The sides part only in a frame around the last axes, or around the axes before the channels."""
    ndim = difference.parted.ndim
    if ndim < 2 or not (difference.active & ~difference.parted).any():
        return None
    for axes in _spatial(ndim):
        shortest = min(difference.own_shape[axis] for axis in axes)
        for width in range(1, (shortest - 1) // 2 + 1):
            sides = _needed(difference, _sides(difference, axes, width), width)
            # Some ends alone may be other places, unless they are a small part of an image with batch and channels.
            small = ndim >= 4 and width * 4 <= shortest and shortest >= LONG
            told = bool(sides) and (small or ({axis for axis, _ in sides} == set(axes) and len(sides) > 1))
            if told and not (difference.parted & ~_frame(difference, sides, width)).any():
                named = _named(axes, sides)
                return Trap.BORDER.cause(
                    f"the sides part only at the border, {width} wide, at {named}: the padding or its mode"
                )
    return None


def diagonal(difference: Difference) -> Cause | None:
    """The sides part along one diagonal of the last two axes."""
    shape = difference.own_shape
    if len(shape) < 2 or min(shape[-2:]) < SHORTEST:
        return None
    zero = [~difference.any_cotangent(side != 0) for side in (difference.a, difference.b)]
    for what, mask in (("the sides part", difference.parted), ("one side alone is zero", zero[0] ^ zero[1])):
        places = mask.reshape(-1, *shape[-2:]).any(axis=0)
        rows, columns = np.nonzero(places)
        offsets = np.unique(columns - rows)
        complete = len(offsets) == 1 and len(rows) >= max(SHORTEST, np.diagonal(places, int(offsets[0])).size - 1)
        if complete and (difference.active & ~mask).any():
            text = f"{what} only on diagonal {offsets[0]} of the last two axes"
            return Trap.DIAGONAL.cause(f"{text}: a triangular mask that is off by one")
    return None


def _spatial(ndim: int) -> list[tuple[int, ...]]:
    """Return the axes that may be spatial: the last two, the last, the last three, or those before a last axis of channels."""
    groups = [(ndim - 2, ndim - 1)]
    groups += [(ndim - 1,), (ndim - 3, ndim - 2)] if ndim >= 3 else []
    groups += [(ndim - 3, ndim - 2, ndim - 1)] if ndim >= 5 else []
    return groups


def _slab(mask: np.ndarray, axis: int, end: int, width: int) -> np.ndarray:
    return np.moveaxis(mask, axis, 0)[:width] if end == 0 else np.moveaxis(mask, axis, 0)[-width:]


def _sides(difference: Difference, axes: tuple[int, ...], width: int) -> list[tuple[int, int]]:
    """Return the (axis, end) whose outermost slices part nearly everywhere."""
    active = difference.parted | difference.active
    found = []
    for axis, end in product(axes, (0, 1)):
        here, whole = (_slab(mask, axis, end, width) for mask in (difference.parted, active))
        # Each of the outermost slices must part, or a narrower frame would do.
        filled = here.reshape(width, -1).sum(axis=1) >= COVERED * np.maximum(whole.reshape(width, -1).sum(axis=1), 1)
        if filled.all() and here[0].size > 1:
            found.append((axis, end))
    return found


def _needed(difference: Difference, sides: list[tuple[int, int]], width: int) -> list[tuple[int, int]]:
    """Leave out the sides whose elements lie in the others."""
    for side in list(sides):
        others = [other for other in sides if other != side]
        if not (difference.parted & ~_frame(difference, others, width)).any():
            sides = others
    return sides


def _frame(difference: Difference, sides: list[tuple[int, int]], width: int) -> np.ndarray:
    frame = np.zeros(difference.parted.shape, bool)
    for axis, end in sides:
        _slab(frame, axis, end, width)[...] = True
    return frame


def _named(axes: tuple[int, ...], sides: list[tuple[int, int]]) -> str:
    if len(sides) == 2 * len(axes):
        return f"both ends of ax{'is' if len(axes) == 1 else 'es'} {' and '.join(map(str, axes))}"
    return " and ".join(f"{SIDES[end]} of axis {axis}" for axis, end in sides)
