"""Tell a disagreement about a slope from a kink that rounding decides, and a near-tie from a loss of accuracy."""

from collections.abc import Callable

import numpy as np

from . import definition
from .evidence import Spread
from .quantities import TAP, TAP_GRADIENT, Key, Quantities


def vanishes_beside_the_kink(
    jax: list[Quantities], torch: list[Quantities], keys: list[Key], noise: Callable[[Key], np.ndarray]
) -> bool:
    """Say whether the float64 difference of these quantities is gone in the runs at inputs that are jittered a little."""
    if not jax or len(jax) != len(torch):
        return False
    for a, b in zip(jax, torch, strict=True):
        for key in keys:
            if definition.structural_difference(a[key], b[key])[0]:
                return False
            if definition.judge_float64(a[key], b[key], noise(key)).verdict == definition.DIFFERENT:
                return False
    return True


def rounding_decides(jax: Quantities, torch: Quantities) -> str:
    """Return the named value whose last bits decide a kink differently on the two sides, or an empty string if nothing shows one.

    Walking back from the outputs, the first named value whose gradients part is what enters the kink. Its elements with different gradients
    must differ in their last bits: at a kink of a single number all of them, at a tie of two members at least one of each pair.
    """
    for kind, name in reversed(list(torch)):
        if kind != TAP_GRADIENT or (kind, name) not in jax or jax[kind, name].shape != torch[kind, name].shape:
            continue
        a, b = jax[kind, name], torch[kind, name]
        with np.errstate(all="ignore"):
            parted = (np.abs(a - b) > definition.KINK_JITTER * np.maximum(np.abs(a), np.abs(b))).any(0)
        if parted.any():
            unequal = jax[TAP, name][parted] != torch[TAP, name][parted]
            return name if 2 * int(unequal.sum()) >= unequal.size else ""
    return ""


def near_ties(spread: Spread, truth: np.ndarray, result: np.ndarray) -> np.ndarray:
    """Mark the elements of a float32 result that the truth reaches itself when the inputs move by a few ulp, and the subnormal ones.

    There the two precisions pick different members of a near-tie; the smooth part of the change is far smaller than the jump.
    """
    error = np.abs(result.astype(np.float64) - truth)
    # A jump: some moved inputs change the element much more than others, and by as much as the error to be excused.
    jumps = (spread.most >= error / 2) & (spread.most > definition.GATE_FACTOR * spread.least)
    subnormal = (np.abs(truth) < np.finfo(np.float32).tiny) & (np.abs(result) < np.finfo(np.float32).tiny)
    return jumps | subnormal
