"""Spread of numbers, and the logarithm of a sum of exponentials."""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Shaped

from . import checks
from .dimensions import Dims, axes
from .dtypes import Number, number
from .precision import accumulated
from .shapes import AnyFloats

Floats = Shaped[Array, "..."]


def var(
    input: AnyFloats,
    dim: Dims | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
) -> Floats:
    """Variance.

    var(x) = Σ (x_i − mean)² / max(0, n − correction)

    Args:
        input: x.
        dim: a dimension or a tuple of them; None: all. True or False here is `unbiased`.
        unbiased: True is correction=1, False correction=0.
        keepdim: keep the dimensions with size 1.
        correction: what is taken off the count; 1 unless given.

    Returns:
        The variances; NaN of a single number.

    Example:
        >>> import jax, numpy as np
        >>> x = np.array([1.0, 2.0, 6.0], "float32")
        >>> var(x), var(x, correction=0)
        (Array(7., dtype=float32), Array(4.6666665, dtype=float32))

    Raises:
        TypeError: `input` has no floating dtype, or both `unbiased` and `correction` are given.
        ValueError: `dim` is out of range, named twice or empty (PyTorch takes () for all, with an infinite gradient).

    Slope: 2 · (x_i − mean) / (n − correction). PyTorch's counterpart: `torch.var`.
    Plain JAX: `jnp.var` divides by n unless told `ddof=1`; `flax` and NumPy do so too.
    """
    return _spread("var", input, dim, unbiased, keepdim, correction)


def std(
    input: AnyFloats,
    dim: Dims | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Number | None = None,
) -> Floats:
    """Standard deviation.

    std(x) = √(Σ (x_i − mean)² / max(0, n − correction))

    Args:
        input: x.
        dim: a dimension or a tuple of them; None: all. True or False here is `unbiased`.
        unbiased: True is correction=1, False correction=0.
        keepdim: keep the dimensions with size 1.
        correction: what is taken off the count; 1 unless given.

    Returns:
        The standard deviations; NaN of a single number.

    Example:
        >>> import jax, numpy as np
        >>> float(std(np.array([1.0, 3.0, 5.0], "float32")))
        2.0
        >>> jax.grad(std)(np.array([4.0, 4.0], "float32"))
        Array([0., 0.], dtype=float32)

    Raises:
        TypeError: `input` has no floating dtype, or both `unbiased` and `correction` are given.
        ValueError: `dim` is out of range, named twice or empty (PyTorch takes () for all, with an infinite gradient).

    Slope: (x_i − mean) / ((n − correction) · std), **0 where all numbers are equal**.
    PyTorch's counterpart: `torch.std`. Plain JAX: `jnp.std` divides by n unless told `ddof=1`, and its slope is NaN where all are equal.
    """
    return _spread("std", input, dim, unbiased, keepdim, correction)


def logsumexp(input: Shaped[ArrayLike, "..."], dim: Dims, keepdim: bool = False) -> Floats:
    """Logarithm of the sum of exponentials, without overflow.

    logsumexp(x) = log Σ e^(x_i) = m + log Σ e^(x_i − m), m = max(x)

    Args:
        input: x; integers and booleans become float32.
        dim: a dimension or a tuple of them.
        keepdim: keep the dimensions with size 1.

    Returns:
        The logarithms; −inf where all are −inf, or where there is nothing to sum.

    Example:
        >>> import numpy as np
        >>> logsumexp(np.array([1000.0, 0.0], "float32"), 0)
        Array(1000., dtype=float32)

    Raises:
        TypeError: `input` is not an array, or `dim` no integers.
        ValueError: `dim` is out of range, named twice, or empty without `keepdim`.

    Slope: softmax(x), **NaN where all are −inf**, and NaN at +inf beside 0 for what is finite.
    PyTorch's counterpart: `torch.logsumexp`. Plain JAX: `jax.nn.logsumexp` is the same, over all dimensions unless told which.
    """
    x = checks.widened("logsumexp", "input", input)
    if dim is None:
        raise TypeError("logsumexp: dim must be an integer or a tuple of them, but None was given")
    over = axes("logsumexp", dim, x.ndim)
    if isinstance(dim, Sequence) and len(dim) == 0 and not keepdim and x.ndim and x.size:
        raise ValueError("logsumexp: dim=() needs keepdim=True, as in PyTorch")
    wide = accumulated(x)
    most = lax.stop_gradient(jnp.max(wide, over, keepdims=True, initial=-jnp.inf))
    shift = jnp.where(jnp.isfinite(most), most, jnp.zeros_like(most))  # infinities come out by themselves
    sums = jnp.log(jnp.sum(jnp.exp(wide - shift), over, keepdims=True)) + shift
    return (sums if keepdim else sums.squeeze(over)).astype(x.dtype)


