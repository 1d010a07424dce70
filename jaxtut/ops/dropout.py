"""Dropout: numbers or whole channels are left out at random while training."""

import math
import warnings

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array

from . import checks
from .precision import at_least_single
from .shapes import AnyFloats, Floats

# −λ · α of SELU: what its far left tends to.
SELU_FLOOR = -1.7580993408473766


def dropout(
    input: AnyFloats, p: float = 0.5, training: bool = True, inplace: bool = False, *, key: Array | None = None
) -> Floats:
    """Leave numbers out at random, and scale the others, so that the expectation stays.

    y = x · m / (1 − p), with m = 0 with probability p and 1 otherwise, drawn for each number

    Args:
        input: x, of any shape.
        p: the probability of being left out.
        training: leave out; otherwise x is returned as it is.
        inplace: not taken.
        key: what is drawn from, `jax.random.key(seed)`; needed for training alone.

    Returns:
        y, of the shape and dtype of x.

    Example:
        >>> import jax, numpy as np
        >>> y = dropout(np.ones(1000, "float32"), 0.2, key=jax.random.key(0))
        >>> sorted(set(y.tolist()))
        [0.0, 1.25]

    Raises:
        TypeError: wrong dtypes.
        ValueError: `p` outside [0, 1], training without a key, or `inplace` is true.

    Slope: m / (1 − p).
    PyTorch's counterpart: `torch.nn.functional.dropout`, which draws from a generator of its own: the numbers differ, their distribution does not.
    """
    return _dropped("dropout", input, p, training, inplace, key, lambda x: x.shape)


def dropout1d(
    input: AnyFloats, p: float = 0.5, training: bool = True, inplace: bool = False, *, key: Array | None = None
) -> Floats:
    """Leave whole channels of sequences out at random.

    As `dropout`, with one draw for each channel of each sample

    Args:
        input: x, shape (batch, channels, length) or (channels, length).
        p: the probability of being left out.
        training: leave out; otherwise x is returned as it is.
        inplace: not taken.
        key: what is drawn from; needed for training alone.

    Returns:
        y, of the shape and dtype of x.

    Example:
        >>> import jax, numpy as np
        >>> y = dropout1d(np.ones((100, 3), "float32"), 0.5, key=jax.random.key(0))
        >>> sorted(set(y.sum(1).tolist()))
        [0.0, 6.0]

    Raises:
        TypeError: wrong dtypes.
        ValueError: another number of dimensions, `p` outside [0, 1], training without a key, or `inplace` is true.

    PyTorch's counterpart: `torch.nn.functional.dropout1d`.
    """
    x = checks.array("dropout1d", "input", input)
    if x.ndim not in (2, 3):
        raise ValueError(
            f"dropout1d: input must have shape (batch, channels, length) or (channels, length), but {x.shape} was given"
        )
    return _dropped("dropout1d", x, p, training, inplace, key, lambda x: _channels(x, x.ndim == 3))


def dropout2d(
    input: AnyFloats, p: float = 0.5, training: bool = True, inplace: bool = False, *, key: Array | None = None
) -> Floats:
    """Leave whole channels of images out at random.

    As `dropout`, with one draw for each channel of each sample

    Args:
        input: x, shape (batch, channels, height, width). Three dimensions are read as (batch, channels, length), with a warning, as in PyTorch.
        p: the probability of being left out.
        training: leave out; otherwise x is returned as it is.
        inplace: not taken.
        key: what is drawn from; needed for training alone.

    Returns:
        y, of the shape and dtype of x.

    Example:
        >>> import jax, numpy as np
        >>> y = dropout2d(np.ones((2, 50, 2, 2), "float32"), 0.5, key=jax.random.key(0))
        >>> sorted(set(y.sum((2, 3)).ravel().tolist()))
        [0.0, 8.0]

    Raises:
        TypeError: wrong dtypes.
        ValueError: fewer than two dimensions, `p` outside [0, 1], training without a key, or `inplace` is true.

    PyTorch's counterpart: `torch.nn.functional.dropout2d`.
    """
    x = _of_rank("dropout2d", input, 4, "(batch, channels, height, width)")
    return _dropped("dropout2d", x, p, training, inplace, key, lambda x: _channels(x, True))


def dropout3d(
    input: AnyFloats, p: float = 0.5, training: bool = True, inplace: bool = False, *, key: Array | None = None
) -> Floats:
    """Leave whole channels of volumes out at random.

    As `dropout`, with one draw for each channel of each sample

    Args:
        input: x, shape (batch, channels, depth, height, width) or (channels, depth, height, width).
        p: the probability of being left out.
        training: leave out; otherwise x is returned as it is.
        inplace: not taken.
        key: what is drawn from; needed for training alone.

    Returns:
        y, of the shape and dtype of x.

    Example:
        >>> import jax, numpy as np
        >>> dropout3d(np.ones((1, 2, 2, 2), "float32"), 1.0, key=jax.random.key(0)).sum().item()
        0.0

    Raises:
        TypeError: wrong dtypes.
        ValueError: fewer than two dimensions, `p` outside [0, 1], training without a key, or `inplace` is true.

    PyTorch's counterpart: `torch.nn.functional.dropout3d`.
    """
    x = _of_rank("dropout3d", input, 5, "(batch, channels, depth, height, width)", unbatched=True)
    return _dropped("dropout3d", x, p, training, inplace, key, lambda x: _channels(x, x.ndim != 4))


