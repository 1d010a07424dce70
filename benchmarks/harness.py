"""Compare the gradients of several sides first, then time them in turn."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np

from .limits import UNKNOWN, Work
from .memory import peak

# Of a leaf's largest element. Two honest float32 sums of 1e2 to 1e5 terms in different orders part by 1e-7 to 1e-5 of
# it; a wrong rule parts by 1e-2 and more.
GRADIENT_BOUND = 1e-4

WARM_UP_CALLS = 3
# PyTorch's threads wait for more work in a loop for some milliseconds after each call, and would keep the next side's from their cores.
REST_SECONDS = 10e-3
# After such a rest, caches, sleeping threads and halted cores take several calls to come back, in both frameworks. A training loop does not rest, so
# each side is called untimed for so long first.
UNTIMED_SECONDS = 10e-3
# A sample repeats a fast call until it lasts about so long, far above the resolution of the clock.
SAMPLE_SECONDS = 5e-3
MOST_CALLS = 500

Named = Mapping[str, np.ndarray]


class GradientsDiffer(ValueError):
    """Two sides do not compute the same gradients, so their times cannot be compared."""


@dataclass(frozen=True)
class Side:
    """One contender.

    Args:
        name: as the tables show it.
        run: do the work once, and return when it is finished.
        results: after the first `run`, the gradients (and updated weights) that this run stands for, by name.
        is_torch: PyTorch's sides are what the others are measured against.
        optional: where the first call fails, or its gradients are wrong, this side is left out and the reason is kept; the
            others are timed. (torch.compile needs a C++ compiler, and gives wrong gradients for some shapes.)
    """

    name: str
    run: Callable[[], object]
    results: Callable[[], Named]
    is_torch: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Case:
    """One benchmark at one batch size; `build` makes its sides, from the same weights and the same batch; `work` is that of one call."""

    benchmark: str
    batch: int
    build: Callable[[], Sequence[Side]]
    work: Work = UNKNOWN


@dataclass
class Row:
    """What was measured of one side: seconds a call, one entry a sample, or why there is nothing."""

    benchmark: str
    batch: int
    side: str
    is_torch: bool
    first_call: float | None = None
    calls: int = 0
    samples: list[float] = field(default_factory=list)
    speed: list[float] = field(default_factory=list)
    against: str = ""
    peak_bytes: int | None = None
    work: Work = UNKNOWN
    unavailable: str | None = None


def check_same(results: Mapping[str, Named]) -> dict[str, float]:
    """Refuse sides whose gradients differ.

    The first side is the reference. Every leaf must have its name, shape and dtype, and be within `GRADIENT_BOUND` of
    it, relative to the largest element of the leaf. NaN equals nothing.

    Args:
        results: of each side, arrays by name.

    Returns:
        Of each side, the largest relative error over its leaves.

    Example:
        >>> check_same({"torch": {"w": np.ones(2)}, "jax": {"w": np.ones(2)}})
        {'torch': 0.0, 'jax': 0.0}

    Raises:
        GradientsDiffer: says which side, which leaf, and by how much.
    """
    reference_name, reference = next(iter(results.items()))
    worst = dict.fromkeys(results, 0.0)
    for side, leaves in results.items():
        if set(leaves) != set(reference):
            raise GradientsDiffer(
                f"{side} has the leaves {sorted(leaves)}, but {reference_name} has {sorted(reference)}"
            )
        for leaf, expected in reference.items():
            error = _relative_error(f"{side}, {leaf}", leaves[leaf], expected)
            if not error <= GRADIENT_BOUND:  # so written, NaN is refused too
                raise GradientsDiffer(
                    f"{side} and {reference_name} differ in the leaf {leaf!r}: by {error:.1e} of its largest element, "
                    f"where {GRADIENT_BOUND:.0e} is allowed; sides that differ are not timed"
                )
            worst[side] = max(worst[side], error)
    return worst


def _relative_error(where: str, given: np.ndarray, expected: np.ndarray) -> float:
    if (given.shape, given.dtype) != (expected.shape, expected.dtype):
        raise GradientsDiffer(
            f"{where}: {given.dtype}{given.shape} was computed, but {expected.dtype}{expected.shape} is expected"
        )
    if np.array_equal(given, expected):  # all zeros on both sides too
        return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.abs(given - expected).max() / np.abs(expected).max())


def measure(case: Case, repeats: int, advance: Callable[[], Any] = lambda: None) -> tuple[list[Row], dict[str, float]]:
    """Check one case, then time its sides in turns, each in another order: A B C D, C A D B, ... None always comes after the same one.

    Args:
        case: what to time.
        repeats: samples of each side.
        advance: called after each turn.

    Returns:
        A row of each side, and the largest relative error of each side's gradients.

    Raises:
        GradientsDiffer: a side that is not optional computes other gradients than the first torch side (where there is
            none, the first side); nothing has been timed.
    """
    sides = list(case.build())
    rows = {side.name: Row(case.benchmark, case.batch, side.name, side.is_torch, work=case.work) for side in sides}
    for side in sides:
        _first_call(side, rows[side.name])
    errors = _check_sides(sides, rows)
    time_in_turns([side for side in sides if rows[side.name].unavailable is None], rows, repeats, advance)
    _add_speeds(list(rows.values()))
    return list(rows.values()), errors


def time_in_turns(
    sides: Sequence[Side], rows: Mapping[str, Row], repeats: int, advance: Callable[[], Any] = lambda: None
) -> None:
    """Warm the sides up, and add to the rows of their names what `repeats` samples of each take."""
    for side in sides:
        rows[side.name].calls = _warm_up(side.run)
        rows[side.name].peak_bytes = peak(side.run, side.is_torch)
    order = random.Random(0)
    for _ in range(repeats):
        for side in order.sample(sides, len(sides)):
            rows[side.name].samples.append(_sample(side.run, rows[side.name].calls))
        advance()


def _check_sides(sides: Sequence[Side], rows: Mapping[str, Row]) -> dict[str, float]:
    # PyTorch first, since the first side is the reference.
    ordered = sorted(sides, key=lambda side: not side.is_torch)
    required = {side.name: side.results() for side in ordered if not side.optional}
    errors = check_same(required)
    reference = next(iter(required))
    for side in ordered:
        if side.optional and rows[side.name].unavailable is None:
            try:
                errors |= check_same({reference: required[reference], side.name: side.results()})
            except GradientsDiffer as error:
                rows[side.name].unavailable = _reason(error)
    return errors


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _first_call(side: Side, row: Row) -> None:
    start = time.perf_counter()
    try:
        side.run()
    except Exception as error:  # a compiler that is missing or breaks raises whatever it likes
        if not side.optional:
            raise
        row.unavailable = _reason(error)
    else:
        row.first_call = time.perf_counter() - start


def _warm_up(run: Callable[[], object]) -> int:
    """Run until warm, and return how many calls a sample should have."""
    fastest = min(_seconds(run, 1) for _ in range(WARM_UP_CALLS))
    return min(MOST_CALLS, max(1, ceil(SAMPLE_SECONDS / fastest)))


def _sample(run: Callable[[], object], calls: int) -> float:
    time.sleep(REST_SECONDS)
    begin = time.perf_counter()
    run()
    while time.perf_counter() - begin < UNTIMED_SECONDS:
        run()
    return _seconds(run, calls) / calls


def _seconds(run: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return time.perf_counter() - start


def _add_speeds(rows: Sequence[Row]) -> None:
    """Add each side's speed as a multiple of the fastest torch side's, turn by turn, so that common noise cancels."""
    torch_rows = [row for row in rows if row.is_torch and row.samples]
    if not torch_rows:
        return
    peer = min(torch_rows, key=lambda row: np.median(row.samples))
    for row in rows:
        row.against = peer.side
        row.speed = (
            [theirs / ours for theirs, ours in zip(peer.samples, row.samples, strict=True)] if row.samples else []
        )


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile.

    Example:
        >>> quartiles([1.0, 2.0, 3.0, 4.0, 5.0])
        (2.0, 3.0, 4.0)
    """
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return low, middle, high
