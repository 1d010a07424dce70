"""Run a JAX function: values, gradients by random cotangents, what it names with `tap`, and its other derivatives on request."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path

from . import jax_derivatives, jax_programs
from .arguments import Arguments
from .probes import Probes
from .quantities import GRADIENT, TAP, TAP_GRADIENT, VALUE, Arrays, Quantities, output_name
from .taps import tapped
from .trees import distinct

HIDDEN_VALUES = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)


class JaxSide:
    """A JAX function and the way to call it.

    Args:
        function: the function; it takes the arguments as JAX arrays.
        map_params: turns the first argument, parameters under PyTorch's names, into what the function takes; differentiated through.
        jit: compile the run as a whole, or let every operation run by itself.
    """

    name = "JAX"

    def __init__(self, function: Callable, map_params: Callable | None = None, jit: bool = True):
        self.function = function
        self.map_params = map_params
        self.jit = jit
        self._compiled: dict[Any, Callable] = {}

    @property
    def mode(self) -> str:
        """How the function runs: 'jit' or 'eager'."""
        return "jit" if self.jit else "eager"

    def outputs(self, args: Arguments, dtype: str) -> Arrays:
        """Return the named outputs."""
        return {name: a for (_, name), a in self.run(args, Probes(), dtype).items()}

    def structure(self, args: Arguments, dtype: str) -> Arrays:
        """Return the outputs if they are cheap, or zeros of their shapes and dtypes: compiled functions are only traced for it."""
        if not self.jit:
            return self.outputs(args, dtype)
        with _precision(dtype):
            arrays, static = _split(args.astype(dtype))
            try:
                shapes = jax.eval_shape(self._caller(args, static), arrays)
            except TypeError:
                jax.clear_caches()
                shapes = jax.eval_shape(self._caller(args, static), arrays)
            return {n: np.zeros(s.shape, s.dtype) for n, s in shapes.items()}

    def run(self, args: Arguments, probes: Probes, dtype: str, checks: Sequence[str] = ()) -> Quantities:
        """Return values and, for each cotangent, the gradients of the differentiable leaves; and what `checks` ask for."""
        try:
            return self._run(args, probes, dtype, checks)
        except TypeError:
            # JAX keeps what it made of a NumPy constant in one precision and stumbles over it in the other: once more without memory.
            jax.clear_caches()
            self._compiled.clear()
            return self._run(args, probes, dtype, checks)

    def _run(self, args: Arguments, probes: Probes, dtype: str, checks: Sequence[str]) -> Quantities:
        with _precision(dtype), jax.default_matmul_precision("highest"):
            arrays, static = _split(args.astype(dtype))
            run = self._runner("run", args, static)
            if not probes.cotangents:
                return {(VALUE, n): x for n, x in _numpy(run(arrays, None)[0]).items()}
            results = [run(arrays, _cast(c, dtype)) for c in probes.cotangents]
            quantities = {(VALUE, n): x for n, x in _numpy(results[0][0]).items()}
            for i, leaf in enumerate(args.differentiable):
                quantities[GRADIENT, leaf.name] = np.stack([np.asarray(gradients[i]) for _, gradients in results])
            for check in checks:
                derive = self._runner(check, args, static)
                found = derive(
                    arrays, [_cast(c, dtype) for c in probes.cotangents], [_cast(t, dtype) for t in probes.tangents]
                )
                quantities |= {key: np.asarray(x) for key, x in found.items()}
            return quantities

    def taps(self, args: Arguments, probes: Probes, dtype: str) -> Quantities:
        """Return the named intermediate values, and the gradients at each."""
        with _precision(dtype), jax.default_matmul_precision("highest"):
            arrays, static = _split(args.astype(dtype))
            run = self._runner("taps", args, static)
            results = [run(arrays, _cast(c, dtype)) for c in probes.cotangents]
            values, first = results[0]
            quantities = {(TAP, n): x for n, x in _numpy(values).items()}
            return quantities | {(TAP_GRADIENT, n): np.stack([np.asarray(g[n]) for _, g in results]) for n in first}

    def moved(self, args: Arguments, probes: Probes, taps: bool, seed: int, checks: Sequence[str] = ()) -> Quantities:
        """Return what `run` or `taps` returns in float64 when the result of every operation is moved by up to 2⁻²⁴ of itself."""
        with _precision("float64"):
            arrays, static = _split(args.astype("float64"))
            cotangents, tangents = (
                [_cast(c, "float64") for c in each] for each in (probes.cotangents, probes.tangents)
            )
            program = self._runner("moved taps" if taps else "moved run", args, static)
            results = [program(seed, arrays, c) for c in cotangents]
            values = {(TAP if taps else VALUE, n): x for n, x in _numpy(results[0][0]).items()}
            if taps:
                return values | {(TAP_GRADIENT, n): np.stack([g[n] for _, g in results]) for n in results[0][1]}
            stacked = [np.stack([g[i] for _, g in results]) for i, _ in enumerate(args.differentiable)]
            found = values | {(GRADIENT, leaf.name): g for leaf, g in zip(args.differentiable, stacked, strict=True)}
            for check in checks:
                derived = self._runner(f"moved {check}", args, static)(seed, arrays, cotangents, tangents)
                found |= {key: np.asarray(x) for key, x in derived.items()}
            return found

    def lowered(self, args: Arguments) -> list[str]:
        """Say where the function, given float64, computes in a lower precision."""
        with _precision("float64"):
            arrays, static = _split(args.astype("float64"))
            try:
                program = jax.make_jaxpr(self._caller(args, static))(arrays)
            except HIDDEN_VALUES:  # what looks at values has no program to look into
                return []
            return jax_programs.lowered_precision(program)

    def retraced(self, args: Arguments, probes: Probes) -> Quantities | None:
        """Return a run of a program that was traced anew, if tracing gives another program than before; else None."""
        if not self.jit:
            return None
        with _precision("float64"):
            arrays, static = _split(args.astype("float64"))
            programs = [jax.make_jaxpr(self._caller(args, static))(arrays) for _ in range(2)]
        if jax_programs.same_program(*programs):
            return None
        return JaxSide(self.function, self.map_params).run(args, probes, "float64")

    def _runner(self, kind: str, args: Arguments, static: tuple) -> Callable:
        key = (kind, static)
        if key not in self._compiled:
            call = self._caller(args, static)
            self._compiled[key] = self._program(kind, call, args)
        return self._compiled[key]

    def _program(self, kind: str, call: Callable, args: Arguments) -> Callable:
        if kind.startswith("moved "):
            return jax_programs.with_moved_results(self._plain(kind.removeprefix("moved "), call, args))
        program = self._plain(kind, call, args)
        return jax.jit(program) if self.jit and kind != "taps" else program

    def _plain(self, kind: str, call: Callable, args: Arguments) -> Callable:
        if kind == "taps":
            return tapped(call, _by_kind)
        positions = _positions(args)
        if kind == "run":
            return _differentiated(call, positions)
        return jax_derivatives.CHECKS[kind](call, positions, [leaf.name for leaf in args.differentiable], _by_kind)

    def _caller(self, args: Arguments, static: tuple) -> Callable:
        def call(arrays: list) -> dict[str, jax.Array]:
            given = iter(arrays)
            leaves = [next(given) if is_array else value for is_array, value in static]
            positional = args.rebuild(leaves)
            if self.map_params is not None:
                positional[0] = self.map_params(positional[0])
            flat, _ = tree_flatten_with_path(self.function(*positional))
            parts = [
                part
                for path, leaf in flat
                for part in _real(output_name(keystr(path, simple=True, separator=".")), jnp.asarray(leaf))
            ]
            return dict(zip(distinct([name for name, _ in parts]), [x for _, x in parts], strict=True))

        return call


def _precision(dtype: str) -> AbstractContextManager:
    return jax.enable_x64(True) if dtype == "float64" else nullcontext()


def _split(args: Arguments) -> tuple[list[jax.Array], tuple]:
    """Part the leaves into arrays and static values; differentiable or not, arrays are traced."""
    is_array = [isinstance(leaf.value, np.ndarray) for leaf in args.leaves]
    arrays = [jnp.asarray(leaf.value) for leaf, a in zip(args.leaves, is_array, strict=True) if a]
    return arrays, tuple((a, None if a else leaf.value) for leaf, a in zip(args.leaves, is_array, strict=True))


def _positions(args: Arguments) -> list[int]:
    """Return where the differentiable leaves stand among the arrays."""
    arrays = [leaf for leaf in args.leaves if isinstance(leaf.value, np.ndarray)]
    return [i for i, leaf in enumerate(arrays) if leaf.differentiable]


def _differentiated(call: Callable, positions: list[int]) -> Callable:
    def run(arrays: list, cotangent: dict | None):
        def of_floats(floats: list):
            return _by_kind(call(jax_derivatives.put(arrays, positions, floats)))

        floats = [arrays[position] for position in positions]
        if cotangent is None:
            smooth, other = of_floats(floats)
            return smooth | other, []
        smooth, pull_back, other = jax.vjp(of_floats, floats, has_aux=True)
        return smooth | other, pull_back({n: cotangent[n].astype(smooth[n].dtype) for n in smooth})[0]

    return run


def _by_kind(outputs: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
    floating = {n: x for n, x in outputs.items() if jnp.issubdtype(x.dtype, jnp.floating)}
    return floating, {n: x for n, x in outputs.items() if n not in floating}


def _real(name: str, x: jax.Array) -> list[tuple[str, jax.Array]]:
    """Part a complex output into real and imaginary part: for those both frameworks mean the same by a gradient."""
    return [(f"{name}.real", x.real), (f"{name}.imag", x.imag)] if jnp.iscomplexobj(x) else [(name, x)]


def _cast(arrays: Arrays, dtype: str) -> dict[str, jax.Array]:
    return {n: jnp.asarray(x, dtype) for n, x in arrays.items()}


def _numpy(arrays: dict[str, jax.Array]) -> Arrays:
    return {n: np.asarray(x) for n, x in arrays.items()}
