"""Softmax and its logarithm along one dimension, without overflow for large scores."""

import warnings

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Array, Float, Shaped

from . import checks
from .shapes import Floats


def _prepare(
    function: str, input: ArrayLike, dim: int | None, dtype: DTypeLike | None
) -> tuple[Float[Array, "..."], int]:
    x = checks.array(function, "input", input) if dtype is not None else checks.floating(function, "input", input)
    if dtype is not None:
        x = x.astype(dtype)
    if dim is None:
        dim = 0 if x.ndim in (0, 1, 3) else 1
        warnings.warn(
            f"{function}: dim was not given; dim={dim} is taken, as PyTorch takes it. Write it out.", stacklevel=3
        )
    return jnp.atleast_1d(x), checks.axis(function, dim, x.ndim)


def softmax(input: Shaped[ArrayLike, "*shape"], dim: int | None = None, *, dtype: DTypeLike | None = None) -> Floats:
    """Softmax along `dim`: positive numbers that sum to one.

    S(y_i) = e^(y_i) / Σ_j e^(y_j), computed as e^(y_i − max) / Σ_j e^(y_j − max), which is the same number without overflow.

    Args:
        input: scores of any shape.
        dim: the dimension along which the results sum to one.
        dtype: convert to this dtype first.

    Returns:
        An array of the same shape. A row that is all −inf, or holds +inf or NaN, gives NaN.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(softmax(np.array([1000.0, 1000.0, 999.0], "float32"), dim=0)).round(3))
        [0.422 0.422 0.155]

    Raises:
        TypeError: `input` is not an array of a floating dtype (and no `dtype` is given).
        ValueError: `dim` is out of range.

    Slope: ∂S_i/∂y_j = S_i · (δ_ij − S_j); no kink: the shift by the maximum cancels.
    PyTorch's counterpart: `torch.nn.functional.softmax`.
    """
    x, dim = _prepare("softmax", input, dim, dtype)
    return jax.nn.softmax(x, axis=dim).reshape(jnp.shape(input))


def log_softmax(
    input: Shaped[ArrayLike, "*shape"], dim: int | None = None, *, dtype: DTypeLike | None = None
) -> Floats:
    """Logarithm of softmax along `dim`, accurate where softmax itself would underflow to zero.

    log S(y_i) = (y_i − max) − log Σ_j e^(y_j − max)

    Args:
        input: scores of any shape.
        dim: the dimension along which the probabilities sum to one.
        dtype: convert to this dtype first.

    Returns:
        An array of the same shape, at most 0.

    Example:
        >>> import numpy as np
        >>> log_softmax(np.array([0.0, 1000.0], "float32"), dim=0)
        Array([-1000.,     0.], dtype=float32)

    Raises:
        TypeError: `input` is not an array of a floating dtype (and no `dtype` is given).
        ValueError: `dim` is out of range.

    Slope: ∂ log S_i/∂y_j = δ_ij − S_j.
    PyTorch's counterpart: `torch.nn.functional.log_softmax`.
    """
    x, dim = _prepare("log_softmax", input, dim, dtype)
    return jax.nn.log_softmax(x, axis=dim).reshape(jnp.shape(input))
