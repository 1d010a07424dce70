"""Binary cross-entropy, from probabilities and from raw scores."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import checks
from .checks import Reduction
from .shapes import AnyFloats, Losses

# PyTorch's constants: the logarithm of a probability is not let below LOG_FLOOR, the slope's denominator p · (1 − p) not below SLOPE_FLOOR.
LOG_FLOOR = -100.0
# The latter is a float32 constant in PyTorch's source, also for float64 arrays: 9.99999996e-13.
SLOPE_FLOOR = float(np.float32(1e-12))


def binary_cross_entropy(
    input: AnyFloats,
    target: AnyFloats,
    weight: Float[ArrayLike, "..."] | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
) -> Losses:
    """Binary cross-entropy of probabilities.

    loss_i = −w_i · [t_i · log p_i + (1 − t_i) · log(1 − p_i)], with each logarithm at least −100

    Args:
        input: probabilities p, between 0 and 1, of any shape.
        target: t, of the same shape; usually 0 or 1.
        weight: a factor for each element, which broadcasts against `input`.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import numpy as np
        >>> print(f"{binary_cross_entropy(np.array([0.5, 0.9], 'float32'), np.array([1.0, 1.0], 'float32')):.4f}")
        0.3993

    Raises:
        TypeError: wrong dtypes.
        ValueError: different shapes, a probability outside [0, 1] (where values cannot be seen: NaN), or a deprecated argument.

    Slope: (p − t) / max(p · (1 − p), 1e-12). At a saturated and correct p it is 0; at a saturated and *wrong* p it is 1e12, which the sigmoid's
    slope 0 then turns into 0: a dead sample. `binary_cross_entropy_with_logits` has the right slope there and is the safe choice.
    In the target the slope is log(1 − p) − log p, unclamped: infinite at a saturated p.
    PyTorch's counterpart: `torch.nn.functional.binary_cross_entropy`.
    """
    name = "binary_cross_entropy"
    checks.no_deprecated(name, size_average=size_average, reduce=reduce)
    p, t = _arguments(name, input, target)
    bad = ~((p >= 0) & (p <= 1))  # true at NaN too
    message = f"{name}: input must lie in [0, 1]"
    if checks.concrete(bad) and bool(bad.any()):
        raise ValueError(
            f"{message}, but {checks.offender(p, bad)} was given; raw scores belong into {name}_with_logits"
        )
    losses = checks.poison(_bce(p, t), bad, message)
    return checks.reduce(name, _weighted(name, losses, weight, "weight"), reduction)


@jax.custom_jvp
def _bce(p: Array, t: Array) -> Array:
    log_p, log_q = jnp.maximum(jnp.log(p), LOG_FLOOR), jnp.maximum(_log_of_rest(p), LOG_FLOOR)
    return -(t * log_p + (1 - t) * log_q)


def _log_of_rest(p: Array) -> Array:
    """Compute log(1 − p)."""
    # XLA's log1p of a float64 between −0.414 and −0.356 is off by up to 128 ulp on CPU; log(1 − p) has lost at most 2 there.
    return jnp.where(p > 0.3, jnp.log(1 - p), jnp.log1p(-p))


def _bce_jvp(primals: tuple[Array, Array], tangents: tuple) -> tuple[Array, Array]:
    (p, t), (dp, dt) = primals, tangents
    tangent = jnp.zeros_like(p)
    if not isinstance(dp, SymbolicZero):
        tangent = tangent + dp * ((p - t) / jnp.maximum((1 - p) * p, SLOPE_FLOOR))
    # The slope in the target is not clamped, and infinite at a saturated p: left out where it is not asked for, since 0 · inf is NaN.
    if not isinstance(dt, SymbolicZero):
        tangent = tangent + dt * (_log_of_rest(p) - jnp.log(p))
    return _bce(p, t), tangent


_bce.defjvp(_bce_jvp, symbolic_zeros=True)


def binary_cross_entropy_with_logits(
    input: AnyFloats,
    target: AnyFloats,
    weight: Float[ArrayLike, "..."] | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
    pos_weight: Float[ArrayLike, "..."] | None = None,
) -> Losses:
    """Binary cross-entropy of raw scores: sigmoid and logarithm in one, without overflow or saturation.

    loss_i = −w_i · [c · t_i · log σ(z_i) + (1 − t_i) · log(1 − σ(z_i))], computed as (1 − t) · z − (1 + (c − 1) · t) · log σ(z)

    Args:
        input: raw scores z, of any shape.
        target: t, of the same shape; usually 0 or 1.
        weight: a factor for each element, which broadcasts against `input`.
        reduction: 'mean', 'sum' or 'none'.
        pos_weight: c, a factor for the positive class, which broadcasts against `input`.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import jax, numpy as np
        >>> wrong = np.array([-200.0], "float32"), np.array([1.0], "float32")
        >>> binary_cross_entropy_with_logits(*wrong)
        Array(200., dtype=float32)
        >>> jax.grad(binary_cross_entropy_with_logits)(*wrong)
        Array([-1.], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: different shapes, weights that do not broadcast, or a deprecated argument.

    Slope: (c · t + 1 − t) · sigmoid(z) − c · t, which is sigmoid(z) − t for c = 1: never 0 for a wrong score, however large.
    PyTorch's counterpart: `torch.nn.functional.binary_cross_entropy_with_logits`.
    """
    name = "binary_cross_entropy_with_logits"
    checks.no_deprecated(name, size_average=size_average, reduce=reduce)
    z, t = _arguments(name, input, target)
    losses = _bce_with_logits(z, t, _weighted(name, jnp.ones_like(z), pos_weight, "pos_weight"))
    return checks.reduce(name, _weighted(name, losses, weight, "weight"), reduction)


@jax.custom_jvp
def _bce_with_logits(z: Array, t: Array, c: Array) -> Array:
    return (1 - t) * z - (1 + (c - 1) * t) * jax.nn.log_sigmoid(z)


@_bce_with_logits.defjvp
def _bce_with_logits_jvp(
    primals: tuple[Array, Array, Array], tangents: tuple[Array, Array, Array]
) -> tuple[Array, Array]:
    (z, t, c), (dz, dt, dc) = primals, tangents
    slope = (c * t + 1 - t) * jax.nn.sigmoid(z) - c * t
    log_p, log_q = jax.nn.log_sigmoid(z), jax.nn.log_sigmoid(-z)
    return _bce_with_logits(z, t, c), dz * slope + dt * (log_q - c * log_p) - dc * (t * log_p)


def _arguments(function: str, input: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
    x = checks.floating(function, "input", input)
    t = checks.floating(function, "target", target)
    checks.same_shape(function, input=x, target=t)
    checks.same_dtype(function, input=x, target=t)
    return x, t


def _weighted(function: str, losses: Array, weight: ArrayLike | None, argument: str) -> Array:
    if weight is None:
        return losses
    w = checks.floating(function, argument, weight)
    checks.same_dtype(function, input=losses, **{argument: w})
    try:
        return losses * jnp.broadcast_to(w, losses.shape)
    except ValueError:
        raise ValueError(
            f"{function}: {argument} of shape {w.shape} does not broadcast to the input's {losses.shape}"
        ) from None
