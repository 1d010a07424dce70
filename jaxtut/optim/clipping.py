"""Gradient clipping, to be chained before an optimizer."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from . import arguments, parts


def clip_grad_norm(max_norm: float, norm_type: float = 2.0) -> optax.GradientTransformation:
    """Scale all gradients down together where the norm of all of them is above `max_norm`.

    g ← g · min(1, max_norm / (‖g‖ + 1e-6)), where ‖g‖ = (Σ |gᵢ|^p)^(1/p) over all entries of all arrays and p is
    `norm_type`.

    Args:
        max_norm: the largest norm that is let through.
        norm_type: p, above 0; inf is the largest absolute value.

    Returns:
        An Optax gradient transformation: `optax.chain(clip_grad_norm(1.0), SGD(0.1))`.

    Example:
        >>> clip = clip_grad_norm(1.0)
        >>> gradients = {"w": jnp.array([3.0]), "b": jnp.array([4.0])}
        >>> clipped, _ = clip.update(gradients, clip.init(gradients))
        >>> round(float(clipped["w"][0]), 4), round(float(clipped["b"][0]), 4)
        (0.6, 0.8)

    Raises:
        TypeError: an argument that is no number.
        ValueError: a negative max_norm, or norm_type not above 0.

    PyTorch's counterpart: `torch.nn.utils.clip_grad_norm_`, which also takes a negative `max_norm` and flips the
    gradients, and the orders 0 and below. A norm that is NaN makes every gradient NaN, in both.
    `optax.clip_by_global_norm` has no 1e-6, and so differs in the sixth digit.

    Source: Pascanu et al., "On the difficulty of training recurrent neural networks", 2013.
    """
    arguments.not_negative("clip_grad_norm", max_norm=max_norm)
    if not arguments.number("clip_grad_norm", "norm_type", norm_type) > 0:
        raise ValueError(f"clip_grad_norm: norm_type must be above 0, but {norm_type} was given")

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        # A norm of NaN passes through `minimum`, so that it is not hidden.
        factor = jnp.minimum(max_norm / (total_norm(updates, norm_type) + 1e-6), 1.0)
        return jax.tree.map(lambda g: g * factor.astype(g.dtype), updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def total_norm(gradients: Any, norm_type: float = 2.0) -> Float[Array, ""]:
    """Compute the norm of all entries of all arrays, as the norm of the arrays' norms."""
    order = math.inf if math.isinf(norm_type) else norm_type
    norms = [parts.real(jnp.linalg.norm(g.ravel(), order)) for g in jax.tree.leaves(gradients)]
    return jnp.linalg.norm(jnp.stack(norms), order) if norms else parts.real(0.0)


def clip_grad_value(clip_value: float) -> optax.GradientTransformation:
    """Clip every entry of the gradients to [−clip_value, clip_value].

    Args:
        clip_value: the largest absolute value that is let through.

    Returns:
        An Optax gradient transformation.

    Example:
        >>> clip = clip_grad_value(0.5)
        >>> clipped, _ = clip.update(jnp.array([-3.0, 0.2]), clip.init(jnp.zeros(2)))
        >>> clipped
        Array([-0.5,  0.2], dtype=float32)

    Raises:
        TypeError: clip_value is no number.
        ValueError: clip_value is negative.

    PyTorch's counterpart: `torch.nn.utils.clip_grad_value_`, which also takes a negative value and sets every entry to
    it.
    """
    arguments.not_negative("clip_grad_value", clip_value=clip_value)
    return optax.clip(float(clip_value))
