"""Rectifiers: piecewise linear functions, each with PyTorch's slope at its kink."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from . import checks
from .shapes import AnyFloats, Floats


def relu(input: AnyFloats) -> Floats:
    """Rectified linear unit, elementwise.

    relu(x) = max(x, 0)

    Args:
        input: an array of any shape.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import jax, numpy as np
        >>> relu(np.array([-1.0, 0.0, 2.0], "float32"))
        Array([0., 0., 2.], dtype=float32)
        >>> float(jax.grad(relu)(np.float32(0.0)))
        0.0

    Raises:
        TypeError: `input` is not an array of a floating dtype.

    Slope: 0 for x < 0, **0 at 0**, 1 for x > 0, and 1 at NaN.
    PyTorch's counterpart: `torch.nn.functional.relu`; `inplace` has no meaning for arrays that never change.
    Plain JAX: `jnp.maximum(x, 0)` has slope 1/2 at 0.
    """
    return _relu(checks.floating("relu", "input", input))


@jax.custom_jvp
def _relu(x: Floats) -> Floats:
    return jnp.where(x < 0, jnp.zeros_like(x), x)  # not maximum(x, 0): PyTorch lets -0.0 through


@_relu.defjvp
def _relu_jvp(primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    # Selected, not multiplied: a zero slope stays zero under an infinite cotangent. x <= 0 is false at NaN.
    return _relu(x), jnp.where(x <= 0, jnp.zeros_like(t), t)


def leaky_relu(input: AnyFloats, negative_slope: float = 0.01) -> Floats:
    """Leaky rectified linear unit, elementwise.

    leaky_relu(x) = x for x > 0, negative_slope · x otherwise

    Args:
        input: an array of any shape.
        negative_slope: the slope left of 0.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import jax, numpy as np
        >>> leaky_relu(np.array([-1.0, 0.0, 2.0], "float32"), 0.5)
        Array([-0.5,  0. ,  2. ], dtype=float32)
        >>> float(jax.grad(leaky_relu)(np.float32(0.0), 0.5))
        0.5

    Raises:
        TypeError: `input` is not an array of a floating dtype.

    Slope: `negative_slope` for x < 0, **`negative_slope` at 0**, 1 for x > 0.
    PyTorch's counterpart: `torch.nn.functional.leaky_relu`. Plain JAX: `jax.nn.leaky_relu` has slope 1 at 0.
    """
    x = checks.floating("leaky_relu", "input", input)
    return _select_scale(x, x > 0, negative_slope)


def _select_scale(x: Floats, keep: Bool[Array, "*shape"], scale: float) -> Floats:
    """Return x where `keep`, scale · x elsewhere; the comparison that made `keep` decides the slope at the kink."""
    return jnp.where(keep, x, x * scale)


def step(input: AnyFloats) -> Floats:
    """Step function of the perceptron, elementwise.

    step(x) = 1 for x >= 0, 0 otherwise; NaN stays NaN

    Args:
        input: an array of any shape.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import jax, numpy as np
        >>> step(np.array([-1.0, 0.0, 2.0], "float32"))
        Array([0., 1., 1.], dtype=float32)
        >>> float(jax.grad(step)(np.float32(1.0)))
        0.0

    Raises:
        TypeError: `input` is not an array of a floating dtype.

    Slope: **0 everywhere**, at the jump too, which is why no network learns through it.
    PyTorch's counterpart: `torch.heaviside(x, torch.ones_like(x))`, which has no gradient at all, and gives 0 at NaN.
    """
    x = checks.floating("step", "input", input)
    return jnp.where(jnp.isnan(x), jnp.nan, (x >= 0).astype(x.dtype)).astype(x.dtype)
