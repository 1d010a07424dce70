"""Images read at the points of an affine or a projective map, as torchvision reads tensors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from .arrays import Pixels, is_integer, namespace, rounded, widened

MODES = ("nearest", "bilinear")


def affine_sampled(image: Pixels, matrix: Any, size: Sequence[int], mode: str, fill: Sequence[float]) -> Any:
    """Read the image where the matrix (2, 3) puts the pixels of a picture of (height, width), both with their middle at 0."""
    xp, dtype = namespace(image), widened(image).dtype
    matrix = xp.asarray(matrix, dtype=dtype)
    y, x = (xp.arange(n, dtype=dtype) - (n - 1) / 2 for n in size)
    x, y = x[None, :], y[:, None]
    rows, columns = image.shape[-2:]
    along_x, along_y = (
        x * (row[0] / (n / 2)) + y * (row[1] / (n / 2)) + row[2] / (n / 2)
        for row, n in zip(matrix, (columns, rows), strict=True)
    )
    return _sampled(image, _in_pixels(along_x, columns), _in_pixels(along_y, rows), mode, fill)


def perspective_sampled(image: Pixels, coefficients: Any, mode: str, fill: Sequence[float]) -> Any:
    """Read the image at ((a x + b y + c) / (g x + h y + 1), (d x + e y + f) / (g x + h y + 1)), with its corner at 0."""
    xp, dtype = namespace(image), widened(image).dtype
    a, b, c, d, e, f, g, h = xp.asarray(coefficients, dtype=dtype)
    rows, columns = image.shape[-2:]
    x, y = xp.arange(columns, dtype=dtype)[None, :] + 0.5, xp.arange(rows, dtype=dtype)[:, None] + 0.5
    depth = g * x + h * y + 1
    depth = xp.where(depth == 0, np.finfo(dtype).eps, depth)  # at infinity, which is far outside
    along_x, along_y = (
        (x * (p / (n / 2)) + y * (q / (n / 2)) + r / (n / 2)) / depth - 1
        for (p, q, r), n in (((a, b, c), columns), ((d, e, f), rows))
    )
    return _sampled(image, _in_pixels(along_x, columns), _in_pixels(along_y, rows), mode, fill)


def _in_pixels(place: Any, size: int) -> Any:
    """Return where a place is among the middles of the pixels, if -1 and 1 are the edges of the image."""
    return ((place + 1) * size - 1) / 2


def _sampled(image: Pixels, x: Any, y: Any, mode: str, fill: Sequence[float]) -> Any:
    """Read an image at points in pixels; what lies outside is `fill`, one number a channel."""
    xp, wide = namespace(image), widened(image)
    colour = xp.asarray(fill, dtype=wide.dtype).reshape(-1, 1, 1)
    colour = xp.broadcast_to(colour, (*(1,) * (image.ndim - 3), *colour.shape))
    if mode == "nearest":
        values, inside = _read(wide, xp.round(x), xp.round(y))
        return rounded(xp.where(inside, values, colour), image.dtype)
    left, top = xp.floor(x), xp.floor(y)
    total, cover = 0.0, 0.0
    for right, below in product((0, 1), repeat=2):
        weight = (x - left if right else left + 1 - x) * (y - top if below else top + 1 - y)
        values, inside = _read(wide, left + right, top + below)
        seen = xp.where(inside, weight, 0)
        total, cover = total + values * seen, cover + seen
    # At the border the image counts as black by the part that is outside, and is then covered by the colour: as in torchvision.
    return rounded(total * cover + (1 - cover) * colour, image.dtype)


def _read(image: Any, column: Any, row: Any) -> tuple[Any, Any]:
    """Return the pixels at whole places, and whether these are inside, shape (1, …, 1, rows, columns)."""
    xp = namespace(image)
    rows, columns = image.shape[-2:]
    inside = (column >= 0) & (column <= columns - 1) & (row >= 0) & (row <= rows - 1)
    row, column = (xp.clip(p, 0, n - 1).astype(np.int32) for p, n in ((row, rows), (column, columns)))
    flat = image.reshape(*image.shape[:-2], rows * columns)
    values = xp.take(flat, row * columns + column, axis=-1, mode="clip")
    return values, inside.reshape(*(1,) * (image.ndim - 2), *inside.shape)


def fits(fill: Sequence[float], dtype: np.dtype) -> bool:
    """Return whether the dtype has these numbers."""
    if not is_integer(dtype):
        return True
    limits = np.iinfo(dtype)
    return all(limits.min <= value <= limits.max for value in fill)
