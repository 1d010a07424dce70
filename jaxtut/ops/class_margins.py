"""Losses with a margin between the scores of classes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Integer

from jaxtut.errors import LabelError

from . import checks
from .checks import Reduction
from .shapes import Labels, Losses

Rows = Float[Array, "batch classes"]


def multi_margin_loss(
    input: Float[ArrayLike, "*batch classes"],
    target: Labels,
    p: int = 1,
    margin: float = 1.0,
    weight: Float[ArrayLike, " classes"] | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
) -> Losses:
    """Hinge loss of many classes: the label's score should exceed every other by a margin.

    loss_n = w[y_n] / C · Σ_{c ≠ y_n} max(0, margin − x_n[y_n] + x_nc)^p

    Args:
        input: scores x, shape (batch, classes) or (classes,).
        target: labels y from 0 to classes − 1, shape (batch,); (), too, for a single sample.
        p: 1 or 2.
        margin: by how much the label's score should be the largest.
        weight: w, a factor for each class.
        reduction: 'mean' over the samples, 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each label.

    Example:
        >>> import jax, numpy as np
        >>> x, y = np.array([[0.0, 1.0, 3.0, 1.0]], "float32"), np.array([1])
        >>> multi_margin_loss(x, y), jax.grad(multi_margin_loss)(x, y)
        (Array(1., dtype=float32), Array([[ 0.  , -0.5 ,  0.25,  0.25]], dtype=float32))

    Raises:
        TypeError: wrong dtypes; the input must be float32 or float64.
        ValueError: shapes that do not belong together, no classes, another `p`, an unknown reduction, or a deprecated argument.
        LabelError: a label outside [0, classes − 1]. Where values cannot be seen (`jit`, `vmap`) the loss of that sample and its gradient are NaN.

    Slope: that of max(0, z)^p in z = margin − x[y] + x_c, which is **0 at z = 0**; and **0 at NaN, where the loss is 0 too**: NaN scores pass unseen.
    PyTorch's counterpart: `torch.nn.functional.multi_margin_loss`; for an empty batch it returns whatever the memory held, here 'sum' is 0 and
    'mean' is NaN. Plain JAX: `jnp.maximum` has half the slope at z = 0, and an index clamps a label that is too large.
    """
    name = "multi_margin_loss"
    checks.no_deprecated(name, size_average=size_average, reduce=reduce)
    if p not in (1, 2):
        raise ValueError(f"{name}: p must be 1 or 2, but {p!r} was given")
    margin = checks.number(name, "margin", margin)
    x, y = _scores(name, input), checks.integral(name, "target", target)
    rows = _rows(name, x)
    if y.ndim > 1 or y.size != rows.shape[0]:
        wanted = f"({rows.shape[0]},)" if rows.shape[0] != 1 else "(1,) or ()"
        raise ValueError(
            f"{name}: target must have shape {wanted} for an input of shape {x.shape}, but {y.shape} was given"
        )
    classes = rows.shape[1]
    _check_labels(name, y, 0, classes)
    losses = _multi_margin(rows, y.reshape(-1), int(p), margin)
    if weight is not None:
        w = checks.floating(name, "weight", weight)
        checks.same_dtype(name, input=x, weight=w)
        checks.shape(name, "weight", w, (classes,))
        losses = losses * _chosen(w[None], y.reshape(-1))
    return checks.reduce(name, _poisoned(name, losses, rows, y.reshape(-1, 1), 0).reshape(y.shape), reduction)


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _multi_margin(x: Rows, y: Integer[Array, " batch"], p: int, margin: float) -> Float[Array, " batch"]:
    z, active = _excess(x, y, margin)
    return jnp.sum(jnp.where(active, z if p == 1 else z * z, 0), 1) / x.shape[1]


@_multi_margin.defjvp
def _multi_margin_jvp(p: int, margin: float, primals: tuple[Rows, Array], tangents: tuple) -> tuple[Array, Array]:
    x, y = primals
    z, active = _excess(x, y, margin)
    slope = jnp.where(active, jnp.ones_like(z) if p == 1 else 2 * z, 0)
    # Each score that is too large pulls the label's score as much as itself.
    slope = jnp.where(_onehot(y, x.shape[1]), -jnp.sum(slope, 1, keepdims=True), slope)
    return _multi_margin(x, y, p, margin), jnp.sum(tangents[0] * slope, 1) / x.shape[1]


def _excess(x: Rows, y: Array, margin: float) -> tuple[Rows, Bool[Array, "batch classes"]]:
    """Return margin − x[y] + x, and where it counts: positive, and not at the label; NaN is not positive."""
    z = margin - _chosen(x, y)[:, None] + x
    return z, (z > 0) & ~_onehot(y, x.shape[1])


def multilabel_margin_loss(
    input: Float[ArrayLike, "*batch classes"],
    target: Integer[ArrayLike, "*batch classes"],
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
) -> Losses:
    """Hinge loss with several labels a sample: every label's score should exceed every other class's by 1.

    loss_n = 1/C · Σ_{j ∈ labels} Σ_{c ∉ labels} max(0, 1 − x_nj + x_nc)

    Args:
        input: scores x, shape (batch, classes) or (classes,).
        target: of the same shape: each sample's labels, from 0 to classes − 1, then −1; what follows the first −1 is not looked at. A label that
            stands twice counts twice.
        reduction: 'mean' over the samples, 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each sample.

    Example:
        >>> import jax, numpy as np
        >>> x, y = np.array([0.0, 1.0, 3.0, 0.0], "float32"), np.array([1, 0, -1, -1])
        >>> multilabel_margin_loss(x, y), jax.grad(multilabel_margin_loss)(x, y)
        (Array(2., dtype=float32), Array([-0.5 , -0.25,  0.5 ,  0.25], dtype=float32))

    Raises:
        TypeError: wrong dtypes; the input must be float32 or float64.
        ValueError: another shape of the target, no classes, an unknown reduction, or a deprecated argument.
        LabelError: a number outside [−1, classes − 1], after the first −1 too. Where values cannot be seen (`jit`, `vmap`) the loss of that sample
            and its gradient are NaN.

    Slope: that of max(0, z) in z = 1 − x_j + x_c, which is **0 at z = 0**; and **0 at NaN, where the loss is 0 too**: NaN scores pass unseen.
    PyTorch's counterpart: `torch.nn.functional.multilabel_margin_loss`; for an empty batch it returns whatever the memory held, here 'sum' is 0
    and 'mean' is NaN. Plain JAX: `jnp.maximum` has half the slope at z = 0.
    """
    name = "multilabel_margin_loss"
    checks.no_deprecated(name, size_average=size_average, reduce=reduce)
    x, y = _scores(name, input), checks.integral(name, "target", target)
    rows = _rows(name, x)
    if y.shape != x.shape and not (x.ndim < 2 and y.ndim < 2 and y.size == x.size):
        raise ValueError(f"{name}: target must have the input's shape {x.shape}, but {y.shape} was given")
    labels = y.reshape(rows.shape)
    _check_labels(name, y, -1, rows.shape[1])
    losses = _poisoned(name, _multilabel_margin(rows, labels), rows, labels, -1)
    return checks.reduce(name, losses.reshape(x.shape[:-1]), reduction)


@jax.custom_jvp
def _multilabel_margin(x: Rows, y: Integer[Array, "batch classes"]) -> Float[Array, " batch"]:
    z, active, _ = _pairs(x, y)
    return jnp.sum(jnp.where(active, z, 0), (1, 2)) / x.shape[1]


@_multilabel_margin.defjvp
def _multilabel_margin_jvp(primals: tuple[Rows, Array], tangents: tuple) -> tuple[Array, Array]:
    x, y = primals
    _, active, chosen = _pairs(x, y)
    counts = active.astype(x.dtype)
    # Summed before the cotangent meets it: an infinite one times a slope of 0 within the sum would be NaN.
    slope = jnp.sum(counts, 1) - jnp.sum(chosen.astype(x.dtype) * jnp.sum(counts, 2, keepdims=True), 1)
    return _multilabel_margin(x, y), jnp.sum(tangents[0] * slope, 1) / x.shape[1]


def _pairs(x: Rows, y: Array) -> tuple[Array, Array, Array]:
    """Return 1 − x_j + x_c for each label j (second axis) and class c (third), where it counts, and which class each label is."""
    listed = jnp.cumsum((y == -1).astype(jnp.int32), 1) == 0
    chosen = _onehot(y, x.shape[1]) & listed[..., None]
    label_scores = jnp.sum(jnp.where(chosen, x[:, None], 0), 2, keepdims=True)
    z = 1 - label_scores + x[:, None]
    others = ~jnp.any(chosen, 1, keepdims=True)
    return z, (z > 0) & others & listed[..., None], chosen


def _scores(function: str, input: ArrayLike) -> Array:
    x = checks.floating(function, "input", input)
    if x.dtype not in (jnp.float32, jnp.float64):
        raise TypeError(f"{function}: input must be float32 or float64, but {x.dtype} was given")
    return x


def _rows(function: str, x: Array) -> Rows:
    """Return the scores as rows, one a sample; a 0-d array is one sample of one class."""
    if x.ndim > 2 or (x.ndim and x.shape[-1] == 0):
        raise ValueError(
            f"{function}: input must have shape (batch, classes) or (classes,), with classes, but {x.shape} was given"
        )
    return x.reshape((x.shape[0] if x.ndim == 2 else 1, x.shape[-1] if x.ndim else 1))


def _onehot(y: Array, classes: int) -> Bool[Array, "*labels classes"]:
    return y[..., None] == jnp.arange(classes, dtype=y.dtype).reshape((1,) * y.ndim + (classes,))


def _chosen(x: Float[Array, "#batch classes"], y: Integer[Array, " batch"]) -> Float[Array, " batch"]:
    """Return each row's number at its label, and 0 for a label out of range: a mask cannot clamp."""
    return jnp.sum(jnp.where(_onehot(y, x.shape[1]), x, 0), 1)


def _check_labels(function: str, y: Array, least: int, classes: int) -> None:
    """Refuse labels out of range, where they can be seen."""
    if not checks.concrete(y):
        return
    labels = np.asarray(y)
    bad = (labels < least) | (labels >= classes)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise LabelError(
            f"{function}: target{list(where)} is {int(labels[where])}, but labels must lie in [{least}, {classes - 1}]"
        )


def _poisoned(function: str, losses: Array, rows: Rows, y: Integer[Array, "batch labels"], least: int) -> Array:
    """Make the losses of samples with a label out of range NaN, and every gradient of theirs."""
    classes = rows.shape[1]
    bad = jnp.any((y < least) | (y >= classes), 1)
    message = f"{function}: a label lies outside [{least}, {classes - 1}]"
    return jnp.where(bad, checks.poison(jnp.sum(rows, 1), bad, message), losses)
