"""Units that are linear on the right and exponential on the left."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from . import checks
from .compiled_maps import compiled
from .precision import in_single
from .shapes import AnyFloats, Floats

# Klambauer et al., "Self-Normalizing Neural Networks" (2017), with the digits that PyTorch has.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def elu(input: AnyFloats, alpha: float = 1.0, inplace: bool = False) -> Floats:
    """Exponential linear unit, elementwise.

    elu(x) = x for x > 0, alpha · (e^x − 1) otherwise

    Args:
        input: an array of any shape.
        alpha: minus the limit on the far left.
        inplace: not taken.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import jax, numpy as np
        >>> elu(np.array([-100.0, 0.0, 2.0], "float32"))
        Array([-1.,  0.,  2.], dtype=float32)
        >>> float(jax.grad(elu)(np.float32(0.0), 0.5))
        0.5

    Raises:
        TypeError: `input` is not an array of a floating dtype, or `alpha` no number.
        ValueError: `inplace` is true.

    Slope: 1 for x > 0, alpha · e^x elsewhere, **alpha at 0**, and 1 at NaN (in PyTorch 1 or, in arrays of some dozen numbers and
    more, NaN).
    PyTorch's counterpart: `torch.nn.functional.elu`. Plain JAX: the float32 slope of `jax.nn.elu` is 0 below −17, where e^x is not.
    """
    checks.no_inplace("elu", inplace)
    x = checks.floating("elu", "input", input)
    a = checks.number("elu", "alpha", alpha)
    return in_single(_compiled_unit, x, a, 1.0, 1.0, a, 1.0)


def selu(input: AnyFloats, inplace: bool = False) -> Floats:
    """Scaled exponential linear unit, elementwise: its two constants keep mean 0 and variance 1 from layer to layer.

    selu(x) = λ · x for x > 0, λ · α · (e^x − 1) otherwise, with α = 1.6733 and λ = 1.0507

    Args:
        input: an array of any shape.
        inplace: not taken.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(selu(np.array([-100.0, 0.0, 1.0], "float32"))).round(4))
        [-1.7581  0.      1.0507]

    Raises:
        TypeError: `input` is not an array of a floating dtype.
        ValueError: `inplace` is true.

    Slope: λ for x > 0, λ · α · e^x elsewhere, **λ · α = 1.7581 at 0**, and λ at NaN (in PyTorch λ or, in longer arrays, NaN).
    PyTorch's counterpart: `torch.nn.functional.selu`.
    """
    checks.no_inplace("selu", inplace)
    x = checks.floating("selu", "input", input)
    return in_single(_compiled_unit, x, SELU_ALPHA * SELU_SCALE, SELU_SCALE, 1.0, SELU_ALPHA * SELU_SCALE, 1.0)


def celu(input: AnyFloats, alpha: float = 1.0, inplace: bool = False) -> Floats:
    """Continuously differentiable exponential linear unit, elementwise.

    celu(x) = x for x > 0, alpha · (e^(x / alpha) − 1) otherwise

    Args:
        input: an array of any shape.
        alpha: minus the limit on the far left, and the width of the bend.
        inplace: not taken.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(celu(np.array([-100.0, 0.0, 2.0], "float32"), 0.5)).round(4))
        [-0.5  0.   2. ]

    Raises:
        TypeError: `input` is not an array of a floating dtype, or `alpha` no number.
        ValueError: `alpha` is 0, or `inplace` is true.

    Slope: 1 for x > 0, e^(x / alpha) elsewhere, 1 at 0: no kink, and 1 at NaN (in PyTorch 1 or, in longer arrays, NaN). PyTorch
    rounds alpha to float32 before it divides by it in the slope, also for float64 arrays, and so does this function: celu(alpha=0.3) has slope
    0.99999996 at 0.
    PyTorch's counterpart: `torch.nn.functional.celu`.
    """
    checks.no_inplace("celu", inplace)
    x = checks.floating("celu", "input", input)
    a = checks.number("celu", "alpha", alpha)
    if a == 0:
        raise ValueError("celu: alpha must not be 0, but 0 was given")
    inverse = float(1 / np.float64(np.float32(a)))
    return in_single(_compiled_unit, x, a, 1.0, 1 / a, a * inverse, inverse)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _exponential_unit(x: Floats, constants: tuple[float, float, float], slope: tuple[float, float]) -> Floats:
    """Return scale · x where x > 0, left · (e^(rate · x) − 1) elsewhere, with (left, scale, rate); `slope` is (left · rate, rate) of the slope."""
    left, scale, rate = constants
    # Not x > 0, which is false at NaN; and no exponential of what lies on the right, which would overflow.
    return jnp.where(x <= 0, left * jnp.expm1(jnp.where(x <= 0, x, 0) * rate), scale * x)


@_exponential_unit.defjvp
def _exponential_unit_jvp(
    constants: tuple[float, float, float],
    slope: tuple[float, float],
    primals: tuple[Floats],
    tangents: tuple[Floats],
) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    left, rate = slope
    on_the_left = left * jnp.exp(jnp.where(x <= 0, x, 0) * rate)
    return _exponential_unit(x, constants, slope), t * jnp.where(x <= 0, on_the_left, constants[1])


_compiled_unit = compiled(
    "exponential_unit",
    lambda x, left, scale, rate, *slope: _exponential_unit(x, (left, scale, rate), slope),
    allows=lambda *parameters: all(map(math.isfinite, parameters)) and parameters[2] > 0,
)
