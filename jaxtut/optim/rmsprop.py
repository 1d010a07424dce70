"""RMSprop: the gradient, divided by the root of a running mean of its square."""

import optax

from . import arguments, parts
from .arguments import LearningRate


def RMSprop(
    lr: LearningRate = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0,
    momentum: float = 0,
    centered: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Scale each step by the root mean square of its own past gradients.

    v ← α v + (1 − α) g²;  d = g / (√v + eps), or g / (√(v − m²) + eps) if centered, with m ← α m + (1 − α) g;
    b ← momentum · b + d;  θ ← θ − lr · b, with g ← g + weight_decay · θ before.

    Args:
        lr: learning rate; or a schedule f(step), asked with 0 in the first step.
        alpha: how much of the running means is kept.
        eps: keeps the division finite; outside the root.
        weight_decay: factor of the parameters that is added to the gradient.
        momentum: how much of the buffer is kept.
        centered: divide by the standard deviation instead. NaN where rounding makes v − m² negative, as in PyTorch.
        maximize: climb instead.

    Returns:
        An Optax gradient transformation.

    Example:
        >>> import jax.numpy as jnp
        >>> optimizer = RMSprop(lr=0.25, alpha=0.75)
        >>> params = jnp.array([1.0, -1.0])
        >>> updates, state = optimizer.update(jnp.array([3.0, -0.2]), optimizer.init(params), params)
        >>> optax.apply_updates(params, updates).round(4)
        Array([ 0.5, -0.5], dtype=float32)

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a negative argument.

    PyTorch's counterpart: `torch.optim.RMSprop`; there maximize can also be given by position. `optax.rmsprop` keeps
    0.9 by default, has eps inside the root unless told otherwise, and applies the learning rate before the momentum.

    Source: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012.
    """
    arguments.learning_rate("RMSprop", lr)
    arguments.not_negative("RMSprop", alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum)
    arguments.flags("RMSprop", centered=centered, maximize=maximize)
    scale = optax.scale_by_stddev if centered else optax.scale_by_rms
    direction = scale(alpha, eps, eps_in_sqrt=False)
    if momentum:
        direction = optax.chain(direction, optax.trace(momentum))
    return parts.chain(direction, lr, weight_decay, maximize)
