"""Products, with exact gradients where factors are zero."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Array, Shaped

from . import checks
from .dtypes import integers
from .precision import accumulated

AnyNumbers = Shaped[ArrayLike, "..."]
Numbers = Shaped[Array, "..."]


def prod(
    input: AnyNumbers, dim: int | None = None, keepdim: bool = False, *, dtype: DTypeLike | None = None
) -> Numbers:
    """Product of all elements, or along a dimension.

    prod(x) = Π x_i

    Args:
        input: x; integers and booleans become int64, or int32 where JAX has no 64 bits.
        dim: the dimension; None: all.
        keepdim: keep the dimension with size 1.
        dtype: convert to this dtype first.

    Returns:
        The products; 1 of no elements.

    Example:
        >>> import jax, numpy as np
        >>> x = np.array([2.0, 0.0, 3.0], "float32")
        >>> prod(x), jax.grad(prod)(x)
        (Array(0., dtype=float32), Array([0., 6., 0.], dtype=float32))

    Raises:
        TypeError: `input` is not an array, `dim` no integer, or `keepdim` comes without `dim`.
        ValueError: `dim` is out of range.

    Slope: the product of the others, **exact where one factor or more are zero**; where none is, it is the product divided by the factor,
    so that an infinite factor has slope NaN. PyTorch's counterpart: `torch.prod`.
    Plain JAX: `jnp.prod` is the same at zeros, and finds the slope beside infinity by multiplying the others.
    """
    x = _converted("prod", input, dtype)
    if dim is None and keepdim:
        raise TypeError("prod: keepdim needs dim")
    axis = None if dim is None else checks.axis("prod", dim, x.ndim)
    if x.ndim == 0:
        return x
    if axis is None:
        return _prod(x.reshape(-1), 0, True).squeeze(0)
    found = _prod(x, axis, False)
    return found if keepdim else found.squeeze(axis)


def cumprod(input: AnyNumbers, dim: int, *, dtype: DTypeLike | None = None) -> Numbers:
    """Products so far along a dimension.

    y_i = x_0 · … · x_i

    Args:
        input: x; integers and booleans become int64, or int32 where JAX has no 64 bits.
        dim: the dimension.
        dtype: convert to this dtype first.

    Returns:
        An array of the same shape.

    Example:
        >>> import jax, numpy as np
        >>> x = np.array([2.0, 0.0, 3.0], "float32")
        >>> cumprod(x, 0), jax.grad(lambda x: cumprod(x, 0).sum())(x)
        (Array([2., 0., 0.], dtype=float32), Array([1., 8., 0.], dtype=float32))

    Raises:
        TypeError: `input` is not an array, or `dim` no integer.
        ValueError: `dim` is out of range.

    Slope: of y_j in x_i the product of the others up to j, **exact where factors are zero**; a factor after the first zero has slope 0, even
    beside infinity or NaN. PyTorch's counterpart: `torch.cumprod`. Plain JAX: `jnp.cumprod` multiplies the others, NaN among them.
    """
    x = _converted("cumprod", input, dtype)
    axis = checks.axis("cumprod", dim, x.ndim)
    return x if x.ndim == 0 or x.size == 0 else _cumprod(x, axis)


def _converted(function: str, input: AnyNumbers, dtype: DTypeLike | None) -> Array:
    x = checks.numeric(function, "input", input, booleans=True)
    if dtype is not None:
        return x.astype(jax.dtypes.canonicalize_dtype(dtype))
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(integers())


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _prod(x: Array, axis: int, whole: bool) -> Array:
    return jnp.prod(accumulated(x) if jnp.issubdtype(x.dtype, jnp.floating) else x, axis, keepdims=True).astype(x.dtype)


@_prod.defjvp
def _prod_jvp(axis: int, whole: bool, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    product = _prod(x, axis, whole)
    zero = x == 0
    # Divided where there is no zero anywhere, multiplied up otherwise: PyTorch's two ways, which part at infinities.
    divided = product / jnp.where(zero, jnp.ones_like(x), x)
    slope = jnp.where(jnp.any(zero), _others(x, axis), divided)
    if whole:
        slope = jnp.where(jnp.sum(zero) > 1, jnp.zeros_like(slope), slope)
        t = jnp.where(jnp.sum(zero) > 1, jnp.zeros_like(t), t)
    return product, jnp.sum(t * slope, axis, keepdims=True)


def _others(x: Array, axis: int) -> Array:
    """Return for each factor the product of the others: of those before it times those after it."""
    size = x.shape[axis]
    if size == 0:
        return x
    one = jnp.ones_like(lax.slice_in_dim(x, 0, 1, axis=axis))
    before = jnp.concatenate([one, lax.slice_in_dim(x, 0, size - 1, axis=axis)], axis)
    after = jnp.concatenate([lax.slice_in_dim(x, 1, size, axis=axis), one], axis)
    return lax.cumprod(before, axis) * lax.cumprod(after, axis, reverse=True)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _cumprod(x: Array, axis: int) -> Array:
    return lax.cumprod(x, axis)


@_cumprod.defjvp
def _cumprod_jvp(axis: int, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    y = _cumprod(x, axis)
    zero = x == 0
    zeros = jnp.cumsum(zero, axis)
    nothing, one = jnp.zeros_like(x), jnp.ones_like(x)
    # Before the first zero: y_j · Σ_{i ≤ j} t_i / x_i.
    before = jnp.where(zeros == 0, y, nothing) * jnp.cumsum(
        jnp.where(zeros == 0, t / jnp.where(zeros == 0, x, one), nothing), axis
    )
    # From the first zero to the second, it alone moves anything: by what stands before it and since.
    first = zero & (zeros == 1)
    start = jnp.sum(jnp.where(first, _shifted(y, axis), nothing), axis, keepdims=True)
    since = lax.cumprod(jnp.where((zeros == 1) & ~first, x, one), axis)
    move = jnp.sum(jnp.where(first, t, nothing), axis, keepdims=True)
    return y, jnp.where(zeros == 0, before, jnp.where(zeros == 1, since * (move * start), nothing))


def _shifted(y: Array, axis: int) -> Array:
    one = jnp.ones_like(lax.slice_in_dim(y, 0, 1, axis=axis))
    return jnp.concatenate([one, lax.slice_in_dim(y, 0, y.shape[axis] - 1, axis=axis)], axis)
