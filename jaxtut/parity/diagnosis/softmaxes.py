"""Softmaxes along another axis, and softmaxes of scores that one side scales."""

import numpy as np

from .difference import Difference, within
from .factors import ENOUGH, WIDEST, factor_between, known_factors
from .traps import Cause, Trap

# Sums of probabilities round, in spacings of the dtype for each term.
OWN_ROUNDING = 8


def softmax_along_another_axis(difference: Difference) -> Cause | None:
    """Each side sums to 1, along different axes."""
    if not _holds_probabilities(difference):
        return None
    jax, torch = (_normalized_axes(difference, _probabilities(x)) for x in (difference.a, difference.b))
    if not jax or not torch or set(jax) & set(torch):
        return None
    return Trap.SOFTMAX_AXIS.cause(
        f"JAX sums to 1 along axis {jax[0]}, PyTorch along axis {torch[0]}: a softmax over another axis"
    )


def scaled_before_a_softmax(difference: Difference) -> Cause | None:
    """Both sides are softmaxes along one axis, of scores that are multiples of one another."""
    if not _holds_probabilities(difference):
        return None
    p, q = _probabilities(difference.a), _probabilities(difference.b)
    for axis in sorted(set(_normalized_axes(difference, p)) & set(_normalized_axes(difference, q))):
        # A share that underflows has no logarithm.
        share = difference.tolerance if (difference.b < 0).any() else difference.tolerance / np.minimum(p, q)
        a, b = (np.log(x) - np.log(x).mean(axis=axis, keepdims=True) for x in (p, q))
        found = factor_between(
            a, b, share + share.mean(axis=axis, keepdims=True) + OWN_ROUNDING * difference.eps * (1 + np.abs(b))
        )
        if (
            found is None
            or found.width > WIDEST
            or found.holds(1)
            or found.holds(0)
            or difference.own_size < ENOUGH + 1
        ):
            continue
        scales = [
            text
            for value, text, trap in known_factors(difference)
            if trap in (Trap.SQRT_D, Trap.FACTOR) and found.names(value)
        ]
        why = scales[0] if scales else "a temperature or scale on one side"
        return Trap.SQRT_D.cause(
            f"before a softmax along axis {axis}, JAX's scores are {found.middle:.9g} times PyTorch's: {why}"
        )
    return None


def _holds_probabilities(difference: Difference) -> bool:
    """Say whether both sides may be probabilities, or logarithms of probabilities."""
    if difference.of_gradient or difference.torch.dtype.kind != "f" or difference.b.ndim == 0:
        return False
    sides = (difference.a, difference.b)
    return all((x > 0).all() and (x <= 1).all() for x in sides) or all((x < 0).all() for x in sides)


def _probabilities(x: np.ndarray) -> np.ndarray:
    return np.exp(x) if (x < 0).any() else x


def _normalized_axes(difference: Difference, p: np.ndarray) -> list[int]:
    """Return the axes longer than 1 along which the probabilities sum to 1."""
    axes = [axis for axis, n in enumerate(p.shape) if n > 1]
    return [axis for axis in axes if within(p.sum(axis=axis), 1.0, OWN_ROUNDING * difference.eps * p.shape[axis])]
