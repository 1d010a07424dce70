"""The arguments of a comparison: which leaves are differentiated, under which names, in which precision, and moved by how much."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .quantities import is_floating
from .trees import Rebuild, distinct, flatten


@dataclass(frozen=True)
class Leaf:
    """One leaf of the arguments."""

    name: str
    value: Any
    differentiable: bool


@dataclass(frozen=True)
class Arguments:
    """Named leaves, and how to put them back into the arguments of a call."""

    leaves: tuple[Leaf, ...]
    rebuild: Rebuild

    @property
    def differentiable(self) -> list[Leaf]:
        """The leaves for which gradients are compared."""
        return [leaf for leaf in self.leaves if leaf.differentiable]

    def with_values(self, values: Sequence[Any]) -> "Arguments":
        """Return the same arguments with other values in the differentiable leaves."""
        new = iter(values)
        return replace(
            self, leaves=tuple(replace(leaf, value=next(new)) if leaf.differentiable else leaf for leaf in self.leaves)
        )

    def mapped(self, f: Callable[[np.ndarray], np.ndarray]) -> "Arguments":
        """Apply `f` to every array of a floating dtype, differentiable or not."""
        return replace(
            self,
            leaves=tuple(
                replace(leaf, value=np.asarray(f(leaf.value))) if _is_floating(leaf.value) else leaf
                for leaf in self.leaves
            ),
        )

    def astype(self, dtype: str) -> "Arguments":
        """Return the arguments with every floating array in this dtype."""
        return self.mapped(lambda x: x.astype(numpy_dtype(dtype), copy=False))

    def rounded(self, dtype: str) -> "Arguments":
        """Return the arguments in float32 with every floating array rounded to this dtype, so that both precisions see the same numbers."""
        return self.mapped(lambda x: rounded(x, dtype))

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Every array among the leaves, by name."""
        return {leaf.name: leaf.value for leaf in self.leaves if isinstance(leaf.value, np.ndarray)}


def collect(
    function: Callable,
    args: tuple,
    argnums: int | Sequence[int] | None,
    params: Mapping | None,
    buffers: frozenset[str] = frozenset(),
) -> Arguments:
    """Name the leaves of the arguments, round floating ones to float32, and mark those to differentiate.

    `params`, if given, stand first, under their own names, and are differentiated but for `buffers`; `argnums` count the others.
    """
    chosen = range(len(args)) if argnums is None else (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for n in chosen:
        if not -len(args) <= n < len(args):
            raise ValueError(f"compare: argnums={argnums} does not fit the {len(args)} arguments that were given")
    chosen = {n % len(args) for n in chosen} if args else set()
    names = _parameter_names(function, len(args), skip=params is not None)
    leaves: list[tuple[str, Any, bool]] = []
    parts: list[tuple[int, Rebuild]] = []
    for tree, name, wanted in [(params, "", True)] * (params is not None) + [
        (a, names[i], i in chosen) for i, a in enumerate(args)
    ]:
        inner, rebuild = flatten(tree, name)
        is_params = tree is params and params is not None
        leaves += [(n, _array(v), wanted and not (is_params and n in buffers)) for n, v in inner]
        parts.append((len(inner), rebuild))

    def put_back(values: list[Any]) -> list[Any]:
        rebuilt, start = [], 0
        for count, rebuild in parts:
            rebuilt.append(rebuild(values[start : start + count]))
            start += count
        return rebuilt

    names_apart = distinct([n for n, _, _ in leaves])
    marked = tuple(
        Leaf(name, v, wanted and _is_floating(v)) for name, (_, v, wanted) in zip(names_apart, leaves, strict=True)
    )
    if argnums not in (None, ()) and not any(leaf.differentiable for leaf in marked):
        raise ValueError(
            f"compare: none of the arguments argnums={argnums} has a floating dtype, so there is nothing to differentiate"
        )
    return Arguments(marked, put_back)


def numpy_dtype(name: str) -> np.dtype:
    """Return the dtype of this name, bfloat16 among them."""
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


def rounded(x: np.ndarray, dtype: str) -> np.ndarray:
    """Return a float32 array rounded to what this dtype can hold, in float32."""
    with np.errstate(over="ignore"):
        return x.astype(numpy_dtype(dtype)).astype(np.float32)


def move_by_ulps(x: np.ndarray, generator: np.random.Generator, hold_integers: bool) -> np.ndarray:
    """Move every element of a float32 array by one ulp, up or down at random; whole numbers can be held where they are.

    Whole numbers are where domains end (a probability of 1, the logarithm of 0), and a function may refuse what lies beyond.
    """
    x = np.asarray(x, np.float32)
    up = np.frombuffer(generator.bytes(x.size), np.uint8).reshape(x.shape) & 1
    # Neighbours in float32 are neighbours as integers; away from 0 or towards it by the sign bit.
    bits = np.ascontiguousarray(x).view(np.int32).reshape(x.shape)
    moved = (bits + (2 * up.astype(np.int32) - 1)).view(np.float32).reshape(x.shape)
    tiny = np.where(up == 1, np.float32(1e-45), np.float32(-1e-45))
    moved = np.where(x == 0, tiny, np.where(np.isfinite(x), moved, x))
    return np.where(x == np.round(x), x, moved) if hold_integers else moved


def jitter(
    x: np.ndarray, generator: np.random.Generator, size: float, hold_integers: bool = False, reach: float = np.inf
) -> np.ndarray:
    """Move every element by up to `size` of its magnitude (of 1, where it is smaller), but by no more than `reach` times itself.

    An infinity stays where it is.
    """
    magnitude = np.where(np.isfinite(x), np.abs(x), 0)
    span = np.where(np.isfinite(x), size * np.maximum(magnitude, 1), 0)
    if np.isfinite(reach):
        span = np.minimum(span, reach * magnitude)
    moved = x + span * generator.uniform(-1, 1, x.shape)
    return np.where(x == np.round(x), x, moved) if hold_integers else moved


def _array(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        return array.astype(np.float32) if is_floating(array) else array
    if isinstance(value, (bool, int, float, str, bytes)):
        return value
    if hasattr(value, "__array__"):  # a JAX array or a tensor: taken for its numbers
        return _array(np.asarray(value.detach().cpu() if hasattr(value, "detach") else value))
    raise TypeError(
        f"compare: arguments must be NumPy arrays, or nested containers of them, but {type(value).__name__} was given"
    )


def _is_floating(value: Any) -> bool:
    return isinstance(value, np.ndarray) and is_floating(value)


def _parameter_names(function: Callable, count: int, skip: bool) -> list[str]:
    """Return the names of the first `count` positional parameters of a function, or arg0, arg1, ... where they cannot be read."""
    try:
        parameters = list(inspect.signature(function).parameters.values())[int(skip) :]
    except (TypeError, ValueError):
        parameters = []
    plain = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [plain[i] if i < len(plain) else f"arg{i}" for i in range(count)]
