"""Differences made by fewer bits: casts, float32 inside float64, TF32 and bfloat16 products, a variance in one pass."""

import math
from collections.abc import Iterator

import numpy as np

from .difference import Difference, within
from .traps import Cause, Trap

# Bits of the significand, the implicit one among them.
FORMATS = ((8, "bfloat16"), (11, "float16"), (24, "float32"))
# Rounding goes up and down: of as many elements, at least a tenth each way.
ENOUGH, MIXED = 16, 0.1
# Nearly all elements are rounded.
NEARLY_ALL = 0.8
# The sign of rounding changes at every other element.
FEW_CHANGES = 0.25
# Sizes of the largest difference, as powers of 2 relative to the largest element: several roundings or a lucky one.
FLOAT32_SIZES = (-30.0, -20.0)
TF32_SIZES = (-14.0, -9.5)
BFLOAT16_SIZES = (-9.5, -5.5)
# Mean² / variance from which E[x²] − E[x]² loses what a variance in two passes keeps.
AMPLIFIED = 1e3
# Elements that are enough to see that most arrays are of full length.
GLANCE = 256
# Fewer numbers are near one another by chance.
FEWEST = 8


def stored_in_fewer_bits(difference: Difference) -> Cause | None:
    """Every element on one side is a number of a coarser format, and close to the other side's, which are not."""
    if not _floating(difference):
        return None
    for bits, name in FORMATS:
        if 2.0 ** (1 - bits) <= difference.eps:
            break
        for side, one, other in (("JAX", difference.a, difference.b), ("PyTorch", difference.b, difference.a)):
            if _rounded_from(one, other, bits):
                text = f"every element in {side} is a {name} number and the other side's are not: a cast, or a result computed in {name}"
                return Trap.STORED.cause(text)
    return None


def rounded_input(difference: Difference) -> Cause | None:
    """The difference goes up and down with the rounding error of the input in a coarser format, and is gone where that is zero."""
    for name, x in difference.twins if _floating(difference) else ():
        gap = difference.gap[0] if difference.lead else difference.gap
        for bits, what in FORMATS[:2]:
            error = rounded(x.astype(np.float64), bits) - x
            moved = error != 0
            if moved.sum() < ENOUGH or (difference.parted & ~moved).any():
                continue
            agreeing = np.sign(gap[moved & difference.parted]) * np.sign(error[moved & difference.parted])
            if len(agreeing) >= ENOUGH and (agreeing == agreeing[0]).all() and _mixed(error[moved]):
                which = "float16 or TF32" if bits == 11 else what
                return Trap.STORED.cause(
                    f"the difference follows the error of {name} when rounded to {which}: {name} is cast on one side"
                )
    return None


def float32_inside(difference: Difference) -> Cause | None:
    """Nearly all elements of a float64 result are apart by what float32 rounds."""
    size = _noise(difference) if difference.jax.dtype == difference.torch.dtype == np.float64 else None
    if size is None or not FLOAT32_SIZES[0] <= size <= FLOAT32_SIZES[1]:
        return None
    text = f"nearly all elements are apart, up and down, by up to 2^{size:.1f} of the largest, as float32 rounds"
    return Trap.CONSTANT.cause(f"{text}: perhaps a float32 constant or cast inside")


def coarse_products(difference: Difference) -> Cause | None:
    """Nearly all elements of a float32 result are apart by what TF32 or bfloat16 rounds, and in float64 they are the same."""
    size = _noise(difference) if difference.jax.dtype == difference.torch.dtype == np.float32 else None
    if size is None:
        return None
    start = f"nearly all elements are apart, up and down, by up to 2^{size:.1f} of the largest, as"
    if TF32_SIZES[0] <= size < TF32_SIZES[1]:
        return Trap.TF32.cause(f"{start} TF32 and float16 round: the precision of a matrix product or convolution")
    if BFLOAT16_SIZES[0] <= size <= BFLOAT16_SIZES[1]:
        return Trap.BFLOAT16.cause(f"{start} bfloat16 rounds: a product or a cast in bfloat16")
    return None


