"""Pooling of images."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int

from . import checks, windows
from .shapes import ImagesIn, ImagesOut
from .windows import Sizes


def max_pool2d(
    input: ImagesIn,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> ImagesOut:
    """Largest value of each window.

    y[n, c, i, j] = max over k, l of x[n, c, i·stride + k·dilation − padding, j·stride + l·dilation − padding]; padding counts as −inf

    Args:
        input: x, shape (batch, channels, height, width) or (channels, height, width).
        kernel_size: height and width of the window.
        stride: pixels between neighbouring windows; None means `kernel_size`.
        padding: at most half the window.
        dilation: pixels between the members of a window.
        ceil_mode: let the last window hang over the edge.

    Returns:
        y; NaN where a window holds NaN.

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
    x = checks.floating("max_pool2d", "input", input)
    if x.ndim not in (3, 4):
        raise ValueError(
            f"max_pool2d: input must have shape (batch, channels, height, width) or (channels, height, width), but {x.shape} was given"
        )
    if 0 in x.shape[-3:]:
        raise ValueError(f"max_pool2d: only the batch may be empty, but input of shape {x.shape} was given")
    kernel = windows.per_axis("max_pool2d", "kernel_size", kernel_size, 2, 1)
    strides = kernel if stride is None else windows.per_axis("max_pool2d", "stride", stride, 2, 1)
    pads = windows.per_axis("max_pool2d", "padding", padding, 2, 0)
    dilations = windows.per_axis("max_pool2d", "dilation", dilation, 2, 1)
    if any(2 * p > k for p, k in zip(pads, kernel, strict=True)):
        raise ValueError(f"max_pool2d: padding must be at most half of kernel_size={kernel}, but {pads} was given")
    counts = tuple(
        windows.count(*sizes, ceil_mode) for sizes in zip(x.shape[-2:], kernel, strides, pads, dilations, strict=True)
    )
    if any(c < 1 for c in counts):
        raise ValueError(
            f"max_pool2d: the window {kernel} (dilation {dilations}) is larger than the padded image of shape {x.shape[-2:]}"
        )
    return _max_pool(x, kernel, strides, pads, dilations, counts)


Pair = tuple[int, ...]


# Compiled as one, so that a call outside `jit` is one kernel and not one for each member of the window.
@partial(jax.jit, static_argnums=(1, 2, 3, 4, 5))
def _max_pool(x: Array, kernel: Pair, strides: Pair, pads: Pair, dilations: Pair, counts: Pair) -> Array:
    axes = zip(x.shape[-2:], kernel, strides, pads, dilations, counts, strict=True)
    rows, columns = (_first_inside(*axis) for axis in axes)
    first = jnp.asarray(rows[:, None] * kernel[1] + columns, jnp.int32)
    return _pool(tuple(_members(x, kernel, strides, pads, dilations, counts)), first)


def _first_inside(size: int, window: int, stride: int, padding: int, dilation: int, count: int) -> np.ndarray:
    """Return, for each window along one axis, the place of its first member that is not padding."""
    positions = np.arange(count)[:, None] * stride + np.arange(window) * dilation - padding
    return np.argmax((positions >= 0) & (positions < size), axis=1)


def _members(x: Array, kernel: Pair, strides: Pair, pads: Pair, dilations: Pair, counts: Pair) -> list[Array]:
    """Return, for each place in the window in row-major order, the image of what stands there in every window."""
    reach = [(c - 1) * s + d * (k - 1) + 1 for c, s, d, k in zip(counts, strides, dilations, kernel, strict=True)]
    config = [(0, 0, 0)] * (x.ndim - 2) + [(p, r - n - p, 0) for p, r, n in zip(pads, reach, x.shape[-2:], strict=True)]
    padded = lax.pad(x, jnp.array(-jnp.inf, x.dtype), config)
    members = []
    for place in product(*(range(k) for k in kernel)):
        start = [k * d for k, d in zip(place, dilations, strict=True)]
        stop = [b + (c - 1) * s + 1 for b, c, s in zip(start, counts, strides, strict=True)]
        rows, columns = (slice(b, e, s) for b, e, s in zip(start, stop, strides, strict=True))
        members.append(padded[..., rows, columns])
    return members


@jax.custom_jvp
def _pool(members: tuple[Array, ...], first: Int[Array, "..."]) -> Array:
    return _winners(members, first)[0]


def _winners(members: tuple[Array, ...], first: Int[Array, "..."]) -> tuple[Array, Int[Array, "..."]]:
    """Return the largest member and its place: a later one must be greater, or NaN, to win, which is PyTorch's rule.

    The search starts from −inf at the first member that is not padding: where all are −inf, that one wins.
    """
    best, place = jnp.full_like(members[0], -jnp.inf), jnp.broadcast_to(first, members[0].shape)
    for i, member in enumerate(members):
        better = (member > best) | jnp.isnan(member)
        best, place = jnp.where(better, member, best), jnp.where(better, i, place)
    return best, place


@_pool.defjvp
def _pool_jvp(
    primals: tuple[tuple[Array, ...], Array], tangents: tuple[tuple[Array, ...], Array]
) -> tuple[Array, Array]:
    (members, first), (moves, _) = primals, tangents
    best, place = _winners(members, first)
    tangent = jnp.zeros_like(best)
    for i, move in enumerate(moves):
        tangent = tangent + jnp.where(place == i, move, 0)
    return best, tangent
