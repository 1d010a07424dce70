"""Losses with a margin: hinges, and their smooth relatives."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array

from . import checks
from .checks import Reduction
from .shapes import AnyFloats, Floats, Losses
from .sigmoids import logsigmoid


def soft_margin_loss(
    input: AnyFloats,
    target: ArrayLike,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
) -> Losses:
    """Logistic loss of scores for targets 1 and −1.

    loss_i = log(1 + exp(−t_i · x_i)), by this formula to the letter

    Args:
        input: scores x.
        target: t, 1 or −1, of any real dtype, which broadcasts to the shape of `input`.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import jax, numpy as np
        >>> x, t = np.array([0.0, 0.0], "float32"), np.array([1, -1])
        >>> soft_margin_loss(x, t).round(4), jax.grad(soft_margin_loss)(x, t)
        (Array(0.6931, dtype=float32), Array([-0.25,  0.25], dtype=float32))

    Raises:
        TypeError: wrong dtypes.
        ValueError: a target that does not broadcast to the input, an unknown reduction, or a deprecated argument.

    Slope: −t · e / (1 + e) with e = exp(−t · x). **Where e overflows, at t · x below −88 in float32, the loss is infinite and the slope NaN**, as in
    PyTorch; `binary_cross_entropy_with_logits` with targets (t + 1) / 2 is the same function without overflow.
    PyTorch's counterpart: `torch.nn.functional.soft_margin_loss`, which refuses a gradient in the target.
    Plain JAX: `jax.nn.softplus(-t * x)` does not overflow.
    """
    name = "soft_margin_loss"
    checks.no_deprecated(name, size_average=size_average, reduce=reduce)
    x = checks.floating(name, "input", input)
    t = checks.numeric(name, "target", target, booleans=True).astype(x.dtype)
    both, t = checks.broadcast(name, input=x, target=t)
    if both.shape != x.shape:
        raise ValueError(f"{name}: target must broadcast to the input's shape {x.shape}, but {t.shape} was given")
    return checks.reduce(name, _logistic(x * t), reduction)


@jax.custom_jvp
def _logistic(u: Floats) -> Floats:
    return jnp.log1p(jnp.exp(-u))


@_logistic.defjvp
def _logistic_jvp(primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (u,), (du,) = primals, tangents
    e = jnp.exp(-u)
    return _logistic(u), du * (-e / (1 + e))


def multilabel_soft_margin_loss(
    input: AnyFloats,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
) -> Losses:
    """Binary cross-entropy of raw scores, averaged over the classes of each sample.

    loss_n = −1/C · Σ_c w_c · [t_nc · log σ(x_nc) + (1 − t_nc) · log σ(−x_nc)]

    Args:
        input: scores x, shape (..., classes).
        target: t, from 0 to 1, of the same shape; integers are taken too, booleans are not.
        weight: w, which broadcasts.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each sample.

    Example:
        >>> import jax, numpy as np
        >>> x, t = np.array([[0.0, 0.0]], "float32"), np.array([[1, 0]])
        >>> multilabel_soft_margin_loss(x, t).round(4), jax.grad(multilabel_soft_margin_loss)(x, t)
        (Array(0.6931, dtype=float32), Array([[-0.25,  0.25]], dtype=float32))

    Raises:
        TypeError: wrong dtypes.
        ValueError: a 0-d input, shapes that do not broadcast, an unknown reduction, or a deprecated argument.

    Slope: (σ(x) − t) · w / C. An infinite score on the right side is 0 · ∞ = NaN in value, and its slope is 0.
    PyTorch's counterpart: `torch.nn.functional.multilabel_soft_margin_loss`.
    """
    name = "multilabel_soft_margin_loss"
    checks.no_deprecated(name, size_average=size_average, reduce=reduce)
    x, t = checks.floating(name, "input", input), checks.numeric(name, "target", target)
    if x.ndim == 0:
        raise ValueError(f"{name}: input must have a dimension of classes, but a 0-d array was given")
    axis, classes = x.ndim - 1, x.shape[-1]
    log_p, log_q, t = checks.promoted(logsigmoid(x), logsigmoid(-x), t)
    log_p, t = checks.broadcast(name, input=log_p, target=t)
    losses = -(t * log_p + (1 - t) * jnp.broadcast_to(log_q, t.shape))
    if weight is not None:
        w = checks.numeric(name, "weight", weight, booleans=True)
        losses, w = checks.promoted(losses, w)
        losses = jnp.multiply(*checks.broadcast(name, losses=losses, weight=w))
    return checks.reduce(name, jnp.sum(losses, axis) / classes, reduction)


def hinge_embedding_loss(
    input: AnyFloats,
    target: ArrayLike,
    margin: float = 1.0,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
) -> Losses:
    """Distance for similar pairs, hinge for dissimilar ones.

    loss_i = x_i where t_i = 1, max(0, margin − x_i) where t_i = −1, and both together for any other target

    Args:
        input: x, usually distances.
        target: t, 1 or −1, of any real dtype; shapes broadcast.
        margin: how far dissimilar pairs should be apart.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import jax, numpy as np
        >>> x, t = np.array([0.5, 1.0], "float32"), np.array([1, -1])
        >>> hinge_embedding_loss(x, t), jax.grad(hinge_embedding_loss)(x, t)
        (Array(0.25, dtype=float32), Array([ 0.5, -0.5], dtype=float32))

    Raises:
        TypeError: wrong dtypes, or a `margin` that is no number.
        ValueError: shapes that do not broadcast, an unknown reduction, or a deprecated argument.

    Slope: 1 for t = 1; for t = −1, −1 for x < margin, **−1 at x = margin**, 0 above it and at NaN.
    PyTorch's counterpart: `torch.nn.functional.hinge_embedding_loss`, which takes integers with 'sum' and 'none' too.
    Optax: `hinge_loss` has slope −1/2 at its kink, where `jnp.maximum` splits the tie. Plain JAX: `jax.nn.relu` has slope 0 there.
    """
    name = "hinge_embedding_loss"
    checks.no_deprecated(name, size_average=size_average, reduce=reduce)
    margin = checks.number(name, "margin", margin)
    x = checks.floating(name, "input", input)
    t = checks.numeric(name, "target", target, booleans=True)
    x, t = checks.broadcast(name, input=x, target=t.astype(jnp.int32) if t.dtype == jnp.bool_ else t)
    zeros = jnp.zeros_like(x)
    far, near = jnp.where(t != 1, at_least_zero(margin - x), zeros), jnp.where(t != -1, x, zeros)
    return checks.reduce(name, far + near, reduction)


def margin_ranking_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    margin: float = 0,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
) -> Losses:
    """Hinge of a difference: the first score should be larger where the target is 1, smaller where it is −1.

    loss_i = max(0, −t_i · (x1_i − x2_i) + margin)

    Args:
        input1: x1, scores.
        input2: x2, scores.
        target: t, 1 or −1; all three of one rank, and shapes broadcast.
        margin: by how much they should differ.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import jax, numpy as np
        >>> x1, x2, t = np.array([2.0, 1.0], "float32"), np.array([1.0, 1.0], "float32"), np.array([-1, 1])
        >>> margin_ranking_loss(x1, x2, t), jax.grad(margin_ranking_loss)(x1, x2, t)
        (Array(0.5, dtype=float32), Array([ 0.5, -0.5], dtype=float32))

    Raises:
        TypeError: wrong dtypes, or a `margin` that is no number.
        ValueError: different ranks, shapes that do not broadcast, an unknown reduction, or a deprecated argument.

    Slope: −t in x1 and t in x2 where the loss is positive **and where it is just 0**, 0 beyond and at NaN.
    PyTorch's counterpart: `torch.nn.functional.margin_ranking_loss`. Plain JAX: `jnp.maximum` has half the slope at the kink, `jax.nn.relu` none.
    """
    name = "margin_ranking_loss"
    checks.no_deprecated(name, size_average=size_average, reduce=reduce)
    margin = checks.number(name, "margin", margin)
    arrays = {"input1": input1, "input2": input2, "target": target}
    x1, x2, t = (checks.numeric(name, argument, x) for argument, x in arrays.items())
    same_rank(name, input1=x1, input2=x2, target=t)
    x1, x2, t = (checks.widened(name, "input1", x) for x in checks.promoted(x1, x2, t))
    x1, x2, t = checks.broadcast(name, input1=x1, input2=x2, target=t)
    return checks.reduce(name, at_least_zero(-t * (x1 - x2) + margin), reduction)


def same_rank(function: str, **arrays: Array) -> None:
    """Refuse arrays with different numbers of dimensions, which would broadcast."""
    if len({x.ndim for x in arrays.values()}) > 1:
        given = ", ".join(f"{name} {x.shape}" for name, x in arrays.items())
        raise ValueError(f"{function}: expected arguments of one rank, but {given} were given")


@jax.custom_jvp
def at_least_zero(x: Floats) -> Floats:
    """Return max(0, x), with slope 1 at 0 and 0 at NaN: PyTorch's clamp, unlike its rectified linear unit."""
    return jnp.where(x < 0, jnp.zeros_like(x), x)


@at_least_zero.defjvp
def _at_least_zero_jvp(primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    return at_least_zero(x), jnp.where(x >= 0, t, jnp.zeros_like(t))
