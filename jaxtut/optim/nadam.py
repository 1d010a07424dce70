"""NAdam: Adam with Nesterov's momentum, whose momentum grows with the steps."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from . import arguments, parts
from .arguments import Betas, LearningRate


class NAdamState(NamedTuple):
    """How many steps were taken, the product of the momenta so far, and the running means, under PyTorch's names."""

    step: Int[Array, ""]
    mu_product: Float[Array, ""]
    exp_avg: Any
    exp_avg_sq: Any


def NAdam(
    lr: LearningRate = 2e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    momentum_decay: float = 4e-3,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Step as Adam does, one momentum step ahead.

    μₜ = β₁ (1 − ½ · 0.96^(t · momentum_decay));  m and v as in Adam;
    θ ← θ − lr · (g (1 − μₜ) / (1 − Π_{i≤t} μᵢ) + m μₜ₊₁ / (1 − Π_{i≤t+1} μᵢ)) / (√(v / (1 − β₂ᵗ)) + eps).

    Args:
        lr: learning rate; or a schedule f(step), asked with 0 in the first step.
        betas: β₁ and β₂, each in [0, 1).
        eps: keeps the division finite.
        weight_decay: factor of the parameters that is added to the gradient.
        momentum_decay: how fast the momentum grows.
        decoupled_weight_decay: shrink the parameters directly instead, as AdamW does.
        maximize: climb instead.

    Returns:
        An Optax gradient transformation.

    Example:
        >>> optimizer = NAdam(lr=0.1)
        >>> params = jnp.array([1.0])
        >>> updates, state = optimizer.update(jnp.array([3.0]), optimizer.init(params), params)
        >>> optax.apply_updates(params, updates).round(4)
        Array([0.8944], dtype=float32)

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a negative lr, eps, weight_decay or momentum_decay; a beta outside [0, 1).

    PyTorch's counterpart: `torch.optim.NAdam`, which keeps Π μᵢ in float32 unless the default dtype is float64, also
    for float64 parameters; here it is float64 in JAX's 64-bit mode. `optax.nadam` has a constant momentum and is
    another algorithm.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016.
    """
    arguments.learning_rate("NAdam", lr)
    arguments.betas("NAdam", betas)
    arguments.not_negative("NAdam", eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
    arguments.flags("NAdam", decoupled_weight_decay=decoupled_weight_decay, maximize=maximize)
    return parts.chain(scale_by_nadam(betas, eps, momentum_decay), lr, weight_decay, maximize, decoupled_weight_decay)


def scale_by_nadam(betas: Betas, eps: float, momentum_decay: float) -> optax.GradientTransformation:
    """Turn gradients into NAdam's direction."""
    b1, b2 = betas

    def momentum(step: Int[Array, ""]) -> Float[Array, ""]:
        return b1 * (1.0 - 0.5 * parts.power(0.96**momentum_decay, step))

    def init(params: Any) -> NAdamState:
        return NAdamState(parts.no_steps(), parts.real(1.0), parts.zeros_like(params), parts.zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, NAdamState]:
        step = parts.next_step(state.step)
        mu, mu_next = momentum(step), momentum(step + 1)
        product = state.mu_product * mu
        of_gradient, of_mean = (1.0 - mu) / (1.0 - product), mu_next / (1.0 - product * mu_next)
        mean = parts.running_mean(state.exp_avg, updates, b1)
        square = parts.running_mean_of_squares(state.exp_avg_sq, updates, b2)
        c2 = parts.one_minus_power(b2, step)

        def direction(g: Array, m: Array, v: Array) -> Array:
            ahead = of_gradient.astype(g.dtype) * g + of_mean.astype(m.dtype) * m
            return ahead / (jnp.sqrt(v / c2.astype(v.dtype)) + eps)

        return jax.tree.map(direction, updates, mean, square), NAdamState(step, product, mean, square)

    return optax.GradientTransformation(init, update)
