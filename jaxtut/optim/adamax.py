"""Adamax: Adam with the largest recent gradient in place of the root mean square."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from . import arguments, parts
from .arguments import Betas, LearningRate


class AdamaxState(NamedTuple):
    """How many steps were taken, the running mean and the decaying maximum, under PyTorch's names."""

    step: Int[Array, ""]
    exp_avg: Any
    exp_inf: Any


def Adamax(
    lr: LearningRate = 2e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Scale each step by its own largest recent gradient.

    m ← β₁ m + (1 − β₁) g;  u ← max(β₂ u, |g| + eps);  θ ← θ − lr / (1 − β₁ᵗ) · m / u, with g ← g + weight_decay · θ
    before.

    Args:
        lr: learning rate; or a schedule f(step), asked with 0 in the first step.
        betas: β₁ and β₂, each in [0, 1).
        eps: keeps the division finite.
        weight_decay: factor of the parameters that is added to the gradient.
        maximize: climb instead.

    Returns:
        An Optax gradient transformation.

    Example:
        >>> optimizer = Adamax(lr=0.5)
        >>> params = jnp.array([1.0, -1.0])
        >>> updates, state = optimizer.update(jnp.array([3.0, -0.2]), optimizer.init(params), params)
        >>> optax.apply_updates(params, updates).round(4)
        Array([ 0.5, -0.5], dtype=float32)

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a negative lr, eps or weight_decay; a beta outside [0, 1).

    PyTorch's counterpart: `torch.optim.Adamax`. `optax.adamax` has the same formula, with cancellation in 1 − βᵗ.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, section 7.
    """
    arguments.learning_rate("Adamax", lr)
    arguments.betas("Adamax", betas)
    arguments.not_negative("Adamax", eps=eps, weight_decay=weight_decay)
    arguments.flags("Adamax", maximize=maximize)
    return parts.chain(scale_by_adamax(betas, eps), lr, weight_decay, maximize)


def scale_by_adamax(betas: Betas, eps: float) -> optax.GradientTransformation:
    """Turn gradients into Adamax's direction."""
    b1, b2 = betas

    def init(params: Any) -> AdamaxState:
        return AdamaxState(parts.no_steps(), parts.zeros_like(params), parts.zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, AdamaxState]:
        step = parts.next_step(state.step)
        mean = parts.running_mean(state.exp_avg, updates, b1)
        largest = jax.tree.map(lambda u, g: jnp.maximum(b2 * u, jnp.abs(g) + eps), state.exp_inf, updates)
        c1 = parts.one_minus_power(b1, step)
        direction = jax.tree.map(lambda m, u: m / c1.astype(m.dtype) / u, mean, largest)
        return direction, AdamaxState(step, mean, largest)

    return optax.GradientTransformation(init, update)
