"""Losses over classes: negative log-likelihood and cross-entropy, from labels or from class probabilities."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from jaxtut.errors import LabelError

from . import checks, label_losses, row_programs
from .checks import Reduction
from .shapes import Labels, Losses
from .softmax import log_softmax


def nll_loss(
    input: Float[ArrayLike, "*batch_classes_positions"],
    target: Labels,
    weight: Float[ArrayLike, " classes"] | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: Reduction = "mean",
) -> Losses:
    """Negative log-likelihood of the labels, given log-probabilities.

    loss_i = −w[y_i] · input[i, y_i]; the mean divides by Σ_i w[y_i] over the samples that are not ignored, not by their number.

    Args:
        input: log-probabilities, shape (classes,), (batch, classes) or (batch, classes, d1, ..., dk).
        target: labels from 0 to classes − 1, shape (), (batch,) or (batch, d1, ..., dk).
        weight: a factor for each class.
        ignore_index: samples with this label count for nothing.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each label.

    Example:
        >>> import numpy as np
        >>> log_probabilities = np.log(np.array([[0.5, 0.5], [0.25, 0.75]], "float32"))
        >>> nll_loss(log_probabilities, np.array([0, 1])).round(4)
        Array(0.4904, dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, an unknown reduction, or PyTorch's deprecated `size_average` and `reduce`.
        LabelError: a label outside [0, classes − 1] that is not `ignore_index`. Where values cannot be seen (`jit`, `vmap`) the loss of that
            sample and its gradient are NaN.

    When every label is ignored, the mean is NaN, as in PyTorch; reduction='sum' gives 0.
    PyTorch's counterpart: `torch.nn.functional.nll_loss`. Plain JAX: indexing clamps a label that is too large to the last class.
    """
    checks.no_deprecated("nll_loss", size_average=size_average, reduce=reduce)
    x, y, w = _arguments("nll_loss", input, target, weight)
    _check_labels("nll_loss", x, y, ignore_index)
    return _label_loss("nll_loss", -x, y, w, ignore_index, reduction, 0.0)


def cross_entropy(
    input: Float[ArrayLike, "*batch_classes_positions"],
    target: ArrayLike,
    weight: Float[ArrayLike, " classes"] | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Losses:
    """Cross-entropy between raw scores and labels, or class probabilities: `log_softmax` followed by `nll_loss`.

    Labels: loss_i = −w[y_i] · log S(z_i)[y_i]. Probabilities: loss_i = −Σ_c w_c · p_ic · log S(z_i)[c].
    Label smoothing ε replaces the target by (1 − ε) · target + ε / classes.

    Args:
        input: raw scores z (no softmax before), shape (classes,), (batch, classes) or (batch, classes, d1, ..., dk).
        target: labels, integers of shape (), (batch,) or (batch, d1, ..., dk); or probabilities, floats of the shape of `input`.
        weight: a factor for each class.
        ignore_index: samples with this label count for nothing; labels only.
        reduction: 'mean' (labels: divided by the sum of the weights of the labels; probabilities: by the batch size and positions), 'sum', 'none'.
        label_smoothing: ε, from 0 to 1.

    Returns:
        A scalar, or with 'none' a loss for each sample and position.

    Example:
        >>> import jax, numpy as np
        >>> scores = np.array([[2.0, 1.0, 0.1]], "float32")
        >>> cross_entropy(scores, np.array([0])).round(4)
        Array(0.417, dtype=float32)
        >>> gradient = jax.grad(cross_entropy)(scores, np.array([0]))  # (softmax(z) − onehot(y)) / N
        >>> print(np.asarray(gradient).round(3))
        [[-0.341  0.242  0.099]]

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, `label_smoothing` outside [0, 1], `ignore_index` with probabilities, an unknown
            reduction, or PyTorch's deprecated `size_average` and `reduce`.
        LabelError: a label outside [0, classes − 1] that is not `ignore_index`. Where values cannot be seen (`jit`, `vmap`) the loss of that
            sample and its gradient are NaN.

    Slope: ∂loss/∂z = (softmax(z) − onehot(y)) / N for the plain mean; no kink.
    When every label is ignored, the mean is NaN, as in PyTorch.
    PyTorch's counterpart: `torch.nn.functional.cross_entropy`. Optax: a label out of range gives a NaN loss with a finite, wrong gradient.
    """
    checks.no_deprecated("cross_entropy", size_average=size_average, reduce=reduce)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"cross_entropy: label_smoothing must lie in [0, 1], but {label_smoothing} was given")
    x = checks.floating("cross_entropy", "input", input)
    y = checks.array("cross_entropy", "target", target)
    if jnp.issubdtype(y.dtype, jnp.floating):
        return _probability_cross_entropy(x, y, weight, ignore_index, reduction, label_smoothing)
    x, y, w = _arguments("cross_entropy", x, y, weight)
    _check_labels("cross_entropy", x, y, ignore_index)
    if not label_smoothing and x.ndim <= 2 and row_programs.are_many(x):
        return _row_loss("cross_entropy", x, y, w, ignore_index, reduction)
    return _label_loss("cross_entropy", -log_softmax(x, _class_axis(x)), y, w, ignore_index, reduction, label_smoothing)


def _arguments(
    function: str, input: ArrayLike, target: ArrayLike, weight: ArrayLike | None
) -> tuple[Array, Array, Array | None]:
    x = checks.floating(function, "input", input)
    y = checks.integral(function, "target", target)
    if x.ndim == 0:
        raise ValueError(f"{function}: input must have a dimension of classes, but a 0-d array was given")
    axis = _class_axis(x)
    expected = x.shape[:axis] + x.shape[axis + 1 :]
    if y.shape != expected:
        raise ValueError(
            f"{function}: target must have shape {expected} for an input of shape {x.shape}, but {y.shape} was given"
        )
    return x, y, _class_weights(function, weight, x)


def _class_weights(function: str, weight: ArrayLike | None, x: Array) -> Array | None:
    if weight is None:
        return None
    w = checks.floating(function, "weight", weight)
    checks.same_dtype(function, input=x, weight=w)
    checks.shape(function, "weight", w, (x.shape[_class_axis(x)],))
    return w


def _class_axis(x: Array) -> int:
    return 0 if x.ndim == 1 else 1


def _along(vector: Array, axis: int, ndim: int) -> Array:
    return vector.reshape(tuple(-1 if i == axis else 1 for i in range(ndim)))


def _check_labels(function: str, x: Array, y: Array, ignore_index: int) -> None:
    """Refuse labels out of range, where they can be seen."""
    if not checks.concrete(y):
        return
    labels, classes = np.asarray(y), x.shape[_class_axis(x)]
    bad = (labels != ignore_index) & ((labels < 0) | (labels >= classes))
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise LabelError(
            f"{function}: target{list(where)} is {int(labels[where])}, but labels must lie in [0, {classes - 1}]"
        )


# Compiled as one, so that a call outside `jit` is one kernel and not a dozen.
@partial(jax.jit, static_argnums=(0, 4, 5, 6))
def _label_loss(
    function: str,
    nll: Array,
    y: Array,
    w: Array | None,
    ignore_index: int,
    reduction: Reduction,
    label_smoothing: float,
) -> Array:
    losses, weights, counted = _label_losses(function, nll, y, w, ignore_index)
    if label_smoothing:
        axis = _class_axis(nll)
        smooth = jnp.sum(nll if w is None else nll * _along(w, axis, nll.ndim), axis) / nll.shape[axis]
        losses = (1 - label_smoothing) * losses + label_smoothing * jnp.where(counted, smooth, 0)
    return _reduce_weighted(function, losses, weights, reduction)


# The same, of scores in rows and without smoothing: what `log_softmax` gives for other labels is not written down.
@partial(jax.jit, static_argnums=(0, 4, 5))
def _row_loss(
    function: str, scores: Array, y: Array, w: Array | None, ignore_index: int, reduction: Reduction
) -> Array:
    counted, bad = _kinds(scores, y, ignore_index)
    # A label that does not count is any class: nothing becomes NaN on the way.
    found = label_losses.losses(scores, jnp.where(counted, y, 0))
    own = None if w is None else _own_weights(w, scores, _chosen(scores, y))
    # The losses themselves depend on every class's score.
    losses, weights = _weighted(found, found, own, counted, bad, _message(function, scores))
    return _reduce_weighted(function, losses, weights, reduction)


def _label_losses(
    function: str, nll: Array, y: Array, w: Array | None, ignore_index: int
) -> tuple[Array, Array, Bool[Array, "..."]]:
    """Return each label's weighted loss and weight, both 0 where ignored and NaN where out of range, and which labels count."""
    axis = _class_axis(nll)
    counted, bad = _kinds(nll, y, ignore_index)
    chosen = _chosen(nll, y)
    losses = jnp.sum(jnp.where(chosen, nll, 0), axis)
    own = None if w is None else _own_weights(w, nll, chosen)
    losses, weights = _weighted(losses, jnp.sum(nll, axis), own, counted, bad, _message(function, nll))
    return losses, weights, counted


def _kinds(scores: Array, y: Array, ignore_index: int) -> tuple[Bool[Array, "..."], Bool[Array, "..."]]:
    """Return which labels count, and which of them are out of range."""
    counted = y != ignore_index
    return counted, counted & ((y < 0) | (y >= scores.shape[_class_axis(scores)]))


def _chosen(scores: Array, y: Array) -> Bool[Array, "..."]:
    """Return where in the array of scores each label stands.

    A mask instead of an index: it cannot clamp, and its gradient is a selection where indexing needs a scatter.
    """
    axis = _class_axis(scores)
    return jnp.expand_dims(y, axis) == _along(jnp.arange(scores.shape[axis], dtype=y.dtype), axis, scores.ndim)


def _own_weights(w: Array, scores: Array, chosen: Bool[Array, "..."]) -> Array:
    """Return the weight of each label's class."""
    axis = _class_axis(scores)
    return jnp.sum(jnp.where(chosen, _along(w, axis, scores.ndim), 0), axis)


def _message(function: str, scores: Array) -> str:
    return f"{function}: a label lies outside [0, {scores.shape[_class_axis(scores)] - 1}]"


def _weighted(
    losses: Array,
    sums: Array,
    own: Array | None,
    counted: Bool[Array, "..."],
    bad: Bool[Array, "..."],
    message: str,
) -> tuple[Array, Array]:
    """Return weighted losses and weights, 0 where ignored; where out of range, the loss is NaN, and through `sums` every class's gradient."""
    weights = jnp.where(counted, 1, 0).astype(losses.dtype)
    if own is not None:
        weights = weights * own
        losses = losses * weights
    # An out-of-range label has chosen nothing, so the sum over the row puts NaN into every class's gradient, not into one.
    losses = jnp.where(bad, checks.poison(sums, bad, message), losses)
    return jnp.where(counted, losses, 0), weights


def _reduce_weighted(function: str, losses: Array, weights: Array, reduction: Reduction) -> Array:
    if reduction != "mean":
        return checks.reduce(function, losses, reduction)
    return jnp.sum(losses) / jnp.sum(weights)


def _probability_cross_entropy(
    x: Array, p: Array, weight: ArrayLike | None, ignore_index: int, reduction: Reduction, label_smoothing: float
) -> Array:
    checks.same_shape("cross_entropy", input=x, target=p)
    checks.same_dtype("cross_entropy", input=x, target=p)
    if ignore_index >= 0:
        raise ValueError(
            f"cross_entropy: ignore_index needs labels, but the target holds probabilities and {ignore_index} was given"
        )
    axis = _class_axis(x)
    w = _class_weights("cross_entropy", weight, x)
    if label_smoothing:
        p = p * (1 - label_smoothing) + label_smoothing / x.shape[axis]
    terms = -log_softmax(x, axis) * p
    losses = jnp.sum(terms if w is None else terms * _along(w, axis, x.ndim), axis)
    return checks.reduce("cross_entropy", losses, reduction)