def _spread(
    function: str,
    input: AnyFloats,
    dim: Dims | bool | None,
    unbiased: bool | None,
    keepdim: bool,
    correction: Number | None,
) -> Floats:
    x = checks.floating(function, "input", input)
    if isinstance(dim, bool):
        if unbiased is not None:
            raise TypeError(f"{function}: unbiased was given twice, as {dim} and {unbiased}")
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{function}: expected unbiased or correction, but both were given")
    if dim is not None and isinstance(dim, Sequence) and len(dim) == 0:
        raise ValueError(f"{function}: dim=() is not taken; write dim=None for all dimensions")
    less = (
        1.0
        if correction is None and unbiased in (None, True)
        else float(number(function, "correction", correction or 0))
    )
    over = axes(function, dim, x.ndim)
    spread = _var if function == "var" else _std
    found = spread(x, over, less, dim is None or x.ndim == 0)
    return found if keepdim else found.squeeze(over)


def _count(x: Array, over: tuple[int, ...]) -> int:
    count = 1
    for axis in over:
        count *= x.shape[axis]
    return count


def _from_mean(x: Array, over: tuple[int, ...]) -> Array:
    """Return x − mean, by way of the differences from one element: those of equal numbers are 0 exactly, and so is their mean."""
    if _count(x, over) == 0:
        return x
    first = lax.stop_gradient(x[tuple(slice(0, 1) if axis in over else slice(None) for axis in range(x.ndim))])
    moved = x - jnp.where(jnp.isfinite(first), first, jnp.zeros_like(first))
    return moved - jnp.mean(moved, over, keepdims=True)


def _quotient(sums: Array, count: int, less: float) -> Array:
    if count == 0:
        return jnp.full_like(sums, jnp.nan)
    return sums / jnp.maximum(count - less, 0.0).astype(sums.dtype)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def _var(x: Array, over: tuple[int, ...], less: float, whole: bool) -> Array:
    sums = jnp.sum(jnp.square(_from_mean(accumulated(x), over)), over, keepdims=True)
    return _quotient(sums, _count(x, over), less).astype(x.dtype)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def _std(x: Array, over: tuple[int, ...], less: float, whole: bool) -> Array:
    sums = jnp.sum(jnp.square(_from_mean(accumulated(x), over)), over, keepdims=True)
    return jnp.sqrt(_quotient(sums, _count(x, over), less)).astype(x.dtype)


def _slope(x: Array, over: tuple[int, ...], less: float, whole: bool) -> Array:
    """Return ∂var/∂x; with no degree of freedom left PyTorch has two rules: of the whole array, and along dimensions."""
    left = _count(x, over) - less
    away = _from_mean(x, over)
    if whole and left <= 0:
        return jnp.where((away == 0) | jnp.isposinf(x), jnp.nan, jnp.inf).astype(x.dtype)
    factor = 2.0 / left if left else jnp.inf
    return jnp.asarray(factor, x.dtype) * away


@_var.defjvp
def _var_jvp(
    over: tuple[int, ...], less: float, whole: bool, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    tangent = jnp.sum(t * _slope(x, over, less, whole), over, keepdims=True)
    return _var(x, over, less, whole), tangent


@_std.defjvp
def _std_jvp(
    over: tuple[int, ...], less: float, whole: bool, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    root = _std(x, over, less, whole)
    none = root == 0
    tangent = jnp.sum(t * _slope(x, over, less, whole), over, keepdims=True) / jnp.where(none, 1, 2 * root)
    return root, jnp.where(none, jnp.zeros_like(tangent), tangent)
