"""The Jacobian of the feed-forward network's scores in its input, one for each sample of the batch, in reverse mode."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jaxtyping import Array, Float
from torch import nn

from jaxtut import ffn
from jaxtut.jacobian import jacobian
from jaxtut.torch_random import Generator
from torch_ref import ffn as torch_ffn

from . import plain
from .harness import Side
from .sides import LIBRARY, PLAIN, jax_side, torch_sides


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides: 784-500-10, so 10 × 784 a sample."""
    generator = Generator(seed)
    params, x = ffn.init(generator), generator.randn(batch, 784)

    def library(x: Float[Array, "batch 784"]) -> Float[Array, "batch 10 784"]:
        return jax.vmap(lambda sample: jacobian(lambda v: ffn.apply(params, v[None])[0], sample, mode="reverse"))(x)

    def port(x: Float[Array, "batch 784"]) -> Float[Array, "batch 10 784"]:
        return jax.vmap(jax.jacrev(lambda v: plain.ffn(params, v[None])[0]))(x)

    x_jax = jnp.asarray(x)
    return [jax_side(LIBRARY, library, x_jax), jax_side(PLAIN, port, x_jax), *torch_sides(_torch(params, x))]


def _torch(params: dict[str, Array], x: np.ndarray) -> Callable[[Callable[[Any], Any]], Callable[[], torch.Tensor]]:
    model = torch_ffn.Model().requires_grad_(False)
    model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in params.items()})
    layers = nn.Sequential(model.fc1, model.relu, model.fc2)
    samples = torch.from_numpy(x)

    def make(wrap: Callable[[Any], Any]) -> Callable[[], torch.Tensor]:
        function = wrap(torch.func.vmap(torch.func.jacrev(layers)))
        return lambda: function(samples)

    return make
