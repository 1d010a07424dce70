"""Measure how much rounding there is: runs of one side in float32 at inputs moved by an ulp, and in float64 at inputs moved a little."""

from collections.abc import Callable, Iterator

import numpy as np

from . import definition
from .arguments import Arguments, jitter, move_by_ulps
from .probes import Probes
from .quantities import Quantities, is_floating

Run = Callable[[Arguments, Probes, str], Quantities]

# What a function may say to inputs outside of its domain, and what the frameworks say in its place.
REFUSALS = (ValueError, RuntimeError, IndexError, ArithmeticError, AssertionError)


def moved_inputs(args: Arguments, probes: Probes, seed: int, hold_integers: bool) -> tuple[Arguments, Probes]:
    """Return the arguments and the probes, every element one float32 ulp up or down."""
    generator = np.random.default_rng(seed)

    def move(x: np.ndarray) -> np.ndarray:
        return move_by_ulps(x, generator, hold_integers)

    return args.mapped(move), probes.mapped(move)


def jittered_inputs(args: Arguments, seed: int, size: float) -> Arguments:
    """Return the arguments in float64, every element moved by up to `size` of its magnitude."""
    generator = np.random.default_rng(seed)
    return args.astype("float64").mapped(lambda x: jitter(x, generator, size))


def float32_runs(run: Run, base: Quantities, args: Arguments, probes: Probes, seed: int) -> Iterator[Quantities]:
    """Yield the float32 runs that measure noise: the one at the inputs, then those at moved inputs.

    A function that refuses the moved inputs, or turns NaN there, is given inputs whose whole numbers were held.
    """
    yield base
    for i in range(1, definition.NOISE_RUNS):
        for hold in (False, True):
            try:
                found = run(*moved_inputs(args, probes, seed + i, hold_integers=hold), "float32")
            except REFUSALS:
                continue
            if hold or _finite_where(base, found):
                yield found
                break


def noise_of(truth: Quantities, runs: list[Quantities]) -> Quantities:
    """Return, for each floating quantity, the largest |float32 − float64| of each element over the runs."""
    return {key: noise_of_one(exact, [run[key] for run in runs]) for key, exact in truth.items() if is_floating(exact)}


def noise_of_one(exact: np.ndarray, runs: list[np.ndarray]) -> np.ndarray:
    """Return the largest distance of each element from the truth over the runs; equal infinities are at no distance."""
    largest = np.zeros(exact.shape)
    with np.errstate(all="ignore"):
        for found in runs:
            distance = np.abs(found.astype(np.float64) - exact)
            np.maximum(largest, np.where(found == exact, 0, distance), out=largest)
    return largest


def noise_nearby(run: Run, args: Arguments, probes: Probes, seed: int) -> tuple[Quantities, Quantities]:
    """Measure one side's |float32 − float64| at inputs nearby, where the luck of one rounding is gone: the second opinion of the definition.

    Returns:
        The noise at inputs that moved by at most a quarter of themselves, and at inputs that moved by as much however small they are.
    """
    near: Quantities = {}
    far: Quantities = {}
    generator = np.random.default_rng(seed)
    for i in range(definition.SECOND_OPINION_RUNS):
        for reach, noise in ((definition.SECOND_OPINION_SHARE, near), (np.inf, far)):

            def move(x: np.ndarray, reach: float = reach, hold: bool = i % 2 == 1) -> np.ndarray:
                return jitter(x, generator, definition.SECOND_OPINION_JITTER, hold, reach).astype(np.float32)

            moved = args.mapped(move)
            try:
                exact, rounded = run(moved, probes, "float64"), run(moved, probes, "float32")
            except REFUSALS:
                continue
            raise_to(noise, noise_of(exact, [rounded]))
    return near, far


def noise_of_operations(moved: Callable[[int], Quantities], truth: Quantities) -> Quantities:
    """Return how far each element moves in float64 when the result of every operation is moved by a float32 rounding.

    Args:
        moved: a run with the results moved, by seed.
        truth: the run without; it may hold more quantities.
    """
    largest: Quantities = {}
    for seed in range(definition.SECOND_OPINION_RUNS):
        found = moved(seed)
        raise_to(largest, noise_of({key: truth[key] for key in found}, [found]))
    return largest


def raise_to(noise: Quantities, found: Quantities) -> None:
    """Raise the noise of each element to what was found, where that is finite."""
    for key, distance in found.items():
        noise[key] = np.fmax(noise.get(key, 0.0), np.where(np.isfinite(distance), distance, 0))


def _finite_where(base: Quantities, moved: Quantities) -> bool:
    return all(
        moved[key].shape == a.shape and np.all(np.isfinite(moved[key]) | ~np.isfinite(a))
        for key, a in base.items()
        if is_floating(a)
    )
