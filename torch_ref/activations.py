"""Lesson 4, activation functions: the popular ones, their slopes, and what a network is without them.

| function   | value                | slope                      | slope at the kink    |
|------------|----------------------|----------------------------|----------------------|
| step       | 1 for x >= 0, else 0 | 0                          | 0 at 0               |
| sigmoid    | 1 / (1 + e^−x)       | s · (1 − s)                | none                 |
| tanh       | 2 · sigmoid(2x) − 1  | 1 − tanh²                  | none                 |
| relu       | max(x, 0)            | 0 or 1                     | 0 at 0               |
| leaky_relu | x or 0.01 · x        | 1 or 0.01                  | 0.01 at 0            |
| softmax    | e^x_i / Σ e^x_j      | S_i · (δ_ij − S_j)         | none                 |
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.functional import leaky_relu as leaky_relu
from torch.nn.functional import relu as relu


def step(input: Tensor) -> Tensor:
    """Step function of the perceptron: 1 for x >= 0, else 0; NaN stays NaN.

    `torch.heaviside` has no gradient; this one keeps the graph, with slope 0.

    Example:
        >>> step(torch.tensor([-1.0, 0.0, 2.0]))
        tensor([0., 1., 1.])
    """
    value = torch.where(input.isnan(), input, (input >= 0).to(input.dtype))
    return value.detach() + torch.zeros_like(input) * torch.where(input.isfinite(), input, 0)


def sigmoid(input: Tensor) -> Tensor:
    """Logistic sigmoid: 1 / (1 + e^−x)."""
    return torch.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent."""
    return torch.tanh(input)


def softmax(x: Tensor) -> Tensor:
    """Softmax over the last dimension."""
    return F.softmax(x, dim=-1)


def slope(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Compute the slope of an elementwise function at every element of `x`: one backward pass with a cotangent of ones.

    Example:
        >>> slope(relu, torch.tensor([-1.0, 0.0, 1.0]))
        tensor([0., 0., 1.])
    """
    x = x.detach().requires_grad_()
    y = f(x)
    y.backward(torch.ones_like(y))
    assert x.grad is not None
    return x.grad


def stacked_linear(x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> Tensor:
    """Apply two linear layers with nothing between them: W₂ (W₁ x + b₁) + b₂."""
    return F.linear(F.linear(x, W1, b1), W2, b2)


def collapse(W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    """Find the one linear layer that does what two do: W = W₂ W₁ and b = W₂ b₁ + b₂."""
    return W2 @ W1, W2 @ b1 + b2
