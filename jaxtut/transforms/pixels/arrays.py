"""What NumPy's images and JAX's have in common: their namespace, their range, and decisions on values that may be traced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

# (..., channels, height, width), of NumPy or of JAX, traced or not.
Pixels: TypeAlias = "np.ndarray | jax.Array"
Change: TypeAlias = Callable[[Any], Any]


def namespace(image: Pixels) -> Any:
    """Return the module whose functions take this array: `numpy` or `jax.numpy`."""
    return image.__array_namespace__()


def is_integer(dtype: np.dtype) -> bool:
    """Return whether numbers of this dtype are whole."""
    return dtype.kind in "iu"


def largest(dtype: np.dtype) -> int:
    """Return the number that stands for white: the largest of an integer dtype, 1 for floating ones."""
    return int(np.iinfo(dtype).max) if is_integer(dtype) else 1


def widened(image: Pixels) -> Any:
    """Return images of float32 and float64 as they are, and others in float32, as PyTorch computes with them."""
    return image if image.dtype in (np.float32, np.float64) else image.astype(np.float32)


def rounded(values: Pixels, dtype: np.dtype) -> Any:
    """Return floating numbers in the dtype of the image they come from, rounded half to even if that one is whole."""
    return (namespace(values).round(values) if is_integer(dtype) else values).astype(dtype)


def cut_off(values: Pixels, dtype: np.dtype) -> Any:
    """Return floating numbers in the dtype of the image they come from, as their integer part if that one is whole."""
    # The conversion cuts off by itself, but XLA's compiler for CPUs leaves it out between float32 and float32 in front of a sum.
    return (namespace(values).trunc(values) if is_integer(dtype) else values).astype(dtype)


def either(flag: Any, change: Change, image: Any) -> Any:
    """Return `change(image)` where `flag` is true, else the image; a traced flag is decided on the device."""
    return one_of(flag, (lambda x: x, change), image)


def one_of(which: Any, changes: Sequence[Change], image: Any) -> Any:
    """Return `changes[which](image)`; a traced `which` is decided on the device, where all must give one shape and dtype."""
    if not isinstance(which, Tracer):
        return changes[int(which)](image)
    given = [jax.tree.map(lambda x: (x.shape, x.dtype.name), jax.eval_shape(change, image)) for change in changes]
    if any(other != given[0] for other in given):
        raise ValueError(
            f"a choice between images of different shapes or dtypes cannot be compiled: {given} were given"
        )
    return jax.lax.switch(jnp.asarray(which, jnp.int32), changes, image)


def in_order(order: Any, changes: Sequence[Change], image: Any) -> Any:
    """Make changes one after the other; with a traced order in a loop, whose body is compiled once."""
    if isinstance(order, Tracer) and changes:
        return jax.lax.scan(lambda x, which: (one_of(which, changes, x), None), image, order)[0]
    for which in order:
        image = changes[int(which)](image)
    return image


def product(a: Any, b: Any) -> Any:
    """Multiply matrices; in JAX in full precision, which accelerators would lower by default."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a @ b
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)
