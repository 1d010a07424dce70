"""One factor between the two sides: found as an interval that every element agrees with, and named where a known number lies in it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .difference import Difference, by_far, loose_tolerance
from .sizes import axis_lengths, label_shares, named_sizes, scalars
from .traps import Cause, Trap

# An element tells something about a factor if it is this many tolerances away from 0.
INFORMATIVE = 10
# A factor that three elements have in common is no accident; fewer always have one.
ENOUGH = 3
# Elements that agree on a factor no better than this do not agree.
WIDEST = 1e-3
# By chance, a number without meaning meets one of the known numbers this often at most.
CHANCE = 1e-2
DROPOUT_RATES = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 0.8, 0.9)
CONSTANTS = (
    (math.log(2), "ln 2", Trap.LOG_BASE),
    (math.log(10), "ln 10", Trap.LOG_BASE),
    (math.log2(10), "log₂ 10", Trap.LOG_BASE),
    (1.702, "1.702, the constant of the sigmoid form of GELU", Trap.GELU),
    (math.sqrt(2), "√2", Trap.FACTOR),
    (math.pi, "π", Trap.FACTOR),
    (2 * math.pi, "2π", Trap.FACTOR),
    (math.sqrt(math.pi), "√π", Trap.FACTOR),
    (math.sqrt(2 * math.pi), "√(2π)", Trap.FACTOR),
    (math.sqrt(2 / math.pi), "√(2/π)", Trap.FACTOR),
    (2 / math.sqrt(math.pi), "2/√π", Trap.FACTOR),
    (math.pi / 180, "π/180: degrees for radians", Trap.FACTOR),
    (255.0, "255: images from 0 to 255 for images from 0 to 1", Trap.FACTOR),
)

Known = tuple[float, str, Trap]


@dataclass(frozen=True)
class Interval:
    """The factors that all elements allow."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The factor in the middle."""
        return (self.low + self.high) / 2

    @property
    def width(self) -> float:
        """The width, relative to the middle."""
        return (self.high - self.low) / abs(self.middle) if self.middle else math.inf

    def holds(self, factor: float) -> bool:
        """Say whether the factor is in the interval, or no further out than its width: the ends are the work of two lucky roundings."""
        slack = self.high - self.low
        return self.low - slack <= factor <= self.high + slack

    def names(self, value: float) -> bool:
        """Say whether the interval stands for this number: it holds it, and is narrow beside the distance from 1, where numbers lie dense."""
        return self.holds(value) and self.width * 10 < abs(value - 1)

    def negated(self) -> "Interval":
        """Return the interval of the opposite factors."""
        return Interval(-self.high, -self.low)


def factor_between(a: np.ndarray, b: np.ndarray, tolerance: np.ndarray) -> Interval | None:
    """Return the factors f with a = f · b within the tolerance at every element, None if there are none."""
    a, b, tolerance = a.ravel(), b.ravel(), tolerance.ravel()
    size = np.abs(b)
    telling = size > INFORMATIVE * tolerance
    if not telling.any():
        return None
    best = np.argmax(np.where(telling, size / np.maximum(tolerance, np.finfo(np.float64).tiny), 0))
    first = a[best] / b[best]
    reach = tolerance * max(1.0, abs(first))
    if (np.abs(a - first * b) > 2 * reach + tolerance[best] * size / size[best])[~telling].any():
        return None
    ratio, half = a[telling] / b[telling], reach[telling] / size[telling]
    low, high = float((ratio - half).max()), float((ratio + half).min())
    return Interval(low, high) if low <= high else None


def constant_factor(difference: Difference) -> Cause | None:
    """JAX is one factor times PyTorch, at every element."""
    found = factor_between(difference.a, difference.b, difference.tolerance)
    if found is None or found.width > WIDEST or found.holds(1) or found.holds(0):
        return None
    if not by_far(difference.a - found.middle * difference.b, difference.gap):
        return None
    sharing = _sharing(difference, found)
    shown = informative_elements(difference) >= ENOUGH or bool(sharing)
    start = f"JAX is {found.middle:.9g} times PyTorch {sharing or 'everywhere'}"
    known = list(known_factors(difference))
    by_chance = 2 * len(known) * found.width > CHANCE
    for interval, sign in ((found, ""), (found.negated(), "the wrong sign, and ")):
        if interval.holds(1):
            return Trap.SIGN.cause(f"{start}: the sign is wrong")
        hits = [(text, trap) for value, text, trap in known if interval.names(value)]
        # A rate of dropout is as good as any short fraction: it counts where nothing else does.
        hits = [hit for hit in hits if hit[1] != Trap.DROPOUT] or hits
        if hits and (shown or not by_chance):
            texts = list(dict.fromkeys(text for text, _ in hits))[:2]
            return hits[0][1].cause(f"{start}: {sign}{', or '.join(texts)}")
    if not shown:
        return None
    return _unnamed(start, found)


