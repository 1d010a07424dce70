"""What one side has to say: its results in both precisions, and everything that measures how much of a difference is rounding."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

import numpy as np

from . import definition, noise
from .arguments import Arguments, rounded
from .noise import REFUSALS
from .probes import Probes
from .quantities import Arrays, Key, Quantities, is_floating


class Side(Protocol):
    """A function of one framework and the way to run it: `JaxSide`, `TorchSide`."""

    name: str

    @property
    def mode(self) -> str: ...
    def outputs(self, args: Arguments, dtype: str) -> Arrays: ...
    def run(self, args: Arguments, probes: Probes, dtype: str, checks: Sequence[str] = ()) -> Quantities: ...
    def taps(self, args: Arguments, probes: Probes, dtype: str) -> Quantities: ...
    def moved(self, args: Arguments, probes: Probes, taps: bool, seed: int, checks: Sequence[str]) -> Quantities: ...
    def lowered(self, args: Arguments) -> list[str]: ...
    def retraced(self, args: Arguments, probes: Probes) -> Quantities | None: ...


@dataclass(frozen=True)
class Plan:
    """What both sides are run on."""

    args: Arguments
    probes: Probes
    checks: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Spread:
    """How far a quantity's truth moves when the inputs move by a few float32 ulp: at most, and at least."""

    most: np.ndarray
    least: np.ndarray


class Evidence(Protocol):
    """What the judge asks of a side; `LiveEvidence` runs it, a recorded file has it stored."""

    @property
    def name(self) -> str:
        """The framework."""
        ...

    @property
    def mode(self) -> str:
        """How the side runs, 'jit' or 'eager'."""
        ...

    @property
    def cotangents(self) -> tuple[Arrays, ...]:
        """The cotangents by output name; empty where they were not kept."""
        ...

    @property
    def exact(self) -> Quantities:
        """The results in float64, at inputs that float32 can hold."""
        ...

    @property
    def singles(self) -> list[Quantities]:
        """The results in float32: at the inputs, then at inputs moved by an ulp."""
        ...

    @property
    def lowered(self) -> list[str]:
        """Where the function lowers precision inside."""
        ...

    @property
    def nearby(self) -> tuple[Quantities, Quantities]:
        """The noise at inputs nearby."""
        ...

    @property
    def operations(self) -> Quantities:
        """How far the results move when every operation's result is moved by a float32 rounding; empty where that cannot be run."""
        ...

    @property
    def beside_kinks(self) -> list[Quantities]:
        """float64 results at inputs jittered by a millionth; empty where the function refuses them."""
        ...

    def spread(self, key: Key) -> Spread:
        """Return how far a quantity moves at inputs that float32 can hardly tell apart."""
        ...

    def low(self, dtype: str) -> tuple[Quantities, Quantities]:
        """Return float64 results at inputs rounded to a 16-bit dtype, and the results in that dtype."""
        ...

    def differs_from_itself(self) -> bool:
        """Say whether a second run gives other results than the first."""
        ...

    @property
    def taps(self) -> "Evidence":
        """The same for what the function names."""
        ...


