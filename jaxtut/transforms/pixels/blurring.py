"""Weighted means of neighbours: the Gaussian blur, and the small one that sharpening starts from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import Pixels, namespace, rounded, widened
from .colours import blended

# The weights of the neighbourhood of three by three pixels that Pillow smooths with.
_CENTRE, _SUM = 5, 13


def gaussian_blurred(image: Pixels, kernel_size: Sequence[int], sigma: Any) -> Any:
    """Blur by a Gaussian kernel of (columns, rows), one axis after the other; the borders are mirrored without the last pixel."""
    wide = widened(image)
    for axis, size in ((-1, kernel_size[0]), (-2, kernel_size[1])):
        wide = _along(axis, wide, _gaussian(namespace(image), size, sigma, wide.dtype))
    return rounded(wide, image.dtype)


def sharpened(image: Pixels, factor: float) -> Any:
    """Blend with a smoothed picture, whose outermost pixels are those of the image; too small ones stay as they are."""
    if min(image.shape[-2:]) < 3:
        return image
    xp, wide = namespace(image), widened(image)
    rows, columns = image.shape[-2:]
    around: Any = sum(
        wide[..., i : i + rows - 2, j : j + columns - 2] * (_CENTRE if i == j == 1 else 1)
        for i in range(3)
        for j in range(3)
    )
    inner = rounded(around / _SUM, image.dtype)
    middle = xp.concatenate([image[..., 1:-1, :1], inner, image[..., 1:-1, -1:]], axis=-1)
    smooth = xp.concatenate([image[..., :1, :], middle, image[..., -1:, :]], axis=-2)
    return blended(image, smooth, factor)


def _gaussian(xp: Any, size: int, sigma: Any, dtype: np.dtype) -> Any:
    """Return exp(-x² / 2σ²) at whole x around 0, of sum 1."""
    x = xp.arange(size, dtype=dtype) - (size - 1) / 2
    density = xp.exp(-0.5 * xp.square(x / xp.asarray(sigma, dtype=dtype)))
    return density / xp.sum(density)


def _along(axis: int, image: Any, weights: Any) -> Any:
    size, length = weights.shape[0], image.shape[axis]
    widths = [(0, 0)] * image.ndim
    widths[axis] = (size // 2, size // 2)
    moved = namespace(image).moveaxis(namespace(image).pad(image, widths, mode="reflect"), axis, 0)
    return namespace(image).moveaxis(sum(weights[k] * moved[k : k + length] for k in range(size)), 0, axis)
