"""The gradient of the chain rule's lesson, L = Σ 2(x + 2)² / 3, for a vector of so many numbers."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import torch
from jaxtyping import Array, Float

from jaxtut import chain_rule
from jaxtut.torch_random import Generator

from .device import tensor
from .harness import Side
from .limits import Work
from .sides import LIBRARY, PLAIN, jax_side, torch_sides


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides; the library's is the gradient of the lesson's forward pass."""
    x = Generator(seed).randn(batch)
    leaf = tensor(x).requires_grad_()

    def make(wrap: Callable[[Any], Any]) -> Callable[[], torch.Tensor]:
        loss = wrap(lambda x: (2 * (x + 2) ** 2).sum() / 3)
        return lambda: torch.autograd.grad(loss(leaf), leaf)[0]

    def plain(x: Float[Array, " n"]) -> Float[Array, ""]:
        return jnp.sum(2 * (x + 2) ** 2) / 3

    return [
        jax_side(LIBRARY, jax.grad(lambda x: chain_rule.forward(x).L), jnp.asarray(x)),
        jax_side(PLAIN, jax.grad(plain), jnp.asarray(x)),
        *torch_sides(make),
    ]


def work(batch: int) -> Work:
    """Return what a call must read and write: x and its gradient."""
    return Work(bytes=8.0 * batch)
