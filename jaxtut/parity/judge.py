"""Judge the evidence of two sides by the definition: rows with verdicts, the first divergence, and notes. Needs neither framework."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from . import definition, kinks
from .definition import BIT_IDENTICAL, DIFFERENT, TO_ROUNDING, UNDECIDED, Judgement
from .evidence import Evidence
from .noise import noise_of_one
from .quantities import GRADIENT, TAP, TAP_GRADIENT, VALUE, Key, Quantities, is_floating
from .rows import Row, make_row
from .structure import structural_rows


class Pair:
    """Two sides that have the same structure, judged in float64 and float32.

    Args:
        jax: the evidence of the JAX side in one mode.
        torch: PyTorch's.
        others: the JAX side in other modes, whose float32 results measure noise too.
    """

    def __init__(self, jax: Evidence, torch: Evidence, others: Iterable[Evidence] = ()):
        self.jax, self.torch = jax, torch
        self.others = list(others)

    @property
    def of_taps(self) -> "Pair":
        """The same two, judged on what they name."""
        return Pair(self.jax.taps, self.torch.taps)

    def float64_rows(self, keys: Iterable[Key] | None = None) -> list[Row]:
        """Pass every quantity, or those that are named, through the float64 gate."""
        a, b = self.jax.exact, self.torch.exact
        chosen = list(b) if keys is None else list(keys)
        judged = {
            key: self._gate(key) if is_floating(b[key]) else definition.judge_exact(a[key], b[key]) for key in chosen
        }
        failed = [key for key, j in judged.items() if j.verdict == DIFFERENT]
        if failed and all(is_floating(b[key]) for key in failed):
            judged |= {key: self._second_opinion(key) for key in failed}
            failed = [key for key in failed if judged[key].verdict == DIFFERENT]
            for key in failed if self._undecided(failed) else []:
                note = f"the last bits of {self._deciding} decide which side of a kink it is on; {judged[key].note}"
                judged[key] = replace(judged[key], verdict=UNDECIDED, note=note)
        # A float64 result is at no distance from itself; the float32 rows carry the distances.
        return [self._row(key, a, b, "float64", judged[key]) for key in chosen]

    def float32_rows(self, gated: dict[Key, str], keys: Iterable[Key] | None = None) -> list[Row]:
        """Judge the float32 results by their distance from the float64 truth.

        Args:
            gated: the verdicts of the float64 gate.
            keys: the quantities; None is all.
        """
        a, b, truth = self.jax.singles[0], self.torch.singles[0], self.torch.exact
        rows = []
        for key in b if keys is None else keys:
            if not is_floating(b[key]):
                rows.append(self._row(key, a, b, "float32", definition.judge_exact(a[key], b[key])))
                continue
            error = max(definition.largest_error(run[key], truth[key]) for run in self.torch.singles)
            exempt, own = None, truth[key]
            if gated.get(key) in (BIT_IDENTICAL, TO_ROUNDING):
                # Where the two float64 results differ by rounding, neither is nearer to the truth than the other.
                own = definition.nearer(a[key], self.jax.exact[key], truth[key])
                if definition.needs_exemptions(a[key], own, error):
                    exempt = kinks.near_ties(self.torch.spread(key), own, a[key])
            judged = definition.judge_float32(a[key], b[key], own, error, exempt)
            if judged.verdict == DIFFERENT and gated.get(key) in (BIT_IDENTICAL, TO_ROUNDING):
                moved = float(np.max(self.torch.operations.get(key, np.zeros(1)), initial=0.0))
                judged = definition.judge_float32(a[key], b[key], own, max(error, moved), exempt)
            errors = (definition.largest_error(a[key], own), definition.largest_error(b[key], truth[key]))
            rows.append(self._row(key, a, b, "float32", judged, *errors))
        return rows

    def single_rows(self, keys: Iterable[Key] | None = None) -> list[Row]:
        """Judge in float32 alone, where float64 has nothing to say."""
        a, b = self.jax.singles[0], self.torch.singles[0]
        rows = []
        for key in b if keys is None else keys:
            if is_floating(b[key]):
                spread = max(_spread(side.singles, key) for side in (self.jax, self.torch))
                judged = definition.judge_single(a[key], b[key], spread)
            else:
                judged = definition.judge_exact(a[key], b[key])
            rows.append(self._row(key, a, b, b[key].dtype.name, judged))
        return rows

    def low_rows(self, dtype: str) -> list[Row]:
        """Judge the results in a 16-bit dtype by their distance from the float64 results at inputs that the dtype can hold."""
        truth, b = self.torch.low(dtype)
        _, a = self.jax.low(dtype)
        if structure := structural_rows(a, b, self.jax, narrow_integers=True):
            return structure
        rows = []
        for key, exact in truth.items():
            if not is_floating(exact):
                rows.append(self._row(key, a, b, dtype, definition.judge_exact(a[key], b[key])))
                continue
            x, y = a[key].astype(np.float32), b[key].astype(np.float32)
            errors = (definition.largest_error(x, exact), definition.largest_error(y, exact))
            rows.append(
                self._row(key, a, b, dtype, definition.judge_float32(x, y, exact, errors[1], None, dtype), *errors)
            )
        return rows

    def bound(self, key: Key) -> np.ndarray | None:
        """Return how far apart rounding may have put the two float64 results of a quantity."""
        a, b = self.jax.exact[key], self.torch.exact[key]
        if a.shape != b.shape or not is_floating(a):
            return None
        return definition.gate_bound(np.maximum(np.abs(a), np.abs(b)), self._noise(key))

    def _noise(self, key: Key, where: np.ndarray | None = None) -> np.ndarray:
        """Measure the noise of a quantity, at some elements or at all: float32 against PyTorch's float64, and JAX's against its own."""
        chosen = ... if where is None else where
        here, there = self.jax.exact[key][chosen], self.torch.exact[key][chosen]
        mine = [run[key][chosen] for run in (*self.jax.singles, *(o.singles[0] for o in self.others)) if key in run]
        theirs = [run[key][chosen] for run in self.torch.singles if key in run]
        return np.fmax(noise_of_one(there, [*mine, *theirs]), noise_of_one(here, mine))

    def _gate(self, key: Key) -> Judgement:
        return definition.judge_float64(
            self.jax.exact[key], self.torch.exact[key], lambda where: self._noise(key, where)
        )

    def _second_opinion(self, key: Key) -> Judgement:
        a, truth, noise = self.jax.exact[key], self.torch.exact[key], self._noise(key)
        moved = np.zeros(truth.shape)
        for side in (self.torch, self.jax):
            near, far = side.nearby
            moved = np.fmax(moved, side.operations.get(key, 0.0))
            if key in near and key in far:
                noise = definition.second_opinion(truth, noise, near[key], far[key], moved)
            judged = definition.judge_float64(a, truth, noise, moved)
            if judged.verdict != DIFFERENT:
                return judged
        return judged

    def _undecided(self, failed: list[Key]) -> bool:
        self._deciding = ""
        if any(kind in (VALUE, TAP) for kind, _ in failed):
            return False
        if not kinks.vanishes_beside_the_kink(self.jax.beside_kinks, self.torch.beside_kinks, failed, self._noise):
            return False
        self._deciding = kinks.rounding_decides(self.jax.taps.exact, self.torch.taps.exact)
        return bool(self._deciding)

    def _row(
        self, key: Key, a: Quantities, b: Quantities, dtype: str, judged: Judgement, err_jax=0.0, err_torch=0.0
    ) -> Row:
        return make_row(key, a[key], b[key], judged, self.jax, dtype, err_jax, err_torch)


def common(a: Quantities, b: Quantities) -> list[Key]:
    """Return what both sides name, values forward and then gradients backward, in PyTorch's order."""
    both = [key for key in b if key in a]
    forward = [key for key in both if key[0] == TAP]
    backward = [key for key in both if key[0] == TAP_GRADIENT]
    return [*forward, *reversed(backward), *(key for key in both if key[0] in (VALUE, GRADIENT))]


def _spread(runs: list[Quantities], key: Key) -> float:
    return max((definition.largest_error(run[key], runs[0][key].astype(np.float64)) for run in runs[1:]), default=0.0)
