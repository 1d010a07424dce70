"""An activation function over rows of 1,000 numbers, and its gradient for random cotangents."""

from collections.abc import Callable
from typing import Any

import jax
import torch

import jaxtut.functional as F
from jaxtut.torch_random import Generator

from .harness import Side
from .limits import Work
from .sides import value_and_gradient

WIDTH = 1000


def relu(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides of max(x, 0)."""
    return _sides(F.relu, jax.nn.relu, torch.nn.functional.relu, batch, seed)


def gelu(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides of x · Φ(x), with the error function."""
    return _sides(F.gelu, lambda x: jax.nn.gelu(x, approximate=False), torch.nn.functional.gelu, batch, seed)


def softmax(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides of softmax along the rows."""
    return _sides(
        lambda x: F.softmax(x, dim=-1), jax.nn.softmax, lambda x: torch.nn.functional.softmax(x, dim=-1), batch, seed
    )


def _sides(
    ours: Callable[..., Any], plain: Callable[..., Any], torchs: Callable[..., Any], batch: int, seed: int
) -> list[Side]:
    generator = Generator(seed)
    x, cotangent = generator.randn(batch, WIDTH), generator.randn(batch, WIDTH)
    return value_and_gradient(ours, plain, torchs, x, cotangent)


def work(batch: int) -> Work:
    """Return what a call must read and write: x, the cotangent, the value and the gradient."""
    return Work(bytes=16.0 * batch * WIDTH)
