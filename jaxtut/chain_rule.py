"""Lesson 2, the chain rule: x → y → z → L, forward, and backward one Jacobian at a time.

y = x + 2,  z = 2y²,  L = (z₁ + z₂) / c

The notes that this lesson follows write L with c = 3, and then print ∂L/∂x = [4·3/2, 4·4/2] = [6, 8] at x = (1, 2). The two do not agree:
c = 3 gives [4, 16/3], and [6, 8] belongs to c = 2, the mean over the two features. So the divisor is an argument here. The default, 3, is the
formula as written; `divisor=2` gives the printed numbers. (The notes also write ∂L/∂y as a column; a gradient of a scalar is a row.)

The four stages of a training step, and who does each:

| stage             | PyTorch         | JAX                 |
|-------------------|-----------------|---------------------|
| prediction        | model           | pure function       |
| gradients         | autograd        | `jax.grad`          |
| loss              | loss function   | pure function       |
| parameter updates | optimizer       | Optax               |
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from .naming import tap


class Forward(NamedTuple):
    """The values of the forward pass."""

    y: Float[Array, " n"]
    z: Float[Array, " n"]
    L: Float[Array, ""]


class Backward(NamedTuple):
    """The derivatives in the order in which the backward pass finds them; a gradient of L is a row, 1 × n."""

    dL_dz: Float[Array, "1 n"]
    dz_dy: Float[Array, "n n"]
    dL_dy: Float[Array, "1 n"]
    dy_dx: Float[Array, "n n"]
    dL_dx: Float[Array, "1 n"]


def forward(x: Float[ArrayLike, " n"], divisor: float = 3) -> Forward:
    """Compute y = x + 2, z = 2y² and L = Σz / divisor.

    Args:
        x: the features, shape (n,).
        divisor: c in L; 3 as the notes write it, n for the mean.

    Returns:
        y, z and L.

    Example:
        >>> y, z, L = forward((1.0, 2.0), divisor=2)
        >>> y.tolist(), z.tolist(), L.tolist()
        ([3.0, 4.0], [18.0, 32.0], 25.0)

    Raises:
        ValueError: `x` is not a vector, or the divisor is 0.
    """
    x = _vector("forward", x, divisor)
    y = tap("y", x + 2)
    z = tap("z", 2 * y**2)
    return Forward(y, z, tap("L", jnp.sum(z) / divisor))


def backward(x: Float[ArrayLike, " n"], divisor: float = 3) -> Backward:
    """Compute the derivatives by hand: each is the row so far, times the Jacobian of one step.

    ∂L/∂z = [1/c, ..., 1/c];  ∂L/∂y = ∂L/∂z · diag(4y);  ∂L/∂x = ∂L/∂y · I

    Args:
        x: the features, shape (n,).
        divisor: c in L.

    Returns:
        ∂L/∂z, ∂z/∂y, ∂L/∂y, ∂y/∂x and ∂L/∂x.

    Example:
        >>> backward((1.0, 2.0), divisor=2).dL_dx.tolist()
        [[6.0, 8.0]]
        >>> backward((1.0, 2.0), divisor=3).dL_dx.round(4).tolist()  # doctest: +ELLIPSIS
        [[4.0, 5.333...]]

    Raises:
        ValueError: `x` is not a vector, or the divisor is 0.

    PyTorch's counterpart: `L.backward()`, which never builds the Jacobians.
    """
    x = _vector("backward", x, divisor)
    y, z, _ = forward(x, divisor)
    dL_dz = jnp.full_like(z, 1 / divisor).reshape(1, -1)
    dz_dy = jnp.diag(4 * y)
    dL_dy = dL_dz @ dz_dy
    dy_dx = jnp.eye(x.size, dtype=x.dtype)
    return Backward(dL_dz, dz_dy, dL_dy, dy_dx, dL_dy @ dy_dx)


def _vector(function: str, x: ArrayLike, divisor: float) -> Array:
    x = jnp.asarray(x)
    if x.ndim != 1:
        raise ValueError(f"{function}: x must be a vector of features, but an array of shape {x.shape} was given")
    if isinstance(divisor, (int, float)) and divisor == 0:
        raise ValueError(f"{function}: divisor must not be 0")
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(float)
