"""Lesson 6a, linear and logistic regression: one linear layer, alone or under a sigmoid."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from . import initializers, parameters
from .naming import tap
from .parameters import Params

NAMES = ("linear.weight", "linear.bias")


class Model(nn.Module):
    """One linear layer."""

    def __init__(self, input_size: int, output_size: int = 1):
        super().__init__()
        self.linear = nn.Linear(input_size, output_size)

    def forward(self, x: Tensor) -> Tensor:
        """Return x · Wᵀ + b."""
        return tap("linear", self.linear(x))


def init(generator: torch.Generator | None, input_size: int, output_size: int = 1, dtype: str = "float32") -> Params:
    """Draw the initial parameters as `Model(input_size, output_size)` draws them, from the given generator."""
    weight, bias = initializers.linear(input_size, output_size, generator=generator, dtype=dtype)
    assert bias is not None
    return {"linear.weight": weight, "linear.bias": bias}


def apply(params: Params, x: Tensor) -> Tensor:
    """Predict ŷ = x · Wᵀ + b: a real number in linear regression, a raw score in logistic regression."""
    parameters.require("regression.apply", params, NAMES)
    outputs, inputs = params["linear.weight"].shape
    with torch.device("meta"):
        model = Model(inputs, outputs)
    return functional_call(model, params, (x,))


def loss(params: Params, x: Tensor, y: Tensor) -> Tensor:
    """Compute the mean squared error of linear regression."""
    return F.mse_loss(apply(params, x), y)


def apply_logistic(params: Params, x: Tensor) -> Tensor:
    """Predict the probability of the positive class, sigmoid(x · Wᵀ + b)."""
    return tap("sigmoid", torch.sigmoid(apply(params, x)))


def logistic_loss(params: Params, x: Tensor, y: Tensor) -> Tensor:
    """Compute the loss of logistic regression as the course does: sigmoid, then binary cross-entropy of the probabilities."""
    return F.binary_cross_entropy(apply_logistic(params, x), y)


def logistic_loss_with_logits(params: Params, x: Tensor, y: Tensor) -> Tensor:
    """Compute the same loss from the raw scores, without saturation."""
    return F.binary_cross_entropy_with_logits(apply(params, x), y)
