"""Losses that are log-likelihoods: Kullback-Leibler divergence, Poisson and Gaussian."""

import math
from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.special import xlogy
from jax.typing import ArrayLike
from jaxtyping import Array

from . import checks
from .checks import Reduction
from .shapes import AnyFloats, Floats, Losses


def kl_div(
    input: AnyFloats,
    target: AnyFloats,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
    log_target: bool = False,
) -> Losses:
    """Kullback-Leibler divergence of the input from the target, element by element.

    loss_i = t_i · (log t_i − x_i), and exp(t_i) · (t_i − x_i) with `log_target`; t · log t is 0 at t = 0

    Args:
        input: x, log-probabilities.
        target: t, probabilities; shapes broadcast.
        reduction: 'mean' divides by the number of elements, which is no divergence; 'batchmean' divides by the first dimension of `input`, which
            is; 'sum' or 'none'.
        log_target: whether the target holds log-probabilities too.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import numpy as np
        >>> x, t = np.log(np.array([[0.5, 0.5]], "float32")), np.array([[0.25, 0.75]], "float32")
        >>> kl_div(x, t, reduction="batchmean").round(4), kl_div(x, t).round(4)
        (Array(0.1308, dtype=float32), Array(0.0654, dtype=float32))

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not broadcast, an unknown reduction, or a deprecated argument.

    Slope: −t in the input, log t + 1 − x in the target, **NaN in the target at t = 0**, where its value is 0: differentiate the input only,
    or give log-probabilities. An impossible event that does not happen, t = 0 at x = −∞, is 0 · ∞ = NaN; with `log_target`, t = −∞ is NaN.
    PyTorch's counterpart: `torch.nn.functional.kl_div`, which warns about its own default 'mean'.
    Optax: `kl_divergence` sums over the last axis, where 'mean' here divides by it as well.
    """
    name = "kl_div"
    checks.no_deprecated(name, size_average=size_average, reduce=reduce)
    if reduction not in ("batchmean", *checks.REDUCTIONS):
        allowed = "'batchmean', 'none', 'mean', 'sum'"
        raise ValueError(f"{name}: reduction must be one of {allowed}, but {reduction!r} was given")
    x, t = checks.floating(name, "input", input), checks.floating(name, "target", target)
    batch = x.shape[0] if x.ndim else 1
    x, t = checks.promoted(x, t)
    x, t = checks.broadcast(name, input=x, target=t)
    losses = jnp.exp(t) * (t - x) if log_target else xlogy(t, t) - t * x
    return jnp.sum(losses) / batch if reduction == "batchmean" else checks.reduce(name, losses, reduction)


def poisson_nll_loss(
    input: AnyFloats,
    target: ArrayLike,
    log_input: bool = True,
    full: bool = False,
    size_average: None = None,
    eps: float = 1e-8,
    reduce: None = None,
    reduction: Reduction = "mean",
) -> Losses:
    """Negative log-likelihood of counts under Poisson distributions.

    loss_i = exp(x_i) − t_i · x_i, and x_i − t_i · log(x_i + ε) without `log_input`;
    `full` adds Stirling's t · log t − t + log(2π · t) / 2 where t > 1

    Args:
        input: x, logarithms of the rates, or rates.
        target: t, counts, of an integer or a floating dtype; shapes broadcast.
        log_input: whether the input holds logarithms.
        full: whether to add the approximation of log t!, which does not depend on the input.
        eps: ε, which keeps the logarithm of a rate of 0 finite.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import jax, numpy as np
        >>> x, t = np.array([0.0, 0.0], "float32"), np.array([3, 0])
        >>> poisson_nll_loss(x, t), jax.grad(poisson_nll_loss)(x, t)
        (Array(1., dtype=float32), Array([-1. ,  0.5], dtype=float32))

    Raises:
        TypeError: wrong dtypes, or an `eps` that is no number.
        ValueError: shapes that do not broadcast, an unknown reduction, or a deprecated argument.

    Slope: exp(x) − t, or 1 − t / (x + ε). Stirling's term has slope 0 in the target where t ≤ 1, and **NaN where t ≤ 0**, since it is computed
    there and then left out.
    PyTorch's counterpart: `torch.nn.functional.poisson_nll_loss`. Plain JAX: `jax.scipy.special.gammaln(t + 1)` is log t! itself.
    """
    name = "poisson_nll_loss"
    checks.no_deprecated(name, size_average=size_average, reduce=reduce)
    eps = checks.number(name, "eps", eps)
    x = checks.numeric(name, "input", input, booleans=bool(log_input))
    counts = checks.numeric(name, "target", target, booleans=not full and x.dtype != jnp.bool_)
    x = checks.widened(name, "input", x)
    # What depends on one argument alone is computed in its own dtype, and integers count as float32, as in PyTorch.
    log_rate = x if log_input else jnp.log(x + eps)
    added = _stirling(checks.widened(name, "target", counts)) if full else None
    x, log_rate, t = checks.promoted(x, log_rate, counts)
    x, t = checks.broadcast(name, input=x, target=t)
    losses = (jnp.exp(x) if log_input else x) - t * jnp.broadcast_to(log_rate, t.shape)
    if added is not None:
        losses = losses + jnp.broadcast_to(added, t.shape).astype(losses.dtype)
    return checks.reduce(name, losses, reduction)


