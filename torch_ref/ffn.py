"""Lesson 6b, the feed-forward network "which animal?": linear → ReLU → linear → raw scores; and its binary variant with a sigmoid."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from . import initializers, parameters
from .naming import tap
from .parameters import Params

NAMES = ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")


class Model(nn.Module):
    """Two linear layers with a ReLU between them."""

    def __init__(self, input_size: int = 784, hidden_size: int = 500, num_classes: int = 10):
        super().__init__()
        self.fc1 = nn.Linear(input_size, hidden_size)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden_size, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the raw scores."""
        hidden = tap("fc1", self.fc1(x))
        hidden = tap("relu", self.relu(hidden))
        return tap("fc2", self.fc2(hidden))


def init(
    generator: torch.Generator | None,
    input_size: int = 784,
    hidden_size: int = 500,
    num_classes: int = 10,
    dtype: str = "float32",
) -> Params:
    """Draw the initial parameters as `Model(...)` draws them, from the given generator."""
    W1, b1 = initializers.linear(input_size, hidden_size, generator=generator, dtype=dtype)
    W2, b2 = initializers.linear(hidden_size, num_classes, generator=generator, dtype=dtype)
    assert b1 is not None
    assert b2 is not None
    return {"fc1.weight": W1, "fc1.bias": b1, "fc2.weight": W2, "fc2.bias": b2}


def apply(params: Params, x: Tensor) -> Tensor:
    """Compute the raw scores of `Model` with these parameters."""
    parameters.require("ffn.apply", params, NAMES)
    hidden_size, input_size = params["fc1.weight"].shape
    with torch.device("meta"):
        model = Model(input_size, hidden_size, len(params["fc2.weight"]))
    return functional_call(model, params, (x,))


def loss(params: Params, x: Tensor, labels: Tensor) -> Tensor:
    """Compute the mean cross-entropy of the scores."""
    return F.cross_entropy(apply(params, x), labels)


def predict(params: Params, x: Tensor) -> Tensor:
    """Return the class with the highest score."""
    return apply(params, x).argmax(1)


def apply_binary(params: Params, x: Tensor) -> Tensor:
    """Compute the probability of the positive class: the network with one score, under a sigmoid."""
    return tap("sigmoid", torch.sigmoid(apply(params, x)))


def binary_loss(params: Params, x: Tensor, y: Tensor) -> Tensor:
    """Compute the binary cross-entropy of the probabilities, as the course does."""
    return F.binary_cross_entropy(apply_binary(params, x), y)


def binary_loss_with_logits(params: Params, x: Tensor, y: Tensor) -> Tensor:
    """Compute the same loss from the raw score, without saturation."""
    return F.binary_cross_entropy_with_logits(apply(params, x), y)
