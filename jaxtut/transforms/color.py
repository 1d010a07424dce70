"""Take the colour out of a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from .base import Picture, Transform, array_image


class Grayscale(Transform):
    """Replace the colours by their brightness.

    For PIL images Pillow's L = (299 R + 587 G + 114 B) / 1000; for arrays 0.2989 R + 0.587 G + 0.114 B in float32
    (float64 for float64 arrays), cut off to integers for arrays of integers.

    Args:
        num_output_channels: 1, or 3 for three equal channels.

    Example:
        >>> Grayscale()(Image.new("RGB", (2, 1), (0, 255, 0))).getpixel((0, 0))
        150

    Raises:
        TypeError: neither PIL image nor array.
        ValueError: another number of channels, asked for or given.

    PyTorch's counterpart: `torchvision.transforms.Grayscale`. Asked for three channels of an array of one, that one
    gives one.
    """

    shown = ("num_output_channels",)

    def __init__(self, num_output_channels: int = 1) -> None:
        if num_output_channels not in (1, 3):
            raise ValueError(f"Grayscale: num_output_channels must be 1 or 3, but {num_output_channels} was given")
        self.num_output_channels = num_output_channels

    def __call__(self, img: Any) -> Picture:
        if isinstance(img, Image.Image):
            gray = img.convert("L")
            return gray if self.num_output_channels == 1 else Image.merge("RGB", [gray] * 3)
        array = array_image("Grayscale", img)
        channels = array.shape[-3]
        if channels not in (1, 3):
            raise ValueError(f"Grayscale: img must have 1 or 3 channels, but shape {array.shape} was given")
        gray = array if channels == 1 else _brightness(array)
        return np.repeat(gray, self.num_output_channels, axis=-3)


def _brightness(array: np.ndarray) -> np.ndarray:
    # Without this NumPy would compute integers in float64; PyTorch does it in float32.
    wide = array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float32)
    red, green, blue = np.split(wide, 3, axis=-3)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).astype(array.dtype)
