"""The largest of windows of 3×3, two apart, of 64 images of 56×56 for each of the batch, and its gradient for random cotangents."""

from typing import Any

import jax.numpy as jnp
import torch
from jax import lax

import jaxtut.functional as F
from jaxtut.torch_random import Generator

from .harness import Side
from .limits import Work
from .sides import value_and_gradient

CHANNELS, SIZE, HALF = 64, 56, 28


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides; plain JAX's is `lax.reduce_window`."""
    generator = Generator(seed)
    x, cotangent = generator.randn(batch, CHANNELS, SIZE, SIZE), generator.randn(batch, CHANNELS, HALF, HALF)
    return value_and_gradient(
        lambda x: F.max_pool2d(x, 3, 2, 1), _plain, lambda x: torch.nn.functional.max_pool2d(x, 3, 2, 1), x, cotangent
    )


def _plain(x: Any) -> Any:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 3, 3), (1, 1, 2, 2), [(0, 0), (0, 0), (1, 1), (1, 1)])


def work(batch: int) -> Work:
    """Return what a call must read and write: the images and their gradient, the cotangent and the value."""
    return Work(bytes=4.0 * batch * CHANNELS * 2 * (SIZE**2 + HALF**2))
