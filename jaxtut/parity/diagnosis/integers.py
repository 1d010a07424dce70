"""Integers that leave their range: 32 bits for 64, and bytes that wrap on one side and stop at the end on the other."""

import numpy as np

from .difference import Difference
from .traps import Cause, Trap


def wrapped_integers(difference: Difference) -> Cause | None:
    """The sides are apart by whole multiples of 2³²."""
    if difference.jax.dtype.kind not in "iu" or difference.torch.dtype.kind not in "iu":
        return None
    apart = [
        int(j) - int(t)
        for j, t in zip(difference.jax[difference.unequal], difference.torch[difference.unequal], strict=True)
    ]
    if all(gap % 2**32 == 0 for gap in apart):
        text = "the sides are whole multiples of 2³² apart: an integer of 32 bits wrapped around, since JAX's 64-bit mode is off"
        return Trap.WRAPPED_INTEGERS.cause(text)
    return None


def bytes_out_of_range(difference: Difference) -> Cause | None:
    """One side is 0 or 255 where the other is not: a float outside of a byte is cut off at the end by JAX, and wraps in PyTorch."""
    if difference.jax.dtype != np.uint8 or difference.torch.dtype != np.uint8:
        return None
    jax, torch = difference.jax[difference.unequal], difference.torch[difference.unequal]
    for name, x in difference.twins:
        outside = (x < 0) | (x > 255)
        if (
            np.array_equal(difference.parted, outside & (difference.jax != difference.torch))
            and np.isin(jax, (0, 255)).all()
        ):
            return Trap.EIGHT_BITS.cause(
                f"the sides part only where {name} is outside of 0 to 255: JAX stops there, PyTorch wraps around"
            )
    if np.isin(jax, (0, 255)).all() and not np.isin(torch, (0, 255)).all():
        return Trap.EIGHT_BITS.cause(
            "JAX is 0 or 255 wherever the sides part: JAX stops at the ends of a byte, PyTorch wraps around"
        )
    return None
