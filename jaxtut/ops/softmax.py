"""Softmax and its logarithm along one dimension, without overflow for large scores."""

import warnings

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Array, Float

from . import checks, row_log_softmax, row_softmax
from .precision import at_least_single, in_single
from .shapes import AnyFloats, AnyNumbers, Floats


def _prepare(
    function: str, input: ArrayLike, dim: int | None, stacklevel: int, dtype: DTypeLike | None
) -> tuple[Float[Array, "..."], int]:
    x = checks.array(function, "input", input) if dtype is not None else checks.floating(function, "input", input)
    if dtype is not None:
        if not jnp.issubdtype(dtype, jnp.floating):
            raise TypeError(f"{function}: dtype must be a floating dtype, but {dtype} was given")
        x = x.astype(dtype)
    if dim is None:
        dim = 0 if x.ndim in (0, 1, 3) else 1
        warnings.warn(
            f"{function}: dim was not given; dim={dim} is taken, as PyTorch takes it. Write it out.",
            stacklevel=stacklevel,
        )
    return jnp.atleast_1d(x), checks.axis(function, dim, x.ndim)


def softmax(input: AnyNumbers, dim: int | None = None, _stacklevel: int = 3, dtype: DTypeLike | None = None) -> Floats:
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
    x, dim = _prepare("softmax", input, dim, _stacklevel, dtype)
    return in_single(row_softmax.softmax, x, dim).reshape(jnp.shape(input))


def log_softmax(
    input: AnyNumbers, dim: int | None = None, _stacklevel: int = 3, dtype: DTypeLike | None = None
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
    x, dim = _prepare("log_softmax", input, dim, _stacklevel, dtype)
    return in_single(row_log_softmax.log_softmax, x, dim).reshape(jnp.shape(input))


def softmin(input: AnyNumbers, dim: int | None = None, _stacklevel: int = 3, dtype: DTypeLike | None = None) -> Floats:
    """Softmax of the negative scores: the smallest score gets the largest share.

    softmin(y)_i = e^(−y_i) / Σ_j e^(−y_j)

    Args:
        input: scores of any shape.
        dim: the dimension along which the results sum to one.
        dtype: convert to this dtype first.

    Returns:
        An array of the same shape.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(softmin(np.array([0.0, 1000.0], "float32"), dim=0)))
        [1. 0.]

    Raises:
        TypeError: `input` is not an array of a floating dtype (and no `dtype` is given).
        ValueError: `dim` is out of range.

    Slope: ∂S_i/∂y_j = −S_i · (δ_ij − S_j).
    PyTorch's counterpart: `torch.nn.functional.softmin`.
    """
    x, dim = _prepare("softmin", input, dim, _stacklevel, dtype)
    return in_single(row_softmax.softmax, -x, dim).reshape(jnp.shape(input))


def gumbel_softmax(
    logits: AnyFloats,
    tau: float = 1,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
    *,
    key: Array | None = None,
) -> Floats:
    """Draw from the distribution softmax(logits), in a way that can be differentiated.

    softmax((logits + g) / tau) with g = −log(−log u) drawn from the Gumbel distribution; hard: the largest becomes 1 and the rest 0, with the
    gradient of the soft draw

    Args:
        logits: logarithms of weights, of any shape.
        tau: the temperature; near 0 the draw is near to one-hot.
        hard: return one-hot vectors.
        eps: not used, in PyTorch neither.
        dim: the dimension along which the draw sums to one.
        key: what is drawn from, `jax.random.key(seed)`.

    Returns:
        An array of the same shape and dtype.

    Example:
        >>> import jax, numpy as np
        >>> drawn = gumbel_softmax(np.array([0.0, 50.0], "float32"), hard=True, key=jax.random.key(0))
        >>> print(np.asarray(drawn).round(3))
        [0. 1.]

    Raises:
        TypeError: `logits` is not an array of a floating dtype, or `tau` no number.
        ValueError: no key, or `dim` out of range.

    Slope: that of the softmax at the drawn noise, also where `hard`.
    PyTorch's counterpart: `torch.nn.functional.gumbel_softmax`, which draws from a generator of its own: the numbers differ, their distribution
    does not.
    """
    x = checks.floating("gumbel_softmax", "logits", logits)
    axis = checks.axis("gumbel_softmax", dim, x.ndim)
    temperature = checks.number("gumbel_softmax", "tau", tau)
    if key is None:
        raise ValueError("gumbel_softmax: a draw needs a key, key=jax.random.key(seed)")
    noise = jax.random.gumbel(key, x.shape, at_least_single(x.dtype)).astype(x.dtype)
    drawn = jnp.atleast_1d((x + noise) / jnp.asarray(temperature, x.dtype))
    soft = in_single(row_softmax.softmax, drawn, axis)
    if not hard:
        return soft.reshape(x.shape)
    largest = jax.nn.one_hot(jnp.argmax(soft, axis), soft.shape[axis], dtype=soft.dtype, axis=axis)
    return (largest - jax.lax.stop_gradient(soft) + soft).reshape(x.shape)
