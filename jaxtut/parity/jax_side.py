"""Run a JAX function: values, gradients by random cotangents, and what it names with `tap`."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path

from .arguments import Arguments
from .observation import Arrays, Observation, output_name
from .taps import evaluate_with_taps


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

    def outputs(self, args: Arguments, dtype: str) -> Arrays:
        """Return the named outputs."""
        return self.run(args, [], dtype).values

    def structure(self, args: Arguments, dtype: str) -> Arrays:
        """Return the outputs if they are cheap, or zeros of their shapes and dtypes: compiled functions are only traced for it."""
        if not self.jit:
            return self.outputs(args, dtype)
        with _precision(dtype):
            arrays, static = _split(args.astype(dtype))
            shapes = jax.eval_shape(self._caller(args, static), arrays)
            return {n: np.zeros(s.shape, s.dtype) for n, s in shapes.items()}

    def run(self, args: Arguments, cotangents: list[Arrays], dtype: str) -> Observation:
        """Return values and, for each cotangent, the gradients of the differentiable leaves."""
        with _precision(dtype), jax.default_matmul_precision("highest"):
            arrays, static = _split(args.astype(dtype))
            run = self._runner("run", args, static)
            if not cotangents:
                return Observation(_numpy(run(arrays, None)[0]))
            results = [
                run(arrays, {n: jnp.asarray(c, dtype) for n, c in cotangent.items()}) for cotangent in cotangents
            ]
            names = [leaf.name for leaf in args.differentiable]
            stacked = {n: np.stack([np.asarray(gradients[i]) for _, gradients in results]) for i, n in enumerate(names)}
            return Observation(_numpy(results[0][0]), stacked)

    def taps(self, args: Arguments, cotangent: Arrays, dtype: str) -> Observation:
        """Return the named intermediate values, and the gradient at each."""
        with _precision(dtype), jax.default_matmul_precision("highest"):
            arrays, static = _split(args.astype(dtype))
            run = self._runner("taps", args, static)
            values, gradients = run(arrays, {n: jnp.asarray(c, dtype) for n, c in cotangent.items()})
            return Observation(_numpy(values), {n: np.asarray(g)[None] for n, g in gradients.items()})

    def _runner(self, kind: str, args: Arguments, static: tuple) -> Callable:
        key = (kind, static)
        if key not in self._compiled:
            call = self._caller(args, static)
            run = _differentiated(call, args) if kind == "run" else _tapped(call)
            # Named values exist in the traced program only, so they are always read from a compiled run.
            self._compiled[key] = jax.jit(run) if self.jit or kind == "taps" else run
        return self._compiled[key]

    def _caller(self, args: Arguments, static: tuple) -> Callable:
        def call(arrays: list) -> dict[str, jax.Array]:
            given = iter(arrays)
            leaves = [next(given) if is_array else value for is_array, value in static]
            positional = args.rebuild(leaves)
            if self.map_params is not None:
                positional[0] = self.map_params(positional[0])
            flat, _ = tree_flatten_with_path(self.function(*positional))
            return {output_name(keystr(path, simple=True, separator=".")): jnp.asarray(leaf) for path, leaf in flat}

        return call


def _precision(dtype: str) -> AbstractContextManager:
    return jax.enable_x64(True) if dtype == "float64" else nullcontext()


def _split(args: Arguments) -> tuple[list[jax.Array], tuple]:
    """Part the leaves into arrays and static values; differentiable or not, arrays are traced."""
    is_array = [isinstance(leaf.value, np.ndarray) for leaf in args.leaves]
    arrays = [jnp.asarray(leaf.value) for leaf, a in zip(args.leaves, is_array, strict=True) if a]
    return arrays, tuple((a, None if a else leaf.value) for leaf, a in zip(args.leaves, is_array, strict=True))


def _differentiated(call: Callable, args: Arguments) -> Callable:
    positions = [
        i
        for i, leaf in enumerate(leaf for leaf in args.leaves if isinstance(leaf.value, np.ndarray))
        if leaf.differentiable
    ]

    def run(arrays: list, cotangent: dict | None):
        def of_floats(floats: list):
            mixed = list(arrays)
            for position, value in zip(positions, floats, strict=True):
                mixed[position] = value
            return _by_kind(call(mixed))

        floats = [arrays[position] for position in positions]
        if cotangent is None:
            smooth, other = of_floats(floats)
            return smooth | other, []
        smooth, pull_back, other = jax.vjp(of_floats, floats, has_aux=True)
        return smooth | other, pull_back({n: cotangent[n].astype(smooth[n].dtype) for n in smooth})[0]

    return run


def _tapped(call: Callable) -> Callable:
    def run(arrays: list, cotangent: dict):
        def names_only(*xs):
            return _by_kind(call(list(xs)))[0]

        closed = jax.make_jaxpr(names_only)(*arrays)
        order = jax.tree.structure(jax.eval_shape(names_only, *arrays))
        shapes: dict[str, jax.ShapeDtypeStruct] = {}

        def remember(name: str, x: jax.Array) -> jax.Array:
            shapes[name] = jax.ShapeDtypeStruct(x.shape, x.dtype)
            return x

        jax.eval_shape(lambda *xs: evaluate_with_taps(closed, xs, remember), *arrays)

        def probed(probes: dict):
            values: dict[str, jax.Array] = {}

            def on_tap(name: str, x: jax.Array) -> jax.Array:
                values[name] = x
                return x + probes[name] if name in probes else x

            return jax.tree.unflatten(order, evaluate_with_taps(closed, arrays, on_tap)), values

        probes = {n: jnp.zeros(s.shape, s.dtype) for n, s in shapes.items() if jnp.issubdtype(s.dtype, jnp.floating)}
        outputs, pull_back, values = jax.vjp(probed, probes, has_aux=True)
        return values, pull_back({n: cotangent[n].astype(outputs[n].dtype) for n in outputs})[0]

    return run


def _by_kind(outputs: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
    floating = {n: x for n, x in outputs.items() if jnp.issubdtype(x.dtype, jnp.floating)}
    return floating, {n: x for n, x in outputs.items() if n not in floating}


def _numpy(arrays: dict[str, jax.Array]) -> Arrays:
    return {n: np.asarray(x) for n, x in arrays.items()}
