"""Shrinkage: small numbers become 0."""

import jax.numpy as jnp

from . import checks
from .precision import in_single
from .shapes import AnyFloats, AnyNumbers, Floats
from .sigmoids import tanh


def hardshrink(input: AnyFloats, lambd: float = 0.5) -> Floats:
    """Numbers between −lambd and lambd become 0, the others stay, elementwise.

    hardshrink(x) = 0 for −lambd ≤ x ≤ lambd, x otherwise

    Args:
        input: an array of any shape.
        lambd: the threshold.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import numpy as np
        >>> hardshrink(np.array([-1.0, 0.5, 0.75], "float32"))
        Array([-1.  ,  0.  ,  0.75], dtype=float32)

    Raises:
        TypeError: `input` is not an array of a floating dtype, or `lambd` no number.

    Slope: 0 between the thresholds and **0 at both**, 1 outside and at NaN.
    PyTorch's counterpart: `torch.nn.functional.hardshrink`.
    """
    x = checks.floating("hardshrink", "input", input)
    limit = jnp.asarray(checks.number("hardshrink", "lambd", lambd), x.dtype)
    return jnp.where((x >= -limit) & (x <= limit), jnp.zeros_like(x), x)


def softshrink(input: AnyFloats, lambd: float = 0.5) -> Floats:
    """Numbers move towards 0 by lambd, and stop there, elementwise.

    softshrink(x) = x − lambd for x > lambd, x + lambd for x < −lambd, 0 otherwise; NaN stays NaN

    Args:
        input: an array of any shape.
        lambd: the distance, at least 0.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import numpy as np
        >>> softshrink(np.array([-1.0, 0.5, 0.75], "float32"))
        Array([-0.5 ,  0.  ,  0.25], dtype=float32)

    Raises:
        TypeError: `input` is not an array of a floating dtype, or `lambd` no number.
        ValueError: `lambd` is negative or NaN.

    Slope: 0 between the thresholds and **0 at both**, 1 outside and at NaN.
    PyTorch's counterpart: `torch.nn.functional.softshrink`.
    """
    x = checks.floating("softshrink", "input", input)
    limit = checks.number("softshrink", "lambd", lambd)
    if not limit >= 0:
        raise ValueError(f"softshrink: lambd must be at least 0, but {lambd} was given")
    return in_single(_softshrink, x, limit)


def _softshrink(x: Floats, lambd: float) -> Floats:
    limit = jnp.asarray(lambd, x.dtype)
    outside = jnp.where(x > limit, x - limit, jnp.where(x < -limit, x + limit, x))
    return jnp.where((x >= -limit) & (x <= limit), jnp.zeros_like(x), outside)


def tanhshrink(input: AnyNumbers) -> Floats:
    """What the hyperbolic tangent takes away, elementwise.

    tanhshrink(x) = x − tanh(x)

    Args:
        input: an array of any shape; integers become float32.

    Returns:
        An array of the same shape.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(tanhshrink(np.array([-3.0, 0.0, 3.0], "float32"))).round(4))
        [-2.0049  0.      2.0049]

    Raises:
        TypeError: `input` is not an array of integers or floats.

    Slope: tanh(x)²; no kink.
    PyTorch's counterpart: `torch.nn.functional.tanhshrink`. Near 0 both lose digits: x − tanh(x) cancels to x³/3.
    """
    x = checks.numeric("tanhshrink", "input", input)
    return checks.widened("tanhshrink", "input", x) - tanh(x)
