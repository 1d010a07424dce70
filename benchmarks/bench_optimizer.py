"""One step of Adam on so many million parameters, in one array."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from jaxtut import optim
from jaxtut.torch_random import Generator

from .device import array, tensor, until_done
from .harness import Side
from .limits import Work
from .sides import COMPILED, EAGER, LEARNING_RATE, LIBRARY, PLAIN, compile_afresh

MILLION = 1_000_000


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides; plain JAX's is Optax's own `adam`, whose updates are applied by `optax.apply_updates`."""
    generator = Generator(seed)
    start, gradient = generator.rand(batch * MILLION), generator.rand(batch * MILLION) - 0.5
    return [
        _jax(LIBRARY, optim.Adam(lr=LEARNING_RATE), start, gradient),
        _jax(PLAIN, optax.adam(LEARNING_RATE), start, gradient),
        _torch(EAGER, start, gradient),
        _torch(COMPILED, start, gradient),
    ]


def _jax(name: str, optimizer: optax.GradientTransformation, start: np.ndarray, gradient: np.ndarray) -> Side:
    def update(params: jax.Array, state: Any, gradient: jax.Array) -> tuple[jax.Array, Any]:
        return optim.step(optimizer, params, gradient, state)

    step = jax.jit(update, donate_argnums=(0, 1))
    now, given = jnp.array(start), jnp.asarray(gradient)
    state = optimizer.init(now)

    def run() -> None:
        nonlocal now, state
        now, state = jax.block_until_ready(step(now, state, given))

    return Side(name, run, lambda: {"change": np.array(now) - start})


def _torch(name: str, start: np.ndarray, gradient: np.ndarray) -> Side:
    weights = tensor(start).requires_grad_()
    weights.grad = tensor(gradient)
    optimizer = torch.optim.Adam([weights], lr=LEARNING_RATE)
    step = compile_afresh(optimizer.step) if name == COMPILED else optimizer.step
    return Side(
        name, until_done(step), lambda: {"change": array(weights) - start}, is_torch=True, optional=name == COMPILED
    )


def work(batch: int) -> Work:
    """Return what a call must read (parameters, gradient, both moments) and write (parameters, both moments)."""
    return Work(bytes=7 * 4.0 * batch * MILLION)
