"""Sizes of sliding windows: what convolution and pooling share."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple, SupportsIndex

import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array

from . import checks

Sizes = SupportsIndex | Sequence[SupportsIndex]
# The names of the spatial axes, by their number.
SPATIAL = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def per_axis(function: str, argument: str, value: Sizes, axes: int, least: int) -> tuple[int, ...]:
    """Return one integer for each spatial axis; a single integer stands for all of them."""
    given = tuple(value) if isinstance(value, Sequence) else (value,)
    if any(isinstance(s, bool) or not isinstance(s, (int, np.integer)) for s in given):
        raise TypeError(f"{function}: {argument} must be an integer or {axes} of them, but {value!r} was given")
    sizes = tuple(int(s) for s in given) * (axes if len(given) == 1 else 1)
    if len(sizes) != axes:
        raise ValueError(f"{function}: {argument} must be an integer or {axes} of them, but {value!r} was given")
    if any(s < least for s in sizes):
        raise ValueError(f"{function}: {argument} must be at least {least}, but {value!r} was given")
    return sizes


def count(size: int, window: int, stride: int, padding: int, dilation: int, ceil_mode: bool = False) -> int:
    """Return how many windows fit: ⌊(size + 2·padding − dilation·(window − 1) − 1) / stride⌋ + 1.

    With `ceil_mode` the last window may hang over the right edge, if it starts inside the input or its left padding.
    """
    room = size + 2 * padding - dilation * (window - 1) - 1
    windows = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (windows - 1) * stride >= size + padding:
        windows -= 1
    return windows


def pooled(function: str, input: ArrayLike, axes: int, integers: bool = False) -> Array:
    """Return the input of a pooling as an array: spatial axes last, channels before them, perhaps a batch, which alone may be empty."""
    x = checks.numeric(function, "input", input) if integers else checks.floating(function, "input", input)
    if x.ndim not in (axes + 1, axes + 2):
        names = ", ".join(SPATIAL[axes])
        raise ValueError(
            f"{function}: input must have shape (batch, channels, {names}) or (channels, {names}), but {x.shape} was given"
        )
    return x


def geometry(
    function: str,
    shape: tuple[int, ...],
    axes: int,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> "Windows":
    """Return where the windows of a pooling lie, or refuse what PyTorch refuses; `shape` is that of the input in PyTorch's order."""
    if 0 in shape[-axes - 1 :]:
        raise ValueError(f"{function}: only the batch may be empty, but input of shape {shape} was given")
    sizes = shape[-axes:]
    kernel = per_axis(function, "kernel_size", kernel_size, axes, 1)
    empty = isinstance(stride, Sequence) and not stride
    strides = kernel if stride is None or empty else per_axis(function, "stride", stride, axes, 1)
    pads = per_axis(function, "padding", padding, axes, 0)
    dilations = per_axis(function, "dilation", dilation, axes, 1)
    if any(2 * p > k for p, k in zip(pads, kernel, strict=True)):
        raise ValueError(f"{function}: padding must be at most half of kernel_size={kernel}, but {pads} was given")
    counts = tuple(count(*each, bool(ceil_mode)) for each in zip(sizes, kernel, strides, pads, dilations, strict=True))
    if any(c < 1 for c in counts):
        raise ValueError(
            f"{function}: the window {kernel} (dilation {dilations}) is larger than the padded image of shape {sizes}"
        )
    return Windows(sizes, kernel, strides, pads, dilations, counts)


class Windows(NamedTuple):
    """Where the windows of a pooling lie: for each spatial axis its size, and the window's size, stride, padding, dilation and count."""

    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    counts: tuple[int, ...]

    def positions(self, axis: int) -> np.ndarray:
        """Return the position of each member of each window along one axis, shape (count, kernel); padding lies below 0 or beyond the size."""
        _, kernel, strides, pads, dilations, counts = (each[axis] for each in self)
        return np.arange(counts)[:, None] * strides + np.arange(kernel) * dilations - pads


def members(x: Array, where: Windows, around: Array, after: int = 0) -> list[Array]:
    """Return, for each place in the window in row-major order, the image of what stands there in every window.

    Args:
        x: images, whose spatial axes are the last but for `after` more.
        where: the windows.
        around: what stands in the padding.
        after: axes behind the spatial ones.
    """
    reach = [
        (c - 1) * s + d * (k - 1) + 1
        for c, s, d, k in zip(where.counts, where.strides, where.dilations, where.kernel, strict=True)
    ]
    lead, trail = x.ndim - len(where.sizes) - after, [(0, 0, 0)] * after
    pads = [(p, r - n - p, 0) for p, r, n in zip(where.pads, reach, where.sizes, strict=True)]
    padded = lax.pad(x, around, [(0, 0, 0)] * lead + pads + trail)
    found = []
    for place in product(*(range(k) for k in where.kernel)):
        start = [k * d for k, d in zip(place, where.dilations, strict=True)]
        stop = [b + (c - 1) * s + 1 for b, c, s in zip(start, where.counts, where.strides, strict=True)]
        chosen = (slice(b, e, s) for b, e, s in zip(start, stop, where.strides, strict=True))
        found.append(padded[(..., *chosen, *[slice(None)] * after)])
    return found
