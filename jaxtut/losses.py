"""Lesson 5, softmax and cross-entropy: as the notes write it, as PyTorch computes it, and why the two agree.

The notes:   D(Ŷ, Y) = −(1/N) Σ Y_i · log Ŷ_i, with Ŷ the softmax probabilities and Y one-hot.
PyTorch:     cross_entropy = log_softmax + nll_loss, which takes raw scores (no softmax layer at the end) and class labels (not one-hot).

The proof. For one sample with scores z and label y, Y picks one term: D = −log Ŷ_y = −log(e^(z_y) / Σ_j e^(z_j)) = −z_y + log Σ_j e^(z_j),
which is −log_softmax(z)[y]. Its derivative is ∂D/∂z_k = −δ_yk + e^(z_k) / Σ_j e^(z_j) = softmax(z)_k − onehot(y)_k, and the mean over N
samples divides by N. `cross_entropy_gradient` is that formula; the test suite holds all three forms together, in value and in gradient.
They part only in floating point: where a probability underflows to 0, the notes' form gives infinity and PyTorch's does not.
"""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import functional as F
from .functional import binary_cross_entropy as binary_cross_entropy
from .functional import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from .functional import cross_entropy as cross_entropy
from .ops.shapes import Labels, Scores


def softmax(scores: Scores) -> Float[Array, "*batch classes"]:
    """Turn scores into probabilities: S(z_i) = e^(z_i) / Σ_j e^(z_j), over the last dimension.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(softmax(jnp.array([2.0, 1.0, 0.1]))).round(2))
        [0.66 0.24 0.1 ]
    """
    return F.softmax(scores, dim=-1)


def one_hot(labels: Labels, num_classes: int, dtype: str = "float32") -> Float[Array, "*batch classes"]:
    """Turn labels into rows of zeros with a single one.

    Example:
        >>> one_hot(jnp.array([2, 0]), 3)
        Array([[0., 0., 1.],
               [1., 0., 0.]], dtype=float32)
    """
    return F.one_hot(labels, num_classes).astype(dtype)


def cross_entropy_of_probabilities(
    probabilities: Float[ArrayLike, "batch classes"], targets: Float[ArrayLike, "batch classes"]
) -> Float[Array, ""]:
    """Compute the cross-entropy as the notes write it: D(Ŷ, Y) = −(1/N) Σ Y_i · log Ŷ_i.

    Args:
        probabilities: Ŷ, rows that sum to one, after the softmax.
        targets: Y, one-hot rows.

    Returns:
        The mean over the N rows.

    Example:
        >>> Y = jnp.array([[1.0, 0.0, 0.0]])
        >>> cross_entropy_of_probabilities(jnp.array([[0.7, 0.2, 0.1]]), Y).round(4)
        Array(0.3567, dtype=float32)
        >>> cross_entropy_of_probabilities(jnp.array([[0.1, 0.3, 0.6]]), Y).round(4)
        Array(2.3026, dtype=float32)

    A probability of exactly 0 gives inf, or NaN where its target is 0 too; `cross_entropy` on raw scores cannot underflow.
    """
    p, t = jnp.asarray(probabilities), jnp.asarray(targets)
    if p.ndim != 2 or p.shape != t.shape:
        raise ValueError(
            f"cross_entropy_of_probabilities: expected two arrays of shape (batch, classes), but {p.shape} and {t.shape} were given"
        )
    return -jnp.sum(t * jnp.log(p)) / p.shape[0]


def cross_entropy_by_notes(scores: Float[ArrayLike, "batch classes"], labels: Labels) -> Float[Array, ""]:
    """Compute the cross-entropy of raw scores the long way: softmax, one-hot, D(Ŷ, Y).

    Example:
        >>> scores, labels = jnp.array([[2.0, 1.0, 0.1]]), jnp.array([0])
        >>> cross_entropy_by_notes(scores, labels).round(4), cross_entropy(scores, labels).round(4)
        (Array(0.417, dtype=float32), Array(0.417, dtype=float32))
    """
    probabilities = softmax(scores)
    return cross_entropy_of_probabilities(
        probabilities, one_hot(labels, probabilities.shape[-1], str(probabilities.dtype))
    )


def cross_entropy_gradient(scores: Float[ArrayLike, "batch classes"], labels: Labels) -> Float[Array, "batch classes"]:
    """Compute ∂cross_entropy/∂scores by the formula (softmax(z) − onehot(y)) / N.

    Example:
        >>> cross_entropy_gradient(jnp.array([[0.0, 0.0]]), jnp.array([1]))
        Array([[ 0.5, -0.5]], dtype=float32)
    """
    probabilities = softmax(scores)
    targets = one_hot(labels, probabilities.shape[-1], str(probabilities.dtype))
    return (probabilities - targets) / probabilities.shape[0]
