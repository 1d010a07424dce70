"""Lengths of vectors, with PyTorch's slope 0 at the zero vector."""

import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Shaped

from . import checks
from .dimensions import Dims, axes, not_empty
from .dtypes import Number, number
from .elementwise import absolute, sign
from .powers import power_to
from .precision import accumulated
from .shapes import AnyFloats, Floats

Norms = Shaped[Array, "..."]


def vector_norm(
    x: AnyFloats, ord: Number = 2, dim: Dims | None = None, keepdim: bool = False, *, dtype: DTypeLike | None = None
) -> Norms:
    """p-norm of vectors.

    ‖x‖_p = (Σ |x_i|^p)^(1/p); max |x_i| for p = inf, min |x_i| for p = −inf, the count of what is not 0 for p = 0

    Args:
        x: an array.
        ord: p.
        dim: a dimension or a tuple of them; None: all.
        keepdim: keep the dimensions with size 1.
        dtype: convert to this floating dtype first; it must not be narrower.

    Returns:
        The norms.

    Example:
        >>> import jax, numpy as np
        >>> vector_norm(np.array([3.0, -4.0], "float32"))
        Array(5., dtype=float32)
        >>> jax.grad(vector_norm)(np.zeros(2, "float32"))
        Array([0., 0.], dtype=float32)

    Raises:
        TypeError: `x` has no floating dtype, `ord` is no number, or `dtype` is narrower or not floating.
        ValueError: `dim` is out of range or named twice, or there is no element to choose for p < 0 or p = inf.

    Slope: (|x_i| / ‖x‖)^(p − 1) · sign(x_i), **0 at the zero vector**, and 0 at x_i = 0 for p <= 1. For p = ±inf **the equal share it evenly**;
    for p = 0 it is 0. PyTorch's counterpart: `torch.linalg.vector_norm`.
    Plain JAX: `jnp.linalg.norm` has slope NaN at the zero vector, and slope 1 at x_i = 0 for p = 1.
    """
    return _of("vector_norm", checks.floating("vector_norm", "x", x), ord, dim, keepdim, dtype)


def norm(
    input: AnyFloats,
    p: Number | str | None = "fro",
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: DTypeLike | None = None,
) -> Norms:
    """p-norm of all elements, or along dimensions; a matrix counts as a vector of its elements.

    ‖x‖_p = (Σ |x_i|^p)^(1/p)

    Args:
        input: x.
        p: a number, inf and −inf too; 'fro' and None are 2.
        dim: a dimension or a tuple of them; None: all.
        keepdim: keep the dimensions with size 1.
        dtype: convert to this floating dtype first; it must not be narrower.

    Returns:
        The norms.

    Example:
        >>> import numpy as np
        >>> norm(np.array([[3.0, -4.0], [0.0, 0.0]], "float32"), dim=1)
        Array([5., 0.], dtype=float32)

    Raises:
        TypeError: `input` has no floating dtype, or `dtype` is narrower or not floating.
        ValueError: another word for `p` (the nuclear norm, 'nuc', is not here), more than two dimensions for 'fro', or what `vector_norm` refuses.

    Slope: that of `vector_norm`, **0 at the zero vector**. PyTorch's counterpart: `torch.norm`.
    Plain JAX: `jnp.linalg.norm` has slope NaN there, and along two dimensions means a matrix norm.
    """
    x = checks.floating("norm", "input", input)
    if isinstance(p, str):
        if p != "fro":
            raise ValueError(f"norm: p must be a number or 'fro', but {p!r} was given")
        if dim is not None and isinstance(dim, Sequence) and len(dim) > 2:
            raise ValueError(f"norm: p='fro' takes one or two dimensions, but dim={dim} was given")
    return _of("norm", x, 2.0 if p is None or isinstance(p, str) else p, dim, keepdim, dtype)