def _stirling(t: Floats) -> Floats:
    term = t * jnp.log(t) - t + 0.5 * jnp.log(2 * math.pi * t)
    return jnp.where(t <= 1, jnp.zeros_like(t), term)


def gaussian_nll_loss(
    input: AnyFloats,
    target: ArrayLike,
    var: AnyFloats | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: Reduction = "mean",
) -> Losses:
    """Negative log-likelihood of numbers under Gaussian distributions.

    loss_i = (log v_i + (x_i − t_i)² / v_i) / 2 with v = max(var, ε); `full` adds log(2π) / 2

    Args:
        input: x, the expected values.
        target: t, which broadcasts against `input`.
        var: the variances: an array of the shape of `input`, or of that shape without the last dimension, or with one dimension of size 1;
            or a Python float.
        full: whether to add the constant.
        eps: ε, the least variance.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import jax, numpy as np
        >>> x, t = np.array([1.0, 3.0], "float32"), np.array([1.0, 1.0], "float32")
        >>> gaussian_nll_loss(x, t, 1.0), jax.grad(gaussian_nll_loss)(x, t, 1.0)
        (Array(1., dtype=float32), Array([0., 1.], dtype=float32))

    Raises:
        TypeError: wrong dtypes, or a `var` that is neither an array nor a float.
        ValueError: a shape of `var` that does not belong to the input's, shapes that do not broadcast, an unknown reduction, or a negative
            variance (where values cannot be seen: NaN).

    Slope: (x − t) / v in the input, (1 / v − (x − t)² / v²) / 2 in the variance, **below ε too, as if it were ε**: the clamp is not differentiated.
    PyTorch's counterpart: `torch.nn.functional.gaussian_nll_loss`. Plain JAX: `jnp.maximum(var, eps)` has slope 0 below ε and 1/2 at it.
    """
    name = "gaussian_nll_loss"
    eps = checks.number(name, "eps", eps)
    x, t = checks.numeric(name, "input", input), checks.numeric(name, "target", target)
    v = _variance(name, var, x)
    bad, message = v < 0, f"{name}: var must not be negative"
    if checks.concrete(bad) and bool(bad.any()):
        raise ValueError(f"{message}, but {checks.offender(v, bad)} was given")
    x, t, v = checks.promoted(x, t, checks.poison(_at_least(v, eps), bad, message))
    x, t, v = checks.broadcast(name, input=x, target=t, var=v)
    losses = _gaussian(x - t, v)
    return checks.reduce(name, losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def _variance(function: str, var: AnyFloats | float, x: Array) -> Floats:
    """Return the variances, shaped to broadcast against `x`."""
    if isinstance(var, float):
        return jnp.full(x.shape, var, x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.float32)
    v = checks.floating(function, "var", var)
    if v.shape == x.shape:
        return v
    if v.shape == x.shape[:-1]:
        return v[..., None]
    if v.ndim == x.ndim and sum(b for a, b in zip(x.shape, v.shape, strict=True) if a != b) == 1:
        return v
    wanted = f"{x.shape}, {x.shape[:-1]}, or {x.shape} with one dimension of size 1"
    raise ValueError(f"{function}: var must have shape {wanted}, but {v.shape} was given")


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _at_least(v: Floats, eps: float) -> Floats:
    return jnp.maximum(v, eps)


@_at_least.defjvp
def _at_least_jvp(eps: float, primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    return _at_least(primals[0], eps), tangents[0]


@jax.custom_jvp
def _gaussian(d: Floats, v: Floats) -> Floats:
    return 0.5 * (jnp.log(v) + jnp.square(d) / v)


@_gaussian.defjvp
def _gaussian_jvp(primals: tuple[Floats, Floats], tangents: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    (d, v), (dd, dv) = primals, tangents
    # Neither d² · v⁻² nor d² / v / v, which the compiler turns into d² / (v · v): v² underflows where v does not.
    return _gaussian(d, v), dd * (d / v) + dv * (0.5 * (1 / v - jnp.square(d) / v * (1 / v)))
