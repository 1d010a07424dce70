"""A window of an image at another size: each axis by a matrix of weights, as PyTorch's `interpolate` computes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxtut.ops.resampling import CUBIC, CUBIC_ANTIALIAS, REACH, is_small, nearest

from .arrays import Pixels, largest, namespace, product, rounded, widened

MODES = ("nearest", "nearest-exact", "bilinear", "bicubic")


def cropped(image: Pixels, top: Any, left: Any, height: int, width: int) -> Any:
    """Cut out the rows from `top` and the columns from `left` on, which may be traced; they lie inside the image."""
    xp = namespace(image)
    rows = xp.take(image, xp.arange(height, dtype=np.int32) + top, axis=-2, mode="clip")
    return xp.take(rows, xp.arange(width, dtype=np.int32) + left, axis=-1, mode="clip")


def resampled(image: Pixels, window: Sequence[Any], size: Sequence[int], mode: str, antialias: bool) -> Any:
    """Give the window (top, left, height, width) the size (height, width).

    The numbers of the window may be traced: a dense matrix for each axis holds the weights, 0 outside the window.
    """
    xp, wide = namespace(image), widened(image)
    top, left, height, width = window
    if mode.startswith("nearest"):
        small = is_small(size)
        rows = _nearest(xp, mode, top, height, size[0], image.shape[-2], wide.dtype.type, small)
        columns = _nearest(xp, mode, left, width, size[1], image.shape[-1], wide.dtype.type, small)
        return xp.take(xp.take(image, rows, axis=-2, mode="clip"), columns, axis=-1, mode="clip")
    rows = _weights(xp, mode, antialias, top, height, size[0], image.shape[-2], wide.dtype)
    columns = _weights(xp, mode, antialias, left, width, size[1], image.shape[-1], wide.dtype)
    out = product(rows, product(wide, columns.T))
    if mode == "bicubic" and image.dtype == np.uint8:
        out = xp.clip(out, 0, largest(image.dtype))
    return rounded(out, image.dtype)


def _nearest(xp: Any, mode: str, start: Any, length: Any, out: int, full: int, t: type, small: bool) -> Any:
    """Return which element of the axis, which has `full`, each element of the result is."""
    if isinstance(length, (int, np.integer)):
        return start + nearest(mode, int(length), out, t, small)
    # Rounding decides between two elements, and XLA rounds a division by a constant in its own way: a row for each length.
    rows = np.stack([nearest(mode, n, out, t, small) for n in range(1, full + 1)]).astype(np.int32)
    return xp.take(rows, xp.asarray(length, dtype=np.int32) - 1, axis=0, mode="clip") + start


def _weights(xp: Any, mode: str, antialias: bool, start: Any, length: Any, out: int, full: int, dtype: np.dtype) -> Any:
    """Return the matrix (out, full) whose product with an axis is the window from `start` on at the size `out`."""
    start, length = (xp.asarray(number, dtype=dtype) for number in (start, length))
    place = (xp.arange(full, dtype=dtype) - start)[None, :]
    centre = (xp.arange(out, dtype=dtype)[:, None] + 0.5) * (length / out)
    if antialias:
        return _antialiased(xp, mode, place, centre, length, length / out)
    if mode == "bilinear":
        centre = xp.maximum(centre - 0.5, 0)
        low = xp.minimum(xp.floor(centre), length - 1)
        share = xp.clip(centre - low, 0, 1)
        high = xp.minimum(low + 1, length - 1)
        return xp.where(place == low, 1 - share, 0) + xp.where(place == high, share, 0)
    low = xp.floor(centre - 0.5)
    share = centre - 0.5 - low
    taps = (
        xp.where(place == xp.clip(low + k, 0, length - 1), _keys(xp, xp.abs(share - k), CUBIC), 0) for k in range(-1, 3)
    )
    return sum(taps)


def _antialiased(xp: Any, mode: str, place: Any, centre: Any, length: Any, scale: Any) -> Any:
    """Return a kernel as wide as the pixels of the result, with weights that sum to one."""
    wide = xp.maximum(scale, 1)
    reach = REACH[mode] * wide
    first = xp.maximum(xp.floor(centre - reach + 0.5), 0)
    last = xp.minimum(xp.floor(centre + reach + 0.5), length)
    distance = xp.abs((place - centre + 0.5) * (1 / wide))
    kernel = xp.maximum(1 - distance, 0) if mode == "bilinear" else _keys(xp, distance, CUBIC_ANTIALIAS)
    weights = xp.where((place >= first) & (place < last), kernel, 0)
    return weights / xp.sum(weights, axis=1, keepdims=True)


def _keys(xp: Any, x: Any, a: float) -> Any:
    """Evaluate the cubic convolution kernel of Keys, "Cubic convolution interpolation for digital image processing" (1981)."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return xp.where(x <= 1, near, xp.where(x < 2, far, 0))
