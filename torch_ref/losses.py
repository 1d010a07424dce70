"""Lesson 5, softmax and cross-entropy: as the notes write it, as PyTorch computes it, and why the two agree.

The notes:   D(Ŷ, Y) = −(1/N) Σ Y_i · log Ŷ_i, with Ŷ the softmax probabilities and Y one-hot.
PyTorch:     cross_entropy = log_softmax + nll_loss, which takes raw scores (no softmax layer at the end) and class labels (not one-hot).

The proof. For one sample with scores z and label y, Y picks one term: D = −log Ŷ_y = −z_y + log Σ_j e^(z_j), which is −log_softmax(z)[y].
Its derivative is ∂D/∂z_k = softmax(z)_k − onehot(y)_k, and the mean over N samples divides by N.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.functional import binary_cross_entropy as binary_cross_entropy
from torch.nn.functional import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from torch.nn.functional import cross_entropy as cross_entropy


def softmax(scores: Tensor) -> Tensor:
    """Turn scores into probabilities, over the last dimension."""
    return F.softmax(scores, dim=-1)


def one_hot(labels: Tensor, num_classes: int, dtype: str = "float32") -> Tensor:
    """Turn labels into rows of zeros with a single one."""
    return F.one_hot(labels, num_classes).to(getattr(torch, dtype))


def cross_entropy_of_probabilities(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Compute the cross-entropy as the notes write it: D(Ŷ, Y) = −(1/N) Σ Y_i · log Ŷ_i.

    Example:
        >>> cross_entropy_of_probabilities(torch.tensor([[0.7, 0.2, 0.1]]), torch.tensor([[1.0, 0.0, 0.0]]))
        tensor(0.3567)
    """
    if probabilities.ndim != 2 or probabilities.shape != targets.shape:
        given = f"{tuple(probabilities.shape)} and {tuple(targets.shape)}"
        raise ValueError(
            f"cross_entropy_of_probabilities: expected two tensors of shape (batch, classes), but {given} were given"
        )
    return -(targets * probabilities.log()).sum() / len(probabilities)


def cross_entropy_by_notes(scores: Tensor, labels: Tensor) -> Tensor:
    """Compute the cross-entropy of raw scores the long way: softmax, one-hot, D(Ŷ, Y)."""
    probabilities = softmax(scores)
    return cross_entropy_of_probabilities(
        probabilities, one_hot(labels, probabilities.shape[-1]).to(probabilities.dtype)
    )


def cross_entropy_gradient(scores: Tensor, labels: Tensor) -> Tensor:
    """Compute ∂cross_entropy/∂scores by the formula (softmax(z) − onehot(y)) / N.

    Example:
        >>> cross_entropy_gradient(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
        tensor([[ 0.5000, -0.5000]])
    """
    probabilities = softmax(scores)
    return (probabilities - one_hot(labels, probabilities.shape[-1]).to(probabilities.dtype)) / len(probabilities)
