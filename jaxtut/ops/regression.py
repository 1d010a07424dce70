"""Losses over real numbers: squared and absolute error, and what lies between them."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array

from . import checks
from .checks import Reduction
from .elementwise import absolute
from .shapes import AnyFloats, Floats, Losses


def mse_loss(
    input: AnyFloats,
    target: AnyFloats,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
    weight: ArrayLike | None = None,
) -> Losses:
    """Squared error.

    loss_i = w_i · (x_i − t_i)²; the mean is over all elements, with weights divided by Σ w_i

    Args:
        input: x, of any shape.
        target: t, of the same shape.
        reduction: 'mean', 'sum' or 'none'.
        weight: w, of the same shape; None: 1 everywhere.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import jax, numpy as np
        >>> x, t = np.array([1.0, 3.0], "float32"), np.array([0.0, 1.0], "float32")
        >>> mse_loss(x, t), jax.grad(mse_loss)(x, t)
        (Array(2.5, dtype=float32), Array([1., 2.], dtype=float32))

    Raises:
        TypeError: wrong dtypes.
        ValueError: different shapes (PyTorch warns and broadcasts, which is nearly always a mistake), or a deprecated argument.

    Slope: 2 · (x − t) / n. Weights that add up to 0 make the mean NaN.
    PyTorch's counterpart: `torch.nn.functional.mse_loss`. Optax: `l2_loss` is half of it, in value and gradient.
    """
    checks.no_deprecated("mse_loss", size_average=size_average, reduce=reduce)
    return _reduced("mse_loss", jnp.square(_difference("mse_loss", input, target)), weight, reduction)


def l1_loss(
    input: AnyFloats,
    target: AnyFloats,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
    weight: ArrayLike | None = None,
) -> Losses:
    """Absolute error.

    loss_i = w_i · |x_i − t_i|; the mean is over all elements, with weights divided by Σ w_i

    Args:
        input: x, of any shape.
        target: t, of the same shape.
        reduction: 'mean', 'sum' or 'none'.
        weight: w, of the same shape; None: 1 everywhere.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import jax, numpy as np
        >>> x, t = np.array([1.0, 3.0], "float32"), np.array([1.0, 1.0], "float32")
        >>> l1_loss(x, t), jax.grad(l1_loss)(x, t)
        (Array(1., dtype=float32), Array([0. , 0.5], dtype=float32))

    Raises:
        TypeError: wrong dtypes.
        ValueError: different shapes, or a deprecated argument.

    Slope: sign(x − t) / n, **0 where x = t**, and 0 where x − t is NaN.
    PyTorch's counterpart: `torch.nn.functional.l1_loss`. Plain JAX: `jnp.abs` has slope 1 at 0.
    """
    checks.no_deprecated("l1_loss", size_average=size_average, reduce=reduce)
    return _reduced("l1_loss", absolute(_difference("l1_loss", input, target)), weight, reduction)


def smooth_l1_loss(
    input: AnyFloats,
    target: AnyFloats,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
    beta: float = 1.0,
) -> Losses:
    """Absolute error that is rounded off near 0.

    loss_i = d_i² / (2β) for |d_i| < β, |d_i| − β / 2 otherwise, with d = x − t

    Args:
        input: x, of any shape.
        target: t, of the same shape.
        reduction: 'mean', 'sum' or 'none'.
        beta: β, where the parabola meets the lines; 0 makes it `l1_loss`.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import jax, numpy as np
        >>> x, t = np.array([0.5, 3.0], "float32"), np.array([0.0, 0.0], "float32")
        >>> smooth_l1_loss(x, t, reduction="none"), jax.grad(smooth_l1_loss)(x, t)
        (Array([0.125, 2.5  ], dtype=float32), Array([0.25, 0.5 ], dtype=float32))

    Raises:
        TypeError: wrong dtypes, or a `beta` that is no number.
        ValueError: different shapes (PyTorch warns and broadcasts), a negative `beta`, or a deprecated argument.

    Slope: d / β inside, sign(d) outside, **sign(d) where |d| = β**, and NaN where d is NaN; the second derivative is 0 where |d| = β.
    With β = 0 the slope is `l1_loss`'s: **0 where d = 0**, and 0 where d is NaN.
    PyTorch's counterpart: `torch.nn.functional.smooth_l1_loss`. Optax: `huber_loss` is β times it.
    Plain JAX: with β = 0 the formula divides by 0, and `where` lets the NaN into the gradient.
    """
    name = "smooth_l1_loss"
    checks.no_deprecated(name, size_average=size_average, reduce=reduce)
    beta = checks.number(name, "beta", beta)
    if not beta >= 0:  # true at NaN too
        raise ValueError(f"{name}: beta must not be negative, but {beta} was given")
    d = _difference(name, input, target)
    return checks.reduce(name, _smooth_l1(d, beta) if beta else absolute(d), reduction)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _smooth_l1(d: Floats, beta: float) -> Floats:
    z = jnp.abs(d)
    return jnp.where(z < beta, 0.5 * z * z / beta, z - 0.5 * beta)


@_smooth_l1.defjvp
def _smooth_l1_jvp(beta: float, primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (d,), (t,) = primals, tangents
    return _smooth_l1(d, beta), t * _bent(d, beta, d / beta, 1.0)


def huber_loss(
    input: AnyFloats,
    target: AnyFloats,
    reduction: Reduction = "mean",
    delta: float = 1.0,
    weight: ArrayLike | None = None,
) -> Losses:
    """Squared error near 0, absolute error far from it.

    loss_i = w_i · d_i² / 2 for |d_i| < δ, w_i · δ · (|d_i| − δ / 2) otherwise, with d = x − t

    Args:
        input: x, of any shape.
        target: t, of the same shape.
        reduction: 'mean', 'sum' or 'none'. The mean is over the number of elements, with weights too, where `mse_loss` and `l1_loss` divide by
            the sum of the weights.
        delta: δ, where the parabola meets the lines.
        weight: w, of the same shape; None: 1 everywhere.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import jax, numpy as np
        >>> x, t = np.array([0.5, 3.0], "float32"), np.array([0.0, 0.0], "float32")
        >>> huber_loss(x, t, "none", 2.0), jax.grad(huber_loss)(x, t, "sum", 2.0)
        (Array([0.125, 4.   ], dtype=float32), Array([0.5, 2. ], dtype=float32))

    Raises:
        TypeError: wrong dtypes, or a `delta` that is no number.
        ValueError: different shapes (PyTorch warns and broadcasts), or a `delta` that is not positive.

    Slope: d inside, δ · sign(d) outside and **where |d| = δ**, and NaN where d is NaN; the second derivative is 0 where |d| = δ.
    PyTorch's counterpart: `torch.nn.functional.huber_loss`, which has neither `size_average` nor `reduce`.
    Optax: `huber_loss` has the same value and slope, but second derivative 1/4 where |d| = δ, since its `jnp.minimum` splits the tie.
    """
    name = "huber_loss"
    delta = checks.number(name, "delta", delta)
    if not delta > 0:  # true at NaN too
        raise ValueError(f"{name}: delta must be positive, but {delta} was given")
    return _reduced(name, _huber(_difference(name, input, target), delta), weight, reduction, by_weight=False)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _huber(d: Floats, delta: float) -> Floats:
    z = jnp.abs(d)
    return jnp.where(z < delta, 0.5 * z * z, delta * (z - 0.5 * delta))


@_huber.defjvp
def _huber_jvp(delta: float, primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (d,), (t,) = primals, tangents
    return _huber(d, delta), t * _bent(d, delta, d, delta)


def _bent(d: Floats, bound: float, inside: Floats, outside: float) -> Floats:
    """Return the slope `inside` where |d| < bound and ±`outside` elsewhere; a NaN is in neither comparison and stays."""
    return jnp.where(d <= -bound, -outside, jnp.where(d >= bound, outside, inside))


def _reduced(
    function: str, losses: Array, weight: ArrayLike | None, reduction: Reduction, by_weight: bool = True
) -> Array:
    """Multiply by the weights, and reduce; `by_weight` divides the mean by their sum, not by their number."""
    if weight is None:
        return checks.reduce(function, losses, reduction)
    w = checks.numeric(function, "weight", weight, booleans=True)
    checks.same_shape(function, input=losses, weight=w)
    weighted = jnp.multiply(*checks.promoted(losses, w))
    if by_weight and reduction == "mean":
        return jnp.sum(weighted) / jnp.sum(w).astype(weighted.dtype)
    return checks.reduce(function, weighted, reduction)


def _difference(function: str, input: AnyFloats, target: AnyFloats) -> Floats:
    x = checks.floating(function, "input", input)
    t = checks.floating(function, "target", target)
    checks.same_shape(function, input=x, target=t)
    checks.same_dtype(function, input=x, target=t)
    return x - t
