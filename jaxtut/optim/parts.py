"""The small parts that the optimizers are chained from, beside Optax's own."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from ..ops import running_means
from .arguments import LearningRate

Tree = Any


def real(x: ArrayLike) -> Float[Array, "..."]:
    """Return `x` in the widest floating dtype there is: float64 in JAX's 64-bit mode, else float32."""
    return jnp.asarray(x).astype(jnp.result_type(float))


def power(base: float, exponent: Int[Array, ""]) -> Float[Array, ""]:
    """Compute baseᵗ for a number base ≥ 0, whose logarithm is taken in float64 even where JAX has float32."""
    if base == 0:
        return real(exponent == 0)
    return jnp.exp(real(exponent) * math.log(base))


def one_minus_power(beta: float, step: Int[Array, ""]) -> Float[Array, ""]:
    """Compute 1 − βᵗ for β in [0, 1) and t ≥ 1 without cancellation.

    PyTorch has these scalars in float64 whatever the parameters are. In float32, 1 − 0.999¹ would be wrong in the fifth
    digit; −expm1(t log β) is right in the seventh.
    """
    if beta == 0:
        return jnp.ones_like(real(step))
    return -jnp.expm1(real(step) * math.log(beta))


def running_mean(mean: Tree, gradients: Tree, decay: float) -> Tree:
    """Update the running mean of the gradients: m ← decay · m + (1 − decay) · g."""
    return jax.tree.map(lambda m, g: running_means.running_mean(m, g, decay), mean, gradients)


def running_mean_of_squares(mean: Tree, gradients: Tree, decay: float) -> Tree:
    """Update the running mean of the squared gradients: v ← decay · v + (1 − decay) · g²."""
    return jax.tree.map(lambda v, g: running_means.running_mean_of_squares(v, g, decay), mean, gradients)


def zeros_like(params: Tree) -> Tree:
    """Return zeros of the parameters' shapes and dtypes."""
    return jax.tree.map(jnp.zeros_like, params)


def no_steps() -> Int[Array, ""]:
    """Return the count of steps before the first; an array, so that counting does not compile anew."""
    return jnp.zeros((), jnp.int32)


def next_step(step: Int[Array, ""]) -> Int[Array, ""]:
    """Count one step more; the count stays at the largest integer instead of wrapping around."""
    return jnp.asarray(optax.safe_increment(step))


def scale_by_learning_rate(lr: LearningRate) -> optax.GradientTransformation:
    """Multiply by −lr: a number, an array of shape (), or a schedule of the number of steps already taken."""
    if callable(lr):
        return optax.scale_by_schedule(lambda step: -jnp.asarray(lr(step)))
    if isinstance(lr, jax.Array):
        return optax.scale_by_schedule(lambda step: -lr)
    return optax.scale(-float(lr))


def chain(
    direction: optax.GradientTransformation,
    lr: LearningRate,
    weight_decay: float,
    maximize: bool,
    decoupled_weight_decay: bool = False,
) -> optax.GradientTransformation:
    """Put an optimizer together in PyTorch's order: sign, weight decay, direction, learning rate.

    Weight decay is part of the gradient (L2 regularization), or, decoupled, of the step.
    """
    parts = [optax.scale(-1.0)] if maximize else []
    decay = [optax.add_decayed_weights(weight_decay)] if weight_decay else []
    parts += [direction, *decay] if decoupled_weight_decay else [*decay, direction]
    return optax.chain(*parts, scale_by_learning_rate(lr))
