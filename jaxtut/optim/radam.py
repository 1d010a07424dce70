"""RAdam: Adam that waits until its estimate of the variance is worth dividing by."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from . import arguments, parts
from .arguments import Betas, LearningRate


class RAdamState(NamedTuple):
    """How many steps were taken, and the running means, under PyTorch's names."""

    step: Int[Array, ""]
    exp_avg: Any
    exp_avg_sq: Any


def RAdam(
    lr: LearningRate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Step along the mean gradient at first, and as Adam does, rectified, once ρₜ > 5.

    ρ∞ = 2 / (1 − β₂) − 1;  ρₜ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ);  r = √((ρₜ − 4)(ρₜ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρₜ));
    θ ← θ − lr · m / (1 − β₁ᵗ) · (r √(1 − β₂ᵗ) / (√v + eps) if ρₜ > 5 else 1), with m and v as in Adam.

    Args:
        lr: learning rate; or a schedule f(step), asked with 0 in the first step.
        betas: β₁ and β₂, each in [0, 1).
        eps: keeps the division finite; it stands outside the bias correction here.
        weight_decay: factor of the parameters that is added to the gradient.
        decoupled_weight_decay: shrink the parameters directly instead, as AdamW does.
        maximize: climb instead.

    Returns:
        An Optax gradient transformation.

    Example:
        >>> optimizer = RAdam(lr=0.1)
        >>> params = jnp.array([1.0])
        >>> updates, state = optimizer.update(jnp.array([3.0]), optimizer.init(params), params)
        >>> optax.apply_updates(params, updates).round(4)
        Array([0.7], dtype=float32)

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a negative lr, eps or weight_decay; a beta outside [0, 1).

    PyTorch's counterpart: `torch.optim.RAdam`. `optax.radam` places eps after the bias correction, as Adam does.

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond", 2020.
    """
    arguments.learning_rate("RAdam", lr)
    arguments.betas("RAdam", betas)
    arguments.not_negative("RAdam", eps=eps, weight_decay=weight_decay)
    arguments.flags("RAdam", decoupled_weight_decay=decoupled_weight_decay, maximize=maximize)
    return parts.chain(scale_by_radam(betas, eps), lr, weight_decay, maximize, decoupled_weight_decay)


def scale_by_radam(betas: Betas, eps: float) -> optax.GradientTransformation:
    """Turn gradients into RAdam's direction."""
    b1, b2 = betas

    def init(params: Any) -> RAdamState:
        return RAdamState(parts.no_steps(), parts.zeros_like(params), parts.zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, RAdamState]:
        step = parts.next_step(state.step)
        mean = parts.running_mean(state.exp_avg, updates, b1)
        square = parts.running_mean_of_squares(state.exp_avg_sq, updates, b2)
        c1, c2 = parts.one_minus_power(b1, step), jnp.sqrt(parts.one_minus_power(b2, step))
        rectified, r = rectification(b2, step)
        scale = c2 * r

        def direction(m: Array, v: Array) -> Array:
            return (
                m
                / c1.astype(m.dtype)
                * jnp.where(rectified, scale.astype(v.dtype) / (jnp.sqrt(v) + eps), jnp.ones_like(v))
            )

        return jax.tree.map(direction, mean, square), RAdamState(step, mean, square)

    return optax.GradientTransformation(init, update)


def rectification(b2: float, step: Int[Array, ""]) -> tuple[Bool[Array, ""], Float[Array, ""]]:
    """Say whether ρₜ > 5, and return r (1 where it is not).

    ρₜ is a small difference of large numbers: at β₂ = 0.9999 float32 leaves it no correct digit, and the step at which
    it passes 5 would be another. With a = −log β₂ and x = a t it is (2/(1 − β₂) − 1 − 2/a) + (2/a) (1 − x/(eˣ − 1)),
    where the first bracket is a constant that Python computes in float64, and the second does not cancel.
    """
    rho_inf = 2 / (1 - b2) - 1
    if rho_inf <= 5:  # ρₜ < ρ∞ never passes 5
        return jnp.asarray(False), parts.real(1.0)
    a = -math.log1p(-(1 - b2))
    rho = (rho_inf - 2 / a) + (2 / a) * _one_minus_x_over_expm1(a * parts.real(step))
    rectified = rho > 5
    rho = jnp.where(rectified, rho, parts.real(6.0))
    return rectified, jnp.where(
        rectified, jnp.sqrt((rho - 4) / (rho_inf - 4) * (rho - 2) / (rho_inf - 2) * rho_inf / rho), parts.real(1.0)
    )


def _one_minus_x_over_expm1(x: Float[Array, ""]) -> Float[Array, ""]:
    # Below 1/4 the series in the Bernoulli numbers, whose next term is below 1e-16; above, the difference loses at most
    # three bits.
    x2 = x * x
    series = x / 2 - x2 / 12 * (1 - x2 / 60 * (1 - x2 / 42 * (1 - x2 / 40 * (1 - x2 * 5 / 198))))
    return jnp.where(x < 0.25, series, 1 - x / jnp.expm1(x))
