"""Cross-entropies of the scores and labels among the inputs: label smoothing, a softmax too many, labels clamped or wrapped."""

from collections.abc import Iterator

import numpy as np

from .difference import Difference, within
from .traps import Cause, Trap

# Smoothing is given in whole percent; a number that comes out so near to one is one.
WHOLE, NEAR = 0.01, 1e-6
REDUCTIONS = (("mean", np.mean), ("sum", np.sum), ("none", np.asarray))


def another_cross_entropy(difference: Difference) -> Cause | None:
    """PyTorch is the cross-entropy of scores and labels, JAX a related one."""
    if difference.of_gradient or difference.b.ndim > 1:
        return None
    for scores, x, labels, y in _arguments(difference):
        for _, reduce in REDUCTIONS:
            negative, uniform = (np.asarray(reduce(v)) for v in _losses(x, y))
            if negative.shape == difference.b.shape and (
                cause := _compare(difference, negative, uniform, reduce, (scores, x, labels, y))
            ):
                return cause
    return None


def smoothed_gradient(difference: Difference) -> Cause | None:
    """Within each row the sides part by one number for every class but the label's, and the sum of a row is the same."""
    if not difference.of_gradient or len(difference.own_shape) != 2 or difference.own_shape[1] < 3:
        return None
    rows, classes = difference.own_shape
    for name, y in difference.labels:
        if y.shape != (rows,) or ((y < 0) | (y >= classes)).any():
            continue
        gap, reach = (v.reshape(-1, rows, classes) for v in (difference.gap, difference.tolerance))
        label = np.zeros((rows, classes), bool)
        label[np.arange(rows), y] = True
        others = gap[:, ~label].reshape(len(gap), rows, classes - 1)
        slack = 2 * reach.max(axis=2)
        even = (np.ptp(others, axis=2) <= slack).all()
        if (
            even
            and (np.abs(gap.sum(axis=2)) <= classes * slack).all()
            and (np.abs(others[..., 0]) > slack).any(axis=0).all()
        ):
            text = f"in each row the sides part by one number for all classes but the one in {name}, and rows have the same sum"
            return Trap.SMOOTHING.cause(f"{text}: label smoothing")
    return None


def _arguments(difference: Difference) -> Iterator[tuple[str, np.ndarray, str, np.ndarray]]:
    """Yield scores (rows, classes) with labels (rows,)."""
    for scores, x in {**difference.inputs, **difference.values}.items():
        for labels, y in difference.labels:
            if x.ndim == 2 and x.dtype.kind == "f" and y.shape == x.shape[:1] and np.isfinite(x).all():
                yield scores, x.astype(np.float64), labels, y


def _losses(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's loss for its label, out of range as JAX indexes, and averaged over all classes."""
    shifted = x - x.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    index = np.clip(np.where(y < 0, y + x.shape[1], y), 0, x.shape[1] - 1)
    return -log_p[np.arange(len(y)), index], -log_p.mean(axis=1)


def _compare(difference: Difference, negative: np.ndarray, uniform: np.ndarray, reduce, arguments) -> Cause | None:
    scores, x, labels, y = arguments
    reach = difference.tolerance + 64 * difference.eps * np.abs(negative)
    if within(difference.b, negative, reach):
        shifted = np.exp(x - x.max(axis=1, keepdims=True))
        twice = reduce(_losses(shifted / shifted.sum(axis=1, keepdims=True), y)[0])
        if within(difference.a, twice, reach):
            text = f"JAX is the cross-entropy of the softmax of {scores}, PyTorch that of {scores}: a softmax before a loss that has one"
            return Trap.SOFTMAX_TWICE.cause(text)
    elif within(difference.a, negative, reach) and ((y < 0) | (y >= x.shape[1])).any():
        text = f"JAX counts the rows whose label in {labels} is out of range, with the label wrapped or clamped"
        return Trap.LABELS.cause(text)
    return _smoothing(difference, negative, uniform, x.shape[1])


def _smoothing(difference: Difference, negative: np.ndarray, uniform: np.ndarray, classes: int) -> Cause | None:
    """Solve both sides for the smoothing s in (1 − s) · negative + s · uniform; both must come out as a number that one writes."""
    apart = uniform - negative
    if (np.abs(apart) < 1e-3 * np.abs(negative)).any():
        return None
    jax, torch = ((side - negative) / apart for side in (difference.a, difference.b))
    s_jax, s_torch = float(np.mean(jax)), float(np.mean(torch))
    if np.ptp(jax) > NEAR or np.ptp(torch) > NEAR or not _written(s_torch) or abs(s_jax - s_torch) < WHOLE / 2:
        return None
    if _written(s_jax):
        return Trap.SMOOTHING.cause(
            f"label smoothing {round(s_jax, 4) + 0.0:g} in JAX, {round(s_torch, 4) + 0.0:g} in PyTorch"
        )
    # The mass goes to the other classes alone: s / (classes − 1) each, which is PyTorch's s · classes / (classes − 1).
    other = s_jax * (classes - 1) / classes
    if _written(other):
        return Trap.SMOOTHING.cause(
            f"label smoothing of {round(other, 4):g} over the other classes in JAX, of {round(s_torch, 4) + 0.0:g} over all in PyTorch"
        )
    return None


def _written(smoothing: float) -> bool:
    return -NEAR <= smoothing < 1 and abs(smoothing / WHOLE - round(smoothing / WHOLE)) * WHOLE < NEAR
