"""Where 16-bit numbers are computed in float32: once, from the arguments to the result, as PyTorch's kernels do."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .shapes import Floats


def in_single(f: Callable[..., Floats], x: Floats, *options: Any) -> Floats:
    """Return f(x, *options); a float16 or bfloat16 array is computed in float32 and rounded once at the end."""
    wide = at_least_single(x.dtype)
    return f(x, *options) if wide == x.dtype else f(x.astype(wide), *options).astype(x.dtype)


def at_least_single(dtype: np.dtype) -> np.dtype:
    """Return float32 for a floating dtype of 16 bits, and every other as it is.

    Example:
        >>> at_least_single(np.dtype("float16")), at_least_single(np.dtype("float64"))
        (dtype('float32'), dtype('float64'))
    """
    return dtype if dtype.itemsize >= 4 else np.dtype(np.float32)


def accumulated(x: Array) -> Array:
    """Return 16-bit floats as float32: sums are kept there, as in PyTorch, and rounded once; other arrays as they are."""
    return x.astype(at_least_single(x.dtype)) if jnp.issubdtype(x.dtype, jnp.floating) else x
