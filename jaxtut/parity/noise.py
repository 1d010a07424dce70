"""Measure how much rounding there is: runs of one side in float32 at inputs moved by an ulp, and in float64 at inputs moved a little."""

from collections.abc import Callable, Iterator

import numpy as np

from . import definition
from .arguments import Arguments, jitter, move_by_ulps
from .observation import Arrays, Observation

Run = Callable[[Arguments, list[Arrays], str], Observation]
Key = tuple[str, str]


def moved_inputs(
    args: Arguments, cotangents: list[Arrays], seed: int, hold_integers: bool
) -> tuple[Arguments, list[Arrays]]:
    """Return the arguments and the cotangents, every element one float32 ulp up or down."""
    generator = np.random.default_rng(seed)

    def move(x: np.ndarray) -> np.ndarray:
        return move_by_ulps(x, generator, hold_integers)

    return args.mapped(move), [{n: np.asarray(move(c)) for n, c in cotangent.items()} for cotangent in cotangents]


def jittered_inputs(args: Arguments, seed: int, size: float) -> Arguments:
    """Return the arguments in float64, every element moved by up to `size` of its magnitude."""
    generator = np.random.default_rng(seed)
    return args.astype("float64").mapped(lambda x: jitter(x, generator, size))


def float32_runs(
    run: Run, base: Observation, args: Arguments, cotangents: list[Arrays], seed: int
) -> Iterator[Observation]:
    """Yield the float32 runs that measure noise: the one at the inputs, then those at moved inputs.

    A function that refuses the moved inputs, or turns NaN there, is given inputs whose whole numbers were held.
    """
    yield base
    for i in range(1, definition.NOISE_RUNS):
        try:
            observation = run(*moved_inputs(args, cotangents, seed + i, hold_integers=False), "float32")
            if _finite_where(base, observation):
                yield observation
                continue
        except (ValueError, RuntimeError, IndexError):
            pass
        yield run(*moved_inputs(args, cotangents, seed + i, hold_integers=True), "float32")


def noise_of(truth: Observation, runs: list[Observation]) -> dict[Key, np.ndarray]:
    """Return, for each quantity, the largest |float32 − float64| of each element over the runs."""
    noise = {}
    for key, exact in truth.quantities().items():
        if np.issubdtype(exact.dtype, np.floating):
            with np.errstate(all="ignore"):
                distances = [np.abs(run.quantities()[key].astype(np.float64) - exact) for run in runs]
            # Equal infinities are at no distance.
            distances = [np.where(run.quantities()[key] == exact, 0, d) for run, d in zip(runs, distances, strict=True)]
            noise[key] = np.max(distances, axis=0)
    return noise


def noise_nearby(
    run: Run, args: Arguments, cotangents: list[Arrays], seed: int
) -> tuple[dict[Key, np.ndarray], dict[Key, np.ndarray]]:
    """Measure one side's |float32 − float64| at inputs nearby, where the luck of one rounding is gone: the second opinion of the definition.

    Returns:
        The noise at inputs that moved by at most a quarter of themselves, and at inputs that moved by as much however small they are.
    """
    near: dict[Key, np.ndarray] = {}
    far: dict[Key, np.ndarray] = {}
    generator = np.random.default_rng(seed)
    for i in range(definition.SECOND_OPINION_RUNS):
        for reach, noise in ((definition.SECOND_OPINION_SHARE, near), (np.inf, far)):

            def move(x: np.ndarray, reach: float = reach, hold: bool = i % 2 == 1) -> np.ndarray:
                return jitter(x, generator, definition.SECOND_OPINION_JITTER, hold, reach).astype(np.float32)

            moved = args.mapped(move)
            try:
                exact, rounded = run(moved, cotangents, "float64"), run(moved, cotangents, "float32")
            except (ValueError, RuntimeError, IndexError):
                continue
            for key, distance in noise_of(exact, [rounded]).items():
                noise[key] = np.fmax(noise.get(key, 0.0), np.where(np.isfinite(distance), distance, 0))
    return near, far


def _finite_where(base: Observation, moved: Observation) -> bool:
    there = moved.quantities()
    return all(
        there[k].shape == a.shape and np.all(np.isfinite(there[k]) | ~np.isfinite(a))
        for k, a in base.quantities().items()
        if np.issubdtype(a.dtype, np.floating)
    )