def alpha_dropout(
    input: AnyFloats, p: float = 0.5, training: bool = False, inplace: bool = False, *, key: Array | None = None
) -> Floats:
    """Set numbers to the floor of SELU at random, and scale all, so that mean 0 and variance 1 stay.

    y = a · (m · x + (1 − m) · f) + b, with f = −1.7581, a = ((1 − p) · (1 + p · f²))^(−1/2), b = −a · p · f

    Args:
        input: x, of any shape.
        p: the probability of being set to the floor.
        training: draw; otherwise x is returned as it is.
        inplace: not taken.
        key: what is drawn from; needed for training alone.

    Returns:
        y, of the shape and dtype of x.

    Example:
        >>> import jax, numpy as np
        >>> x = np.random.default_rng(0).standard_normal(100_000).astype("float32")
        >>> y = alpha_dropout(x, 0.3, True, key=jax.random.key(0))
        >>> bool(abs(y.mean()) < 0.02 and abs(y.std() - 1) < 0.02)
        True

    Raises:
        TypeError: wrong dtypes.
        ValueError: `p` outside [0, 1], training without a key, or `inplace` is true.

    Slope: a · m.
    PyTorch's counterpart: `torch.nn.functional.alpha_dropout`.
    """
    return _dropped("alpha_dropout", input, p, training, inplace, key, lambda x: x.shape, SELU_FLOOR)


def feature_alpha_dropout(
    input: AnyFloats, p: float = 0.5, training: bool = False, inplace: bool = False, *, key: Array | None = None
) -> Floats:
    """Set whole channels to the floor of SELU at random.

    As `alpha_dropout`, with one draw for each channel of each sample

    Args:
        input: x, shape (batch, channels, ...).
        p: the probability of being set to the floor.
        training: draw; otherwise x is returned as it is.
        inplace: not taken.
        key: what is drawn from; needed for training alone.

    Returns:
        y, of the shape and dtype of x.

    Example:
        >>> import jax, numpy as np
        >>> feature_alpha_dropout(np.ones((1, 2, 3), "float32"), 1.0, True, key=jax.random.key(0)).sum().item()
        0.0

    Raises:
        TypeError: wrong dtypes.
        ValueError: fewer than two dimensions, `p` outside [0, 1], training without a key, or `inplace` is true.

    PyTorch's counterpart: `torch.nn.functional.feature_alpha_dropout`.
    """
    x = checks.array("feature_alpha_dropout", "input", input)
    if x.ndim < 2:
        raise ValueError(
            f"feature_alpha_dropout: input must have shape (batch, channels, ...), but {x.shape} was given"
        )
    return _dropped("feature_alpha_dropout", x, p, training, inplace, key, lambda x: _channels(x, True), SELU_FLOOR)


def _of_rank(function: str, input: ArrayLike, rank: int, names: str, unbatched: bool = False) -> Array:
    x = checks.array(function, "input", input)
    if x.ndim < 2:
        raise ValueError(f"{function}: input must have shape {names}, but {x.shape} was given")
    if x.ndim != rank and not (unbatched and x.ndim == rank - 1):
        warnings.warn(
            f"{function}: input of shape {x.shape} is read as (batch, channels, ...), as PyTorch does", stacklevel=3
        )
    return x


def _channels(x: Array, batched: bool) -> tuple[int, ...]:
    """Return the shape of one draw for each channel."""
    lead = 2 if batched else 1
    return x.shape[:lead] + (1,) * (x.ndim - lead)


def _dropped(function, input, p, training, inplace, key, shape_of_draws, floor: float = 0.0) -> Array:
    checks.no_inplace(function, inplace)
    x = checks.array(function, "input", input)
    rate = checks.number(function, "p", p)
    if not 0 <= rate <= 1:
        raise ValueError(f"{function}: p must lie in [0, 1], but {p} was given")
    if not training:
        return x
    x = checks.floating(function, "input", x)
    if key is None:
        raise ValueError(f"{function}: training needs a key, key=jax.random.key(seed)")
    wide = x.astype(at_least_single(x.dtype))
    if rate == 1:  # NaN and infinities stay NaN, as in PyTorch
        return x * jnp.zeros((), x.dtype)
    kept = jnp.broadcast_to(jax.random.bernoulli(key, 1 - rate, shape_of_draws(x)), x.shape).astype(wide.dtype)
    if floor == 0:
        return (wide * (kept / (1 - rate))).astype(x.dtype)
    scale = 1 / math.sqrt((1 - rate) * (1 + rate * floor**2))
    return (wide * (kept * scale) + ((1 - kept) * floor - rate * floor) * scale).astype(x.dtype)
