"""Lesson 4, activation functions: the popular ones, their slopes, and what a network is without them.

| function   | value                | slope                      | slope at the kink    |
|------------|----------------------|----------------------------|----------------------|
| step       | 1 for x >= 0, else 0 | 0                          | 0 at 0               |
| sigmoid    | 1 / (1 + e^−x)       | s · (1 − s)                | none                 |
| tanh       | 2 · sigmoid(2x) − 1  | 1 − tanh²                  | none                 |
| relu       | max(x, 0)            | 0 or 1                     | 0 at 0               |
| leaky_relu | x or 0.01 · x        | 1 or 0.01                  | 0.01 at 0            |
| softmax    | e^x_i / Σ e^x_j      | S_i · (δ_ij − S_j)         | none                 |
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import functional as F
from .functional import leaky_relu as leaky_relu
from .functional import relu as relu
from .functional import sigmoid as sigmoid
from .functional import step as step
from .functional import tanh as tanh


def softmax(x: Float[ArrayLike, "*batch classes"]) -> Float[Array, "*batch classes"]:
    """Softmax over the last dimension; see `jaxtut.functional.softmax`.

    Example:
        >>> softmax(jnp.zeros(4)).tolist()
        [0.25, 0.25, 0.25, 0.25]
    """
    return F.softmax(x, dim=-1)


def slope(f: Callable[[Array], Array], x: ArrayLike) -> Array:
    """Compute the slope of an elementwise function at every element of `x`.

    One backward pass with a cotangent of ones: output i depends on input i alone, so the sum of the rows of the Jacobian is its diagonal.

    Args:
        f: an elementwise function.
        x: where.

    Returns:
        f'(x), of the shape of `x`.

    Example:
        >>> slope(relu, jnp.array([-1.0, 0.0, 1.0]))
        Array([0., 0., 1.], dtype=float32)

    PyTorch's counterpart: `f(x).backward(torch.ones_like(x))`, then `x.grad`.
    """
    y, pull_back = jax.vjp(f, jnp.asarray(x))
    return pull_back(jnp.ones_like(y))[0]


def stacked_linear(
    x: Float[ArrayLike, "batch features"],
    W1: Float[ArrayLike, "hidden features"],
    b1: Float[ArrayLike, " hidden"],
    W2: Float[ArrayLike, "outputs hidden"],
    b2: Float[ArrayLike, " outputs"],
) -> Float[Array, "batch outputs"]:
    """Apply two linear layers with nothing between them: W₂ (W₁ x + b₁) + b₂."""
    return F.linear(F.linear(x, W1, b1), W2, b2)


def collapse(
    W1: Float[ArrayLike, "hidden features"],
    b1: Float[ArrayLike, " hidden"],
    W2: Float[ArrayLike, "outputs hidden"],
    b2: Float[ArrayLike, " outputs"],
) -> tuple[Float[Array, "outputs features"], Float[Array, " outputs"]]:
    """Find the one linear layer that does what two do: W = W₂ W₁ and b = W₂ b₁ + b₂.

    So a network without activation functions is linear regression, however deep.

    Example:
        >>> W, b = collapse(2 * jnp.eye(2), jnp.ones(2), 3 * jnp.eye(2), jnp.zeros(2))
        >>> W.tolist(), b.tolist()
        ([[6.0, 0.0], [0.0, 6.0]], [3.0, 3.0])
    """
    W1, b1, W2, b2 = (jnp.asarray(a) for a in (W1, b1, W2, b2))
    return W2 @ W1, W2 @ b1 + b2
