"""Take the colour out of a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from .arguments import probability
from .base import Shape, Transform, channels
from .drawing import chance
from .pixels.arrays import either, namespace
from .pixels.colours import gray


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

    def apply(self, image: Any, params: Any) -> Any:
        return _grayed(channels("Grayscale", image), self.num_output_channels)

    def pillow(self, image: Image.Image, params: Any) -> Image.Image:
        return _grayed_image(image, self.num_output_channels)

    def output_shape(self, shape: Shape) -> Shape:
        return self.num_output_channels, *shape[1:]


class RandomGrayscale(Transform):
    """Replace the colours by their brightness with probability `p`; the number of channels stays.

    Args:
        p: the probability.

    Example:
        >>> RandomGrayscale(p=1.0)(np.array([[[0]], [[255]], [[0]]], np.uint8)).tolist()
        [[[149]], [[149]], [[149]]]

    Raises:
        TypeError: neither PIL image nor array.
        ValueError: p outside [0, 1], or a picture that has neither one channel nor three.

    PyTorch's counterpart: `torchvision.transforms.RandomGrayscale`; the same seed makes the same choice. That one
    notices a wrong number of channels only where the choice falls on gray.
    """

    shown = ("p",)

    def __init__(self, p: float = 0.1) -> None:
        self.p = probability("RandomGrayscale", p)

    def draw(self, shape: Shape) -> np.bool_:
        return chance(self.p)

    def apply(self, image: Any, params: Any) -> Any:
        count = channels("RandomGrayscale", image).shape[-3]
        return either(params, lambda x: _grayed(x, count), image)

    def pillow(self, image: Image.Image, params: Any) -> Image.Image:
        count = len(image.getbands())
        if count not in (1, 3):
            raise ValueError(f"RandomGrayscale: img must have 1 or 3 channels, but mode {image.mode} was given")
        return _grayed_image(image, count) if params else image


def _grayed(image: Any, count: int) -> Any:
    return namespace(image).repeat(image if image.shape[-3] == 1 else gray(image), count, axis=-3)


def _grayed_image(image: Image.Image, count: int) -> Image.Image:
    gray_image = image.convert("L")
    return gray_image if count == 1 else Image.merge("RGB", [gray_image] * 3)
