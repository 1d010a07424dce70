"""Change brightness, contrast, saturation and hue at random."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageEnhance

from .arguments import interval, number
from .base import Picture, Transform, channels, picture
from .colours import with_brightness, with_contrast, with_hue, with_saturation

Range = Sequence[float] | None
_NAMES = ("brightness", "contrast", "saturation", "hue")
_ON_TENSORS = (with_brightness, with_contrast, with_saturation, with_hue)


class ColorJitter(Transform):
    """Change brightness, contrast, saturation and hue in random order, each by a number drawn uniformly.

    A factor f makes f · picture + (1 - f) · other, where the other picture is black for the brightness, its mean gray for the
    contrast, and the gray picture for the saturation. The hue is turned by a part of the circle.

    Args:
        brightness: (min, max) of the factor, or a number b for (max(0, 1 - b), 1 + b).
        contrast: the same.
        saturation: the same.
        hue: (min, max) of the turn, in [-0.5, 0.5], or a number h for (-h, h).

    Example:
        >>> ColorJitter(brightness=(2, 2))(torch.tensor([[[10, 200]]], dtype=torch.uint8)).tolist()
        [[[20, 255]]]

    Raises:
        TypeError: neither PIL image nor tensor, or an argument of the wrong type.
        ValueError: a range that is none, a factor below 0, a turn outside [-0.5, 0.5], or a tensor that has neither one channel
            nor three.

    The counterpart in JAX is `jaxtut.transforms.ColorJitter`.
    """

    shown = _NAMES

    def __init__(
        self,
        brightness: float | Sequence[float] = 0,
        contrast: float | Sequence[float] = 0,
        saturation: float | Sequence[float] = 0,
        hue: float | Sequence[float] = 0,
    ) -> None:
        self.brightness = _factors("brightness", brightness)
        self.contrast = _factors("contrast", contrast)
        self.saturation = _factors("saturation", saturation)
        self.hue = _turns(hue)

    def __call__(self, img: Any) -> Picture:
        img = picture("ColorJitter", img)
        if isinstance(img, torch.Tensor):
            channels("ColorJitter", img)
        changes = _ON_IMAGES if isinstance(img, Image.Image) else _ON_TENSORS
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        for i in order.tolist():
            if factors[i] is not None:
                img = changes[i](img, factors[i])
        return img

    @staticmethod
    def get_params(
        brightness: Range, contrast: Range, saturation: Range, hue: Range
    ) -> tuple[torch.Tensor, float | None, float | None, float | None, float | None]:
        """Draw the order of the four changes and their numbers; None for what has no range."""
        order = torch.randperm(4)
        ranges = (brightness, contrast, saturation, hue)
        b, c, s, h = (None if span is None else torch.empty(1).uniform_(*span).item() for span in ranges)
        return order, b, c, s, h


def _factors(name: str, value: float | Sequence[float]) -> tuple[float, float] | None:
    if isinstance(value, Real):
        reach = float(number("ColorJitter", name, value, 0))
        value = (max(1 - reach, 0.0), 1 + reach)
    low, high = (float(factor) for factor in interval("ColorJitter", name, value, 0))
    return None if low == high == 1 else (low, high)


def _turns(value: float | Sequence[float]) -> tuple[float, float] | None:
    if isinstance(value, Real):
        reach = float(number("ColorJitter", "hue", value, 0))
        value = (-reach, reach)
    low, high = (float(turn) for turn in interval("ColorJitter", "hue", value, -0.5, 0.5))
    return None if low == high == 0 else (low, high)


def _enhanced(enhancer: Any, image: Image.Image, factor: float) -> Image.Image:
    return enhancer(image).enhance(factor)


def _turned(image: Image.Image, turn: float) -> Image.Image:
    if image.mode in ("L", "1", "I", "F"):
        return image
    hue, saturation, value = image.convert("HSV").split()
    # Bytes wrap around, as the circle does.
    turned = Image.fromarray(np.asarray(hue) + np.array(int(turn * 255)).astype(np.uint8))
    return Image.merge("HSV", (turned, saturation, value)).convert(image.mode)


_ON_IMAGES = (
    partial(_enhanced, ImageEnhance.Brightness),
    partial(_enhanced, ImageEnhance.Contrast),
    partial(_enhanced, ImageEnhance.Color),
    _turned,
)
