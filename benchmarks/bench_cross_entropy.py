"""The gradient of softmax-cross-entropy in the scores: 10 classes in a small batch, 1,000 in most, 32,000 in one of 1,024 and more."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import torch

import jaxtut.functional as F
from jaxtut.torch_random import Generator

from . import plain
from .device import tensor
from .harness import Side
from .limits import Work
from .sides import LIBRARY, PLAIN, jax_side, torch_sides


def classes(batch: int) -> int:
    """Return how many classes there are."""
    return 10 if batch <= 4 else 1000 if batch < 1024 else 32_000


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides."""
    generator = Generator(seed)
    scores, labels = generator.randn(batch, classes(batch)), generator.randint(0, classes(batch), (batch,))
    args = (jnp.asarray(scores), jnp.asarray(labels, "int32"))
    x, y = tensor(scores).requires_grad_(), tensor(labels)

    def make(wrap: Callable[[Any], Any]) -> Callable[[], torch.Tensor]:
        loss = wrap(lambda x: torch.nn.functional.cross_entropy(x, y))
        return lambda: torch.autograd.grad(loss(x), x)[0]

    return [
        jax_side(LIBRARY, jax.grad(F.cross_entropy), *args),
        jax_side(PLAIN, jax.grad(plain.cross_entropy), *args),
        *torch_sides(make),
    ]


def work(batch: int) -> Work:
    """Return what a call must read and write: the scores and their gradient."""
    return Work(bytes=8.0 * batch * classes(batch))
