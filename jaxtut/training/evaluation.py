"""The accuracy of a model: the share of samples that it gets right."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .step import Apply, Params

Correct = Callable[[Any, Any], Bool[Array, " batch"]]


def correct_class(scores: Float[Array, "batch classes"], labels: Int[Array, " batch"]) -> Bool[Array, " batch"]:
    """Say for each sample whether the class with the highest score is its label; of equal scores the first counts.

    Example:
        >>> correct_class(jnp.array([[0.1, 2.0], [0.3, -1.0]]), jnp.array([1, 1]))
        Array([ True, False], dtype=bool)

    Raises:
        TypeError: labels that are no integers.
        ValueError: scores that are not (batch, classes) with two classes or more, or labels that are not (batch,).
    """
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise ValueError(
            f"correct_class: scores must have shape (batch, classes), with at least 2 classes, but {scores.shape} was given; "
            "for one score a sample, take correct=correct_score or correct=correct_probability"
        )
    if labels.shape != scores.shape[:1]:
        raise ValueError(f"correct_class: labels must have shape {scores.shape[:1]}, but {labels.shape} was given")
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise TypeError(f"correct_class: labels must be integers, but {labels.dtype} was given")
    winners = jnp.argmax(scores, axis=1)
    return winners == labels.astype(winners.dtype)


def correct_score(scores: Float[Array, "batch *one"], y: Array, threshold: float = 0.0) -> Bool[Array, " batch"]:
    """Say for each sample whether its score is above the threshold exactly where y is 1.

    Example:
        >>> correct_score(jnp.array([[1.5], [-0.5]]), jnp.array([[1.0], [1.0]]))
        Array([ True, False], dtype=bool)

    Raises:
        ValueError: scores or y that are neither (batch,) nor (batch, 1).
    """
    for name, given in (("scores", scores), ("y", y)):
        if given.shape not in ((len(scores),), (len(scores), 1)):
            raise ValueError(
                f"correct_score: {name} must have shape (batch,) or (batch, 1), but {given.shape} was given"
            )
    return (scores.ravel() > threshold) == (y.ravel() == jnp.ones((), y.dtype))


def correct_probability(probabilities: Float[Array, "batch *one"], y: Array) -> Bool[Array, " batch"]:
    """Say for each sample whether its probability is above ½ exactly where y is 1.

    Example:
        >>> correct_probability(jnp.array([0.9, 0.5]), jnp.array([1, 1]))
        Array([ True, False], dtype=bool)
    """
    return correct_score(probabilities, y, threshold=0.5)


def evaluate(
    apply: Apply, params: Params, X: Any, Y: Any, batch_size: int = 1024, correct: Correct = correct_class
) -> float:
    """Compute the share of samples that the model gets right.

    Args:
        apply: the model, apply(params, x) -> scores.
        params: its parameters.
        X: all samples, shape (n, ...).
        Y: their labels, shape (n,) or (n, 1).
        batch_size: samples in one call of the model; the number that is returned does not depend on it.
        correct: correct(scores, y) -> which samples of the batch are right: `correct_class` for scores of several
            classes, `correct_score` for one raw score, `correct_probability` for one probability.

    Returns:
        The accuracy, from 0 to 1.

    Example:
        >>> X, Y = jnp.array([[3.0, 0.0], [0.0, 1.0], [5.0, 4.0]]), jnp.array([0, 1, 1])
        >>> round(evaluate(lambda params, x: x, {}, X, Y, batch_size=2), 4)
        0.6667

    Raises:
        ValueError: no sample, X and Y of different lengths, a batch size below 1, or shapes that `correct` refuses.

    It is compiled once for each apply, correct and shape of X: the rest that does not fill a batch is evaluated as the
    last `batch_size` samples, of which those already counted are left out.

    PyTorch's counterpart: a loop over a loader under `torch.no_grad()`.
    """
    X, Y = jnp.asarray(X), jnp.asarray(Y)
    if not X.shape or X.shape[:1] != Y.shape[:1] or len(X) == 0:
        raise ValueError(
            f"evaluate: X and Y must hold the same number of samples, but {X.shape} and {Y.shape} were given"
        )
    if batch_size < 1:
        raise ValueError(f"evaluate: batch_size must be at least 1, but {batch_size} was given")
    size = min(batch_size, len(X))
    counts = [_count(apply, correct, size, params, X, Y, jnp.int32(start)) for start in range(0, len(X), size)]
    return sum(int(count) for count in counts) / len(X)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _count(
    apply: Apply, correct: Correct, size: int, params: Params, X: Array, Y: Array, start: Int[Array, ""]
) -> Int[Array, ""]:
    first = jnp.minimum(start, len(X) - size)
    x, y = (jax.lax.dynamic_slice_in_dim(data, first, size) for data in (X, Y))
    right = correct(apply(params, x), y)
    if right.shape != (size,) or right.dtype != bool:
        raise ValueError(
            f"evaluate: correct must give one True or False a sample, but {right.dtype} of shape {right.shape} came"
        )
    return jnp.sum(right & (first + jnp.arange(size, dtype=jnp.int32) >= start), dtype=jnp.int32)
