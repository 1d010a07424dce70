"""Adagrad: the gradient, divided by the root of the sum of all its squares so far."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from . import arguments, parts
from .arguments import LearningRate


class AdagradState(NamedTuple):
    """The sum of the squared gradients, under PyTorch's name."""

    sum: Any


def Adagrad(
    lr: LearningRate = 1e-2,
    lr_decay: float = 0,
    weight_decay: float = 0,
    initial_accumulator_value: float = 0,
    eps: float = 1e-10,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Make the steps of a parameter smaller the more gradient it has seen.

    s ← s + g²;  θ ← θ − lr / (1 + (t − 1) · lr_decay) · g / (√s + eps), with g ← g + weight_decay · θ before.

    Args:
        lr: learning rate; or a schedule f(step), asked with 0 in the first step.
        lr_decay: how fast the learning rate falls with the steps.
        weight_decay: factor of the parameters that is added to the gradient.
        initial_accumulator_value: what s starts from.
        eps: keeps the division finite; outside the root.
        maximize: climb instead.

    Returns:
        An Optax gradient transformation.

    Example:
        >>> optimizer = Adagrad(lr=0.5)
        >>> params = jnp.array([1.0, -1.0])
        >>> updates, state = optimizer.update(jnp.array([3.0, -0.2]), optimizer.init(params), params)
        >>> optax.apply_updates(params, updates).round(4)
        Array([ 0.5, -0.5], dtype=float32)

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a negative argument.

    PyTorch's counterpart: `torch.optim.Adagrad`. `optax.adagrad` starts from 0.1, has eps inside the root, and no
    lr_decay.

    Source: Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization", 2011.
    """
    arguments.learning_rate("Adagrad", lr)
    arguments.not_negative(
        "Adagrad",
        lr_decay=lr_decay,
        weight_decay=weight_decay,
        initial_accumulator_value=initial_accumulator_value,
        eps=eps,
    )
    arguments.flags("Adagrad", maximize=maximize)
    return parts.chain(
        scale_by_adagrad(initial_accumulator_value, eps), _decaying(lr, lr_decay), weight_decay, maximize
    )


def _decaying(lr: LearningRate, lr_decay: float) -> LearningRate:
    if lr_decay == 0:
        return lr
    return lambda step: parts.real(lr(step) if callable(lr) else lr) / (1 + parts.real(step) * lr_decay)


def scale_by_adagrad(initial_accumulator_value: float, eps: float) -> optax.GradientTransformation:
    """Turn gradients into Adagrad's direction."""

    def init(params: Any) -> AdagradState:
        return AdagradState(jax.tree.map(lambda p: jnp.full_like(p, initial_accumulator_value), params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, AdagradState]:
        total = jax.tree.map(lambda s, g: s + g * g, state.sum, updates)
        return jax.tree.map(lambda g, s: g / (jnp.sqrt(s) + eps), updates, total), AdagradState(total)

    return optax.GradientTransformation(init, update)
