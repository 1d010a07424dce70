"""Square roots and powers."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Shaped

from . import checks, dtypes
from .dtypes import Number
from .shapes import Floats

AnyNumbers = Shaped[ArrayLike, "..."]


def sqrt(input: Shaped[ArrayLike, "*shape"]) -> Floats:
    """Square root, elementwise.

    Args:
        input: an array of any shape; integers and booleans become float32.

    Returns:
        An array of the same shape; NaN for what is negative, −0 for −0.

    Example:
        >>> import jax, numpy as np
        >>> sqrt(np.array([0.0, 4.0], "float32"))
        Array([0., 2.], dtype=float32)
        >>> float(jax.grad(sqrt)(np.float32(0.0)))
        inf

    Raises:
        TypeError: `input` is not an array of real numbers.

    Slope: 1 / (2√x), **inf at 0**, −inf at −0, 0 at inf; so √x · 0 has slope NaN at 0, in every framework.
    PyTorch's counterpart: `torch.sqrt`. Plain JAX: `jnp.sqrt` is the same.
    """
    return jnp.sqrt(checks.widened("sqrt", "input", input))


def pow(input: AnyNumbers | Number, exponent: AnyNumbers | Number) -> Shaped[Array, "..."]:
    """Power, elementwise.

    pow(x, e) = x^e

    Args:
        input: x, an array or a number.
        exponent: e, an array or a number; one of the two is an array, and shapes broadcast.

    Returns:
        An array in the dtype of both together.

    Example:
        >>> import jax, numpy as np
        >>> pow(np.array([2.0, 3.0], "float32"), 2)
        Array([4., 9.], dtype=float32)
        >>> zero = np.float32(0.0)
        >>> [float(g) for g in jax.grad(pow, argnums=(0, 1))(zero, zero)]
        [0.0, 0.0]

    Raises:
        TypeError: neither is an array, or both are booleans.
        ValueError: shapes that do not broadcast, or integers to a negative integer that is a number (those of an array give 0, 1 or −1).

    Slope: e · x^(e − 1) in x, **0 where e = 0**, inf at x = 0 for 0 < e < 1; x^e · log x in e, **0 where x = 0 and e >= 0**, NaN for x < 0.
    The exponents ±1/2 as numbers are square roots, with NaN at −inf.
    PyTorch's counterpart: `torch.pow`. Plain JAX: `x ** e` has slope NaN in x at x = e = 0 where e is an array.
    """
    input, exponent = dtypes.with_an_array("pow", input, exponent)
    if not dtypes.is_array(exponent):
        return _to_a_number(checks.numeric("pow", "input", input, booleans=True), exponent)  # pyright: ignore[reportArgumentType]
    e = checks.numeric("pow", "exponent", exponent, booleans=True)
    if dtypes.is_array(input):
        x, e = checks.promoted(checks.numeric("pow", "input", input, booleans=True), e)
    else:
        base = dtypes.number("pow", "input", input, "an array or a number")
        e = e.astype(dtypes.with_numbers(e.dtype, (base,)))
        x = dtypes.filled("pow", "input", base, e.dtype)
    if x.dtype == jnp.bool_:
        raise TypeError("pow: expected integers or floats, but booleans alone were given")
    x, e = checks.broadcast("pow", input=x, exponent=e)
    return power(x, e) if jnp.issubdtype(x.dtype, jnp.floating) else _integer_power(x, e)


def _to_a_number(x: Array, exponent: Number) -> Array:
    e = dtypes.number("pow", "exponent", exponent, "an array or a number")
    dtype = dtypes.with_numbers(x.dtype, (e,))
    x = x.astype(dtype)
    if jnp.issubdtype(dtype, jnp.floating):
        return power_to(x, float(e))
    if e < 0:
        raise ValueError(f"pow: integers to a negative integer are not taken, but exponent={e} was given")
    if dtype == jnp.bool_:
        return x if e else jnp.ones_like(x)
    return lax.integer_pow(x, int(e))


def _integer_power(x: Array, e: Array) -> Array:
    # 1/x is a whole number for 1 and −1 alone.
    sign = jnp.where(e % 2 == 0, jnp.ones_like(x), x)
    inverse = jnp.where((x == 1) | (x == -1), sign, jnp.zeros_like(x))
    return jnp.where(e < 0, inverse, jnp.power(x, jnp.where(e < 0, jnp.zeros_like(e), e)))


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def power_to(x: Array, e: float) -> Array:
    """Return x^e for a number e."""
    if e == 0.5:
        return jnp.sqrt(x)
    if e == -0.5:
        return 1 / jnp.sqrt(x)
    if e in (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0):
        return lax.integer_pow(x, int(e))
    return lax.pow(x, jnp.full_like(x, e))


@power_to.defjvp
def _power_to_jvp(e: float, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    return power_to(x, e), jnp.zeros_like(t) if e == 0 else t * (jnp.asarray(e, x.dtype) * power_to(x, e - 1))


@jax.custom_jvp
def power(x: Array, e: Array) -> Array:
    """Return x^e for arrays of one shape and floating dtype."""
    return lax.pow(x, e)


@power.defjvp
def _power_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (x, e), (dx, de) = primals, tangents
    y = power(x, e)
    flat = e == 0
    in_x = jnp.where(flat, jnp.zeros_like(dx), dx * (e * power(x, jnp.where(flat, jnp.ones_like(e), e) - 1)))
    still = (x == 0) & (e >= 0)
    in_e = de * jnp.where(still, jnp.zeros_like(y), y * jnp.log(jnp.where(still, jnp.ones_like(x), x)))
    return y, in_x + in_e
