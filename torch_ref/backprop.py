"""Lesson 3, backpropagation: ŷ = w · x, s = ŷ − y, loss = s², forward, with local gradients, and backward by autograd.

The algorithm: (1) forward pass, compute the loss; (2) compute the local gradients of each node; (3) backward pass, multiply them along the
path from the loss to the weight. At x = 1, y = 2, w = 1: ŷ = 1, s = −1, loss = 1, and ∂loss/∂w = −2.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from .naming import tap


class Forward(NamedTuple):
    """The values of the forward pass."""

    y_hat: Tensor
    s: Tensor
    loss: Tensor


class LocalGradients(NamedTuple):
    """What each node knows of itself: the slope of its output in its input."""

    dloss_ds: Tensor
    ds_dy_hat: Tensor
    dy_hat_dw: Tensor


class Backward(NamedTuple):
    """The gradient of the loss at each value, in the order in which the backward pass finds them."""

    dloss_ds: Tensor
    dloss_dy_hat: Tensor
    dloss_dw: Tensor


def forward(x: Any, y: Any, w: Any) -> Forward:
    """Compute the prediction ŷ = w · x, the error s = ŷ − y and the loss s².

    Example:
        >>> [value.item() for value in forward(x=1.0, y=2.0, w=1.0)]
        [1.0, -1.0, 1.0]
    """
    x, y, w = torch.as_tensor(x), torch.as_tensor(y), torch.as_tensor(w)
    y_hat = tap("y_hat", w * x)
    s = tap("s", y_hat - y)
    return Forward(y_hat, s, tap("loss", s**2))


def local_gradients(x: Any, y: Any, w: Any) -> LocalGradients:
    """Ask autograd for the slope of each step alone: ∂loss/∂s, ∂s/∂ŷ and ∂ŷ/∂w.

    Example:
        >>> [gradient.item() for gradient in local_gradients(x=1.0, y=2.0, w=1.0)]
        [-2.0, 1.0, 1.0]
    """
    w = _leaf(w)
    y_hat, s, value = forward(x, y, w)
    (dloss_ds,) = torch.autograd.grad(value, s, create_graph=True)
    (ds_dy_hat,) = torch.autograd.grad(s, y_hat, create_graph=True)
    (dy_hat_dw,) = torch.autograd.grad(y_hat, w, create_graph=True)
    return LocalGradients(dloss_ds, ds_dy_hat, dy_hat_dw)


def backward(x: Any, y: Any, w: Any) -> Backward:
    """Read the gradient of the loss at s, at ŷ and at w from autograd.

    Example:
        >>> [gradient.item() for gradient in backward(x=1.0, y=2.0, w=1.0)]
        [-2.0, -2.0, -2.0]
    """
    w = _leaf(w)
    y_hat, s, value = forward(x, y, w)
    return Backward(*torch.autograd.grad(value, (s, y_hat, w), create_graph=True))


def loss(x: Any, y: Any, w: Any) -> Tensor:
    """Compute the loss alone."""
    return forward(x, y, w).loss


def gradient(x: Any, y: Any, w: Any) -> Tensor:
    """Compute ∂loss/∂w: `loss.backward()`, then `w.grad`.

    Example:
        >>> gradient(x=1.0, y=2.0, w=1.0)
        tensor(-2.)
    """
    w = torch.as_tensor(w).detach().requires_grad_()
    loss(x, y, w).backward()
    assert w.grad is not None
    return w.grad


def _leaf(w: Any) -> Tensor:
    w = torch.as_tensor(w)
    return w if w.requires_grad else w.clone().requires_grad_()
