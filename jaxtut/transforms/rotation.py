"""Rotate a picture by a random angle."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

from PIL import Image

from jaxtut import torch_random

from .base import InterpolationMode, Transform, interpolation_mode, pil_image, pillow_fill


class RandomRotation(Transform):
    """Rotate counter-clockwise by an angle drawn uniformly from a range.

    Args:
        degrees: (min, max), or a number d for (-d, d).
        interpolation: an `InterpolationMode` (nearest, bilinear, bicubic) or Pillow's int.
        expand: make the picture large enough to hold all of the rotated one, otherwise it keeps its size.
        center: the point (x, y) that stays where it is, from the upper left corner; None: the middle.
        fill: the value of the pixels that come from outside, a number or one value a channel.

    Example:
        >>> RandomRotation((90, 90), expand=True)(Image.new("L", (30, 20))).size
        (20, 30)

    Raises:
        TypeError: no PIL image, or an argument of the wrong type.
        ValueError: a range that is none.

    PyTorch's counterpart: `torchvision.transforms.RandomRotation` on PIL images, to the same pixels for the same seed.
    On tensors that one has an implementation of its own, with other pixels, and arrays are therefore refused here.
    """

    shown = ("degrees", "interpolation", "expand", "center", "fill")

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: float | Sequence[float] | None = 0,
    ) -> None:
        self.degrees = _range(degrees)
        self.interpolation = interpolation_mode("RandomRotation", interpolation)
        self.expand = expand
        if center is not None and len(center) != 2:
            raise ValueError(f"RandomRotation: center must be (x, y), but {center!r} was given")
        self.center = center
        if fill is not None and not isinstance(fill, Real | tuple | list):
            raise TypeError(f"RandomRotation: fill must be a number or a sequence of numbers, but {fill!r} was given")
        self.fill = 0 if fill is None else fill
        if center is None:
            self.shown = tuple(name for name in self.shown if name != "center")

    def __call__(self, img: Any) -> Image.Image:
        img = pil_image("RandomRotation", img)
        fill = pillow_fill("RandomRotation", self.fill, img)
        center = None if self.center is None else (self.center[0], self.center[1])
        angle = self.get_params(self.degrees)
        return img.rotate(angle, self.interpolation.pillow, self.expand, center, fillcolor=fill)

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """Draw an angle in degrees from (min, max), in float32."""
        return float(torch_random.default_generator.uniform(degrees[0], degrees[1], (1,))[0])


def _range(degrees: float | Sequence[float]) -> list[float]:
    values = [-degrees, degrees] if isinstance(degrees, int | float) else degrees
    if not isinstance(values, Sequence) or not all(isinstance(value, Real) for value in values):
        raise TypeError(f"RandomRotation: degrees must be a number or (min, max), but {degrees!r} was given")
    if len(values) != 2 or values[0] > values[1]:
        raise ValueError(f"RandomRotation: degrees must be a number from 0 on or (min, max), but {degrees!r} was given")
    return [float(value) for value in values]
