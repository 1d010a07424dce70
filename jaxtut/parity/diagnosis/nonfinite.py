"""NaN and infinities that stand on one side only, or at other places."""

import numpy as np

from .difference import Difference
from .traps import Cause, Trap

# Above this, an exponential or its square leaves float32.
LARGE = 40.0


def not_a_number(difference: Difference) -> Cause | None:
    """NaN on one side where the other has a number."""
    jax, torch = (difference.any_cotangent(np.isnan(x)) for x in (difference.jax, difference.torch))
    bad, side, other = (jax & ~torch, "JAX", "PyTorch") if (jax & ~torch).any() else (torch & ~jax, "PyTorch", "JAX")
    if not bad.any():
        return None
    for detector in (_labels, _at_zero, _constant_rows, _masked_rows, _overflow):
        if (cause := detector(difference, bad, side)) is not None:
            return cause
    text = f"NaN in {side} alone, at {int(bad.sum())} of {bad.size} elements, where {other} has a number"
    return Trap.NAN.cause(f"{text}: look for inf − inf, 0 · inf behind a where, or 0/0")


def infinite(difference: Difference) -> Cause | None:
    """An infinity on one side where the other has a number, or the other infinity."""
    jax, torch = difference.jax, difference.torch
    parted = difference.any_cotangent((np.isinf(jax) | np.isinf(torch)) & (jax != torch))
    if not parted.any():
        return None
    minus = difference.any_cotangent((np.isneginf(jax) != np.isneginf(torch)) & (np.isneginf(jax) | np.isneginf(torch)))
    if (cause := _mask_of_infinities(difference, minus)) is not None:
        return cause
    side = "JAX" if difference.any_cotangent(np.isinf(jax) & ~np.isinf(torch)).any() else "PyTorch"
    for detector in (_at_zero, _overflow):
        if (cause := detector(difference, parted, side)) is not None:
            return cause
    text = f"{side} is infinite at {int(parted.sum())} of {parted.size} elements where the other side is finite"
    return Trap.OVERFLOW.cause(f"{text}: an overflow, the logarithm of 0, or a division by 0")


def _labels(difference: Difference, bad: np.ndarray, side: str) -> Cause | None:
    """NaN in the rows of labels out of range, or everywhere with such a label among the inputs."""
    for name, y in difference.labels:
        if y.ndim != 1:
            continue
        classes = [
            x.shape[1] for x in difference.inputs.values() if x.ndim == 2 and len(x) == len(y) and x.dtype.kind == "f"
        ]
        outside = (y < 0) | ((y >= classes[0]) if classes else False)
        rows = np.asarray(bad.reshape(len(bad), -1).any(axis=1)) if bad.ndim else np.ones(1, bool)
        if outside.any() and (len(rows) == 1 or (rows.shape == y.shape and np.array_equal(rows, outside))):
            text = f"NaN in {side} alone, and {name} has labels out of range: {np.unique(y[outside]).tolist()[:4]}"
            return Trap.LABEL_UNDER_JIT.cause(f"{text}; under jit JAX cannot raise")
    return None


def _at_zero(difference: Difference, bad: np.ndarray, side: str) -> Cause | None:
    what = "NaN" if np.isnan(difference.jax).any() or np.isnan(difference.torch).any() else "infinite"
    for name, x in difference.twins:
        rows = _rows(x == 0, all_of=True)
        if x.ndim > 1 and bad.ndim == x.ndim and rows.any() and not rows.all() and np.array_equal(_rows(bad), rows):
            return Trap.NAN_AT_ZERO.cause(
                f"{side} is {what} exactly in the rows of {name} that are 0: the norm of 0 has no derivative in JAX"
            )
        if np.array_equal(bad, x == 0) and not bad.all():
            text = f"{side} is {what} exactly where {name} is 0: a root, norm, logarithm or quotient there, perhaps behind a where"
            return Trap.NAN_AT_ZERO.cause(text)
        if not x.any():
            return Trap.NAN_AT_ZERO.cause(
                f"{side} is {what}, and {name} is 0 everywhere: a root, norm, logarithm or quotient at 0"
            )
    return None


def _constant_rows(difference: Difference, bad: np.ndarray, side: str) -> Cause | None:
    for name, x in difference.twins:
        if x.ndim == 0 or x.shape[-1] < 2:
            continue
        constant = np.ptp(x, axis=-1) == 0
        if constant.any() and np.array_equal(np.atleast_1d(_rows(bad)), np.atleast_1d(constant)):
            text = f"{side} is NaN exactly in the rows of {name} that are constant: the root of a variance of 0"
            return Trap.NAN_AT_ZERO.cause(text)
    return None


def _masked_rows(difference: Difference, bad: np.ndarray, side: str) -> Cause | None:
    for name, x in {**difference.inputs, **difference.values}.items():
        if x.dtype.kind != "f" or x.ndim == 0 or not np.isneginf(x).any():
            continue
        rows = np.isneginf(x).all(axis=-1)
        if (
            rows.any()
            and bad.shape[: rows.ndim] == rows.shape
            and np.array_equal(bad.reshape(*rows.shape, -1).any(axis=-1), rows)
        ):
            return Trap.NAN.cause(
                f"{side} is NaN exactly in the rows of {name} that are −inf throughout: the softmax of nothing"
            )
    return None


def _overflow(difference: Difference, bad: np.ndarray, side: str) -> Cause | None:
    """The elements are the ones of the largest inputs, or of the largest results."""
    results = () if difference.of_gradient else ((difference.name, difference.torch),)
    for name, x in (*difference.twins, *results):
        size = np.abs(x)
        if bad.all() or not bad.any() or not np.isfinite(x).all():
            continue
        if size[bad].min() > size[~bad].max() and size[bad].min() >= LARGE:
            return Trap.OVERFLOW.cause(
                f"{side} is not finite exactly where |{name}| is {size[bad].min():.4g} or more: an exponential overflows"
            )
    largest = {
        n: float(np.abs(x[np.isfinite(x)]).max(initial=0)) for n, x in difference.inputs.items() if x.dtype.kind == "f"
    }
    name = max(largest, key=lambda n: largest[n], default="")
    if name and largest[name] > 88.7:
        return Trap.OVERFLOW.cause(
            f"{side} is not finite, and |{name}| goes up to {largest[name]:.4g}: exp overflows at 88.7 in float32"
        )
    return None


def _mask_of_infinities(difference: Difference, minus: np.ndarray) -> Cause | None:
    """−inf at other places: masks before a softmax."""
    both = np.isneginf(difference.jax).any() and np.isneginf(difference.torch).any()
    if minus.ndim < 2 or not both:
        return None
    rows, columns = np.nonzero(minus.reshape(-1, *minus.shape[-2:]).any(axis=0))
    offsets = np.unique(columns - rows)
    if len(offsets) == 1 and len(rows) > 1:
        text = f"−inf differs on diagonal {offsets[0]} of the last two axes: a triangular mask that is off by one"
        return Trap.DIAGONAL.cause(text)
    return Trap.MASK.cause(
        f"−inf stands at other places, {int(minus.sum())} of {minus.size}: another mask before a softmax"
    )


def _rows(mask: np.ndarray, all_of: bool = False) -> np.ndarray:
    """Reduce a mask over its last axis."""
    if mask.ndim == 0:
        return mask
    return np.asarray(mask.all(axis=-1) if all_of else mask.any(axis=-1))
