"""Take the colour out of a picture."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image

from .arguments import probability
from .base import Picture, Transform, channels, dimensions, picture
from .colours import gray


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
        return _grayed("Grayscale", picture("Grayscale", img), self.num_output_channels)


class RandomGrayscale(Transform):
    """Replace the colours by their brightness with probability `p`; the number of channels stays.

    Args:
        p: the probability.

    Example:
        >>> RandomGrayscale(p=1.0)(torch.tensor([[[0]], [[255]], [[0]]], dtype=torch.uint8)).tolist()
        [[[149]], [[149]], [[149]]]

    Raises:
        TypeError: neither PIL image nor tensor.
        ValueError: p outside [0, 1], or a picture that has neither one channel nor three.

    The counterpart in JAX is `jaxtut.transforms.RandomGrayscale`.
    """

    shown = ("p",)

    def __init__(self, p: float = 0.1) -> None:
        self.p = probability("RandomGrayscale", p)

    def __call__(self, img: Any) -> Picture:
        img = picture("RandomGrayscale", img)
        count = dimensions(img)[0]
        if count not in (1, 3):
            raise ValueError(f"RandomGrayscale: img must have 1 or 3 channels, but {count} were given")
        return _grayed("RandomGrayscale", img, count) if torch.rand(1) < self.p else img


def _grayed(caller: str, img: Picture, count: int) -> Picture:
    if isinstance(img, Image.Image):
        image = img.convert("L")
        return image if count == 1 else Image.merge("RGB", [image] * 3)
    tensor = channels(caller, img)
    return (tensor if tensor.shape[-3] == 1 else gray(tensor)).repeat_interleave(count, dim=-3)
