"""Lesson 2, the chain rule: x → y → z → L, forward, and backward as autograd finds it.

y = x + 2,  z = 2y²,  L = (z₁ + z₂) / c

The notes that this lesson follows write L with c = 3, and then print ∂L/∂x = [4·3/2, 4·4/2] = [6, 8] at x = (1, 2). The two do not agree:
c = 3 gives [4, 16/3], and [6, 8] belongs to c = 2, the mean over the two features. So the divisor is an argument here. The default, 3, is the
formula as written; `divisor=2` gives the printed numbers. (The notes also write ∂L/∂y as a column; a gradient of a scalar is a row.)

The four stages of a training step, and who does each: prediction: model; gradients: autograd; loss: loss function; parameter updates: optimizer.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import jacrev

from .naming import tap


class Forward(NamedTuple):
    """The values of the forward pass."""

    y: Tensor
    z: Tensor
    L: Tensor


class Backward(NamedTuple):
    """The derivatives in the order in which the backward pass finds them; a gradient of L is a row, 1 × n."""

    dL_dz: Tensor
    dz_dy: Tensor
    dL_dy: Tensor
    dy_dx: Tensor
    dL_dx: Tensor


def forward(x: Any, divisor: float = 3) -> Forward:
    """Compute y = x + 2, z = 2y² and L = Σz / divisor.

    Example:
        >>> forward((1.0, 2.0), divisor=2).L.item()
        25.0
    """
    x = _vector("forward", x, divisor)
    y = tap("y", x + 2)
    z = tap("z", 2 * y**2)
    return Forward(y, z, tap("L", z.sum() / divisor))


def backward(x: Any, divisor: float = 3) -> Backward:
    """Read the derivatives from autograd: gradients of L by its backward pass, Jacobians of the steps by `torch.func.jacrev`.

    Example:
        >>> backward((1.0, 2.0), divisor=2).dL_dx.tolist()
        [[6.0, 8.0]]
    """
    x = _vector("backward", x, divisor)
    if not x.requires_grad:
        x = x.clone().requires_grad_()
    y, z, L = forward(x, divisor)
    # The graph is kept, so that these derivatives can be differentiated again.
    dL_dx, dL_dy, dL_dz = torch.autograd.grad(L, (x, y, z), create_graph=True)
    dz_dy = jacrev(lambda y: 2 * y**2)(y)
    dy_dx = jacrev(lambda x: x + 2)(x)
    return Backward(dL_dz[None], dz_dy, dL_dy[None], dy_dx, dL_dx[None])


def _vector(function: str, x: Any, divisor: float) -> Tensor:
    x = torch.as_tensor(x)
    if x.ndim != 1:
        raise ValueError(
            f"{function}: x must be a vector of features, but a tensor of shape {tuple(x.shape)} was given"
        )
    if divisor == 0:
        raise ValueError(f"{function}: divisor must not be 0")
    return x if x.is_floating_point() else x.to(torch.get_default_dtype())
