"""The slices of one axis in another order: a roll, two channels, gates, or a flatten of (channels, height, width) from another layout."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from .arrangements import axes_in_another_order, flipped, reshaped_for_transposed, same_after
from .difference import Difference
from .traps import Cause, Trap

# Blocks that a layer's weights are stacked in: two halves, q, k and v, the gates of a GRU, those of an LSTM.
BLOCKS = (2, 3, 4)
LONGEST = 1 << 14


def rearranged(difference: Difference) -> Cause | None:
    """JAX holds PyTorch's numbers in another order that has a rule."""
    if not difference.same_totals:
        return None
    detectors = (axes_in_another_order, flipped, permuted_axis, reshaped_for_transposed)
    return next((cause for detector in detectors if (cause := detector(difference)) is not None), None)


def permuted_axis(difference: Difference) -> Cause | None:
    """JAX's slices along one axis are PyTorch's in another order."""
    for axis, length in enumerate(difference.own_shape):
        if not 2 <= length <= LONGEST:
            continue
        place = axis + difference.lead
        a, b, t = (_projected(x, place) for x in (difference.a, difference.b, difference.tolerance))
        for order, cause in _known_orders(difference, axis, length, _shift(a, b)):
            near = np.abs(a - b[order]) <= t + t[order]
            if near.all() and same_after(difference, lambda x, order=order, place=place: np.take(x, order, place)):
                return cause
        if (cause := _some_order(difference, axis, a, b)) is not None:
            return cause
    return None


def _projected(x: np.ndarray, axis: int) -> np.ndarray:
    """Reduce each slice to one number, with weights between 1 and 2 so that a tolerance stays one."""
    slices = np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)
    return slices @ np.random.default_rng(0).uniform(1, 2, slices.shape[1])


def _shift(a: np.ndarray, b: np.ndarray) -> list[int]:
    """Return the shifts that put PyTorch's largest slice where JAX's largest is, ±1 first."""
    found = (int(np.argmax(a)) - int(np.argmax(b))) % len(a)
    return [s for s in dict.fromkeys((1, len(a) - 1, found)) if 0 < s < len(a)]


def _known_orders(
    difference: Difference, axis: int, length: int, shifts: list[int]
) -> Iterator[tuple[np.ndarray, Cause]]:
    """Yield orders that have a reason."""
    plain = np.arange(length)
    for shift in shifts:
        by = shift if shift <= length // 2 else shift - length
        text = (
            f"JAX is PyTorch rolled by {by} along axis {axis}: a shift by one, or labels that start at another number"
        )
        yield np.roll(plain, shift), Trap.SHIFTED.cause(text)
    for rows in (n for n in range(2, length // 2 + 1) if length % n == 0):
        yield plain.reshape(rows, -1).T.ravel(), _flatten(difference, axis, rows, length // rows)
    for count in (n for n in BLOCKS if length % n == 0 and length > n):
        for order in list(permutations(range(count)))[1:]:
            text = f"along axis {axis}, JAX has PyTorch's {count} blocks in the order {order}: gates, or queries, keys and values, stacked otherwise"
            yield plain.reshape(count, -1)[list(order)].ravel(), Trap.PERMUTED.cause(text)


def _flatten(difference: Difference, axis: int, rows: int, columns: int) -> Cause:
    """Name the flatten whose order is the transpose of (rows, columns), by an image among the inputs and values if there is one."""
    for name, x in {**difference.values, **difference.inputs}.items():
        shape = x.shape[-3:]
        for c, h, w in [(shape[0], shape[1], shape[2]), (shape[2], shape[0], shape[1])] if len(shape) == 3 else []:
            if (rows, columns) == (c, h * w):
                return Trap.FLATTEN.cause(
                    f"along axis {axis}, JAX flattens (H, W, C) where PyTorch flattens (C, H, W), with (C, H, W) = {(c, h, w)} as in {name}"
                )
            if (rows, columns) == (h * w, c):
                return Trap.FLATTEN.cause(
                    f"along axis {axis}, JAX flattens (C, H, W) where PyTorch flattens (H, W, C), with (C, H, W) = {(c, h, w)} as in {name}"
                )
    text = f"along axis {axis}, JAX has PyTorch's elements, taken as {rows} × {columns}, column by column"
    return Trap.FLATTEN.cause(f"{text}: a flatten of other axes, or halves interleaved")


def _some_order(difference: Difference, axis: int, a: np.ndarray, b: np.ndarray) -> Cause | None:
    """Match slices by size of their projections; only whole slices count, single numbers are not an order."""
    if difference.own_size == len(a):
        return None
    order = np.empty(len(a), int)
    order[np.argsort(a, kind="stable")] = np.argsort(b, kind="stable")
    place = axis + difference.lead
    if (order == np.arange(len(a))).all() or not same_after(difference, lambda x: np.take(x, order, place)):
        return None
    moved = np.flatnonzero(order != np.arange(len(a)))
    which = f"{moved[0]} and {moved[1]} exchanged" if len(moved) == 2 else f"in the order {_short(order)}"
    return Trap.PERMUTED.cause(f"JAX has PyTorch's slices along axis {axis} {which}: channels or rows in another order")


def _short(order: np.ndarray) -> str:
    return f"({', '.join(map(str, order[:8]))}{', …' if len(order) > 8 else ''})"
