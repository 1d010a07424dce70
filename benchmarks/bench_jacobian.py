"""The Jacobian of the feed-forward network's scores in its input, one for each sample of the batch: by rows and by columns."""

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
from .device import module, tensor
from .harness import Side
from .sides import LIBRARY, PLAIN, jax_side, torch_sides


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides of 784-500-10: 10 × 784 a sample, row by row in reverse mode."""
    return _sides((784, 500, 10), "reverse", batch, seed)


def sides_by_columns(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides of 4-500-10: 10 × 4 a sample, column by column in forward mode, which `auto` chooses."""
    return _sides((4, 500, 10), "auto", batch, seed)


def _sides(sizes: tuple[int, int, int], mode: Any, batch: int, seed: int) -> list[Side]:
    generator = Generator(seed)
    params, x = ffn.init(generator, *sizes), generator.randn(batch, sizes[0])
    by_rows = sizes[0] > sizes[2]

    def library(x: Float[Array, "batch inputs"]) -> Float[Array, "batch 10 inputs"]:
        return jax.vmap(lambda sample: jacobian(lambda v: ffn.apply(params, v[None])[0], sample, mode=mode))(x)

    def port(x: Float[Array, "batch inputs"]) -> Float[Array, "batch 10 inputs"]:
        return jax.vmap((jax.jacrev if by_rows else jax.jacfwd)(lambda v: plain.ffn(params, v[None])[0]))(x)

    x_jax = jnp.asarray(x)
    return [jax_side(LIBRARY, library, x_jax), jax_side(PLAIN, port, x_jax), *torch_sides(_torch(params, sizes, x))]


def _torch(
    params: dict[str, Array], sizes: tuple[int, int, int], x: np.ndarray
) -> Callable[[Callable[[Any], Any]], Callable[[], torch.Tensor]]:
    model = torch_ffn.Model(*sizes).requires_grad_(False)
    model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in params.items()})
    layers = module(nn.Sequential(model.fc1, model.relu, model.fc2))
    samples = tensor(x)
    jacobian_of = torch.func.jacrev if sizes[0] > sizes[2] else torch.func.jacfwd

    def make(wrap: Callable[[Any], Any]) -> Callable[[], torch.Tensor]:
        function = wrap(torch.func.vmap(jacobian_of(layers)))
        return lambda: function(samples)

    return make
