"""What "identical" means, once: every number that decides a verdict stands here, with its reason.

Two honest programs for one function round differently, so equality of bits is too much to ask, and a tolerance chosen by hand is either too
wide for small elements or too narrow for unstable formulas. The definition measures how much rounding there is, element by element:

1. Structure: same names, shapes, dtypes, and the same positions of NaN and of +inf and −inf.
2. The float64 gate. Inputs are rounded to float32 first, so both precisions see the same numbers. The *noise* of an element is the largest
   |float32 − float64| over both sides and four float32 runs: the first at the inputs, the others with every input moved by one float32 ulp up
   or down at random. float64 rounds 2²⁹ times finer, so rounding may explain a float64 difference of noise · 2⁻²⁹, times a factor for luck,
   plus a floor in ulp. What is larger than that is not rounding.
   Before an element is called different, a second opinion is taken: moving the inputs of √(x² + 1) − 1 by an ulp does not move x² + 1, so its
   rounding error repeats and can be small by luck, or absorb the result whole (x² < 2⁻²⁴ leaves 0, and the noise stops at the element itself).
   So noise is measured again: each side against itself, at inputs moved by a thousandth of 1 (small ones by a quarter of themselves at most,
   unless float32 has no correct digit there), where ties and kinks do not survive; and in float64 with the result of every operation, in
   PyTorch and in the traced JAX program, moved by a float32 rounding, which moves ties by jump · 2⁻²⁹, as the first measurement does. That
   also sees what float32 hides: an absorbed term, a saturated softmax, 1 + erf(x) far to the left.
   Where float32 has no number at all for an element, because something on the way overflows or underflows, the same moved operations
   stand in for the noise, and 1e-12 of the element's magnitude where they are smaller.
3. float32, leaf by leaf: the largest error of the JAX side against the float64 truth is at most FLOAT32_FACTOR times PyTorch's. Beyond that,
   with the gate passed, the function is the same and its float32 form is less accurate: said aloud, and up to FLOAT32_CEILING still identical.
   PyTorch's error is the largest of four runs; where it was lucky in all of them (an exact 0), the error is also measured by moving the
   result of each of its operations by a float32 rounding, in float64. JAX's operations do not count, or an unstable formula would excuse itself.
   Near-ties that float32 decides otherwise, and subnormal numbers, do not count; they are counted and shown. 16-bit dtypes are judged alike,
   without the leniency of the ceiling.
4. Code that lowers precision inside (a float32 constant, a cast) gives float64 results that carry float32 rounding. If the gate fails and
   such code is found, the report says where, and the two are judged in float32 alone: apart by no more than FLOAT32_FACTOR times what moving
   the inputs by an ulp does to either side.
5. Undecided at a kink: the float64 difference is gone when the inputs are jittered by a millionth, and named values show that what enters the
   kink differs in its last bits between the sides. Where nothing shows it, the two disagree about a slope, and the verdict is different.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .quantities import EXTENDED_FLOATS

NoiseAt = Callable[[np.ndarray], np.ndarray]

BIT_IDENTICAL = "bit-identical"
TO_ROUNDING = "identical to rounding"
UNDECIDED = "undecided at a kink"
DIFFERENT = "different"
IMPURE = "impure"

# From best to worst: the verdict on a whole is the worst verdict on a part.
VERDICTS = (BIT_IDENTICAL, TO_ROUNDING, UNDECIDED, DIFFERENT, IMPURE)

# Unit roundoffs: half the distance from 1 to the next number.
U64 = 2.0**-53
U32 = 2.0**-24

# Unit roundoff, and the size below which a dtype has no digits to lose (XLA on a CPU flushes float32's subnormal numbers).
UNITS = {
    "float64": (U64, 2.0**-1022),
    "float32": (U32, 2.0**-126),
    "bfloat16": (2.0**-8, 2.0**-126),
    "float16": (2.0**-11, 2.0**-24),
    "float8_e4m3fn": (2.0**-4, 2.0**-9),
    "float8_e4m3fnuz": (2.0**-4, 2.0**-10),
    "float8_e5m2": (2.0**-3, 2.0**-16),
    "float8_e5m2fnuz": (2.0**-3, 2.0**-17),
}

# The noise is the largest of eight samples of a random quantity, and the difference to be explained is another sample of it.
GATE_FACTOR = 16.0
# An element whose float32 noise is zero by luck or by saturation (softmax of a certain class) still rounds in float64. 4 ulp raise false
# alarms there (10 ulp were seen), and library functions are further off: XLA's float64 exp2 by up to 161 ulp, log1p 113, atanh 128 against
# mpmath. A factor of 1 + 1e-6 is 4.5e9 ulp away.
GATE_FLOOR_ULP = 256.0
# Where float32 overflows or underflows and float64 does not, there is no noise to go by.
GATE_RELATIVE_WITHOUT_NOISE = 1e-12
# Runs in float32 that measure the noise. One run is zero by luck too often: hundreds of false alarms on the feed-forward net; four gave none.
NOISE_RUNS = 4

# Summation orders differ by a factor of a few in their error; 16 leaves room.
FLOAT32_FACTOR = 16.0
# One-pass variance loses a factor of 1,000 and more, TF32 inside a product about 2,000, bfloat16 16,000: the ceiling lies below them all.
FLOAT32_CEILING = 256.0

# Moved by this much, inputs round independently; functions are smooth enough for their rounding noise to be of the same size.
SECOND_OPINION_JITTER = 2.0**-10
SECOND_OPINION_SHARE = 0.25
SECOND_OPINION_RUNS = 6
# float32 noise of this share of an element means that float32 has no digits of it to go by.
SATURATED = 1 / 16

# A kink is left behind by moving the inputs by this much, relative to each; a wrong slope or formula is not.
KINK_JITTER = 1e-6
KINK_JITTERS = 3

# A near-tie that float32 rounding decides otherwise: the truth at inputs moved by a few float32 ulp jumps over the float32 result.
NEAR_TIE_ULPS = 8.0
NEAR_TIE_RUNS = 8

# Training amplifies rounding from step to step. In float64 it starts at 1e-16 and stays far below what moves a prediction; in float32 it reaches
# the size of the weights' changes, and only the accuracy can be compared: 1.5 points are 15 of 1,000 test images.
TRAINING_DRIFT_FLOAT64 = 1e-9
ACCURACY_POINTS_FLOAT32 = 1.5


@dataclass(frozen=True)
class Judgement:
    """A verdict on one array, with the largest difference and where it is."""

    verdict: str
    max_ulp: float = 0.0
    max_rel: float = 0.0
    index: tuple[int, ...] | None = None
    note: str = ""


def worst(verdicts: list[str]) -> str:
    """Return the worst of the verdicts; of none, bit-identical."""
    return max(verdicts, key=VERDICTS.index, default=BIT_IDENTICAL)


def widened(x: np.ndarray) -> np.ndarray:
    """Return an array in a dtype that NumPy can calculate in: bfloat16 and 8-bit floats as float32, which holds them exactly; others as they are."""
    return x.astype(np.float32) if x.dtype.name in EXTENDED_FLOATS else x


def structural_difference(
    jax: np.ndarray, torch: np.ndarray, same_dtype: bool = True
) -> tuple[str, tuple[int, ...] | None]:
    """Say how two arrays differ in shape, dtype, or positions of NaN and infinities, and where first; an empty string if they do not."""
    if jax.shape != torch.shape:
        return f"shape {jax.shape} in JAX, {torch.shape} in PyTorch", None
    if same_dtype and jax.dtype != torch.dtype:
        return f"dtype {jax.dtype} in JAX, {torch.dtype} in PyTorch", None
    jax, torch = widened(jax), widened(torch)
    if not np.issubdtype(jax.dtype, np.inexact) or not np.issubdtype(torch.dtype, np.inexact):
        return "", None
    for what, test in (("NaN", np.isnan), ("inf", np.isposinf), ("-inf", np.isneginf)):
        where = test(jax) != test(torch)
        if where.any():
            index = tuple(int(i) for i in np.argwhere(where)[0])
            return (
                f"{what} stands at other places: at {list(index)} JAX has {jax[index]}, PyTorch {torch[index]}",
                index,
            )
    return "", None


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Say whether two arrays are equal bit for bit; every NaN counts as the same, and +0 differs from −0."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    a, b = widened(a), widened(b)
    return bool(
        np.array_equal(a, b, equal_nan=np.issubdtype(a.dtype, np.inexact))
        and (not np.issubdtype(a.dtype, np.floating) or np.array_equal(np.signbit(a), np.signbit(b)))
    )


def differences(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, element by element, |a − b|, the same in ulp of the larger magnitude, and relative to it; 0 where neither is finite."""
    scale = UNITS[a.dtype.name][0] / U32 if widened(a) is not a else 1.0
    a, b = widened(a), widened(b)
    finite = np.isfinite(a) & np.isfinite(b)
    x, y = (a, b) if finite.all() else (np.where(finite, a, 0).astype(a.dtype), np.where(finite, b, 0).astype(a.dtype))
    size = np.maximum(np.abs(x), np.abs(y))
    # Two finite numbers of opposite sign can be further apart than the largest number; half of each never is.
    half = np.abs(x / 2 - y / 2)
    with np.errstate(all="ignore"):
        ulp = 2 * (half / (scale * np.spacing(np.maximum(size, np.finfo(a.dtype).tiny))))
        relative = 2 * (half / np.where(size == 0, 1, size))
        return 2 * half, ulp, relative


