"""What every operation asks of its arguments, and what it does with values it must refuse under `jit`."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool

from .checked import checked

Reduction = str
REDUCTIONS = ("none", "mean", "sum")


def array(function: str, argument: str, x: Any) -> Array:
    """Return `x` as a JAX array, or refuse what is not an array: lists and Python numbers are not, as in PyTorch."""
    if not isinstance(x, (jax.Array, np.ndarray, np.generic)):
        raise TypeError(f"{function}: {argument} must be an array, but {type(x).__name__} was given")
    if isinstance(x, (np.ndarray, np.integer)) and x.dtype.kind in "iu" and x.dtype.itemsize == 8:
        _check_narrowing(function, argument, np.asarray(x))
    return jnp.asarray(x)


def _check_narrowing(function: str, argument: str, x: np.ndarray) -> None:
    """Refuse 64-bit integers that JAX would wrap into 32 bits without a word: label 2³² would become label 0."""
    narrow = jax.dtypes.canonicalize_dtype(x.dtype)
    if narrow == x.dtype or x.size == 0:
        return
    least, most = np.iinfo(narrow).min, np.iinfo(narrow).max
    for value in (int(x.min()), int(x.max())):
        if not least <= value <= most:
            raise ValueError(
                f"{function}: {argument} holds {value}, which does not fit into {narrow}; jax_enable_x64 keeps 64 bits"
            )


def floating(function: str, argument: str, x: Any) -> Array:
    """Return `x` as a JAX array of a floating dtype."""
    x = array(function, argument, x)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(f"{function}: {argument} must have a floating dtype, but {x.dtype} was given")
    return x


def integral(function: str, argument: str, x: Any) -> Array:
    """Return `x` as a JAX array of an integer dtype of 32 bits or more; booleans are not integers here, as in PyTorch."""
    x = array(function, argument, x)
    if not jnp.issubdtype(x.dtype, jnp.integer):
        raise TypeError(f"{function}: {argument} must have an integer dtype, but {x.dtype} was given")
    return x if x.dtype.itemsize >= 4 else x.astype(jnp.int32)  # class 300 and label -100 do not fit into 8 bits


def numeric(function: str, argument: str, x: Any, booleans: bool = False) -> Array:
    """Return `x` as a JAX array of integers or floats, and of booleans where PyTorch takes those too."""
    x = array(function, argument, x)
    if jnp.issubdtype(x.dtype, jnp.complexfloating) or (x.dtype == jnp.bool_ and not booleans):
        raise TypeError(f"{function}: {argument} must have an integer or a floating dtype, but {x.dtype} was given")
    return x


def widened(function: str, argument: str, x: Any) -> Array:
    """Return `x` as a JAX array of a floating dtype; integers and booleans become float32, as in PyTorch's functions of real numbers."""
    x = numeric(function, argument, x, booleans=True)
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(jnp.float32)


def result_dtype(*arrays: Array) -> np.dtype:
    """Return the dtype in which PyTorch computes with these arrays together.

    Booleans give way to integers, integers to floats. Among dtypes of one such kind, an array of rank 0 gives way to one with dimensions:
    bfloat16 of shape (3,) and float32 of shape () are bfloat16 together, where JAX takes float32.
    """
    kinds = (jnp.bool_, jnp.integer, jnp.floating)

    def kind(dtype: np.dtype) -> int:
        return next(i for i, k in enumerate(kinds) if jnp.issubdtype(dtype, k))

    highest = max(kind(x.dtype) for x in arrays)
    for group in ([x for x in arrays if x.ndim], [x for x in arrays if not x.ndim]):
        if group and max(kind(x.dtype) for x in group) == highest:
            with jax.numpy_dtype_promotion("standard"):
                return jnp.dtype(functools.reduce(jnp.promote_types, [x.dtype for x in group]))
    raise AssertionError("one group holds the highest kind")


def promoted(*arrays: Array) -> tuple[Array, ...]:
    """Return the arrays in the dtype in which PyTorch computes with them together."""
    dtype = result_dtype(*arrays)
    return tuple(x.astype(dtype) for x in arrays)


def broadcast(function: str, **arrays: Array) -> tuple[Array, ...]:
    """Return the arrays broadcast against each other, or refuse shapes that do not fit."""
    try:
        shape = np.broadcast_shapes(*(x.shape for x in arrays.values()))
    except ValueError:
        given = ", ".join(f"{name} {x.shape}" for name, x in arrays.items())
        raise ValueError(f"{function}: expected shapes that broadcast, but {given} were given") from None
    return tuple(jnp.broadcast_to(x, shape) for x in arrays.values())


