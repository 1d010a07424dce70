"""Sigmoids of straight lines."""

import jax
import jax.numpy as jnp
import numpy as np

from . import checks
from .precision import in_single
from .shapes import AnyFloats, Floats

# A float32 constant in PyTorch's source, also for float64 arrays.
ONE_SIXTH = float(np.float32(1 / 6))


def hardsigmoid(input: AnyFloats, inplace: bool = False) -> Floats:
    """Sigmoid of straight lines, elementwise.

    hardsigmoid(x) = min(max(x + 3, 0), 6) / 6

    Args:
        input: an array of any shape.
        inplace: not taken.

    Returns:
        An array of the same shape and dtype, from 0 to 1.

    Example:
        >>> import numpy as np
        >>> hardsigmoid(np.array([-4.0, 0.0, 4.0], "float32"))
        Array([0. , 0.5, 1. ], dtype=float32)

    Raises:
        TypeError: `input` is not an array of a floating dtype.
        ValueError: `inplace` is true.

    Slope: 1/6 between −3 and 3, **0 at −3 and at 3**, 0 outside and at NaN. PyTorch's 1/6 is a float32 number, 0.16666667163, also in float64.
    PyTorch's counterpart: `torch.nn.functional.hardsigmoid`. Plain JAX: `jnp.clip(x + 3, 0, 6) / 6` has slope 1/12 at both bounds.
    """
    checks.no_inplace("hardsigmoid", inplace)
    return in_single(_hardsigmoid, checks.floating("hardsigmoid", "input", input))


@jax.custom_jvp
def _hardsigmoid(x: Floats) -> Floats:
    return _between_0_and_6(x) / 6


@_hardsigmoid.defjvp
def _hardsigmoid_jvp(primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    return _hardsigmoid(x), jnp.where((x > -3) & (x < 3), t * ONE_SIXTH, jnp.zeros_like(t))


def hardswish(input: AnyFloats, inplace: bool = False) -> Floats:
    """Swish with the sigmoid of straight lines, elementwise.

    hardswish(x) = x · min(max(x + 3, 0), 6) / 6

    Args:
        input: an array of any shape.
        inplace: not taken.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import jax, numpy as np
        >>> hardswish(np.array([-4.0, 3.0, 4.0], "float32"))
        Array([-0.,  3.,  4.], dtype=float32)
        >>> [float(jax.grad(hardswish)(np.float32(x))) for x in (-3.0, 0.0, 3.0)]
        [0.0, 0.5, 1.0]

    Raises:
        TypeError: `input` is not an array of a floating dtype.
        ValueError: `inplace` is true.

    Slope: x/3 + 1/2 between −3 and 3, 0 below, 1 above, **0 at −3 and 1 at 3**, and 1 at NaN.
    PyTorch's counterpart: `torch.nn.functional.hardswish`. Plain JAX: `x * jnp.clip(x + 3, 0, 6) / 6` has slopes −1/4 and 5/4 at the bounds.
    """
    checks.no_inplace("hardswish", inplace)
    return in_single(_hardswish, checks.floating("hardswish", "input", input))


@jax.custom_jvp
def _hardswish(x: Floats) -> Floats:
    return x * _between_0_and_6(x) / 6


@_hardswish.defjvp
def _hardswish_jvp(primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    bend = (x > -3) & (x < 3)
    slope = jnp.where(bend, jnp.where(bend, x, 0) / 3 + 0.5, 1)
    # Selected: a slope of 0 stays 0 under an infinite cotangent.
    return _hardswish(x), jnp.where(x <= -3, jnp.zeros_like(t), t * slope.astype(t.dtype))


def _between_0_and_6(x: Floats) -> Floats:
    moved = x + 3
    return jnp.where(moved < 0, 0, jnp.where(moved > 6, 6, moved)).astype(x.dtype)
