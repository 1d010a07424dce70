"""Change brightness, contrast, saturation and hue at random."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageEnhance

from jaxtut import torch_random

from .arguments import interval, number
from .base import Shape, Transform, channels
from .drawing import uniform
from .pixels.arrays import in_order
from .pixels.colours import with_brightness, with_contrast, with_hue, with_saturation

Range = Sequence[float] | None
_NAMES = ("brightness", "contrast", "saturation", "hue")
_ON_ARRAYS = (with_brightness, with_contrast, with_saturation, with_hue)


class Jitter(NamedTuple):
    """The order of the changes that have a range, int32, and the number of each, float32; they count in the order of the arguments."""

    order: Any
    factors: Any


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
        >>> ColorJitter(brightness=(2, 2))(np.array([[[10, 200]]], np.uint8)).tolist()
        [[[20, 255]]]

    Raises:
        TypeError: neither PIL image nor array, or an argument of the wrong type.
        ValueError: a range that is none, a factor below 0, a turn outside [-0.5, 0.5], or an array that has neither one channel
            nor three.

    PyTorch's counterpart: `torchvision.transforms.ColorJitter`. The same seed gives the same order and numbers; on PIL images
    the same pixels; on arrays those of tensors, to the rounding of float32: integers differ by 1 at most after each change,
    times the factors that follow.
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

    def draw(self, shape: Shape) -> Jitter:
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        made = [i for i, factor in enumerate(factors) if factor is not None]
        steps = [made.index(i) for i in order if i in made]
        return Jitter(np.array(steps, np.int32), np.array([factors[i] for i in made], np.float32))

    def apply(self, image: Any, params: Jitter) -> Any:
        image = channels("ColorJitter", image)
        made = [change for change, name in zip(_ON_ARRAYS, _NAMES, strict=True) if getattr(self, name) is not None]
        changes = [_by(change, params.factors[i]) for i, change in enumerate(made)]
        return in_order(params.order, changes, image)

    def pillow(self, image: Image.Image, params: Jitter) -> Image.Image:
        made = [change for change, name in zip(_ON_IMAGES, _NAMES, strict=True) if getattr(self, name) is not None]
        for i in params.order:
            image = made[i](image, float(params.factors[i]))
        return image

    @staticmethod
    def get_params(
        brightness: Range, contrast: Range, saturation: Range, hue: Range
    ) -> tuple[np.ndarray, float | None, float | None, float | None, float | None]:
        """Draw the order of the four changes and their numbers; None for what has no range."""
        order = torch_random.default_generator.randperm(4)
        ranges = (brightness, contrast, saturation, hue)
        b, c, s, h = (None if span is None else float(uniform(span[0], span[1])) for span in ranges)
        return order, b, c, s, h


def _by(change: Any, factor: Any) -> Any:
    return lambda image: change(image, factor)


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