def one_pass_variance(difference: Difference) -> Cause | None:
    """The mean of an input is large beside its deviation, and the differences have the size that E[x²] − E[x]² loses."""
    scale = float(np.abs(difference.b).max(initial=0))
    if not _floating(difference) or scale == 0:
        return None
    size = float(np.abs(difference.gap).max()) / scale
    for name, amplified in _amplifications(difference):
        lost = difference.eps * amplified
        if lost / 100 <= size <= 10 * lost and size > 10 * difference.eps * math.sqrt(amplified):
            ratio = math.sqrt(amplified)
            text = f"the mean of {name} is {ratio:.3g} times its deviation, and the differences are as large as E[x²] − E[x]² loses there"
            return Trap.ONE_PASS.cause(f"{text}: a variance in one pass")
    return None


def rounded(x: np.ndarray, bits: int) -> np.ndarray:
    """Round to a significand of so many bits, half to even."""
    significand, exponent = np.frexp(x)
    return np.ldexp(np.rint(np.ldexp(significand, bits)), exponent - bits)


def _floating(difference: Difference) -> bool:
    return difference.eps > 0 and difference.jax.dtype.kind == "f" and difference.own_size > 0


def _rounded_from(one: np.ndarray, other: np.ndarray, bits: int) -> bool:
    """Say whether all of `one` have so many bits, most of `other` more, and the two are within the format's rounding."""
    if not (rounded(one.ravel()[:GLANCE], bits) == one.ravel()[:GLANCE]).all():
        return False
    informative = other != 0
    longer = informative & (rounded(other, bits) != other)
    if not informative.any() or 2 * longer.sum() < informative.sum() or not (rounded(one, bits) == one).all():
        return False
    short = rounded(one, bits // 2) == one
    # Whole numbers beside whole numbers that are off by less than the format rounds.
    if np.abs(one - other).max() < 2.0 ** -(bits + 4) * np.abs(other).max():
        return False
    if (rounded(other, bits) == one).all() and not short.all():
        return True
    # Not a rounding of the result itself, so there must be many long numbers, and they must be near.
    near = within(one, other, 4 * 2.0**-bits * np.abs(other).max())
    return near and len(np.unique(one[~short])) >= 4


def _noise(difference: Difference) -> float | None:
    """Return log₂ of the largest difference relative to the largest element, None unless the differences look like rounding."""
    scale = float(np.abs(difference.b).max(initial=0))
    active = difference.active
    if scale == 0 or active.sum() < ENOUGH or difference.parted.sum() < NEARLY_ALL * active.sum():
        return None
    gap = difference.gap[difference.unequal]
    if not _mixed(gap) or _follows_an_input(difference):
        return None
    return math.log2(float(np.abs(gap).max()) / scale)


def _follows_an_input(difference: Difference) -> bool:
    """Say whether the sign of the relative difference seldom changes as an input grows: a formula does that, rounding does not."""
    ratio = np.sign(difference.gap * difference.b if difference.of_gradient else difference.gap)
    ratio = ratio[0] if difference.lead else ratio
    for _, x in difference.twins:
        along = ratio.ravel()[np.argsort(x, axis=None, kind="stable")]
        if (np.diff(along[along != 0]) != 0).mean() < FEW_CHANGES:
            return True
    return False


def _mixed(x: np.ndarray) -> bool:
    share = float((x > 0).mean())
    return MIXED <= share <= 1 - MIXED


def _amplifications(difference: Difference) -> Iterator[tuple[str, float]]:
    """Yield the median mean² / variance of each floating array, over its last axis, all but the second, and all axes."""
    for name, x in {**difference.values, **difference.inputs}.items():
        if x.dtype.kind != "f" or x.ndim == 0 or x.size < 4 or not np.isfinite(x).all():
            continue
        channels = tuple(axis for axis in range(x.ndim) if axis != 1)
        for axes in {(x.ndim - 1,), channels, tuple(range(x.ndim))}:
            count = x.size // max(int(np.prod([n for i, n in enumerate(x.shape) if i not in axes])), 1)
            if count < FEWEST:
                continue
            mean, variance = x.mean(axis=axes, dtype=np.float64), x.var(axis=axes, dtype=np.float64)
            found = float(np.median(np.where(variance > 0, mean**2 / np.where(variance > 0, variance, 1), 0)))
            if found >= AMPLIFIED:
                yield name, found
