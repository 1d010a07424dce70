"""Where 16-bit numbers are computed in float32: once, from the arguments to the result, as PyTorch's kernels do."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from .shapes import Floats


def in_single(f: Callable[..., Floats], x: Floats, *options: Any) -> Floats:
    """Return f(x, *options); a float16 or bfloat16 array is computed in float32 and rounded once at the end."""
    if x.dtype.itemsize >= 4:
        return f(x, *options)
    return f(x.astype(jnp.float32), *options).astype(x.dtype)
