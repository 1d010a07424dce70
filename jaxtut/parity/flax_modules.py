"""Flax NNX modules in a comparison: parameters under PyTorch's names, and submodules named by their paths."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

# What Flax calls what PyTorch calls weight, running_mean, running_var; the rest have the same name.
_NAMES = {"kernel": "weight", "scale": "weight", "embedding": "weight", "mean": "running_mean", "var": "running_var"}


def adapted(
    jax_fn: Callable, params: Any, map_params: Callable | None
) -> tuple[Callable, Mapping[str, Any] | None, Callable | None]:
    """Return a pure function, parameters under PyTorch's names and how to map them, for whatever of Flax was handed over.

    Args:
        jax_fn: a function, or an NNX module.
        params: parameters under PyTorch's names, an NNX state, or None.
        map_params: from PyTorch's names to what `jax_fn` takes; None for a module or a state: `flax_parameters`.
    """
    if "flax.nnx" not in sys.modules:
        return jax_fn, params, map_params
    from flax import nnx

    if isinstance(params, nnx.State):
        template = params
        params = torch_parameters(template)
        if not isinstance(jax_fn, nnx.Module):
            return jax_fn, params, lambda given: flax_parameters(given, template)
    if not isinstance(jax_fn, nnx.Module):
        return jax_fn, params, map_params
    graph, state = nnx.split(jax_fn)

    def call(*args: Any) -> Any:
        module = nnx.merge(graph, args[0] if params is not None else _in_default_precision(state))
        with named_submodules(module):
            return module(*(args[1:] if params is not None else args))

    call.__signature__ = _signature(jax_fn, params is not None)  # pyright: ignore[reportFunctionMemberAccess]
    if params is None:
        return call, None, None
    chosen = map_params
    return call, params, lambda given: _filled(state, chosen(given)) if chosen else flax_parameters(given, state)


def _signature(module: Any, with_params: bool) -> inspect.Signature:
    """Return the signature of a module's call, with the parameters first: gradients are called after the arguments."""
    own = list(inspect.signature(module.__call__).parameters.values())
    first = inspect.Parameter("params", inspect.Parameter.POSITIONAL_ONLY)
    own = [p.replace(kind=inspect.Parameter.POSITIONAL_ONLY) if p.kind is p.POSITIONAL_OR_KEYWORD else p for p in own]
    return inspect.Signature([first, *own] if with_params else own)


def flax_parameters(params: Mapping[str, Any], state: Any) -> Any:
    """Return an NNX state with its arrays taken from parameters under PyTorch's names; what those do not name keeps its value.

    `fc1.weight` (out, in) becomes `fc1.kernel` (in, out); a convolution's (out, in, height, width) becomes (height, width, in, out); `weight` of
    a normalization is `scale`, of an embedding `embedding`; `running_mean` and `running_var` are `mean` and `var`.

    Args:
        params: arrays under PyTorch's names.
        state: the state to fill: `nnx.state(module)`.

    Raises:
        ValueError: a shape does not fit, or no array of the state has a counterpart.
    """
    filled: dict[tuple, Any] = {}
    for path, leaf in _flat(state):
        name = torch_name(path)
        if name not in params:
            continue
        value = _to_flax(path, params[name])
        if tuple(value.shape) != tuple(leaf.shape):
            raise ValueError(
                f"flax_parameters: {'.'.join(map(str, path))} has shape {tuple(leaf.shape)}, but {name} of shape "
                f"{tuple(params[name].shape)} gives {tuple(value.shape)}; hand over map_params that converts it"
            )
        filled[path] = value
    if not filled:
        raise ValueError(
            f"flax_parameters: none of {sorted(params)} names an array of the Flax module, which has "
            f"{sorted(torch_name(path) for path, _ in _flat(state))} in PyTorch's words; hand over map_params that converts them"
        )
    return _with_values(state, filled)


