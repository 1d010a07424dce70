"""Take the colour out of a picture."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image

from .base import Picture, Transform, tensor_image


class Grayscale(Transform):
    """Replace the colours by their brightness.

    For PIL images Pillow's L = (299 R + 587 G + 114 B) / 1000; for tensors 0.2989 R + 0.587 G + 0.114 B in float32
    (float64 for float64 tensors), cut off to integers for tensors of integers.

    Args:
        num_output_channels: 1, or 3 for three equal channels.

    Example:
        >>> Grayscale()(Image.new("RGB", (2, 1), (0, 255, 0))).getpixel((0, 0))
        150

    Raises:
        TypeError: neither PIL image nor tensor.
        ValueError: another number of channels, asked for or given.

    The counterpart in JAX is `jaxtut.transforms.Grayscale`.
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
        tensor = tensor_image("Grayscale", img)
        channels = tensor.shape[-3]
        if channels not in (1, 3):
            raise ValueError(f"Grayscale: img must have 1 or 3 channels, but shape {tuple(tensor.shape)} was given")
        gray = tensor if channels == 1 else _brightness(tensor)
        return gray.repeat_interleave(self.num_output_channels, dim=-3)


def _brightness(tensor: torch.Tensor) -> torch.Tensor:
    red, green, blue = tensor.split(1, dim=-3)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).to(tensor.dtype)
