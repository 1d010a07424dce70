"""Sigmoid-shaped functions and their logarithms: smooth, without kinks, safe for large arguments."""

import math
from functools import partial

import jax
import jax.numpy as jnp

from . import checks
from .compiled_maps import compiled
from .elementwise import absolute
from .precision import in_single
from .shapes import AnyFloats, AnyNumbers, Floats

_sigmoid = compiled("sigmoid", jax.nn.sigmoid)
_logsigmoid = compiled("logsigmoid", jax.nn.log_sigmoid)


def sigmoid(input: AnyNumbers) -> Floats:
    """Logistic sigmoid, elementwise.

    sigmoid(x) = 1 / (1 + e^(-x))

    Args:
        input: an array of any shape; integers become float32.

    Returns:
        An array of the same shape and dtype, between 0 and 1.

    Example:
        >>> import numpy as np
        >>> sigmoid(np.array([-100.0, 0.0, 100.0], "float32")).round(3)
        Array([0. , 0.5, 1. ], dtype=float32)

    Raises:
        TypeError: `input` is not an array of integers or floats.

    Slope: s · (1 − s) with s = sigmoid(x); no kink, and finite for every x.
    PyTorch's counterpart: `torch.sigmoid`, `torch.nn.functional.sigmoid`.
    """
    return in_single(_sigmoid, checks.widened("sigmoid", "input", input))


def tanh(input: AnyNumbers) -> Floats:
    """Hyperbolic tangent, elementwise.

    tanh(x) = (e^x − e^(−x)) / (e^x + e^(−x)) = 2 · sigmoid(2x) − 1

    Args:
        input: an array of any shape; integers become float32.

    Returns:
        An array of the same shape and dtype, between -1 and 1.

    Example:
        >>> import numpy as np
        >>> tanh(np.array([-100.0, 0.0, 100.0], "float32"))
        Array([-1.,  0.,  1.], dtype=float32)

    Raises:
        TypeError: `input` is not an array of integers or floats.

    Slope: 1 − tanh(x)²; no kink, and finite for every x.
    PyTorch's counterpart: `torch.tanh`, `torch.nn.functional.tanh`. In float32 the two differ by up to 4 units in the last place.
    """
    return in_single(_tanh, checks.widened("tanh", "input", input))


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
    return in_single(_logsigmoid, checks.floating("logsigmoid", "input", input))


def softplus(input: AnyFloats, beta: float = 1, threshold: float = 20) -> Floats:
    """Smooth form of the rectifier, elementwise.

    softplus(x) = log(1 + e^(beta · x)) / beta; x itself where beta · x > threshold

    Args:
        input: an array of any shape.
        beta: how sharp the bend is.
        threshold: where the function becomes the identity.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(softplus(np.array([-100.0, 0.0, 100.0], "float32"))).round(4))
        [  0.       0.6931 100.    ]

    Raises:
        TypeError: `input` is not an array of a floating dtype, or `beta` or `threshold` no number.

    Slope: σ(beta · x), and 1 beyond the threshold: no kink to speak of, but a jump of 2e-9 at the default threshold.
    PyTorch's counterpart: `torch.nn.functional.softplus`. Plain JAX: `jax.nn.softplus` has neither beta nor threshold.
    """
    x = checks.floating("softplus", "input", input)
    numbers = (checks.number("softplus", n, v) for n, v in (("beta", beta), ("threshold", threshold)))
    return in_single(_compiled_softplus, x, *numbers)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _softplus(x: Floats, beta: float, threshold: float) -> Floats:
    scaled = x * beta
    bend = jnp.log1p(jnp.exp(jnp.where(scaled > threshold, 0, scaled)))
    return jnp.where(scaled > threshold, x, bend / jnp.asarray(beta, x.dtype))


@_softplus.defjvp
def _softplus_jvp(
    beta: float, threshold: float, primals: tuple[Floats], tangents: tuple[Floats]
) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    scaled = x * beta
    return _softplus(x, beta, threshold), t * jnp.where(scaled > threshold, 1, jax.nn.sigmoid(scaled))


# With a larger threshold e^x is infinite before it, and so is PyTorch's result.
_compiled_softplus = compiled(
    "softplus", _softplus, allows=lambda beta, threshold: 0 < beta < math.inf and threshold < 80
)


def softsign(input: AnyNumbers) -> Floats:
    """Sigmoid of a hyperbola, elementwise.

    softsign(x) = x / (1 + |x|)

    Args:
        input: an array of any shape; integers become float32.

    Returns:
        An array of the same shape, between -1 and 1; NaN at ±inf, as in PyTorch.

    Example:
        >>> import numpy as np
        >>> softsign(np.array([-1.0, 0.0, 3.0], "float32"))
        Array([-0.5 ,  0.  ,  0.75], dtype=float32)

    Raises:
        TypeError: `input` is not an array of integers or floats.

    Slope: 1 / (1 + |x|)²; no kink.
    PyTorch's counterpart: `torch.nn.functional.softsign`. Plain JAX: `jax.nn.soft_sign` has a slope that cancels to rounding beyond 1e8.
    """
    x = checks.array("softsign", "input", input)
    if x.dtype == jnp.bool_:
        raise TypeError("softsign: input must have an integer or a floating dtype, but bool was given")
    return in_single(_softsign, checks.widened("softsign", "input", x))


@jax.custom_jvp
def _softsign(x: Floats) -> Floats:
    return x / (1 + absolute(x))


@_softsign.defjvp
def _softsign_jvp(primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    rest = 1 + absolute(x)
    # At ±inf PyTorch's slope is 0 · ∞, NaN.
    return _softsign(x), t * (1 / rest) * (1 / rest + 0 * x)