def _unnamed(start: str, found: Interval) -> Cause:
    excess = found.middle - 1
    if abs(excess) <= 2.0**-24:
        text = (
            f"{start}, that is 1 {'+' if excess > 0 else '−'} {abs(excess):.3g}: a constant that was rounded to float32"
        )
        return Trap.CONSTANT.cause(text)
    return Trap.FACTOR.cause(f"{start}: a constant factor (relative difference {excess:.9g})")


def informative_elements(difference: Difference) -> int:
    """Count the elements, of one cotangent's worth, that say something about a factor."""
    telling = np.abs(difference.b) > INFORMATIVE * difference.tolerance
    return int(difference.any_cotangent(telling).sum())


def _sharing(difference: Difference, found: Interval) -> str:
    """Say whether the other gradients have the same factor or none, where there are any."""
    if not difference.gradients or not difference.of_gradient:
        return ""
    same = agree = 0
    for jax, torch in difference.gradients.values():
        if jax.shape != torch.shape or not np.isfinite(jax).all() or not np.isfinite(torch).all():
            return ""
        a, b = jax.astype(np.float64), torch.astype(np.float64)
        other = factor_between(a, b, np.full(a.shape, loose_tolerance(a, b, difference.eps)))
        same += other is not None and other.low <= found.high and found.low <= other.high
        agree += other is not None and other.holds(1)
    if same == len(difference.gradients):
        return "in every gradient"
    return (
        "in this gradient alone"
        if agree == len(difference.gradients) and informative_elements(difference) >= ENOUGH
        else ""
    )


def known_factors(difference: Difference) -> Iterator[Known]:
    """Yield the factors with a meaning, the simplest first."""
    yield 0.5, "PyTorch's MSE has no 1/2 (optax.l2_loss has)", Trap.ONE_HALF
    yield 2.0, "a 1/2 is left out in JAX, or a term is counted twice", Trap.ONE_HALF
    sizes = named_sizes(difference)
    for n, where in sizes.items():
        yield n, f"N = {n}, {where}: a sum in place of a mean", Trap.MEAN_FOR_SUM
        yield 1 / n, f"1/N for N = {n}, {where}: a mean in place of a sum", Trap.MEAN_FOR_SUM
    yield from _variances(sizes)
    yield from _scales(difference, sizes)
    for value, text, trap in CONSTANTS:
        yield value, f"the factor is {text}", trap
        yield 1 / value, f"the inverse of the factor {text}", trap
    for rate in DROPOUT_RATES:
        yield 1 / (1 - rate), f"1/(1 − p) for p = {rate}: dropout scales in JAX alone", Trap.DROPOUT
        yield 1 - rate, f"1 − p for p = {rate}: dropout scales in PyTorch alone", Trap.DROPOUT
    yield from _ratios(difference)


def _variances(sizes: dict[int, str]) -> Iterator[Known]:
    for n, where in sizes.items():
        share = (n - 1) / n
        for value, ratio, jax, torch in ((share, "(n − 1)/n", "n", "n − 1"), (1 / share, "n/(n − 1)", "n − 1", "n")):
            sides = f"{jax} below JAX's variance and {torch} below PyTorch's, or the reverse in a denominator"
            yield value, f"{ratio} for n = {n}, {where}: {sides}", Trap.VARIANCE
            yield math.sqrt(value), f"the root of {ratio} for n = {n}, {where}: {sides}", Trap.VARIANCE


def _scales(difference: Difference, sizes: dict[int, str]) -> Iterator[Known]:
    for name, lengths in axis_lengths(difference):
        for d in lengths:
            where = sizes.get(d, f"an axis of {name}")
            yield math.sqrt(d), f"√d for d = {d}, {where}: the scale 1/√d is in PyTorch alone", Trap.SQRT_D
            yield 1 / math.sqrt(d), f"1/√d for d = {d}, {where}: the scale is in JAX alone", Trap.SQRT_D
    for name, value in scalars(difference):
        yield value, f"the factor is {name} itself", Trap.FACTOR
        yield 1 / value, f"the factor is 1/{name}", Trap.FACTOR
    for share, what in label_shares(difference):
        yield share, f"{what}: JAX divides by the number of all, PyTorch by what counts", Trap.WEIGHTED_MEAN
        yield (
            1 / share,
            f"the inverse of {what}: PyTorch divides by the number of all, JAX by what counts",
            Trap.WEIGHTED_MEAN,
        )


def _ratios(difference: Difference) -> Iterator[Known]:
    for name, lengths in axis_lengths(difference):
        for n in lengths:
            for m in lengths:
                if n != m:
                    text = f"{n}/{m}, lengths of two axes of {name}: a mean over the other axis"
                    yield n / m, text, Trap.MEAN_FOR_SUM
