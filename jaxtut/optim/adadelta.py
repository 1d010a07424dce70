"""Adadelta: the gradient, scaled by the ratio of the sizes of past steps and past gradients."""

import optax

from . import arguments, parts
from .arguments import LearningRate


def Adadelta(
    lr: LearningRate = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Scale each step by the size of its own past steps, over that of its past gradients.

    v ← ρ v + (1 − ρ) g²;  d = g √(u + eps) / √(v + eps);  u ← ρ u + (1 − ρ) d²;  θ ← θ − lr · d, with g ← g +
    weight_decay · θ before.

    Args:
        lr: learning rate; or a schedule f(step), asked with 0 in the first step.
        rho: how much of the running means is kept, in [0, 1].
        eps: keeps the division finite and the first steps from being 0; inside the roots.
        weight_decay: factor of the parameters that is added to the gradient.
        maximize: climb instead.

    Returns:
        An Optax gradient transformation.

    Example:
        >>> import jax.numpy as jnp
        >>> optimizer = Adadelta()
        >>> params = jnp.array([1.0])
        >>> updates, state = optimizer.update(jnp.array([3.0]), optimizer.init(params), params)
        >>> updates.round(5)
        Array([-0.00316], dtype=float32)

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a negative lr, eps or weight_decay; rho outside [0, 1].

    PyTorch's counterpart: `torch.optim.Adadelta`; `optax.adadelta` has the same formula, and adds weight decay to the
    step instead of the gradient.

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """
    arguments.learning_rate("Adadelta", lr)
    arguments.not_negative("Adadelta", eps=eps, weight_decay=weight_decay)
    arguments.flags("Adadelta", maximize=maximize)
    if not 0 <= arguments.number("Adadelta", "rho", rho) <= 1:
        raise ValueError(f"Adadelta: rho must lie in [0, 1], but {rho} was given")
    return parts.chain(optax.scale_by_adadelta(rho, eps), lr, weight_decay, maximize)
