"""Numbers held between two bounds."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Shaped

from . import checks, dtypes
from .dtypes import Number

Bound = Shaped[ArrayLike, "..."] | Number | None


def clamp(input: Shaped[ArrayLike, "..."], min: Bound = None, max: Bound = None) -> Shaped[Array, "..."]:
    """Hold every element between two bounds.

    clamp(x) = min(max(x, lower), upper), so that the upper bound holds where the lower one lies above it; NaN stays, and a bound of NaN gives NaN

    Args:
        input: x.
        min: the lower bound: a number, or an array that broadcasts; None: there is none.
        max: the upper bound, of the same sort.

    Returns:
        An array in the dtype of all arguments together.

    Example:
        >>> import jax, numpy as np
        >>> x = np.array([-2.0, -1.0, 0.5, 1.0, 3.0], "float32")
        >>> clamp(x, -1, 1)
        Array([-1. , -1. ,  0.5,  1. ,  1. ], dtype=float32)
        >>> jax.grad(lambda x: clamp(x, -1, 1).sum())(x)
        Array([0., 1., 1., 1., 0.], dtype=float32)

    Raises:
        TypeError: an argument is neither an array nor a number, one bound is an array and the other a number, or all are
            booleans (PyTorch takes those with a single array as bound).
        ValueError: no bound at all, shapes that do not broadcast, or a number that the dtype does not hold.

    Slope: 1 inside, 0 outside and at NaN, **1 at a bound**. In a bound that is an array: 1 where it is what comes out, **0 where x equals it**;
    and 0 in the lower bound wherever it is not below the upper one.
    PyTorch's counterpart: `torch.clamp`, up to 2.13; later versions mean to have slope 0 at a bound. Plain JAX: `jnp.clip` has slope 1/2 there.
    """
    x = checks.numeric("clamp", "input", input, booleans=True)
    given = {name: bound for name, bound in (("min", min), ("max", max)) if bound is not None}
    if not given:
        raise ValueError("clamp: expected min, max or both, but neither was given")
    if all(dtypes.is_array(bound) for bound in given.values()):
        bounds = {n: checks.numeric("clamp", n, bound, booleans=True) for n, bound in given.items()}
        x, *rest = checks.promoted(x, *bounds.values())
        x, *rest = checks.broadcast("clamp", input=x, **dict(zip(bounds, rest, strict=True)))
        held, function = dict(zip(bounds, rest, strict=True)), _between_arrays
    elif any(dtypes.is_array(bound) for bound in given.values()):
        raise TypeError("clamp: min and max must both be arrays or both be numbers, but one of each was given")
    else:
        numbers = {n: dtypes.number("clamp", n, bound, "an array or a number") for n, bound in given.items()}
        x = x.astype(dtypes.with_numbers(x.dtype, tuple(numbers.values())))
        held = {n: jnp.broadcast_to(dtypes.filled("clamp", n, bound, x.dtype), x.shape) for n, bound in numbers.items()}
        function = _between_numbers
    if x.dtype == jnp.bool_ and not (function is _between_arrays and len(held) == 1):
        raise TypeError("clamp: expected integers or floats, but booleans alone were given")
    return function(x, held.get("min"), held.get("max"))


def _value(x: Array, lower: Array | None, upper: Array | None) -> Array:
    if lower is not None:
        x = jnp.where((x < lower) | jnp.isnan(lower), lower, x)
    if upper is not None:
        x = jnp.where((x > upper) | jnp.isnan(upper), upper, x)
    return x


def _inside(x: Array, lower: Array | None, upper: Array | None) -> Bool[Array, "..."]:
    above = jnp.ones_like(x, bool) if lower is None else x >= lower
    return above if upper is None else above & (x <= upper)


@jax.custom_jvp
def _between_numbers(x: Array, lower: Array | None, upper: Array | None) -> Array:
    return _value(x, lower, upper)


@_between_numbers.defjvp
def _between_numbers_jvp(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    return _between_numbers(*primals), jnp.where(_inside(*primals), tangents[0], jnp.zeros_like(tangents[0]))


@jax.custom_jvp
def _between_arrays(x: Array, lower: Array | None, upper: Array | None) -> Array:
    return _value(x, lower, upper)


@_between_arrays.defjvp
def _between_arrays_jvp(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    (x, lower, upper), (t, t_lower, t_upper) = primals, tangents
    nothing = jnp.zeros_like(t)
    tangent = jnp.where(_inside(x, lower, upper), t, nothing)
    if lower is not None:
        wins = x < lower if upper is None else (x < lower) & (lower < upper)
        tangent = tangent + jnp.where(wins, t_lower, nothing)
    if upper is not None:
        wins = x > upper if lower is None else (x > upper) | (upper < lower)
        tangent = tangent + jnp.where(wins, t_upper, nothing)
    return _between_arrays(x, lower, upper), tangent
