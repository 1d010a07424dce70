"""Sigmoid-shaped functions and their logarithms: smooth, without kinks, safe for large arguments."""

import jax
import jax.numpy as jnp

from . import checks
from .shapes import AnyFloats, Floats


def sigmoid(input: AnyFloats) -> Floats:
    """Logistic sigmoid, elementwise.

    sigmoid(x) = 1 / (1 + e^(-x))

    Args:
        input: an array of any shape.

    Returns:
        An array of the same shape and dtype, between 0 and 1.

    Example:
        >>> import numpy as np
        >>> sigmoid(np.array([-100.0, 0.0, 100.0], "float32")).round(3)
        Array([0. , 0.5, 1. ], dtype=float32)

    Raises:
        TypeError: `input` is not an array of a floating dtype.

    Slope: s · (1 − s) with s = sigmoid(x); no kink, and finite for every x.
    PyTorch's counterpart: `torch.sigmoid`, `torch.nn.functional.sigmoid`.
    """
    return jax.nn.sigmoid(checks.floating("sigmoid", "input", input))


def tanh(input: AnyFloats) -> Floats:
    """Hyperbolic tangent, elementwise.

    tanh(x) = (e^x − e^(−x)) / (e^x + e^(−x)) = 2 · sigmoid(2x) − 1

    Args:
        input: an array of any shape.

    Returns:
        An array of the same shape and dtype, between -1 and 1.

    Example:
        >>> import numpy as np
        >>> tanh(np.array([-100.0, 0.0, 100.0], "float32"))
        Array([-1.,  0.,  1.], dtype=float32)

    Raises:
        TypeError: `input` is not an array of a floating dtype.

    Slope: 1 − tanh(x)²; no kink, and finite for every x.
    PyTorch's counterpart: `torch.tanh`, `torch.nn.functional.tanh`. In float32 the two differ by up to 4 units in the last place.
    """
    return _tanh(checks.floating("tanh", "input", input))


@jax.custom_jvp
def _tanh(x: Floats) -> Floats:
    return jnp.tanh(x)


@_tanh.defjvp
def _tanh_jvp(primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    y = _tanh(x)
    # 1 − y² in factors, which loses no digits near ±1; as one factor, so that an infinite cotangent stays infinite, as in PyTorch.
    return y, t * ((1 - y) * (1 + y))


def logsigmoid(input: AnyFloats) -> Floats:
    """Logarithm of the sigmoid, elementwise, without overflow.

    logsigmoid(x) = log(sigmoid(x)) = min(x, 0) − log(1 + e^(−|x|))

    Args:
        input: an array of any shape.

    Returns:
        An array of the same shape and dtype, at most 0.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(logsigmoid(np.array([-200.0, 0.0], "float32"))).round(3))
        [-200.      -0.693]

    Raises:
        TypeError: `input` is not an array of a floating dtype.

    Slope: sigmoid(−x).
    PyTorch's counterpart: `torch.nn.functional.logsigmoid`.
    """
    return jax.nn.log_sigmoid(checks.floating("logsigmoid", "input", input))
