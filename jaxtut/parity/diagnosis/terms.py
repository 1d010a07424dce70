"""Something added on one side only: a constant, a bias, the input itself, weight decay."""

import math
from collections.abc import Iterator

import numpy as np

from .difference import Difference, by_far
from .factors import WIDEST, Interval, factor_between
from .sizes import named_sizes
from .traps import Cause, Trap

ENOUGH = 3
# How well a single offset must be known.
PRECISE = 1e-7
GAUSSIAN = (math.log(2 * math.pi) / 2, "½ ln 2π: the constant of a Gaussian likelihood, which PyTorch leaves out")
OFFSETS = ((1.0, "1"), (0.5, "1/2"), (math.log(2), "ln 2"), GAUSSIAN)


def forgotten_vector(difference: Difference) -> Cause | None:
    """The sides are apart by an input of fewer axes: a bias left out, or added twice."""
    if difference.of_gradient:
        return None
    for name, vector in difference.inputs.items():
        smaller = 0 < vector.size < difference.own_size and vector.dtype.kind == "f"
        for broadcast in _broadcasts(vector, difference.own_shape) if smaller else ():
            if vector.any() and difference.explained_by(difference.b - broadcast):
                return Trap.BIAS.cause(f"JAX is PyTorch without {name}: it is left out")
            if vector.any() and difference.explained_by(difference.b + broadcast):
                return Trap.BIAS.cause(
                    f"JAX is PyTorch with {name} once more: it is left out in PyTorch, or added twice"
                )
    return None


def multiple_of_an_input(difference: Difference) -> Cause | None:
    """The sides are apart by a multiple of an array: a residual connection, weight decay, an L2 penalty."""
    if not difference.parted.sum() >= ENOUGH:
        return None
    for name, x in difference.twins:
        if not np.isfinite(x).all() or len(np.unique(x)) < ENOUGH:
            continue
        found = _multiples(difference, x.astype(np.float64))
        if found is not None and (cause := _term(difference, name, found)) is not None:
            return cause
    return None


def constant_offset(difference: Difference) -> Cause | None:
    """The sides are apart by one number, or by one number for each index of an axis."""
    if difference.of_gradient or difference.own_size < ENOUGH:
        return _single_offset(difference)
    low, high = (difference.gap - difference.tolerance).max(), (difference.gap + difference.tolerance).min()
    even = by_far(difference.gap - (low + high) / 2, difference.gap)
    if low <= high and high - low <= WIDEST * abs(low + high) and even:
        named = _offset_name(difference, float(low), float(high))
        return Trap.OFFSET.cause(
            f"JAX is PyTorch plus {(low + high) / 2:.9g} everywhere" + (f": {named}" if named else "")
        )
    for axis, length in enumerate(difference.own_shape):
        if 1 < length < difference.own_size and _even_along(difference, axis):
            return Trap.OFFSET.cause(
                f"JAX is PyTorch plus a number for each index of axis {axis}: a bias, a mean or a normalizer"
            )
    return None


def _single_offset(difference: Difference) -> Cause | None:
    """Name the offset of a single number, which always has one: only a constant that nothing else makes counts."""
    if difference.own_size != 1 or difference.of_gradient or difference.torch.dtype.kind != "f":
        return None
    gap, reach = float(difference.gap.ravel()[0]), float(difference.tolerance.ravel()[0])
    value, text = GAUSSIAN
    if reach <= PRECISE * abs(gap) and abs(abs(gap) - value) <= reach:
        return Trap.OFFSET.cause(f"JAX is PyTorch plus {gap:.9g}: {text}")
    return None


def _offset_name(difference: Difference, low: float, high: float) -> str:
    if difference.eps == 0 and (low <= 1 <= high or low <= -1 <= high):
        return "labels or indices that count from 1 on one side"
    for value, text in OFFSETS:
        for sign, minus in ((1, ""), (-1, "−")):
            if low <= sign * value <= high:
                return minus + text
    for n, where in named_sizes(difference).items():
        if low <= math.log(n) <= high or low <= -math.log(n) <= high:
            return f"the logarithm of N = {n}, {where}"
    return ""


def _even_along(difference: Difference, axis: int) -> bool:
    """Say whether the gap is the same in each slice of the axis, and at least one other axis is longer than 1."""
    gap, reach = (
        np.moveaxis(x, axis, 0).reshape(difference.own_shape[axis], -1) for x in (difference.gap, difference.tolerance)
    )
    low, high = (gap - reach).max(axis=1), (gap + reach).min(axis=1)
    parted = np.moveaxis(difference.parted, axis, 0).reshape(len(gap), -1)
    even = by_far(gap - (low + high)[:, None] / 2, gap)
    return bool(
        even
        and (low <= high).all()
        and (parted.all(axis=1) | ~parted.any(axis=1)).all()
        and parted.any(axis=1).sum() >= 2
    )


def _broadcasts(x: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Yield the array broadcast to the shape, as it is and, if it has one axis, along each axis of its length."""
    if x.ndim == 1:
        for axis in (i for i, n in enumerate(shape) if n == x.size):
            yield np.broadcast_to(x.reshape([x.size if i == axis else 1 for i in range(len(shape))]), shape)
        return
    try:
        yield np.broadcast_to(x, shape)
    except ValueError:
        return


def _multiples(difference: Difference, x: np.ndarray) -> list[Interval] | None:
    """Return the multiple of x that the gap is, for each cotangent; None if it is none, or zero for all."""
    rows = range(len(difference.gap)) if difference.lead else [...]
    found = [factor_between(difference.gap[row], x, difference.tolerance[row]) for row in rows]
    intervals = [f for f in found if f is not None]
    if len(intervals) == len(found):
        parts = [f.middle * x for f in intervals]
        expected = np.stack(parts) if difference.lead else parts[0]
        if not by_far(difference.gap - expected, difference.gap):
            return None
    telling = (np.abs(x) > 0).sum() >= ENOUGH
    if len(intervals) < len(found) or not telling or any(f.width > WIDEST and not f.holds(0) for f in intervals):
        return None
    return intervals if any(not f.holds(0) for f in intervals) else None


def _term(difference: Difference, name: str, found: list[Interval]) -> Cause | None:
    first = found[0]
    if difference.of_gradient:
        given = [float(np.ravel(v)[0]) for v in difference.cotangents if np.size(v) == 1]
        factor = f"{first.middle / given[0]:.9g} times" if given else "a multiple of"
        return Trap.DECAY.cause(f"the gradients are {factor} {name} apart: weight decay or an L2 penalty on one side")
    if first.holds(1) or first.holds(-1):
        added, left = ("JAX", "PyTorch") if first.holds(1) else ("PyTorch", "JAX")
        return Trap.RESIDUAL.cause(
            f"{name} itself is added in {added} and not in {left}: a residual connection, or a term left out"
        )
    if difference.kind == "step":
        return Trap.DECAY.cause(f"the sides are {first.middle:.9g} times {name} apart: weight decay on one side")
    return Trap.RESIDUAL.cause(
        f"the sides are {first.middle:.9g} times {name} apart: a term in {name} on one side only"
    )
