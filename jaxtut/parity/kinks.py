"""Tell a disagreement about a slope from a kink that rounding decides, and a near-tie from a loss of accuracy."""

import numpy as np

from . import definition
from .arguments import Arguments
from .noise import Key, Run, jittered_inputs
from .observation import Arrays, Observation


def vanishes_beside_the_kink(
    runs: tuple[Run, Run],
    args: Arguments,
    cotangents: list[Arrays],
    noise: dict[Key, np.ndarray],
    keys: list[Key],
    seed: int,
) -> bool:
    """Say whether the float64 difference of these quantities is gone at inputs that are jittered a little."""
    for i in range(definition.KINK_JITTERS):
        moved = jittered_inputs(args, seed + i, definition.KINK_JITTER)
        try:
            jax, torch = (run(moved, cotangents, "float64").quantities() for run in runs)
        except (ValueError, RuntimeError, IndexError):
            return False
        for key in keys:
            if definition.structural_difference(jax[key], torch[key])[0]:
                return False
            if definition.judge_float64(jax[key], torch[key], noise[key]).verdict == definition.DIFFERENT:
                return False
    return True


def rounding_decides(jax: Observation, torch: Observation) -> str:
    """Return the named value whose last bits decide a kink differently on the two sides, or an empty string if nothing shows one.

    Walking back from the outputs, the first named value whose gradients part is what enters the kink. Its elements with different gradients
    must differ in their last bits: at a kink of a single number all of them, at a tie of two members at least one of each pair.
    """
    for name in reversed(list(torch.gradients)):
        if name not in jax.gradients or jax.gradients[name].shape != torch.gradients[name].shape:
            continue
        a, b = jax.gradients[name][0], torch.gradients[name][0]
        with np.errstate(all="ignore"):
            parted = np.abs(a - b) > definition.KINK_JITTER * np.maximum(np.abs(a), np.abs(b))
        if parted.any():
            unequal = jax.values[name][parted] != torch.values[name][parted]
            return name if 2 * int(unequal.sum()) >= unequal.size else ""
    return ""


def near_ties(
    run: Run, truth: np.ndarray, result: np.ndarray, key: Key, args: Arguments, cotangents: list[Arrays], seed: int
) -> np.ndarray:
    """Mark the elements of a float32 result that the truth reaches itself when the inputs move by a few ulp, and the subnormal ones.

    There the two precisions pick different members of a near-tie; the smooth part of the change is far smaller than the jump.
    """
    size = definition.NEAR_TIE_ULPS * 2 * definition.U32
    reached = np.zeros_like(truth)
    smooth = np.full(truth.shape, np.inf)
    for i in range(definition.NEAR_TIE_RUNS):
        there = run(jittered_inputs(args, seed + i, size), cotangents, "float64").quantities()[key]
        change = np.abs(there - truth)
        reached, smooth = np.maximum(reached, change), np.minimum(smooth, change)
    error = np.abs(result.astype(np.float64) - truth)
    # A jump: some moved inputs change the element much more than others, and by as much as the error to be excused.
    jumps = (reached >= error / 2) & (reached > definition.GATE_FACTOR * smooth)
    subnormal = (np.abs(truth) < np.finfo(np.float32).tiny) & (np.abs(result) < np.finfo(np.float32).tiny)
    return jumps | subnormal
