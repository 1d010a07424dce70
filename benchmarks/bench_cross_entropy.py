"""The gradient of softmax-cross-entropy in the scores of 1,000 classes."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import torch

import jaxtut.functional as F
from jaxtut.torch_random import Generator

from . import plain
from .harness import Side
from .sides import LIBRARY, PLAIN, jax_side, torch_sides

CLASSES = 1000


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides."""
    generator = Generator(seed)
    scores, labels = generator.randn(batch, CLASSES), generator.randint(0, CLASSES, (batch,))
    args = (jnp.asarray(scores), jnp.asarray(labels, "int32"))
    x, y = torch.from_numpy(scores).requires_grad_(), torch.from_numpy(labels)

    def make(wrap: Callable[[Any], Any]) -> Callable[[], torch.Tensor]:
        loss = wrap(lambda x: torch.nn.functional.cross_entropy(x, y))
        return lambda: torch.autograd.grad(loss(x), x)[0]

    return [
        jax_side(LIBRARY, jax.grad(F.cross_entropy), *args),
        jax_side(PLAIN, jax.grad(plain.cross_entropy), *args),
        *torch_sides(make),
    ]
