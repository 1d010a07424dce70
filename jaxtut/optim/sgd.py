"""Stochastic gradient descent, with momentum, dampening and Nesterov's momentum."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from . import arguments, parts
from .arguments import LearningRate


class DampenedState(NamedTuple):
    """How many steps were taken, and the momentum buffer of each parameter."""

    step: Int[Array, ""]
    momentum_buffer: Any


def SGD(
    lr: LearningRate = 1e-3,
    momentum: float = 0,
    dampening: float = 0,
    weight_decay: float = 0,
    nesterov: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Descend along the gradient, or along its momentum.

    g ← g + weight_decay · θ;  b ← momentum · b + (1 − dampening) · g, and b = g in the first step;
    θ ← θ − lr · b, or θ − lr · (g + momentum · b) with Nesterov's momentum, or θ − lr · g without momentum.

    Args:
        lr: learning rate; or a schedule f(step), asked with 0 in the first step.
        momentum: how much of the buffer is kept.
        dampening: how much of the gradient is held back from the buffer.
        weight_decay: factor of the parameters that is added to the gradient.
        nesterov: look one momentum step ahead.
        maximize: climb instead.

    Returns:
        An Optax gradient transformation: `init(params)`, and `update(gradients, state, params)`.

    Example:
        >>> optimizer = SGD(lr=0.1, momentum=0.9)
        >>> params = jnp.array([1.0])
        >>> state = optimizer.init(params)
        >>> for _ in range(2):
        ...     updates, state = optimizer.update(2 * params, state, params)
        ...     params = optax.apply_updates(params, updates)
        >>> params
        Array([0.46], dtype=float32)

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a negative lr, momentum or weight_decay; Nesterov's momentum without momentum or with dampening.

    PyTorch's counterpart: `torch.optim.SGD`. `optax.sgd` is the same without dampening, weight decay and maximize.
    """
    arguments.learning_rate("SGD", lr)
    arguments.not_negative("SGD", momentum=momentum, weight_decay=weight_decay)
    arguments.number("SGD", "dampening", dampening)
    arguments.flags("SGD", nesterov=nesterov, maximize=maximize)
    if nesterov and (momentum <= 0 or dampening != 0):
        raise ValueError(
            f"SGD: nesterov needs a momentum and no dampening, but {momentum=} and {dampening=} were given"
        )
    return parts.chain(_direction(momentum, dampening, nesterov), lr, weight_decay, maximize)


def _direction(momentum: float, dampening: float, nesterov: bool) -> optax.GradientTransformation:
    if momentum == 0:
        return optax.identity()
    return dampened_trace(momentum, dampening) if dampening else optax.trace(momentum, nesterov)


def dampened_trace(momentum: float, dampening: float) -> optax.GradientTransformation:
    """Accumulate b ← momentum · b + (1 − dampening) · g, where the first gradient goes in whole."""

    def init(params: Any) -> DampenedState:
        return DampenedState(parts.no_steps(), parts.zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, DampenedState]:
        share = jnp.where(state.step == 0, parts.real(1.0), parts.real(1 - dampening))
        buffer = jax.tree.map(lambda b, g: momentum * b + share.astype(g.dtype) * g, state.momentum_buffer, updates)
        return buffer, DampenedState(parts.next_step(state.step), buffer)

    return optax.GradientTransformation(init, update)
