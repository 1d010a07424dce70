"""Zeros at other places: dropout, attention masks and clamps that let other elements through."""

import numpy as np

from .difference import Difference, within
from .traps import Cause, Trap

# So many elements must be kept by both sides, and agree, before zeros count as a mask.
KEPT = 3


def inverted(difference: Difference) -> Cause | None:
    """Booleans that are each other's opposite."""
    if difference.jax.dtype == difference.torch.dtype == np.dtype(bool) and (difference.jax != difference.torch).all():
        return Trap.MASK.cause("the booleans are inverted: True means masked on one side and kept on the other")
    return None


def another_mask(difference: Difference) -> Cause | None:
    """Where neither side is zero they agree; zeros stand at other places."""
    a, b, t = difference.a, difference.b, difference.tolerance
    nonzero_a, nonzero_b = np.abs(a) > 0, np.abs(b) > 0
    both = nonzero_a & nonzero_b
    if not within(a[both], b[both], t[both]) or difference.any_cotangent(both).sum() < KEPT:
        return None
    only_a, only_b = (difference.any_cotangent(m).sum() for m in (nonzero_a & ~nonzero_b, nonzero_b & ~nonzero_a))
    if only_a + only_b < KEPT:
        return None
    where = f"JAX is zero at {only_b} elements that PyTorch keeps, and PyTorch at {only_a} that JAX keeps"
    return Trap.MASK.cause(
        f"where neither side is zero they agree; {where}: another mask, dropout draw, clamp, or slope at a kink"
    )
