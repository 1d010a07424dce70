"""Lesson 3, backpropagation: ŷ = w · x, s = ŷ − y, loss = s², forward, with local gradients, and backward.

The algorithm: (1) forward pass, compute the loss; (2) compute the local gradients of each node; (3) backward pass, multiply them along the
path from the loss to the weight. At x = 1, y = 2, w = 1: ŷ = 1, s = −1, loss = 1, and ∂loss/∂w = −2.

The same three steps on the graph of any function: `jaxtut.graph.trace`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from .naming import tap


class Forward(NamedTuple):
    """The values of the forward pass."""

    y_hat: Float[Array, ""]
    s: Float[Array, ""]
    loss: Float[Array, ""]


class LocalGradients(NamedTuple):
    """What each node knows of itself: the slope of its output in its input."""

    dloss_ds: Float[Array, ""]
    ds_dy_hat: Float[Array, ""]
    dy_hat_dw: Float[Array, ""]


class Backward(NamedTuple):
    """The gradient of the loss at each value, in the order in which the backward pass finds them."""

    dloss_ds: Float[Array, ""]
    dloss_dy_hat: Float[Array, ""]
    dloss_dw: Float[Array, ""]


def forward(x: ArrayLike, y: ArrayLike, w: ArrayLike) -> Forward:
    """Compute the prediction ŷ = w · x, the error s = ŷ − y and the loss s².

    Args:
        x: the input, a number.
        y: the target, a number.
        w: the weight, a number.

    Returns:
        ŷ, s and the loss.

    Example:
        >>> [value.tolist() for value in forward(x=1.0, y=2.0, w=1.0)]
        [1.0, -1.0, 1.0]
    """
    x, y, w = jnp.asarray(x, float), jnp.asarray(y, float), jnp.asarray(w, float)
    y_hat = tap("y_hat", w * x)
    s = tap("s", y_hat - y)
    return Forward(y_hat, s, tap("loss", s**2))


def local_gradients(x: ArrayLike, y: ArrayLike, w: ArrayLike) -> LocalGradients:
    """Compute ∂loss/∂s = 2s, ∂s/∂ŷ = 1 and ∂ŷ/∂w = x.

    Example:
        >>> [gradient.tolist() for gradient in local_gradients(x=1.0, y=2.0, w=1.0)]
        [-2.0, 1.0, 1.0]
    """
    s = forward(x, y, w).s
    return LocalGradients(2 * s, jnp.ones_like(s), jnp.asarray(x, s.dtype))


def backward(x: ArrayLike, y: ArrayLike, w: ArrayLike) -> Backward:
    """Multiply the local gradients, from the loss back to the weight: ∂loss/∂w = ∂loss/∂s · ∂s/∂ŷ · ∂ŷ/∂w = 2 · (w·x − y) · x.

    Example:
        >>> [gradient.tolist() for gradient in backward(x=1.0, y=2.0, w=1.0)]
        [-2.0, -2.0, -2.0]

    PyTorch's counterpart: `loss.backward()`, then `w.grad`.
    """
    dloss_ds, ds_dy_hat, dy_hat_dw = local_gradients(x, y, w)
    dloss_dy_hat = dloss_ds * ds_dy_hat
    return Backward(dloss_ds, dloss_dy_hat, dloss_dy_hat * dy_hat_dw)


def loss(x: ArrayLike, y: ArrayLike, w: ArrayLike) -> Float[Array, ""]:
    """Compute the loss alone: what is differentiated, and traced to a graph.

    Example:
        >>> from jaxtut import graph
        >>> g = graph.trace(loss, 1.0, 2.0, 1.0)
        >>> g.find("s").gradient.tolist()
        -2.0
    """
    return forward(x, y, w).loss


def gradient(x: ArrayLike, y: ArrayLike, w: ArrayLike) -> Float[Array, ""]:
    """Compute ∂loss/∂w by autodiff: the same number as the last of `backward`.

    Example:
        >>> gradient(x=1.0, y=2.0, w=1.0).tolist()
        -2.0
    """
    return jax.grad(loss, argnums=2)(jnp.asarray(x, float), jnp.asarray(y, float), jnp.asarray(w, float))
