"""Pooling by the largest member of a window."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Int

from . import window_winners, windows
from .shapes import ImagesIn, SequencesIn, VolumesIn
from .windows import Sizes, Windows

Indices = Int[Array, "..."]
# An array, or with `return_indices` a pair of an array and indices.
Pooled = Any


def max_pool1d(
    input: SequencesIn,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """Largest value of each window of a sequence.

    y[n, c, i] = max over k of x[n, c, i·stride + k·dilation − padding]; padding counts as −inf

    Args:
        input: x, shape (batch, channels, length) or (channels, length).
        kernel_size: the size of the window.
        stride: positions between neighbouring windows; None means `kernel_size`.
        padding: at most half the window.
        dilation: positions between the members of a window.
        ceil_mode: let the last window hang over the edge.
        return_indices: return also where in the sequence each winner stands.

    Returns:
        y; NaN where a window holds NaN. With `return_indices` a pair of y and indices.

    Example:
        >>> import numpy as np
        >>> max_pool1d(np.array([[1.0, 5.0, 5.0, 2.0]], "float32"), 2, return_indices=True)
        (Array([[5., 5.]], dtype=float32), Array([[1, 2]], dtype=int32))

    Raises:
        TypeError: wrong dtypes.
        ValueError: wrong shapes, padding above half the window, a window larger than the padded sequence.

    Slope: 1 for the winner, 0 for the others. **At a tie the first wins**; in a window with NaN the last NaN does.
    PyTorch's counterpart: `torch.nn.functional.max_pool1d`. Flax: `nnx.max_pool` has stride 1 by default.
    """
    return _max_pooling(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, integers=False
    )


def max_pool2d(
    input: ImagesIn,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """Largest value of each window of an image.

    y[n, c, i, j] = max over k, l of x[n, c, i·stride + k·dilation − padding, j·stride + l·dilation − padding]; padding counts as −inf

    Args:
        input: x, shape (batch, channels, height, width) or (channels, height, width); integers too.
        kernel_size: height and width of the window.
        stride: pixels between neighbouring windows; None means `kernel_size`.
        padding: at most half the window.
        dilation: pixels between the members of a window.
        ceil_mode: let the last window hang over the edge.
        return_indices: return also where each winner stands, as row · width + column.

    Returns:
        y; NaN where a window holds NaN. With `return_indices` a pair of y and indices.

    Example:
        >>> import jax, numpy as np
        >>> image = np.array([[[1.0, 5.0], [5.0, 2.0]]], "float32")
        >>> max_pool2d(image, 2)
        Array([[[5.]]], dtype=float32)
        >>> jax.grad(lambda x: max_pool2d(x, 2).sum())(image)  # the first of the equal takes the gradient
        Array([[[0., 1.],
                [0., 0.]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: wrong shapes, padding above half the window, a window larger than the padded image.

    Slope: 1 for the winner, 0 for the others. **At a tie the first in row-major order wins**; in a window with NaN the last NaN does.
    PyTorch's counterpart: `torch.nn.functional.max_pool2d`. Plain JAX: reshape and `jnp.max` splits the gradient among the equal;
    `flax.linen.max_pool` has stride 1 by default.
    """
    return _max_pooling(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, integers=True
    )


def max_pool3d(
    input: VolumesIn,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """Largest value of each window of a volume.

    As `max_pool2d`, with one more spatial axis in front.

    Args:
        input: x, shape (batch, channels, depth, height, width) or (channels, depth, height, width).
        kernel_size: depth, height and width of the window.
        stride: voxels between neighbouring windows; None means `kernel_size`.
        padding: at most half the window.
        dilation: voxels between the members of a window.
        ceil_mode: let the last window hang over the edge.
        return_indices: return also where each winner stands, counted through the volume.

    Returns:
        y; NaN where a window holds NaN. With `return_indices` a pair of y and indices.

    Example:
        >>> import numpy as np
        >>> max_pool3d(np.arange(8, dtype="float32").reshape(1, 2, 2, 2), 2)
        Array([[[[7.]]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: wrong shapes, padding above half the window, a window larger than the padded volume.

    Slope: 1 for the winner, 0 for the others. **At a tie the first in row-major order wins**; in a window with NaN the last NaN does.
    PyTorch's counterpart: `torch.nn.functional.max_pool3d`.
    """
    return _max_pooling(
        "max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, integers=True
    )


def _max_pooling(
    function: str,
    axes: int,
    input: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
    return_indices: bool,
    integers: bool,
) -> Pooled:
    x = windows.pooled(function, input, axes, integers)
    return largest_of_windows(
        x, windows.geometry(function, x.shape, axes, kernel_size, stride, padding, dilation, ceil_mode), return_indices
    )


# Compiled as one, so that a call outside `jit` is one kernel and not one for each member of the window.
@partial(jax.jit, static_argnums=(1, 2, 3))
def largest_of_windows(x: Array, where: Windows, return_indices: bool = False, batch_last: bool = False) -> Pooled:
    """Return the largest member of each window, and where it stands if that is asked for.

    The spatial axes are the last, or with `batch_last` the last but one.
    """
    members, first = _members(x, where, batch_last), _first_inside(where, batch_last)
    by_loops = not batch_last and window_winners.suits(x, where)
    best = _largest_of_overlapping(x, where) if by_loops else largest(members, first)
    if not return_indices:
        return best
    _, place = winners(lax.stop_gradient(members), first)
    return best, _flat_index(place, where)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _largest_of_overlapping(x: Array, where: Windows) -> Array:
    return winners(_members(x, where), _first_inside(where))[0]


@_largest_of_overlapping.defjvp
def _largest_of_overlapping_jvp(where: Windows, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    best, place = winners(_members(primals[0], where), _first_inside(where))
    return best, window_winners.taken(place, tangents[0], where)


def lowest(dtype: np.dtype) -> Array:
    """Return what padding holds: −inf, or the smallest integer."""
    return jnp.array(-jnp.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min, dtype)


def _members(x: Array, where: Windows, batch_last: bool = False) -> tuple[Array, ...]:
    return tuple(windows.members(x, where, lowest(x.dtype), int(batch_last)))


def _first_inside(where: Windows, batch_last: bool = False) -> Indices:
    """Return, for each window, the place of its first member that is not padding."""
    place = np.zeros((1,) * len(where.sizes), int)
    for axis, size in enumerate(where.sizes):
        positions = where.positions(axis)
        first = np.argmax((positions >= 0) & (positions < size), axis=1)
        place = place * where.kernel[axis] + _along(first, axis, len(where.sizes))
    return jnp.asarray(place.reshape(*place.shape, *[1] * batch_last), jnp.int32)


def _flat_index(place: Indices, where: Windows) -> Indices:
    """Return where in the image the member at each place stands, as PyTorch counts: through all spatial axes."""
    flat, rest = jnp.zeros_like(place), place
    size = 1
    for axis in reversed(range(len(where.sizes))):
        rest, inside = jnp.divmod(rest, where.kernel[axis])
        start = _along(where.positions(axis)[:, 0], axis, len(where.sizes))
        start = jnp.broadcast_to(jnp.asarray(start, place.dtype), place.shape)
        flat = flat + size * (start + inside * where.dilations[axis])
        size *= where.sizes[axis]
    return flat.astype(jnp.asarray(np.int64(0)).dtype)


def _along(vector: np.ndarray, axis: int, axes: int) -> np.ndarray:
    return vector.reshape(tuple(-1 if i == axis else 1 for i in range(axes)))


@jax.custom_jvp
def largest(members: tuple[Array, ...], first: Indices) -> Array:
    """Return the largest of the members; the slope is 1 for the one that PyTorch lets win."""
    return winners(members, first)[0]


def winners(members: Sequence[Array], first: Indices) -> tuple[Array, Indices]:
    """Return the largest member and its place: a later one must be greater, or NaN, to win, which is PyTorch's rule.

    The search starts from the lowest number at the first member that is not padding: where all are −inf, that one wins.
    """
    best = jnp.full(members[0].shape, lowest(members[0].dtype))
    place = jnp.broadcast_to(first, members[0].shape)
    for i, member in enumerate(members):
        better = (member > best) | jnp.isnan(member)
        best, place = jnp.where(better, member, best), jnp.where(better, i, place)
    return best, place


@largest.defjvp
def _largest_jvp(
    primals: tuple[tuple[Array, ...], Array], tangents: tuple[tuple[Array, ...], Array]
) -> tuple[Array, Array]:
    (members, first), (moves, _) = primals, tangents
    best, place = winners(members, first)
    return best, window_winners.chosen(place, moves)
