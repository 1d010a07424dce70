"""Compare a JAX function with a PyTorch function: values and gradients, in float64 and float32, by the definition of "identical"."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from . import causes, definition, kinks, noise
from .arguments import Arguments, collect
from .definition import DIFFERENT, IMPURE, UNDECIDED, Judgement
from .jax_side import JaxSide
from .observation import Arrays, Observation
from .report import Report, Row
from .torch_side import TorchSide

Key = tuple[str, str]


def compare(
    jax_fn: Callable,
    torch_fn: Callable,
    *args: Any,
    argnums: int | Sequence[int] | None = None,
    params: Mapping[str, Any] | None = None,
    map_params: Callable | None = None,
    cotangents: int = 3,
    seed: int = 0,
    dtypes: Sequence[str] | None = None,
    modes: Sequence[str] = ("jit",),
) -> Report:
    """Say whether two functions have the same values and the same gradients, and if not, where they part first.

    Each output y gets random cotangents v, and the gradients vᵀ · ∂y/∂x of both sides are compared element by element; the first cotangent of
    a scalar output is 1, which gives its plain gradient. `jaxtut.parity.definition` says what "the same" means.

    Args:
        jax_fn: the JAX function, pure; it takes JAX arrays and returns any tree of arrays.
        torch_fn: the PyTorch function, or `torch.nn.Module`; it takes tensors and returns a tree of the same structure.
        args: NumPy arrays, or nested containers of them; floating ones are rounded to float32 first. Python numbers and strings are
            passed on as they are.
        argnums: which of `args` to differentiate; None: every one with a floating leaf.
        params: the parameters under PyTorch's names; they go first into `jax_fn`, and into the module by `functional_call`.
        map_params: turns `params` into what `jax_fn` takes first; differentiated through, so gradients keep PyTorch's names.
        cotangents: how many, at least 1.
        seed: of the cotangents and of the moved inputs.
        dtypes: of 'float64' and 'float32', those to judge; None: both.
        modes: how the JAX side runs: 'jit', 'eager', or both.

    Returns:
        A report: `.same`, `.verdict`, `.rows`, `.first_divergence`, `.to_json()`, `.to_html()`.

    Example:
        >>> import jax.numpy as jnp, torch
        >>> compare(jnp.tanh, torch.tanh, np.array([0.5, -2.0])).same
        True
        >>> report = compare(lambda x: x * jnp.tanh(x), lambda x: 2 * x * torch.tanh(x), np.array([0.5, -2.0]))
        >>> report.verdict, report.first_divergence.name, report.first_divergence.cause  # doctest: +ELLIPSIS
        ('different', 'output', 'JAX is 0.5 times PyTorch everywhere: ...')

    Raises:
        TypeError: arguments that are no arrays.
        ValueError: no cotangents, unknown dtypes or modes, argnums that do not fit.
        MissingDependencyError: PyTorch is not installed.
    """
    _check_options(cotangents, dtypes, modes)
    return _Comparison(
        jax_fn, torch_fn, args, argnums, params, map_params, cotangents, seed, dtypes or ("float64", "float32"), modes
    ).report()


def assert_same_gradients(
    jax_fn: Callable, torch_fn: Callable, *args: Any, at_kinks: str = "raise", **options: Any
) -> Report:
    """Raise `AssertionError` unless two functions have the same values and gradients; the message names the first divergence.

    Args:
        jax_fn, torch_fn, args, options: as for `compare`.
        at_kinks: 'raise' also where the verdict is "undecided at a kink", or 'report', which lets it pass.

    Returns:
        The report.

    Example:
        >>> import jax.numpy as jnp, torch
        >>> assert_same_gradients(jnp.sin, torch.sin, np.array([0.0, 1.0])).same
        True

    Raises:
        AssertionError: the two differ; "first divergence: gradient of x (float64, jit): different at [0, 0]: JAX 0.5, PyTorch 0.0; ..."
    """
    if at_kinks not in ("raise", "report"):
        raise ValueError(f"assert_same_gradients: at_kinks must be 'raise' or 'report', but {at_kinks!r} was given")
    report = compare(jax_fn, torch_fn, *args, **options)
    if not report.same and not (report.verdict == UNDECIDED and at_kinks == "report"):
        raise AssertionError(report.summary())
    return report


def _check_options(cotangents: int, dtypes: Sequence[str] | None, modes: Sequence[str]) -> None:
    if cotangents < 1:
        raise ValueError(f"compare: cotangents must be at least 1, but {cotangents} was given")
    for name, given, known in (("dtypes", dtypes, {"float64", "float32"}), ("modes", modes, {"jit", "eager"})):
        if given is not None and (isinstance(given, str) or not given or set(given) - known):
            raise ValueError(f"compare: {name} must be some of {sorted(known)}, but {given!r} was given")


class _Comparison:
    """One comparison in progress: the two sides, their inputs, and the runs made so far."""

    def __init__(self, jax_fn, torch_fn, args, argnums, params, map_params, cotangents, seed, dtypes, modes):
        self.torch = TorchSide(torch_fn, has_params=params is not None)
        self.sides = {mode: JaxSide(jax_fn, map_params, jit=mode == "jit") for mode in modes}
        self.args: Arguments = collect(jax_fn, args, argnums, params)
        self.seed, self.dtypes, self.modes = seed, dtypes, tuple(modes)
        self.notes: list[str] = []
        self.cotangents = self._draw_cotangents(cotangents)

    def report(self) -> Report:
        self._choose_modes()
        for dtype in ("float64", "float32"):
            torch = self.torch.outputs(self.args, dtype)
            observed = {mode: Observation(side.structure(self.args, dtype)) for mode, side in self.sides.items()}
            if structure := self._structural_rows(observed, Observation(torch), dtype == "float32", shapes_only=True):
                return self._finish(structure)
        truth = self.torch.run(self.args, self.cotangents, "float64")
        exact = {mode: side.run(self.args, self.cotangents, "float64") for mode, side in self.sides.items()}
        if structure := self._structural_rows(exact, truth):
            return self._finish(structure)  # gradients this time
        if impure := self._impure(exact, truth):
            return Report(
                IMPURE, (), None, (f"{impure} is impure: it differs from itself when run twice on the same inputs",)
            )
        single_torch = self.torch.run(self.args, self.cotangents, "float32")
        single = {mode: side.run(self.args, self.cotangents, "float32") for mode, side in self.sides.items()}
        if structure := self._structural_rows(single, single_torch, narrow_integers=True):
            return self._finish(structure)
        if truth.unused:
            self.notes.append(
                f"PyTorch never used {', '.join(sorted(truth.unused))}: its gradient is None there, taken as zeros"
            )
        return self._finish(self._judge(exact, truth, single, single_torch))

    def _draw_cotangents(self, count: int) -> list[Arrays]:
        """Draw random cotangents for every floating output, rounded to float32; the first is 1 where the output is a scalar."""
        generator = np.random.default_rng(self.seed)
        outputs = {
            n: a for n, a in self.torch.outputs(self.args, "float64").items() if np.issubdtype(a.dtype, np.floating)
        }
        drawn = [
            {n: generator.standard_normal(a.shape).astype(np.float32) for n, a in outputs.items()} for _ in range(count)
        ]
        drawn[0] = {n: np.ones((), np.float32) if c.shape == () else c for n, c in drawn[0].items()}
        return drawn

    def _choose_modes(self) -> None:
        """Fall back to eager where the function looks at values, which `jit` hides."""
        if "jit" not in self.sides:
            return
        try:
            self.sides["jit"].structure(self.args, "float64")
        except (
            jax.errors.ConcretizationTypeError,
            jax.errors.TracerArrayConversionError,
            jax.errors.NonConcreteBooleanIndexError,
        ):
            side = self.sides.pop("jit")
            self.notes.append("the JAX function cannot be compiled, since it looks at values; it was run eagerly")
            self.sides.setdefault("eager", JaxSide(side.function, side.map_params, jit=False))

    def _structural_rows(
        self,
        jax_runs: dict[str, Observation],
        torch: Observation,
        narrow_integers: bool = False,
        shapes_only: bool = False,
    ) -> list[Row]:
        rows = []
        for mode, run in jax_runs.items():
            a, b = run.quantities(), torch.quantities()
            for key in [*b, *(k for k in a if k not in b)]:
                if key not in a or key not in b:
                    missing = "JAX" if key not in a else "PyTorch"
                    there = b[key] if key in b else a[key]
                    rows.append(
                        self._row(
                            key, there.shape, there.dtype, mode, Judgement(DIFFERENT, note=f"missing in {missing}")
                        )
                    )
                    continue
                # With 64-bit mode off, JAX has no int64: its int32 is the counterpart.
                both_integers = narrow_integers and all(np.issubdtype(x.dtype, np.integer) for x in (a[key], b[key]))
                here, there = (np.zeros(x.shape, x.dtype) if shapes_only else x for x in (a[key], b[key]))
                difference, index = definition.structural_difference(here, there, same_dtype=not both_integers)
                if difference:
                    judged = Judgement(DIFFERENT, np.inf, np.inf, index, difference)
                    rows.append(self._row(key, b[key].shape, b[key].dtype, mode, judged, a[key], b[key]))
        return rows

    def _impure(self, exact: dict[str, Observation], truth: Observation) -> str:
        """Name the side that differs from itself, by more than a bit or two of reordered sums."""
        first = self.cotangents[:1]
        for side, before in [(self.torch, truth), *((self.sides[mode], run) for mode, run in exact.items())]:
            again = side.run(self.args, first, "float64").quantities()
            for (kind, name), a in before.quantities().items():
                b = again[kind, name]
                a = a[:1] if kind == "gradient" else a
                judge = definition.judge_exact if not np.issubdtype(a.dtype, np.floating) else None
                verdict = judge(a, b).verdict if judge else definition.judge_float64(a, b, np.zeros(a.shape)).verdict
                if definition.structural_difference(a, b)[0] or verdict == DIFFERENT:
                    return f"the {side.name} function"
        return ""

    def _judge(self, exact, truth: Observation, single, single_torch: Observation) -> list[Row]:
        torch_runs = list(noise.float32_runs(self.torch.run, single_torch, self.args, self.cotangents, self.seed))
        main = self.modes[0] if self.modes[0] in self.sides else next(iter(self.sides))
        jax_runs = list(noise.float32_runs(self.sides[main].run, single[main], self.args, self.cotangents, self.seed))
        jax_runs += [run for mode, run in single.items() if mode != main]
        noises = noise.noise_of(truth, torch_runs + jax_runs)
        errors = {
            key: max(definition.largest_error(run.quantities()[key], truth.quantities()[key]) for run in torch_runs)
            for key in noises
        }
        rows = []
        for mode in self.sides:
            gated = self._rows64(mode, exact[mode].quantities(), truth, noises)
            rows += gated if "float64" in self.dtypes else [row for row in gated if not row.same]
            if "float32" in self.dtypes:
                rows += self._rows32(
                    mode, single[mode].quantities(), single_torch.quantities(), truth.quantities(), errors, gated
                )
        return rows

    def _rows64(self, mode: str, a: dict, truth: Observation, noises: dict) -> list[Row]:
        b = truth.quantities()
        judged = {}
        for key in b:
            floating = key in noises
            judged[key] = (
                definition.judge_float64(a[key], b[key], noises[key])
                if floating
                else definition.judge_exact(a[key], b[key])
            )
        failed = [key for key, j in judged.items() if j.verdict == DIFFERENT]
        if failed and all(key in noises for key in failed):
            noises = self._second_opinion(mode, failed, truth, noises)
            judged |= {key: definition.judge_float64(a[key], b[key], noises[key]) for key in failed}
            failed = [key for key in failed if judged[key].verdict == DIFFERENT]
        if failed and all(key in noises for key in failed):
            deciding = self._undecided(mode, failed, noises)
            for key in failed if deciding else []:
                note = f"the last bits of {deciding} decide which side of a kink it is on; {judged[key].note}"
                judged[key] = replace(judged[key], verdict=UNDECIDED, note=note)
        # A float64 result is at no distance from itself; the float32 rows carry the distances.
        return [self._row(key, b[key].shape, b[key].dtype, mode, judged[key], a[key], b[key]) for key in b]

    def _second_opinion(self, mode: str, failed: list[Key], truth: Observation, noises: dict) -> dict:
        raised = dict(noises)
        moved = self.torch.noise_of_operations(
            self.args, self.cotangents, truth, definition.U32, definition.SECOND_OPINION_RUNS
        )
        for run in (self.torch.run, self.sides[mode].run):
            near, far = noise.noise_nearby(run, self.args, self.cotangents, self.seed)
            for key in failed:
                if key in near and key in far:
                    exact = truth.quantities()[key]
                    raised[key] = definition.second_opinion(exact, raised[key], near[key], far[key], moved[key])
        return raised

    def _undecided(self, mode: str, failed: list[Key], noises: dict) -> str:
        runs = (self.sides[mode].run, self.torch.run)
        if any(kind == "value" for kind, _ in failed):
            return ""
        if not kinks.vanishes_beside_the_kink(runs, self.args, self.cotangents, noises, failed, self.seed):
            return ""
        return kinks.rounding_decides(*self._taps(mode, "float64"))

    def _rows32(self, mode: str, a: dict, b: dict, truth: dict, errors: dict, gated: list[Row]) -> list[Row]:
        passed = {(row.kind, row.name): row.verdict != DIFFERENT for row in gated}
        rows = []
        for key in b:
            if key not in errors:
                judged, err = definition.judge_exact(a[key], b[key]), (0.0, 0.0)
            else:
                exempt = None
                if passed[key] and definition.needs_exemptions(a[key], truth[key], errors[key]):
                    exempt = kinks.near_ties(
                        self.torch.run, truth[key], a[key], key, self.args, self.cotangents, self.seed
                    )
                judged = definition.judge_float32(a[key], b[key], truth[key], errors[key], exempt)
                err = (definition.largest_error(a[key], truth[key]), definition.largest_error(b[key], truth[key]))
            rows.append(self._row(key, b[key].shape, b[key].dtype, mode, judged, a[key], b[key], *err))
        return rows

    def _row(
        self, key: Key, shape, dtype, mode: str, judged: Judgement, a=None, b=None, err_jax=0.0, err_torch=0.0
    ) -> Row:
        kind, name = key
        inside = judged.index is not None and a is not None and b is not None and a.shape == b.shape
        numbers = (a[judged.index].item(), b[judged.index].item()) if inside else (None, None)  # pyright: ignore[reportOptionalSubscript]
        bad = judged.verdict == DIFFERENT
        # The shape is the quantity's own; cotangents are the first axis of a stacked gradient.
        own = tuple(shape[1:]) if kind == "gradient" else tuple(shape)
        cause = causes.likely_cause(a, b) if bad and a is not None and b is not None else ""
        return Row(
            name, kind, own, str(dtype), judged.verdict, judged.max_ulp, judged.max_rel, err_jax, err_torch, mode, judged.index, *numbers,
            judged.note, cause,
        )  # fmt: skip

    def _taps(self, mode: str, dtype: str) -> tuple[Observation, Observation]:
        cotangent = self.cotangents[-1]
        return self.sides[mode].taps(self.args, cotangent, dtype), self.torch.taps(self.args, cotangent, dtype)

    def _finish(self, rows: list[Row]) -> Report:
        verdict = definition.worst([row.verdict for row in rows])
        bad = [row for row in rows if not row.same]
        first = (self._first_named(bad[0]) or bad[0]) if bad else None
        return Report(verdict, tuple(rows), first, tuple(self.notes))

    def _first_named(self, worst: Row) -> Row | None:
        """Walk the named values forward, then their gradients backward, and return the first that parts."""
        if worst.verdict == UNDECIDED:
            return None
        try:
            a, b = self._taps(worst.mode, "float64")
        except (ValueError, TypeError, KeyError, RuntimeError):
            return None  # a cotangent does not fit: the outputs themselves have different names or shapes
        for kind, here, there in (("tap", a.values, b.values), ("tap gradient", a.gradients, b.gradients)):
            names = [n for n in there if n in here]
            for name in names if kind == "tap" else reversed(names):
                x, y = here[name], there[name]
                if kind == "tap gradient":
                    x, y = x[0], y[0]
                judged = self._judge_tap(x, y)
                if judged.verdict == DIFFERENT:
                    return self._row((kind, name), y.shape, y.dtype, worst.mode, judged, x, y)
            if worst.kind == "value" and kind == "tap":
                return None  # the values part after the last name
        return None

    def _judge_tap(self, x: np.ndarray, y: np.ndarray) -> Judgement:
        difference, index = definition.structural_difference(x, y)
        if difference:
            return Judgement(DIFFERENT, np.inf, np.inf, index, difference)
        if not np.issubdtype(x.dtype, np.floating):
            return definition.judge_exact(x, y)
        # No float32 run measured the noise here; rounding of intermediate values is taken to be of the size of the largest element.
        scale = np.abs(y[np.isfinite(y)]).max(initial=0)
        return definition.judge_float64(x, y, np.full(y.shape, definition.GATE_FACTOR * definition.U32 * scale))
