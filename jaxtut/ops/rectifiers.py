"""Rectifiers: piecewise linear functions, each with PyTorch's slope at its kink."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import checks
from .precision import at_least_single, in_single
from .shapes import AnyFloats, AnyNumbers, Floats, Numbers


def relu(input: AnyNumbers, inplace: bool = False) -> Numbers:
    """Rectified linear unit, elementwise.

    relu(x) = max(x, 0)

    Args:
        input: an array of any shape.
        inplace: not taken.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import jax, numpy as np
        >>> relu(np.array([-1.0, 0.0, 2.0], "float32"))
        Array([0., 0., 2.], dtype=float32)
        >>> float(jax.grad(relu)(np.float32(0.0)))
        0.0

    Raises:
        TypeError: `input` is not an array of integers or floats.
        ValueError: `inplace` is true.

    Slope: 0 for x < 0, **0 at 0**, 1 for x > 0, and 1 at NaN.
    PyTorch's counterpart: `torch.nn.functional.relu`.
    Plain JAX: `jnp.maximum(x, 0)` has slope 1/2 at 0.
    """
    checks.no_inplace("relu", inplace)
    return _relu(checks.numeric("relu", "input", input))


@jax.custom_jvp
def _relu(x: Floats) -> Floats:
    return jnp.where(x < 0, jnp.zeros_like(x), x)  # not maximum(x, 0): PyTorch lets -0.0 through


@_relu.defjvp
def _relu_jvp(primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    # Selected, not multiplied: a zero slope stays zero under an infinite cotangent. x <= 0 is false at NaN.
    return _relu(x), jnp.where(x <= 0, jnp.zeros_like(t), t)


def relu6(input: AnyNumbers, inplace: bool = False) -> Numbers:
    """Rectified linear unit with a ceiling of 6, elementwise.

    relu6(x) = min(max(x, 0), 6)

    Args:
        input: an array of any shape.
        inplace: not taken.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import numpy as np
        >>> relu6(np.array([-1.0, 3.0, 7.0], "float32"))
        Array([0., 3., 6.], dtype=float32)

    Raises:
        TypeError: `input` is not an array of integers or floats.
        ValueError: `inplace` is true.

    Slope: 1 between 0 and 6, **0 at 0 and at 6**, 0 outside, and 1 at NaN.
    PyTorch's counterpart: `torch.nn.functional.relu6`. Plain JAX: `jnp.clip(x, 0, 6)` has slope 1/2 at both bounds.
    """
    checks.no_inplace("relu6", inplace)
    return _clip(checks.numeric("relu6", "input", input), 0, 6)


def hardtanh(input: AnyNumbers, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Numbers:
    """Identity between two bounds, constant outside, elementwise.

    hardtanh(x) = min(max(x, min_val), max_val)

    Args:
        input: an array of any shape.
        min_val: the lower bound.
        max_val: the upper bound.
        inplace: not taken.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import jax, numpy as np
        >>> hardtanh(np.array([-2.0, 0.5, 2.0], "float32"))
        Array([-1. ,  0.5,  1. ], dtype=float32)
        >>> float(jax.grad(hardtanh)(np.float32(1.0)))
        0.0

    Raises:
        TypeError: `input` is not an array of signed integers or floats.
        ValueError: `min_val` is above `max_val`, or `inplace` is true.

    Slope: 1 between the bounds, **0 at both bounds**, 0 outside, and 1 at NaN.
    PyTorch's counterpart: `torch.nn.functional.hardtanh`; `torch.clamp` is the same function with slope 1 at the bounds. Plain JAX:
    `jax.nn.hard_tanh` has slope 1 at the bounds, `jnp.clip` 1/2.
    """
    checks.no_inplace("hardtanh", inplace)
    x = checks.numeric("hardtanh", "input", input)
    low, high = (checks.number("hardtanh", name, v) for name, v in (("min_val", min_val), ("max_val", max_val)))
    if low > high:
        raise ValueError(f"hardtanh: min_val must not be above max_val, but {min_val} and {max_val} were given")
    if jnp.issubdtype(x.dtype, jnp.unsignedinteger) and low < 0:
        raise TypeError(f"hardtanh: min_val {min_val} does not fit an input of {x.dtype}")
    return _clip(x, low, high)


def _clip(x: Numbers, low: float, high: float) -> Numbers:
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return jnp.clip(x, int(low), int(high))  # bounds lose their fractions, as in PyTorch
    return _clip_floats(x, low, high)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _clip_floats(x: Floats, low: float, high: float) -> Floats:
    a, b = jnp.asarray(low, x.dtype), jnp.asarray(high, x.dtype)
    raised = jnp.where((x < a) | jnp.isnan(a), a, x)  # selected: -0.0 stays, and NaN in x or in a bound goes through
    return jnp.where((raised > b) | jnp.isnan(b), b, raised)


@_clip_floats.defjvp
def _clip_jvp(low: float, high: float, primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    a, b = jnp.asarray(low, x.dtype), jnp.asarray(high, x.dtype)
    flat = (x <= a) | (x >= b)
    return _clip_floats(x, low, high), jnp.where(flat, jnp.zeros_like(t), t)


def threshold(input: AnyNumbers, threshold: float, value: float, inplace: bool = False) -> Numbers:
    """What lies above a threshold stays, the rest becomes one value, elementwise.

    threshold(x) = x for x > threshold, value otherwise; NaN stays NaN

    Args:
        input: an array of any shape.
        threshold: the threshold.
        value: what stands in place of everything at the threshold or below it.
        inplace: not taken.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import numpy as np
        >>> threshold(np.array([0.5, 1.0, 2.0], "float32"), 1.0, 9.0)
        Array([9., 9., 2.], dtype=float32)

    Raises:
        TypeError: `input` is not an array of integers or floats, or a number is none.
        ValueError: `inplace` is true.

    Slope: 1 above the threshold, **0 at the threshold**, 0 below it, and 1 at NaN.
    PyTorch's counterpart: `torch.nn.functional.threshold`.
    """
    checks.no_inplace("threshold", inplace)
    x = checks.numeric("threshold", "input", input)
    limit, other = (checks.number("threshold", n, v) for n, v in (("threshold", threshold), ("value", value)))
    if not jnp.issubdtype(x.dtype, jnp.floating):
        limit, other = int(limit), int(other)
    below = x <= jnp.asarray(limit, x.dtype)
    return jnp.where(below, jnp.asarray(other, x.dtype), x)


def leaky_relu(input: AnyFloats, negative_slope: float = 0.01, inplace: bool = False) -> Floats:
    """Leaky rectified linear unit, elementwise.

    leaky_relu(x) = x for x > 0, negative_slope · x otherwise

    Args:
        input: an array of any shape.
        negative_slope: the slope left of 0.
        inplace: not taken.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import jax, numpy as np
        >>> leaky_relu(np.array([-1.0, 0.0, 2.0], "float32"), 0.5)
        Array([-0.5,  0. ,  2. ], dtype=float32)
        >>> float(jax.grad(leaky_relu)(np.float32(0.0), 0.5))
        0.5

    Raises:
        TypeError: `input` is not an array of a floating dtype, or `negative_slope` no number.
        ValueError: `inplace` is true.

    Slope: `negative_slope` for x < 0, **`negative_slope` at 0**, 1 for x > 0.
    PyTorch's counterpart: `torch.nn.functional.leaky_relu`. Plain JAX: `jax.nn.leaky_relu` has slope 1 at 0.
    """
    checks.no_inplace("leaky_relu", inplace)
    x = checks.floating("leaky_relu", "input", input)
    return in_single(_leaky_relu, x, checks.number("leaky_relu", "negative_slope", negative_slope))


def _leaky_relu(x: Floats, negative_slope: float) -> Floats:
    # The factor is selected by x > 0, which decides the slope at 0 and at NaN.
    return x * jnp.where(x > 0, 1, negative_slope).astype(x.dtype)


def prelu(input: AnyFloats, weight: Float[ArrayLike, "*weights"]) -> Floats:
    """Leaky rectified linear unit whose slope is learned, one for all or one for each channel.

    prelu(x) = x for x > 0, w_c · x otherwise, with c the index along dimension 1

    Args:
        input: an array of any shape; with several weights, channels stand in dimension 1.
        weight: one number, as shape () or (1,), or shape (channels,).

    Returns:
        An array of the shape and dtype of `input`.

    Example:
        >>> import numpy as np
        >>> prelu(np.array([[-2.0, -2.0]], "float32"), np.array([0.5, 0.25], "float32"))
        Array([[-1. , -0.5]], dtype=float32)

    Raises:
        TypeError: arguments that are no arrays of one floating dtype.
        ValueError: `weight` has more than one dimension, or not as many numbers as there are channels.

    Slope: in x, 1 for x > 0 and w elsewhere, **w at 0** and at NaN; in w, 0 for x > 0 and x elsewhere.
    PyTorch's counterpart: `torch.nn.functional.prelu`.
    """
    x, w = checks.floating("prelu", "input", input), checks.floating("prelu", "weight", weight)
    checks.same_dtype("prelu", input=x, weight=w)
    channels = x.shape[1] if x.ndim > 1 else 1
    if w.ndim > 1:
        raise ValueError(f"prelu: weight must have shape () or (channels,), but {w.shape} was given")
    if w.size != 1 and (w.size != channels or x.ndim == 0):
        raise ValueError(
            f"prelu: weight must hold 1 number or one for each of the {channels} channels of an input of shape {x.shape}, "
            f"but {w.size} were given"
        )
    along = w.reshape((-1,) if x.ndim == 1 else (1, -1) + (1,) * (x.ndim - 2) if x.ndim else ())
    scales = jnp.broadcast_to(along, x.shape)
    # The slope in w where x > 0 is selected away, not multiplied by 0.
    return jnp.where(x > 0, x, scales * jnp.where(x > 0, jnp.zeros_like(x), x))


def rrelu(
    input: AnyFloats,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    key: Array | None = None,
) -> Floats:
    """Leaky rectified linear unit with a random slope while training, and the mean slope otherwise.

    rrelu(x) = x for x > 0, a · x otherwise; training: a is uniform in [lower, upper), drawn anew for each element; else (lower + upper)/2

    Args:
        input: an array of any shape.
        lower: the smallest slope.
        upper: the largest slope.
        training: draw the slopes.
        inplace: not taken.
        key: what the slopes are drawn from, `jax.random.key(seed)`; needed for training alone.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import jax, numpy as np
        >>> rrelu(np.array([-6.0, 6.0], "float32"), 0.25, 0.75)
        Array([-3.,  6.], dtype=float32)
        >>> y = rrelu(np.array([-1.0], "float32"), 0.25, 0.75, training=True, key=jax.random.key(0))
        >>> bool(-0.75 < y[0] <= -0.25)
        True

    Raises:
        TypeError: `input` is not an array of a floating dtype.
        ValueError: `lower` is above `upper`, training without a key, or `inplace` is true.

    Slope: 1 for x > 0, a elsewhere, **a at 0**.
    PyTorch's counterpart: `torch.nn.functional.rrelu`, which draws from a generator of its own: the numbers differ, their distribution does not.
    """
    checks.no_inplace("rrelu", inplace)
    x = checks.floating("rrelu", "input", input)
    low, high = (checks.number("rrelu", n, v) for n, v in (("lower", lower), ("upper", upper)))
    if low > high:
        raise ValueError(f"rrelu: lower must not be above upper, but {lower} and {upper} were given")
    if not training:
        return in_single(_leaky_relu, x, (low + high) / 2)
    if key is None:
        raise ValueError("rrelu: training needs a key, key=jax.random.key(seed)")
    slopes = jax.random.uniform(key, x.shape, at_least_single(x.dtype), low, high).astype(x.dtype)
    return x * jnp.where(x <= 0, slopes, jnp.ones_like(slopes))  # 1 at NaN, as in PyTorch


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
