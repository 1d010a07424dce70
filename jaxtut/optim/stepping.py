"""A step of an optimizer: new parameters and a new state from gradients."""

from collections.abc import Callable
from typing import Any

import optax

Params = Any
State = Any
Stepper = Callable[[Params, Params, State], tuple[Params, State]]


class InOnePass(optax.GradientTransformationExtraArgs):
    """A gradient transformation that can also apply its updates itself, with less traffic to memory.

    Attributes:
        step: (params, gradients, state) -> (params, state), what `update` and `optax.apply_updates` give together; None where a copy was made of
            the two functions alone.
    """

    step: Stepper | None = None


def in_one_pass(transformation: optax.GradientTransformation, step: Stepper) -> InOnePass:
    """Return the transformation with a step of its own."""
    made = InOnePass(*optax.with_extra_args_support(transformation))
    made.step = step
    return made


def step(
    optimizer: optax.GradientTransformation, params: Params, gradients: Params, state: State
) -> tuple[Params, State]:
    """Take one step of an optimizer: `update` and `optax.apply_updates` in one.

    θ ← θ + Δ, where Δ is the optimizer's update. With `Adam` and `AdamW` (without amsgrad) it is one pass over memory on a CPU where an
    array has many numbers (32,768 of float32 or float64, and more), in place of XLA's three. It writes where it reads: arrays that are not
    given away are copied first, and then nothing is won.

    Args:
        optimizer: of `jaxtut.optim`, or any Optax gradient transformation.
        params: θ, any tree of arrays.
        gradients: of the same tree.
        state: what `optimizer.init(params)` gave, or the step before.

    Returns:
        The new parameters and the new state. Compiled with `jax.jit(..., donate_argnums=...)`, they take the place of the old ones.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxtut import optim
        >>> optimizer = optim.Adam(lr=0.5)
        >>> params = {"w": jnp.array([1.0, -1.0])}
        >>> params, state = step(optimizer, params, {"w": jnp.array([3.0, -0.2])}, optimizer.init(params))
        >>> params["w"].round(4)
        Array([ 0.5, -0.5], dtype=float32)

    Raises:
        TypeError: the optimizer is no gradient transformation.

    PyTorch's counterpart: `optimizer.step()`.
    """
    if isinstance(optimizer, InOnePass) and optimizer.step is not None:
        return optimizer.step(params, gradients, state)
    if not isinstance(optimizer, optax.GradientTransformation):
        raise TypeError(
            f"step: optimizer must be an Optax gradient transformation, such as optim.SGD(lr=0.1), but {optimizer!r} was given"
        )
    return two_calls(optimizer, params, gradients, state)


def two_calls(
    optimizer: optax.GradientTransformation, params: Params, gradients: Params, state: State
) -> tuple[Params, State]:
    """Update, and apply the updates."""
    updates, state = optimizer.update(gradients, state, params)
    return optax.apply_updates(params, updates), state
