"""Lesson 1, gradient calculation: the Jacobian, whole, by rows, by columns, and the products that autograd computes in its place."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]
Mode = Literal["auto", "forward", "reverse"]


def example(x: Tensor) -> Tensor:
    """Map three numbers to two: f(x) = (x₁ · x₂, x₃ · sin x₂), whose Jacobian is [[x₂, x₁, 0], [0, x₃ · cos x₂, sin x₂]]."""
    return torch.stack([x[0] * x[1], x[2] * torch.sin(x[1])])


def cheaper_mode(inputs: int, outputs: int) -> Literal["forward", "reverse"]:
    """Say which mode needs fewer passes for an outputs × inputs Jacobian: forward takes one a column, reverse one a row."""
    return "forward" if inputs < outputs else "reverse"


def jacobian(f: Function, x: Tensor, mode: Mode = "auto") -> Tensor:
    """Compute the whole Jacobian of `f` at `x`, of shape f(x).shape + x.shape.

    Example:
        >>> jacobian(example, torch.tensor([1.0, 0.0, 2.0]))
        tensor([[0., 1., 0.],
                [0., 2., 0.]])
    """
    if mode == "auto":
        mode = cheaper_mode(x.numel(), f(x).numel())
    if mode == "reverse":
        return jacobian_by_rows(f, x)
    if mode == "forward":
        return jacobian_by_columns(f, x)
    raise ValueError(f"jacobian: mode must be 'auto', 'forward' or 'reverse', but {mode!r} was given")


def jacobian_by_rows(f: Function, x: Tensor) -> Tensor:
    """Build the Jacobian from one vector-Jacobian product a row: one call of `backward` for each output, over one graph.

    `torch.func.jacrev` does the same in one vectorised call.
    """
    x = x.detach().requires_grad_()
    y = f(x)
    rows = []
    for unit_vector in torch.eye(y.numel(), dtype=y.dtype):
        (row,) = torch.autograd.grad(y, x, unit_vector.reshape(y.shape), retain_graph=True)
        rows.append(row)
    return torch.stack(rows).reshape(*y.shape, *x.shape)


def jacobian_by_columns(f: Function, x: Tensor) -> Tensor:
    """Build the Jacobian from one Jacobian-vector product a column: forward mode."""
    return torch.func.jacfwd(f)(x)


def vector_jacobian_product(f: Function, x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Compute f(x) and vᵀ · J: what `f(x).backward(v)` leaves in `x.grad`."""
    x = x.detach().requires_grad_()
    y = f(x)
    if v.shape != y.shape:
        raise ValueError(
            f"vector_jacobian_product: v must have the shape of f(x), {tuple(y.shape)}, but {tuple(v.shape)} was given"
        )
    y.backward(v)
    assert x.grad is not None
    return y.detach(), x.grad


def jacobian_vector_product(f: Function, x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Compute f(x) and J · v: the change of f(x) when x moves along v."""
    if v.shape != x.shape:
        raise ValueError(
            f"jacobian_vector_product: v must have the shape of x, {tuple(x.shape)}, but {tuple(v.shape)} was given"
        )
    pushed = torch.func.jvp(f, (x,), (v,))
    return pushed[0], pushed[1]
