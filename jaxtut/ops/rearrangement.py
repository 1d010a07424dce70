"""Elements in other places: pixels to channels and back, channels among groups, windows to columns and back."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import checks, windows
from .shapes import ImagesIn, ImagesOut
from .windows import Sizes


def pixel_shuffle(input: ImagesIn, upscale_factor: int) -> ImagesOut:
    """Turn groups of channels into squares of pixels.

    y[..., c, h·r + i, w·r + j] = x[..., c·r² + i·r + j, h, w]

    Args:
        input: x, shape (..., channels · r², height, width).
        upscale_factor: r.

    Returns:
        y, shape (..., channels, height · r, width · r).

    Example:
        >>> import numpy as np
        >>> pixel_shuffle(np.arange(4, dtype="float32").reshape(4, 1, 1), 2)
        Array([[[0., 1.],
                [2., 3.]]], dtype=float32)

    Raises:
        TypeError: `input` is no array, or the factor no whole number.
        ValueError: fewer than 3 dimensions, a factor below 1, channels that r² does not divide.

    PyTorch's counterpart: `torch.nn.functional.pixel_shuffle`.
    """
    x, r = _with_factor("pixel_shuffle", "upscale_factor", input, upscale_factor, 3)
    *lead, channels, height, width = x.shape
    if channels % r**2:
        raise ValueError(
            f"pixel_shuffle: the channels must be divisible by {r}², but input of shape {x.shape} was given"
        )
    parts = jnp.moveaxis(x.reshape(*lead, channels // r**2, r, r, height, width), (-4, -3), (-3, -1))
    return parts.reshape(*lead, channels // r**2, height * r, width * r)


def pixel_unshuffle(input: ImagesIn, downscale_factor: int) -> ImagesOut:
    """Turn squares of pixels into groups of channels: the inverse of `pixel_shuffle`.

    y[..., c·r² + i·r + j, h, w] = x[..., c, h·r + i, w·r + j]

    Args:
        input: x, shape (..., channels, height · r, width · r).
        downscale_factor: r.

    Returns:
        y, shape (..., channels · r², height, width).

    Example:
        >>> import numpy as np
        >>> pixel_unshuffle(np.arange(4, dtype="float32").reshape(1, 2, 2), 2).ravel()
        Array([0., 1., 2., 3.], dtype=float32)

    Raises:
        TypeError: `input` is no array, or the factor no whole number.
        ValueError: fewer than 3 dimensions, a factor below 1, a height or width that r does not divide.

    PyTorch's counterpart: `torch.nn.functional.pixel_unshuffle`.
    """
    x, r = _with_factor("pixel_unshuffle", "downscale_factor", input, downscale_factor, 3)
    *lead, channels, height, width = x.shape
    if height % r or width % r:
        raise ValueError(
            f"pixel_unshuffle: height and width must be divisible by {r}, but input of shape {x.shape} was given"
        )
    parts = jnp.moveaxis(x.reshape(*lead, channels, height // r, r, width // r, r), (-3, -1), (-4, -3))
    return parts.reshape(*lead, channels * r**2, height // r, width // r)


def channel_shuffle(input: ImagesIn, groups: int) -> ImagesOut:
    """Deal the channels of each group out over all groups.

    y[n, j·groups + g] = x[n, g·(channels/groups) + j]

    Args:
        input: x, shape (batch, channels, ...), of at least 3 dimensions.
        groups: how many groups.

    Returns:
        y, of the same shape.

    Example:
        >>> import numpy as np
        >>> channel_shuffle(np.arange(6, dtype="float32").reshape(1, 6, 1), 2).ravel()
        Array([0., 3., 1., 4., 2., 5.], dtype=float32)

    Raises:
        TypeError: `input` is no array, or `groups` no whole number.
        ValueError: fewer than 3 dimensions, `groups` below 1, channels that they do not divide.

    PyTorch's counterpart: `torch.nn.functional.channel_shuffle`.
    """
    x, g = _with_factor("channel_shuffle", "groups", input, groups, 3)
    batch, channels, *rest = x.shape
    if channels % g:
        raise ValueError(
            f"channel_shuffle: the channels must be divisible by {g}, but input of shape {x.shape} was given"
        )
    return jnp.swapaxes(x.reshape(batch, g, channels // g, *rest), 1, 2).reshape(x.shape)


def _with_factor(function: str, argument: str, input: ArrayLike, factor: int, rank: int) -> tuple[Array, int]:
    x = checks.array(function, "input", input)
    if isinstance(factor, bool) or not isinstance(factor, (int, np.integer)):
        raise TypeError(f"{function}: {argument} must be an integer, but {factor!r} was given")
    if x.ndim < rank:
        raise ValueError(f"{function}: input must have at least {rank} dimensions, but {x.shape} was given")
    if factor < 1:
        raise ValueError(f"{function}: {argument} must be positive, but {factor} was given")
    return x, int(factor)


def unfold(
    input: ImagesIn, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Float[Array, "*batch columns blocks"]:
    """Write each window of an image as a column.

    y[n, (c·kh + k)·kw + l, i·blocks_w + j] = x[n, c, i·stride + k·dilation − padding, j·stride + l·dilation − padding]

    Args:
        input: x, shape (batch, channels, height, width) or (channels, height, width).
        kernel_size: height and width of the window.
        dilation: pixels between the members of a window.
        padding: zeros on both sides.
        stride: pixels between neighbouring windows.

    Returns:
        y, shape (batch, channels · kh · kw, windows).

    Example:
        >>> import numpy as np
        >>> unfold(np.arange(6, dtype="float32").reshape(1, 2, 3), 2)
        Array([[0., 1.],
               [1., 2.],
               [3., 4.],
               [4., 5.]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: wrong shapes, or a window larger than the padded image.

    PyTorch's counterpart: `torch.nn.functional.unfold`.
    """
    x = windows.pooled("unfold", input, 2)
    kernel, counts, rest = _blocks("unfold", x.shape[-2:], kernel_size, dilation, padding, stride)
    return _columns(x, kernel, counts, *rest)


def fold(
    input: Float[ArrayLike, "*batch columns blocks"],
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> ImagesOut:
    """Add columns up to an image, each to the window it stands for: the transpose of `unfold`.

    Args:
        input: shape (batch, channels · kh · kw, windows) or (channels · kh · kw, windows).
        output_size: height and width of the image.
        kernel_size: height and width of the window.
        dilation: pixels between the members of a window.
        padding: zeros on both sides, which are cut off.
        stride: pixels between neighbouring windows.

    Returns:
        Shape (batch, channels, height, width); where windows overlap, sums.

    Example:
        >>> import numpy as np
        >>> fold(np.ones((4, 2), "float32"), (2, 3), 2)
        Array([[[1., 2., 1.],
                [1., 2., 1.]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: wrong shapes, or a number of columns or blocks that does not fit the sizes.

    PyTorch's counterpart: `torch.nn.functional.fold`.
    """
    x = checks.floating("fold", "input", input)
    if x.ndim not in (2, 3):
        raise ValueError(
            f"fold: input must have shape (batch, columns, blocks) or (columns, blocks), but {x.shape} was given"
        )
    sizes = windows.per_axis("fold", "output_size", output_size, 2, 1)
    kernel, counts, rest = _blocks("fold", sizes, kernel_size, dilation, padding, stride)
    columns, blocks = x.shape[-2:]
    if columns % math.prod(kernel) or columns == 0:
        raise ValueError(f"fold: the columns must be a multiple of {math.prod(kernel)}, but {x.shape} was given")
    if blocks != math.prod(counts):
        raise ValueError(
            f"fold: there must be {math.prod(counts)} blocks, {counts[0]} × {counts[1]}, but {x.shape} was given"
        )
    shape = (*x.shape[:-2], columns // math.prod(kernel), *sizes)
    transposed = jax.linear_transpose(
        lambda image: _columns(image, kernel, counts, *rest), jax.ShapeDtypeStruct(shape, x.dtype)
    )
    return transposed(x)[0]


def _blocks(
    function: str, sizes: tuple[int, ...], kernel_size: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes
) -> tuple[tuple[int, ...], tuple[int, ...], tuple]:
    kernel = windows.per_axis(function, "kernel_size", kernel_size, 2, 1)
    dilations = windows.per_axis(function, "dilation", dilation, 2, 1)
    pads = windows.per_axis(function, "padding", padding, 2, 0)
    strides = windows.per_axis(function, "stride", stride, 2, 1)
    counts = tuple(windows.count(*each) for each in zip(sizes, kernel, strides, pads, dilations, strict=True))
    if min(counts) < 1:
        raise ValueError(
            f"{function}: the window {kernel} (dilation {dilations}) is larger than the padded image of size {sizes}"
        )
    return kernel, counts, (dilations, pads, strides)


def _columns(x: Array, kernel: tuple, counts: tuple, dilations: tuple, pads: tuple, strides: tuple) -> Array:
    *lead, channels, _, _ = x.shape
    padded = jnp.pad(x, [(0, 0)] * (x.ndim - 2) + [(p, p) for p in pads])
    rows, columns = (
        np.arange(k)[:, None] * d + np.arange(c) * s
        for k, d, c, s in zip(kernel, dilations, counts, strides, strict=True)
    )
    # (..., channels, kh, blocks_h, kw, blocks_w)
    taken = padded[..., rows[:, :, None, None], columns[None, None]]
    moved = jnp.swapaxes(taken, -3, -2)
    return moved.reshape(*lead, channels * math.prod(kernel), math.prod(counts))