def torch_parameters(state: Any) -> dict[str, Any]:
    """Return the arrays of an NNX state under PyTorch's names and in its layout: the inverse of `flax_parameters`."""
    import numpy as np

    found: dict[str, Any] = {}
    for path, leaf in _flat(state):
        if not hasattr(leaf, "shape") or "key" in str(getattr(leaf, "dtype", "key")):
            continue
        x = np.asarray(leaf)
        if path[-1] == "kernel":
            x = x.T if x.ndim == 2 else np.moveaxis(x, (-1, -2), (0, 1))
        found[torch_name(path)] = np.ascontiguousarray(x)
    return found


def torch_name(path: tuple) -> str:
    """Return what PyTorch calls the array at a path of an NNX state.

    Example:
        >>> torch_name(("blocks", 0, "bn1", "scale"))
        'blocks.0.bn1.weight'
    """
    *above, last = (str(part) for part in path)
    return ".".join([*above, _NAMES.get(last, last)])


@contextmanager
def named_submodules(module: Any) -> Iterator[None]:
    """Within the block, every submodule of an NNX module names its output by its path, as PyTorch's are named.

    Classes are changed for the time of the block: their `__call__` is wrapped.
    """
    from flax import nnx

    from jaxtut.naming import tap

    paths = {id(child): ".".join(map(str, path)) for path, child in nnx.iter_modules(module) if path}
    classes = {type(child) for _, child in nnx.iter_modules(module) if "__call__" in type(child).__dict__}
    originals = {cls: cls.__dict__["__call__"] for cls in classes}

    def wrap(original: Callable) -> Callable:
        def call(self, *args, **kwargs):
            out = original(self, *args, **kwargs)
            return tap(paths[id(self)], out) if id(self) in paths and hasattr(out, "dtype") else out

        return call

    try:
        for cls, original in originals.items():
            cls.__call__ = wrap(original)
        yield
    finally:
        for cls, original in originals.items():
            cls.__call__ = original


def _flat(state: Any) -> list[tuple[tuple, Any]]:
    from flax import nnx

    return [
        (tuple(path), leaf.get_value() if isinstance(leaf, nnx.Variable) else leaf)
        for path, leaf in nnx.to_flat_state(state)
    ]


def _with_values(state: Any, values: Mapping[tuple, Any]) -> Any:
    from flax import nnx

    new = []
    for path, leaf in nnx.to_flat_state(state):
        if tuple(path) in values:
            value = values[tuple(path)]
            new.append((path, leaf.replace(value) if isinstance(leaf, nnx.Variable) else value))
        else:
            new.append((path, leaf))
    return nnx.from_flat_state(new)


def _filled(state: Any, mapped: Any) -> Any:
    """Return the state with the arrays that a user's map gives: an NNX state, or nested dicts of arrays."""
    from flax import nnx

    if isinstance(mapped, nnx.State):
        return _with_values(state, dict(_flat(mapped)))
    return _with_values(state, dict(_leaves(mapped, ())))


def _leaves(tree: Any, path: tuple) -> Iterator[tuple[tuple, Any]]:
    if isinstance(tree, Mapping):
        for key, child in tree.items():
            yield from _leaves(child, (*path, key))
    else:
        yield path, tree


def _to_flax(path: tuple, x: Any) -> Any:
    import jax.numpy as jnp

    x = jnp.asarray(x)
    if path[-1] != "kernel":
        return x
    return x.T if x.ndim == 2 else jnp.moveaxis(x, (0, 1), (-1, -2))


def _in_default_precision(state: Any) -> Any:
    """Return the state in the precision of the run: a module's own float32 arrays would be constants of a lower one."""
    import jax.numpy as jnp

    floats = {
        p: jnp.asarray(x, float)
        for p, x in _flat(state)
        if hasattr(x, "dtype") and jnp.issubdtype(x.dtype, jnp.floating)
    }
    return _with_values(state, floats)
