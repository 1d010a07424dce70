"""A convolution of images of 3×32×32 with six kernels of 5×5, and its gradients: once, and eight times inside a loop."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import torch
from jax import lax
from jaxtyping import Array

import jaxtut.functional as F
from jaxtut.torch_random import Generator

from .device import tensor
from .harness import Side
from .limits import Work
from .sides import LIBRARY, PLAIN, jax_side, torch_sides

LOOPS = 8


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides of one call."""
    return _sides(batch, seed, loops=1)


def sides_in_scan(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides of `LOOPS` calls: `lax.scan` in JAX, a loop of Python in torch; the kernel moves a little after each."""
    return _sides(batch, seed, LOOPS)


def _sides(batch: int, seed: int, loops: int) -> list[Side]:
    generator = Generator(seed)
    x, w = generator.randn(batch, 3, 32, 32), generator.randn(6, 3, 5, 5)
    args = (jnp.asarray(x), jnp.asarray(w))
    images, kernel = (tensor(a).requires_grad_() for a in (x, w))

    def make(wrap: Callable[[Any], Any]) -> Callable[[], torch.Tensor]:
        loss = wrap(lambda x, w: torch.nn.functional.conv2d(x, w).square().mean())

        def run() -> torch.Tensor:
            moving, gradients = kernel, ()
            for _ in range(loops):
                gradients = torch.autograd.grad(loss(images, moving), (images, moving))
                moving = (moving - 0.01 * gradients[1]).detach().requires_grad_()
            return torch.cat([gradient.flatten() for gradient in gradients])

        return run

    return [
        jax_side(LIBRARY, _gradients(F.conv2d, loops), *args),
        jax_side(PLAIN, _gradients(lambda x, w: lax.conv_general_dilated(x, w, (1, 1), "VALID"), loops), *args),
        *torch_sides(make),
    ]


def _gradients(convolution: Callable[..., Any], loops: int) -> Callable[[Array, Array], Array]:
    gradients = jax.grad(lambda x, w: (convolution(x, w) ** 2).mean(), (0, 1))

    def run(x: Array, w: Array) -> Array:
        def step(state: tuple[Array, ...], _: None) -> tuple[tuple[Array, ...], None]:
            found = gradients(x, state[0])
            return (state[0] - 0.01 * found[1], *found), None

        if loops == 1:
            found = gradients(x, w)
        else:
            (_, *found), _ = lax.scan(step, (w, jnp.zeros_like(x), jnp.zeros_like(w)), None, length=loops)
        return jnp.concatenate([gradient.ravel() for gradient in found])

    return run


def work(batch: int) -> Work:
    """Return the arithmetic of a call: the outputs and both gradients."""
    return Work(3 * 2.0 * batch * 6 * 28 * 28 * 3 * 25)


def work_in_scan(batch: int) -> Work:
    """Return that of all calls of the loop."""
    return Work(LOOPS * work(batch).flops)
