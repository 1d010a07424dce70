"""The accuracy of a model: the share of samples that it gets right."""

from collections.abc import Callable

import torch
from torch import Tensor

from torch_ref.parameters import Params

from .step import Apply

Correct = Callable[[Tensor, Tensor], Tensor]


def correct_class(scores: Tensor, labels: Tensor) -> Tensor:
    """Say for each sample whether the class with the highest score is its label; of equal scores the first counts.

    Example:
        >>> correct_class(torch.tensor([[0.1, 2.0], [0.3, -1.0]]), torch.tensor([1, 1]))
        tensor([ True, False])
    """
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise ValueError(
            f"correct_class: scores must have shape (batch, classes), with at least 2 classes, but {tuple(scores.shape)} was "
            "given; for one score a sample, take correct=correct_score or correct=correct_probability"
        )
    if labels.shape != scores.shape[:1]:
        raise ValueError(f"correct_class: labels must have shape ({len(scores)},), but {tuple(labels.shape)} was given")
    if labels.is_floating_point():
        raise TypeError(f"correct_class: labels must be integers, but {labels.dtype} was given")
    return scores.argmax(1) == labels


def correct_score(scores: Tensor, y: Tensor, threshold: float = 0.0) -> Tensor:
    """Say for each sample whether its score is above the threshold exactly where y is 1."""
    for name, given in (("scores", scores), ("y", y)):
        if given.shape not in ((len(scores),), (len(scores), 1)):
            shape = tuple(given.shape)
            raise ValueError(f"correct_score: {name} must have shape (batch,) or (batch, 1), but {shape} was given")
    return (scores.ravel() > threshold) == (y.ravel() == 1)


def correct_probability(probabilities: Tensor, y: Tensor) -> Tensor:
    """Say for each sample whether its probability is above ½ exactly where y is 1."""
    return correct_score(probabilities, y, threshold=0.5)


def evaluate(
    apply: Apply, params: Params, X: Tensor, Y: Tensor, batch_size: int = 1024, correct: Correct = correct_class
) -> float:
    """Compute the share of samples that the model gets right.

    Example:
        >>> X, Y = torch.tensor([[3.0, 0.0], [0.0, 1.0], [5.0, 4.0]]), torch.tensor([0, 1, 1])
        >>> round(evaluate(lambda params, x: x, {}, X, Y, batch_size=2), 4)
        0.6667
    """
    if not X.ndim or X.shape[:1] != Y.shape[:1] or len(X) == 0:
        given = f"{tuple(X.shape)} and {tuple(Y.shape)}"
        raise ValueError(f"evaluate: X and Y must hold the same number of samples, but {given} were given")
    if batch_size < 1:
        raise ValueError(f"evaluate: batch_size must be at least 1, but {batch_size} was given")
    right = 0
    with torch.no_grad():
        for x, y in zip(X.split(batch_size), Y.split(batch_size), strict=True):
            right += int(correct(apply(params, x), y).sum())
    return right / len(X)
