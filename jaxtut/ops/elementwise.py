"""Functions of each element by itself, each with PyTorch's slope where it has none or many."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Int, Shaped

from . import checks, dtypes
from .dtypes import Number, integers
from .shapes import Floats

AnyNumbers = Shaped[ArrayLike, "..."]
Numbers = Shaped[Array, "..."]


def abs(input: Shaped[ArrayLike, "*shape"]) -> Shaped[Array, "*shape"]:
    """Absolute value, elementwise.

    Args:
        input: an array of any shape.

    Returns:
        An array of the same shape and dtype; the smallest integer of a dtype stays as it is.

    Example:
        >>> import jax, numpy as np
        >>> abs(np.array([-2.0, 0.0, 3.0], "float32"))
        Array([2., 0., 3.], dtype=float32)
        >>> float(jax.grad(abs)(np.float32(0.0)))
        0.0

    Raises:
        TypeError: `input` is not an array, or holds booleans.

    Slope: sign(x), **0 at 0** and at NaN. PyTorch's counterpart: `torch.abs`. Plain JAX: `jnp.abs` has slope 1 at 0, and NaN at NaN.
    """
    return absolute(checks.numeric("abs", "input", input))


@jax.custom_jvp
def absolute(x: Array) -> Array:
    """Return |x|."""
    return jnp.abs(x)


@absolute.defjvp
def _absolute_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    return absolute(x), t * sign(x)


def sign(x: Array) -> Array:
    """Return −1, 0 or 1; 0 at NaN."""
    return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)


def where(
    condition: Bool[ArrayLike, "..."],
    input: AnyNumbers | Number | None = None,
    other: AnyNumbers | Number | None = None,
) -> Numbers | tuple[Int[Array, " found"], ...]:
    """Choose between two arrays, element by element.

    where(c, x, y) = x where c, y elsewhere

    Args:
        condition: c, booleans.
        input: x, an array or a number; all shapes broadcast.
        other: y, an array or a number.

    Returns:
        An array in the dtype of x and y together. Of a condition alone: the places where it holds, an array of indices for each dimension.

    Example:
        >>> import jax, numpy as np
        >>> x = np.array([4.0, 9.0], "float32")
        >>> where(x > 5, x, 0.0), jax.grad(lambda x: where(x > 5, x, 0.0).sum())(x)
        (Array([0., 9.], dtype=float32), Array([0., 1.], dtype=float32))

    Raises:
        TypeError: `condition` is not an array of booleans, or only one of `input` and `other` is given.
        ValueError: shapes that do not broadcast, or a condition alone under `jit`, where nobody knows how many places there are.

    Slope: 1 in what is chosen, 0 in the other, under any cotangent. But the slope of what was computed before is multiplied by that 0: where the
    unchosen branch has slope inf or NaN, as √x at 0, the whole gradient is NaN, in every framework.
    PyTorch's counterpart: `torch.where`. Plain JAX: `jnp.where` is the same, with JAX's promotion of dtypes.
    """
    c = checks.array("where", "condition", condition)
    if c.dtype == jnp.uint8:
        c = c != 0
    if c.dtype != jnp.bool_:
        raise TypeError(f"where: condition must have dtype bool, but {c.dtype} was given")
    if input is None and other is None:
        if isinstance(condition, Tracer):  # not c, which jit makes one of even where the condition is known
            raise ValueError("where: a condition alone needs its values, which jit and vmap hide; give input and other")
        return tuple(jnp.asarray(places, integers()) for places in np.nonzero(np.atleast_1d(np.asarray(condition))))
    if input is None or other is None:
        raise TypeError("where: expected input and other, but only one was given")
    x, y = _of_one_dtype(input, other)
    c, x, y = checks.broadcast("where", condition=c, input=x, other=y)
    return jnp.where(c, x, y)


def _of_one_dtype(input: AnyNumbers | Number, other: AnyNumbers | Number) -> tuple[Array, ...]:
    given = {"input": input, "other": other}
    arrays = {n: checks.numeric("where", n, a, booleans=True) for n, a in given.items() if dtypes.is_array(a)}
    numbers = {n: dtypes.number("where", n, a, "an array or a number") for n, a in given.items() if n not in arrays}
    dtype = checks.result_dtype(*arrays.values()) if arrays else jnp.dtype(bool)
    dtype = dtypes.with_numbers(dtype, tuple(numbers.values()))
    both = {n: a.astype(dtype) for n, a in arrays.items()}
    both |= {n: dtypes.filled("where", n, a, dtype) for n, a in numbers.items()}
    return both["input"], both["other"]


def atan2(input: AnyNumbers, other: AnyNumbers) -> Floats:
    """Angle of the point (x, y), elementwise.

    atan2(y, x) = the angle between the x axis and the line to (x, y), from −π to π

    Args:
        input: y, the first argument.
        other: x; shapes broadcast.

    Returns:
        The angles; integers and booleans become float32.

    Example:
        >>> import jax, numpy as np
        >>> zero, one = np.float32(0.0), np.float32(1.0)
        >>> atan2(one, zero)
        Array(1.5707964, dtype=float32)
        >>> [float(g) for g in jax.grad(atan2, argnums=(0, 1))(zero, zero)]
        [0.0, -0.0]

    Raises:
        TypeError: an argument is not an array of real numbers.
        ValueError: shapes that do not broadcast.

    Slope: x / (x² + y²) in y and −y / (x² + y²) in x, **0 in both at (0, 0)**.
    PyTorch's counterpart: `torch.atan2`. Plain JAX: `jnp.arctan2` has slope NaN at (0, 0).
    """
    return _atan2(*_floats("atan2", input, other))


def hypot(input: AnyNumbers, other: AnyNumbers) -> Floats:
    """Length of the hypotenuse, elementwise.

    hypot(x, y) = √(x² + y²), without overflow on the way

    Args:
        input: x.
        other: y; shapes broadcast.

    Returns:
        The lengths; inf where either is infinite, even beside NaN.

    Example:
        >>> import numpy as np
        >>> hypot(np.array([3.0], "float32"), np.array([4.0], "float32"))
        Array([5.], dtype=float32)

    Raises:
        TypeError: an argument is not an array, or neither is of a floating dtype.
        ValueError: shapes that do not broadcast.

    Slope: x / hypot and y / hypot, **NaN in both at (0, 0)**.
    PyTorch's counterpart: `torch.hypot`. Plain JAX: `jnp.hypot` has slope 1/2 in both at (0, 0). For a slope of 0 there take `norm`.
    """
    x = checks.numeric("hypot", "input", input, booleans=True)
    y = checks.numeric("hypot", "other", other, booleans=True)
    x, y = checks.promoted(x, y)
    x = checks.floating("hypot", "input", x)
    return _hypot(*checks.broadcast("hypot", input=x, other=y))


def xlogy(input: AnyNumbers | Number, other: AnyNumbers | Number) -> Floats:
    """Product with a logarithm, elementwise.

    xlogy(x, y) = x · log y, and 0 where x = 0 and y is not NaN

    Args:
        input: x, an array or a number.
        other: y, an array or a number; one of the two is an array, and shapes broadcast.

    Returns:
        An array in the dtype of both together; integers and booleans become float32.

    Example:
        >>> import jax, numpy as np
        >>> zero = np.float32(0.0)
        >>> float(xlogy(zero, zero)), float(jax.grad(xlogy)(zero, zero))
        (0.0, 0.0)

    Raises:
        TypeError: neither is an array, or one is not of real numbers.
        ValueError: shapes that do not broadcast.

    Slope: log y in x, **0 where x = 0 and y <= 0**; x / y in y, NaN at (0, 0).
    PyTorch's counterpart: `torch.xlogy`. Plain JAX: `jax.scipy.special.xlogy` has slope −inf in x at (0, 0), and 0 in y.
    """
    input, other = dtypes.with_an_array("xlogy", input, other)
    given = {"input": input, "other": other}
    arrays = {n: checks.numeric("xlogy", n, a, booleans=True) for n, a in given.items() if dtypes.is_array(a)}
    numbers = {n: dtypes.number("xlogy", n, a, "an array or a number") for n, a in given.items() if n not in arrays}
    dtype = dtypes.with_numbers(checks.result_dtype(*arrays.values()), tuple(numbers.values()))
    dtype = dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.dtype(jnp.float32)
    x, y = (arrays[n].astype(dtype) if n in arrays else jnp.asarray(numbers[n], dtype) for n in given)
    return _xlogy(*checks.broadcast("xlogy", input=x, other=y))


def _floats(function: str, input: AnyNumbers, other: AnyNumbers) -> tuple[Array, ...]:
    x = checks.numeric(function, "input", input, booleans=True)
    y = checks.numeric(function, "other", other, booleans=True)
    x, y = (checks.widened(function, "input", a) for a in checks.promoted(x, y))
    return checks.broadcast(function, input=x, other=y)


@jax.custom_jvp
def _atan2(y: Array, x: Array) -> Array:
    return jnp.arctan2(y, x)


@_atan2.defjvp
def _atan2_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (y, x), (dy, dx) = primals, tangents
    square = y * y + x * x
    none = square == 0
    share = jnp.where(none, jnp.zeros_like(square), 1 / jnp.where(none, jnp.ones_like(square), square))
    return _atan2(y, x), dy * x * share + dx * -y * share


@jax.custom_jvp
def _hypot(x: Array, y: Array) -> Array:
    # The larger is factored out; infinity wins over NaN.
    large, small = jnp.maximum(jnp.abs(x), jnp.abs(y)), jnp.minimum(jnp.abs(x), jnp.abs(y))
    ratio = small / jnp.where(large == 0, jnp.ones_like(large), large)
    length = large * jnp.sqrt(1 + ratio * ratio)
    return jnp.where(jnp.isinf(x) | jnp.isinf(y), jnp.full_like(x, jnp.inf), length)


@_hypot.defjvp
def _hypot_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (x, y), (dx, dy) = primals, tangents
    length = _hypot(x, y)
    return length, dx * (x / length) + dy * (y / length)


@jax.custom_jvp
def _xlogy(x: Array, y: Array) -> Array:
    product = jnp.where(x == 0, jnp.zeros_like(x), x) * jnp.log(jnp.where(x == 0, jnp.ones_like(y), y))
    return jnp.where(jnp.isnan(y), y, product)


@_xlogy.defjvp
def _xlogy_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (x, y), (dx, dy) = primals, tangents
    still = (x == 0) & (y <= 0)
    in_x = dx * jnp.log(jnp.where(still, jnp.ones_like(y), y))
    return _xlogy(x, y), jnp.where(still, jnp.zeros_like(dx), in_x) + dy * (x / y)