def normalize(input: AnyFloats, p: Number | str | None = 2.0, dim: Dims | None = 1, eps: float = 1e-12) -> Floats:
    """Divide vectors by their norm.

    normalize(x) = x / max(‖x‖_p, eps)

    Args:
        input: x.
        p: of the norm; 'fro' and None are 2.
        dim: the dimension along which the vectors lie, or a tuple of them; None: all.
        eps: the smallest divisor.

    Returns:
        An array of the same shape; the zero vector stays zero.

    Example:
        >>> import jax, numpy as np
        >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]], "float32"))
        Array([[0.6, 0.8],
               [0. , 0. ]], dtype=float32)

    Raises:
        TypeError: `input` has no floating dtype, or `p` or `eps` is no number.
        ValueError: `dim` is out of range; a single vector needs dim=0.

    Slope: (δ_ij − x_i · x_j / ‖x‖²) / ‖x‖ for p = 2, and **δ_ij / eps where the norm is below eps**, at the zero vector too.
    PyTorch's counterpart: `torch.nn.functional.normalize`. Plain JAX: `x / jnp.linalg.norm(x)` is NaN at the zero vector.
    """
    x = checks.floating("normalize", "input", input)
    lengths = _of("normalize", x, 2.0 if p is None or p == "fro" else p, dim, True, None)
    least = jnp.asarray(number("normalize", "eps", eps), x.dtype)
    return divide(x, jnp.broadcast_to(jnp.where(lengths < least, least, lengths), x.shape))


def _of(function: str, x: Array, p: Number | str, dim: Dims | None, keepdim: bool, dtype: DTypeLike | None) -> Array:
    p = float(number(function, "p" if function != "vector_norm" else "ord", p))
    over = axes(function, dim, x.ndim)
    if p < 0 or p == math.inf:
        not_empty(function, x.shape, over)
    if dtype is not None:
        wider = jnp.dtype(jax.dtypes.canonicalize_dtype(dtype))
        if not jnp.issubdtype(wider, jnp.floating) or wider.itemsize < x.dtype.itemsize:
            raise TypeError(f"{function}: dtype must be floating and hold {x.dtype}, but {jnp.dtype(dtype)} was given")
        x = x.astype(wider)
    found = p_norm(x, p, over)
    return found if keepdim else found.squeeze(over)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def p_norm(x: Array, p: float, over: tuple[int, ...]) -> Array:
    """Return the p-norm over some dimensions, which are kept."""
    size = jnp.abs(accumulated(x))
    if p == 0:
        found = jnp.sum((x != 0).astype(size.dtype), over, keepdims=True)
    elif p == 1:
        found = jnp.sum(size, over, keepdims=True)
    elif p == 2:
        found = jnp.sqrt(jnp.sum(size * size, over, keepdims=True))
    elif math.isinf(p):
        found = (jnp.max if p > 0 else jnp.min)(size, over, keepdims=True)
    else:
        found = power_to(jnp.sum(power_to(size, p), over, keepdims=True), 1 / p)
    return found.astype(x.dtype)


@p_norm.defjvp
def _p_norm_jvp(p: float, over: tuple[int, ...], primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    n = p_norm(x, p, over)
    zero = n == 0
    safe = jnp.where(zero, jnp.ones_like(n), n)
    size, nothing = absolute(x), jnp.zeros_like(x)
    if p == 0:
        return n, jnp.zeros_like(n)
    if p == 1:
        weighted = t * sign(x)
    elif p == 2:
        weighted = t * jnp.where(zero, nothing, x / safe)
    elif math.isinf(p):
        winner = ((size == n) | jnp.isnan(x)).astype(x.dtype)
        weighted = t * sign(x) * winner / jnp.sum(winner, over, keepdims=True)
    elif p < 1:
        bent = jnp.where(x == 0, nothing, power_to(jnp.where(x == 0, jnp.ones_like(x), size), p - 1))
        weighted = t * (sign(x) * bent) * power_to(n, 1 - p)
    else:
        bent = sign(x) * power_to(size, p - 1) if p < 2 else x * power_to(size, p - 2)
        scaled = jnp.sum(t * bent, over, keepdims=True) / power_to(safe, p - 1)
        return n, jnp.where(zero, jnp.zeros_like(scaled), scaled)
    return n, jnp.sum(weighted, over, keepdims=True)


@jax.custom_jvp
def divide(x: Array, y: Array) -> Array:
    """Return x / y; the slope in y is −(x / y) / y, which keeps small divisors from overflowing in y²."""
    return x / y


@divide.defjvp
def _divide_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (x, y), (dx, dy) = primals, tangents
    quotient = divide(x, y)
    return quotient, dx / y - dy * divide(quotient, y)
