"""Gates: a number times a probability that depends on it, or on another half of the array."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from . import checks
from .compiled_maps import compiled
from .normal_distribution import TAIL, probability_and_density
from .precision import in_single
from .shapes import AnyFloats, Floats

# The cubic term and the factor of the tanh form: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016).
CUBIC = 0.044715
ROOT_OF_2_OVER_PI = math.sqrt(2 / math.pi)


def gelu(input: AnyFloats, approximate: str = "none") -> Floats:
    """Gaussian error linear unit, elementwise.

    'none': gelu(x) = x · Φ(x) = x/2 · (1 + erf(x/√2)); 'tanh': x/2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))

    Args:
        input: an array of any shape.
        approximate: 'none' or 'tanh'.

    Returns:
        An array of the same shape and dtype; NaN at −inf, where it is ∞ · 0. (At +inf PyTorch gives inf or, in float32 and for some lengths of the
        array, NaN; here it is inf.)

    Example:
        >>> import numpy as np
        >>> print(np.asarray(gelu(np.array([-1.0, 0.0, 1.0], "float32"))).round(4))
        [-0.1587  0.      0.8413]

    Raises:
        TypeError: `input` is not an array of a floating dtype.
        ValueError: an unknown `approximate`.

    Slope: Φ(x) + x · φ(x) with φ the density of the normal distribution; no kink; NaN at ±inf, as in PyTorch.
    PyTorch's counterpart: `torch.nn.functional.gelu`. Plain JAX: `jax.nn.gelu` takes the tanh form by default, up to 5e-4 away. Far to the left
    1 + erf is 0 in PyTorch while Φ(x), as it is computed here, keeps its digits; both are the same to rounding.
    """
    x = checks.floating("gelu", "input", input)
    if approximate == "none":
        return in_single(_compiled_gelu, x)
    if approximate == "tanh":
        return in_single(_gelu_by_tanh, x)
    raise ValueError(f"gelu: approximate must be 'none' or 'tanh', but {approximate!r} was given")


@jax.custom_jvp
def _gelu(x: Floats) -> Floats:
    return x * probability_and_density(x)[0]


@_gelu.defjvp
def _gelu_jvp(primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    probability, density = probability_and_density(x)
    return _gelu(x), t * (probability + x * density)


_compiled_gelu = compiled("gelu", _gelu, TAIL)


@jax.custom_jvp
def _gelu_by_tanh(x: Floats) -> Floats:
    return 0.5 * x * (1 + jnp.tanh(ROOT_OF_2_OVER_PI * (x + CUBIC * x * x * x)))


@_gelu_by_tanh.defjvp
def _gelu_by_tanh_jvp(primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    y = jnp.tanh(ROOT_OF_2_OVER_PI * (x + CUBIC * x * x * x))
    # 1 − tanh² in factors: no digit is lost where tanh is near ±1.
    bend = (1 - y) * (1 + y) * ROOT_OF_2_OVER_PI * (1 + 3 * CUBIC * x * x)
    return _gelu_by_tanh(x), t * (0.5 * (1 + y) + 0.5 * x * bend)


def silu(input: AnyFloats, inplace: bool = False) -> Floats:
    """Sigmoid linear unit, also called swish, elementwise.

    silu(x) = x · σ(x) = x / (1 + e^(−x))

    Args:
        input: an array of any shape.
        inplace: not taken.

    Returns:
        An array of the same shape and dtype; NaN at −inf, where it is ∞ · 0.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(silu(np.array([-1.0, 0.0, 1.0], "float32"))).round(4))
        [-0.2689  0.      0.7311]

    Raises:
        TypeError: `input` is not an array of a floating dtype.
        ValueError: `inplace` is true.

    Slope: σ(x) · (1 + x · (1 − σ(x))); no kink; NaN at ±inf, as in PyTorch.
    PyTorch's counterpart: `torch.nn.functional.silu`.
    """
    checks.no_inplace("silu", inplace)
    return in_single(_compiled_silu, checks.floating("silu", "input", input))


@jax.custom_jvp
def _silu(x: Floats) -> Floats:
    return x * jax.nn.sigmoid(x)


@_silu.defjvp
def _silu_jvp(primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    # σ(−x) is 1 − σ(x) with its digits.
    return _silu(x), t * (jax.nn.sigmoid(x) * (1 + x * jax.nn.sigmoid(-x)))


_compiled_silu = compiled("silu", _silu)


def mish(input: AnyFloats, inplace: bool = False) -> Floats:
    """Self-gated unit of softplus and tanh, elementwise.

    mish(x) = x · tanh(log(1 + e^x))

    Args:
        input: an array of any shape.
        inplace: not taken.

    Returns:
        An array of the same shape and dtype; NaN at −inf, where it is ∞ · 0.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(mish(np.array([-1.0, 0.0, 1.0], "float32"))).round(4))
        [-0.3034  0.      0.8651]

    Raises:
        TypeError: `input` is not an array of a floating dtype.
        ValueError: `inplace` is true.

    Slope: τ + x · (1 − τ²) · σ(x) with τ = tanh(log(1 + e^x)); no kink; NaN at ±inf, as in PyTorch.
    PyTorch's counterpart: `torch.nn.functional.mish`.
    """
    checks.no_inplace("mish", inplace)
    return in_single(_mish, checks.floating("mish", "input", input))


@jax.custom_jvp
def _mish(x: Floats) -> Floats:
    return x * jnp.tanh(jax.nn.softplus(x))


@_mish.defjvp
def _mish_jvp(primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    gate = jnp.tanh(jax.nn.softplus(x))
    return _mish(x), t * (gate + x * ((1 - gate) * (1 + gate)) * jax.nn.sigmoid(x))


def glu(input: Float[Array, "..."], dim: int = -1) -> Float[Array, "..."]:
    """Gated linear unit: one half of a dimension, times the sigmoid of the other half.

    glu(a, b) = a · σ(b), where a and b are the halves of `input` along `dim`

    Args:
        input: an array of at least one dimension.
        dim: the dimension that is halved; its size is even.

    Returns:
        An array with half the size along `dim`.

    Example:
        >>> import numpy as np
        >>> glu(np.array([2.0, 3.0, 0.0, 100.0], "float32"))
        Array([1., 3.], dtype=float32)

    Raises:
        TypeError: `input` is not an array of a floating dtype.
        ValueError: a 0-d array, a `dim` out of range, or an odd size.

    Slope: σ(b) in a, a · σ(b) · (1 − σ(b)) in b; no kink.
    PyTorch's counterpart: `torch.nn.functional.glu`.
    """
    x = checks.floating("glu", "input", input)
    if x.ndim == 0:
        raise ValueError("glu: input must have a dimension to halve, but a 0-d array was given")
    axis = checks.axis("glu", dim, x.ndim)
    if x.shape[axis] % 2:
        raise ValueError(f"glu: dimension {dim} must have an even size, but input of shape {x.shape} was given")
    return in_single(_glu, x, axis)


def _glu(x: Floats, axis: int) -> Floats:
    a, b = jnp.split(x, 2, axis)
    return a * jax.nn.sigmoid(b)
