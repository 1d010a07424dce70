"""Pooling to a given size: windows whose edges follow from it."""

import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array

from . import windows
from .max_pooling import Pooled, lowest
from .precision import accumulated
from .shapes import ImagesIn, ImagesOut, SequencesIn, SequencesOut, VolumesIn, VolumesOut

# One size, or one for each axis, where None keeps that of the input.
OutputSize = int | None | Sequence[int | None]


def adaptive_avg_pool1d(input: SequencesIn, output_size: int | Sequence[int]) -> SequencesOut:
    """Mean of each window of a sequence, with as many windows as are asked for.

    y[n, c, i] = mean of x[n, c, ⌊i · length / size⌋ ... ⌈(i + 1) · length / size⌉ − 1]

    Args:
        input: x, shape (batch, channels, length) or (channels, length).
        output_size: how many windows.

    Returns:
        y, shape (..., channels, output_size).

    Example:
        >>> import numpy as np
        >>> adaptive_avg_pool1d(np.arange(5, dtype="float32").reshape(1, 5), 2)
        Array([[1., 3.]], dtype=float32)

    Raises:
        TypeError: wrong dtypes, or a size that is no whole number.
        ValueError: wrong shapes, or a negative size.

    PyTorch's counterpart: `torch.nn.functional.adaptive_avg_pool1d`.
    """
    return _adaptive_average("adaptive_avg_pool1d", 1, input, output_size, keeps=False)