def number(function: str, argument: str, value: Any) -> float:
    """Refuse what is not a Python or NumPy number; a 0-d array of values that are known is one."""
    if isinstance(value, (jax.Array, np.ndarray)) and value.ndim == 0 and not isinstance(value, Tracer):
        return value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{function}: {argument} must be a number, but {value!r} was given")
    return value.item() if isinstance(value, np.generic) else value


def no_inplace(function: str, inplace: bool) -> None:
    """Refuse PyTorch's `inplace=True`: arrays never change here."""
    if inplace:
        raise ValueError(f"{function}: inplace=True is not taken, since arrays never change; use what is returned")


def same_dtype(function: str, **arrays: Array) -> None:
    """Refuse arrays of different dtypes."""
    if len({x.dtype for x in arrays.values()}) > 1:
        given = ", ".join(f"{name} {x.dtype}" for name, x in arrays.items())
        raise TypeError(f"{function}: expected arguments of one dtype, but {given} were given")


def same_shape(function: str, **arrays: Array) -> None:
    """Refuse arrays of different shapes."""
    if len({x.shape for x in arrays.values()}) > 1:
        given = ", ".join(f"{name} {x.shape}" for name, x in arrays.items())
        raise ValueError(f"{function}: expected arguments of one shape, but {given} were given")


def shape(function: str, argument: str, x: Array, expected: tuple[int | None, ...]) -> None:
    """Refuse an array whose shape is not `expected`, where None stands for any size."""
    if x.ndim != len(expected) or any(e is not None and s != e for s, e in zip(x.shape, expected, strict=True)):
        wanted = (
            "("
            + ", ".join("any" if e is None else str(e) for e in expected)
            + ("," if len(expected) == 1 else "")
            + ")"
        )
        raise ValueError(f"{function}: {argument} must have shape {wanted}, but {x.shape} was given")


def axis(function: str, dim: int, ndim: int) -> int:
    """Return `dim` counted from the front; a 0-d array counts as one axis, as in PyTorch."""
    size = max(ndim, 1)
    if not isinstance(dim, (int, np.integer)) or isinstance(dim, bool):
        raise TypeError(f"{function}: dim must be an integer, but {dim!r} was given")
    if not -size <= dim < size:
        raise ValueError(
            f"{function}: dim must lie in [{-size}, {size - 1}] for an array of rank {ndim}, but {dim} was given"
        )
    return int(dim) % size


def no_deprecated(function: str, **arguments: Any) -> None:
    """Refuse PyTorch's deprecated arguments, naming what to write in their place."""
    given = {name: value for name, value in arguments.items() if value is not None}
    if given:
        names = ", ".join(f"{name}={value!r}" for name, value in given.items())
        raise ValueError(
            f"{function}: {names} is deprecated in PyTorch and not taken here; write reduction='mean', 'sum' or 'none'"
        )


def reduce(function: str, loss: Array, reduction: Reduction) -> Array:
    """Return the losses as they are, their mean or their sum."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"{function}: reduction must be one of 'none', 'mean', 'sum', but {reduction!r} was given")
    if reduction == "none":
        return loss
    return jnp.mean(loss) if reduction == "mean" else jnp.sum(loss)


def concrete(*arrays: Array) -> bool:
    """Say whether the values can be looked at now: outside `jit`, `vmap` and `scan`.

    What is compared under `grad` alone can be looked at, since a comparison has no derivative.
    """
    return not any(isinstance(x, Tracer) for x in arrays)


def offender(x: Array, bad: Bool[Array, "..."]) -> float:
    """Return the first number of `x` where `bad`, both concrete but for the derivative that `grad` carries along."""
    inner: Any = x
    while isinstance(inner, Tracer) and hasattr(inner, "primal"):
        inner = inner.primal
    return float(np.asarray(inner, np.float64)[np.asarray(bad)][0])


def poison(x: Array, bad: Bool[Array, "..."], message: str) -> Array:
    """Make `x`, and every gradient that flows through it, NaN where `bad`.

    A product, since `where(bad, nan, x)` would leave a gradient of zero, which looks like a right one. Under
    `jax.experimental.checkify.checkify` the message is raised instead.
    """
    return checked(x, bad, message) * jnp.where(bad, jnp.nan, 1.0).astype(x.dtype)