def gate_bound(size: np.ndarray, noise: np.ndarray, operations: np.ndarray | None = None) -> np.ndarray:
    """Return how far apart rounding may have put two float64 results, element by element.

    Args:
        size: the larger magnitude of the two.
        noise: the float32 noise of the element; not finite where float32 overflowed.
        operations: how far the element moves when every operation is moved by a float32 rounding, if that was measured.
    """
    size = np.where(np.isfinite(size), size, 0)
    # XLA on a CPU flushes subnormal numbers to zero, PyTorch does not: what lies below the smallest normal number is not judged.
    floor = GATE_FLOOR_ULP * np.spacing(size) + np.finfo(np.float64).tiny
    measured = GATE_FACTOR * np.where(np.isfinite(noise), noise, 0) * (U64 / U32) + floor
    stand_in = 0.0 if operations is None else GATE_FACTOR * operations * (U64 / U32) + floor
    unmeasured = ~np.isfinite(noise) | ((size > 0) & (size < np.finfo(np.float32).tiny))
    return np.where(unmeasured, np.fmax(GATE_RELATIVE_WITHOUT_NOISE * size + floor, stand_in), measured)


def without_digits(size: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Mark the elements of this size of which float32 has no digits: saturated, absorbed, overflowed or underflowed."""
    return (noise > SATURATED * size) | ~np.isfinite(noise) | ((size > 0) & (size < np.finfo(np.float32).tiny))


def second_opinion(
    truth: np.ndarray, noise: np.ndarray, near: np.ndarray, far: np.ndarray, moved: np.ndarray
) -> np.ndarray:
    """Return the noise, raised to what was measured nearby and with every operation's result moved by a float32 rounding; where float32
    has no digits of the element, also to what was measured far from the input."""
    size = np.abs(np.where(np.isfinite(truth), truth, 0))
    return np.fmax(np.fmax(noise, near), np.where(without_digits(size, noise), np.fmax(far, moved), moved))


def judge_exact(jax: np.ndarray, torch: np.ndarray) -> Judgement:
    """Judge integers, booleans and whatever has no rounding: equal or different."""
    unequal = np.asarray(jax != torch)
    if not unequal.any():
        return Judgement(BIT_IDENTICAL)
    index = tuple(int(i) for i in np.argwhere(unequal)[0])
    return Judgement(DIFFERENT, np.inf, np.inf, index, f"{int(unequal.sum())} of {unequal.size} elements are not equal")


def judge_float64(
    jax: np.ndarray, torch: np.ndarray, noise: np.ndarray | NoiseAt, operations: np.ndarray | None = None
) -> Judgement:
    """Pass two float64 arrays through the gate.

    Args:
        jax: the JAX side's result.
        torch: PyTorch's.
        noise: the float32 noise of each element, or a function that measures it where a boolean array is true.
        operations: how far each element moves with its operations, if that was measured.
    """
    if same_bits(jax, torch):
        return Judgement(BIT_IDENTICAL)
    difference, ulp, relative = differences(jax, torch)
    largest = (float(ulp.max(initial=0)), float(relative.max(initial=0)))
    # What the floor explains needs no measurement; tiny is in the floor too.
    suspects = (ulp > GATE_FLOOR_ULP) & (difference > np.finfo(np.float64).tiny)
    if not suspects.any():
        return Judgement(TO_ROUNDING, *largest, _argmax(ulp))
    measured = noise(suspects) if callable(noise) else noise[suspects]
    size = np.maximum(np.abs(jax[suspects]), np.abs(torch[suspects])).astype(np.float64)
    excess = np.zeros(jax.shape)
    with np.errstate(over="ignore"):
        excess[suspects] = difference[suspects] / gate_bound(
            size, measured, None if operations is None else operations[suspects]
        )
    if excess.max() <= 1:
        return Judgement(TO_ROUNDING, *largest, _argmax(ulp))
    note = f"{int((excess > 1).sum())} of {excess.size} elements differ by more than rounding explains, at most {excess.max():.3g} times as much"
    return Judgement(DIFFERENT, *largest, _argmax(excess), note)


def judge_single(jax: np.ndarray, torch: np.ndarray, spread: float) -> Judgement:
    """Judge two arrays in float32, or narrower, where float64 has nothing to say.

    Args:
        jax: the JAX side's result.
        torch: PyTorch's.
        spread: how far an element of either moves at most when the inputs move by an ulp.
    """
    if same_bits(jax, torch):
        return Judgement(BIT_IDENTICAL)
    difference, ulp, relative = differences(jax, torch)
    there = widened(torch)
    size = float(np.abs(there[np.isfinite(there)]).max(initial=0))
    unit, smallest = UNITS[torch.dtype.name]
    excess = difference / (FLOAT32_FACTOR * max(spread, 2 * U32 * size, smallest))
    if unit > U32:  # rounded once more at the end, two numbers that are the same can become neighbours
        excess = np.where(ulp <= 1, 0, excess)
    largest = (float(ulp.max(initial=0)), float(relative.max(initial=0)))
    if excess.max(initial=0) <= 1:
        return Judgement(TO_ROUNDING, *largest, _argmax(ulp))
    wrong, most = int((excess > 1).sum()), excess.max()
    note = f"{wrong} of {excess.size} elements differ by more than an ulp in the inputs explains, at most {most:.3g} times as much"
    return Judgement(DIFFERENT, *largest, _argmax(excess), note)


def largest_error(result: np.ndarray, truth: np.ndarray) -> float:
    """Return the largest |result − truth| over the elements that are finite in both."""
    finite = np.isfinite(result) & np.isfinite(truth)
    return float(np.abs(np.where(finite, result, 0).astype(np.float64) - np.where(finite, truth, 0)).max(initial=0))


def nearer(result: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return, element by element, which of two float64 results is nearer to a float32 result."""
    with np.errstate(all="ignore"):
        first = np.abs(result - one) <= np.abs(result - other)
    return np.where(first, one, other)


def float32_allowance(truth: np.ndarray, torch_error: float, dtype: str = "float32") -> float:
    """Return PyTorch's largest error in a leaf, or half an ulp of its largest element if PyTorch was luckier than that."""
    finite = np.abs(truth[np.isfinite(truth)])
    unit, smallest = UNITS[dtype]
    return max(torch_error, unit * float(finite.max(initial=0)), smallest)


def judge_float32(
    jax: np.ndarray,
    torch: np.ndarray,
    truth: np.ndarray,
    torch_error: float,
    exempt: np.ndarray | None = None,
    dtype: str = "float32",
) -> Judgement:
    """Judge two float32 (or 16-bit) arrays, whose float64 forms have passed the gate, by their errors.

    Args:
        jax: the JAX side's float32 result.
        torch: PyTorch's.
        truth: the float64 result.
        torch_error: the largest error of PyTorch's float32 runs.
        exempt: elements that do not count: near-ties, subnormals.
        dtype: the precision that is judged.
    """
    if same_bits(jax, torch):
        return Judgement(BIT_IDENTICAL)
    _, ulp, relative = differences(jax, torch)
    counted = jax if exempt is None else np.where(exempt, truth.astype(jax.dtype), jax)
    ratio = largest_error(counted, truth) / float32_allowance(truth, torch_error, dtype)
    index = _argmax(np.abs(np.where(np.isfinite(counted), counted, 0) - np.where(np.isfinite(truth), truth, 0)))
    note = (
        f"{int(exempt.sum())} elements exempt: near-ties or subnormals" if exempt is not None and exempt.any() else ""
    )
    if ratio > FLOAT32_FACTOR:
        note = "; ".join(filter(None, [f"{dtype} less accurate by ×{ratio:.3g}", note]))
    # In 16 bits the ceiling would be the size of the numbers themselves.
    verdict = TO_ROUNDING if ratio <= (FLOAT32_CEILING if dtype == "float32" else FLOAT32_FACTOR) else DIFFERENT
    return Judgement(verdict, float(ulp.max(initial=0)), float(relative.max(initial=0)), index, note)


def needs_exemptions(jax: np.ndarray, truth: np.ndarray, torch_error: float) -> bool:
    """Say whether a float32 leaf is beyond PyTorch's error, so that near-ties must be looked for before it is judged."""
    return largest_error(jax, truth) > FLOAT32_FACTOR * float32_allowance(truth, torch_error)


def _argmax(x: np.ndarray) -> tuple[int, ...] | None:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(x)), x.shape)) if x.size else None