def adaptive_avg_pool2d(input: ImagesIn, output_size: OutputSize) -> ImagesOut:
    """Mean of each window of an image, with as many windows as are asked for.

    Along each axis, window i reaches from ⌊i · n / size⌋ to ⌈(i + 1) · n / size⌉ − 1

    Args:
        input: x, shape (batch, channels, height, width) or (channels, height, width).
        output_size: how many windows: one number, or one for each axis; None keeps the input's.

    Returns:
        y, shape (..., channels, *output_size).

    Example:
        >>> import numpy as np
        >>> adaptive_avg_pool2d(np.arange(6, dtype="float32").reshape(1, 2, 3), 1)
        Array([[[2.5]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes, or a size that is no whole number.
        ValueError: wrong shapes, or a negative size.

    PyTorch's counterpart: `torch.nn.functional.adaptive_avg_pool2d`.
    """
    return _adaptive_average("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: VolumesIn, output_size: OutputSize) -> VolumesOut:
    """Mean of each window of a volume, with as many windows as are asked for.

    As `adaptive_avg_pool2d`, with one more spatial axis in front.

    Args:
        input: x, shape (batch, channels, depth, height, width) or (channels, depth, height, width).
        output_size: how many windows: one number, or one for each axis; None keeps the input's.

    Returns:
        y, shape (..., channels, *output_size).

    Example:
        >>> import numpy as np
        >>> adaptive_avg_pool3d(np.ones((1, 2, 3, 4), "float32"), 1)
        Array([[[[1.]]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes, or a size that is no whole number.
        ValueError: wrong shapes, or a negative size.

    PyTorch's counterpart: `torch.nn.functional.adaptive_avg_pool3d`.
    """
    return _adaptive_average("adaptive_avg_pool3d", 3, input, output_size)


def adaptive_max_pool1d(input: SequencesIn, output_size: int | Sequence[int], return_indices: bool = False) -> Pooled:
    """Largest value of each window of a sequence, with as many windows as are asked for.

    The windows are those of `adaptive_avg_pool1d`.

    Args:
        input: x, shape (batch, channels, length) or (channels, length).
        output_size: how many windows.
        return_indices: return also where each winner stands.

    Returns:
        y, shape (..., channels, output_size); with `return_indices` a pair of y and indices.

    Example:
        >>> import numpy as np
        >>> adaptive_max_pool1d(np.arange(5, dtype="float32").reshape(1, 5), 2)
        Array([[2., 4.]], dtype=float32)

    Raises:
        TypeError: wrong dtypes, or a size that is no whole number.
        ValueError: wrong shapes, or a negative size.

    Slope: 1 for the winner, 0 for the others. **At a tie the first wins**; in a window with NaN the last NaN does.
    PyTorch's counterpart: `torch.nn.functional.adaptive_max_pool1d`.
    """
    return _adaptive_largest("adaptive_max_pool1d", 1, input, output_size, return_indices, keeps=False)


def adaptive_max_pool2d(input: ImagesIn, output_size: OutputSize, return_indices: bool = False) -> Pooled:
    """Largest value of each window of an image, with as many windows as are asked for.

    The windows are those of `adaptive_avg_pool2d`.

    Args:
        input: x, shape (batch, channels, height, width) or (channels, height, width).
        output_size: how many windows: one number, or one for each axis; None keeps the input's.
        return_indices: return also where each winner stands, as row · width + column.

    Returns:
        y, shape (..., channels, *output_size); with `return_indices` a pair of y and indices.

    Example:
        >>> import numpy as np
        >>> adaptive_max_pool2d(np.arange(6, dtype="float32").reshape(1, 2, 3), (1, None))
        Array([[[3., 4., 5.]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes, or a size that is no whole number.
        ValueError: wrong shapes, or a negative size.

    Slope: 1 for the winner, 0 for the others. **At a tie the first in row-major order wins**; in a window with NaN the last NaN does.
    PyTorch's counterpart: `torch.nn.functional.adaptive_max_pool2d`.
    """
    return _adaptive_largest("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input: VolumesIn, output_size: OutputSize, return_indices: bool = False) -> Pooled:
    """Largest value of each window of a volume, with as many windows as are asked for.

    The windows are those of `adaptive_avg_pool3d`.

    Args:
        input: x, shape (batch, channels, depth, height, width) or (channels, depth, height, width).
        output_size: how many windows: one number, or one for each axis; None keeps the input's.
        return_indices: return also where each winner stands, counted through the volume.

    Returns:
        y, shape (..., channels, *output_size); with `return_indices` a pair of y and indices.

    Example:
        >>> import numpy as np
        >>> adaptive_max_pool3d(np.arange(8, dtype="float32").reshape(1, 2, 2, 2), 1)
        Array([[[[7.]]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes, or a size that is no whole number.
        ValueError: wrong shapes, or a negative size.

    Slope: 1 for the winner, 0 for the others. **At a tie the first in row-major order wins**; in a window with NaN the last NaN does.
    PyTorch's counterpart: `torch.nn.functional.adaptive_max_pool3d`.
    """
    return _adaptive_largest("adaptive_max_pool3d", 3, input, output_size, return_indices)


def _sizes(function: str, x: Array, axes: int, output_size: OutputSize, keeps: bool) -> tuple[int, ...]:
    given = tuple(output_size) if isinstance(output_size, Sequence) else (output_size,) * axes
    if any(isinstance(s, bool) or (not isinstance(s, (int, np.integer)) and not (keeps and s is None)) for s in given):
        raise TypeError(f"{function}: output_size must be {axes} whole numbers, but {output_size!r} was given")
    if len(given) != axes:
        raise ValueError(f"{function}: output_size must be {axes} whole numbers, but {output_size!r} was given")
    sizes = tuple(n if s is None else int(s) for s, n in zip(given, x.shape[-axes:], strict=True))
    if any(s < 0 for s in sizes):
        raise ValueError(f"{function}: output_size must be at least 0, but {output_size!r} was given")
    if 0 in x.shape[-axes:]:
        raise ValueError(f"{function}: the spatial axes must not be empty, but input of shape {x.shape} was given")
    return sizes


def _windows(n: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the members of each window, shape (size, longest), and which of them count."""
    starts = np.arange(size) * n // max(size, 1)
    ends = -(-(np.arange(size) + 1) * n // max(size, 1))
    longest = int((ends - starts).max(initial=1))
    positions = starts[:, None] + np.arange(longest)
    return np.minimum(positions, n - 1), positions < ends[:, None]


def _adaptive_average(function: str, axes: int, input: ArrayLike, output_size: OutputSize, keeps: bool = True) -> Array:
    x = windows.pooled(function, input, axes)
    sizes = _sizes(function, x, axes, output_size, keeps)
    y = accumulated(x)
    for axis, size in zip(range(-axes, 0), sizes, strict=True):
        positions, counted = _windows(x.shape[axis], size)
        # Selected, not multiplied by 0: what a window does not see cannot make it NaN.
        parts = jnp.take(jnp.moveaxis(y, axis, -1), positions, axis=-1)
        sums = jnp.where(jnp.broadcast_to(counted, parts.shape), parts, 0).sum(-1)
        y = jnp.moveaxis(sums / jnp.broadcast_to(jnp.asarray(counted.sum(1), y.dtype), sums.shape), -1, axis)
    return y.astype(x.dtype)


def _adaptive_largest(
    function: str, axes: int, input: ArrayLike, output_size: OutputSize, return_indices: bool, keeps: bool = True
) -> Pooled:
    x = windows.pooled(function, input, axes)
    return _largest(x, _sizes(function, x, axes, output_size, keeps), return_indices)


# Compiled as one; the members of a window lie along one axis, so that a window of thousands compiles as fast as one of four.
@partial(jax.jit, static_argnums=(1, 2))
def _largest(x: Array, sizes: tuple[int, ...], return_indices: bool) -> Pooled:
    axes = len(sizes)
    table, counted = _places(x.shape[-axes:], sizes)
    flat = x.reshape(*x.shape[:-axes], math.prod(x.shape[-axes:]))
    seen = jax.lax.stop_gradient(flat)[..., table]
    seen = jnp.where(jnp.broadcast_to(counted, seen.shape), seen, lowest(x.dtype))
    nan = jnp.isnan(seen)
    last_nan = table.shape[-1] - 1 - jnp.argmax(nan[..., ::-1], axis=-1)
    place = jnp.where(nan.any(-1), last_nan, jnp.argmax(seen, axis=-1))
    index = jnp.take_along_axis(jnp.broadcast_to(table, seen.shape), place[..., None], axis=-1)[..., 0]
    best = jnp.take_along_axis(flat, index.reshape(*flat.shape[:-1], math.prod(sizes)), axis=-1).reshape(index.shape)
    return (best, index) if return_indices else best


def _places(shape: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the flat position of each member of each window, in row-major order, shape (*sizes, members), and which of them count."""
    axes = len(sizes)
    table, counted = np.zeros((1,) * 2 * axes, int), np.ones((1,) * 2 * axes, bool)
    for axis, (n, size) in enumerate(zip(shape, sizes, strict=True)):
        positions, inside = _windows(n, size)
        wide = [1] * 2 * axes
        wide[axis], wide[axes + axis] = positions.shape
        table = table * n + positions.reshape(wide)
        counted = counted & inside.reshape(wide)
    members = math.prod(table.shape[axes:])
    return table.reshape(*sizes, members), counted.reshape(*sizes, members)