class LiveEvidence:
    """Evidence that is run when it is asked for, and kept."""

    def __init__(self, side: Side, plan: Plan, taps: bool = False):
        self.side = side
        self.plan = plan
        self._of_taps = taps

    @property
    def name(self) -> str:
        """The framework."""
        return self.side.name

    @property
    def mode(self) -> str:
        """How the side runs, 'jit' or 'eager'."""
        return self.side.mode

    @property
    def cotangents(self) -> tuple[Arrays, ...]:
        """The cotangents by output name."""
        return self.plan.probes.cotangents

    def _run(self, args: Arguments, probes: Probes, dtype: str) -> Quantities:
        if self._of_taps:
            return self.side.taps(args, probes, dtype)
        return self.side.run(args, probes, dtype, self.plan.checks)

    @cached_property
    def exact(self) -> Quantities:
        """The results in float64, at inputs that float32 can hold."""
        return self._run(self.plan.args, self.plan.probes, "float64")

    @cached_property
    def single(self) -> Quantities:
        """The results in float32 at the inputs."""
        return self._run(self.plan.args, self.plan.probes, "float32")

    @cached_property
    def singles(self) -> list[Quantities]:
        """The results in float32: at the inputs, then at inputs moved by an ulp."""
        return list(noise.float32_runs(self._run, self.single, self.plan.args, self.plan.probes, self.plan.seed))

    @cached_property
    def lowered(self) -> list[str]:
        """Where the function lowers precision inside."""
        return self.side.lowered(self.plan.args)

    @cached_property
    def nearby(self) -> tuple[Quantities, Quantities]:
        """The noise at inputs nearby."""
        return noise.noise_nearby(self._run, self.plan.args, self.plan.probes, self.plan.seed)

    @cached_property
    def operations(self) -> Quantities:
        """How far the results move when every operation's result is moved by a float32 rounding; empty where that cannot be run."""

        def moved(checks: Sequence[str], seed: int) -> Quantities:
            return self.side.moved(self.plan.args, self.plan.probes, self._of_taps, seed, checks)

        # Where a further derivative cannot be run so, values and gradients still can.
        for checks in dict.fromkeys((self.plan.checks, ())):
            try:
                return noise.noise_of_operations(partial(moved, checks), self.exact)
            except (*REFUSALS, TypeError, NotImplementedError):
                continue
        return {}

    @cached_property
    def beside_kinks(self) -> list[Quantities]:
        """float64 results at inputs jittered by a millionth; empty where the function refuses them."""
        args, seed = self.plan.args, self.plan.seed
        moved = [noise.jittered_inputs(args, seed + i, definition.KINK_JITTER) for i in range(definition.KINK_JITTERS)]
        try:
            return [self._run(inputs, self.plan.probes, "float64") for inputs in moved]
        except REFUSALS:
            return []

    def spread(self, key: Key) -> Spread:
        """Return how far a quantity moves at inputs that float32 can hardly tell apart."""
        with np.errstate(invalid="ignore"):  # infinities stay where they are
            changes = [np.abs(run[key] - self.exact[key]) for run in self._beside_ties]
        if not changes:
            return Spread(np.zeros_like(self.exact[key]), np.full(self.exact[key].shape, np.inf))
        return Spread(np.max(changes, axis=0), np.min(changes, axis=0))

    @cached_property
    def _beside_ties(self) -> list[Quantities]:
        found = []
        for i in range(definition.NEAR_TIE_RUNS):
            size = definition.NEAR_TIE_ULPS * 2 * definition.U32
            try:
                moved = noise.jittered_inputs(self.plan.args, self.plan.seed + i, size)
                found.append(self._run(moved, self.plan.probes, "float64"))
            except REFUSALS:
                continue
        return found

    def low(self, dtype: str) -> tuple[Quantities, Quantities]:
        """Return float64 results at inputs rounded to a 16-bit dtype, and the results in that dtype."""
        args = self.plan.args.rounded(dtype)
        probes = self.plan.probes.mapped(lambda x: rounded(x, dtype))
        return self._run(args, probes, "float64"), self._run(args, probes, dtype)

    @cached_property
    def taps(self) -> "LiveEvidence":
        """The same for what the function names."""
        return LiveEvidence(self.side, self.plan, taps=True)

    def differs_from_itself(self) -> bool:
        """Say whether a second run gives other results than the first, by more than a bit or two of reordered sums."""
        first = self.plan.probes.first()
        again = [self.side.run(self.plan.args, first, "float64")]
        retraced = self.side.retraced(self.plan.args, first)
        again += [retraced] if retraced is not None else []
        return any(_parted(self.exact, other) for other in again)


def _parted(before: Quantities, again: Quantities) -> bool:
    for key, b in again.items():
        if key not in before:
            return True
        a = before[key][:1] if key[0] == "gradient" else before[key]
        if definition.structural_difference(a, b)[0]:
            return True
        judged = definition.judge_float64(a, b, np.zeros(a.shape)) if is_floating(a) else definition.judge_exact(a, b)
        if judged.verdict == definition.DIFFERENT:
            return True
    return False
