"""Rotate a picture by a random angle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image

from .affine_maps import expanded_size, from_middle, inverse_matrix
from .arguments import angles, fill_value, interpolation_mode, pillow_fill, point, tensor_fill, tensor_mode
from .base import InterpolationMode, Picture, Transform, dimensions, picture
from .sampling import MODES, affine_sampled


class RandomRotation(Transform):
    """Rotate counter-clockwise by an angle drawn uniformly from a range.

    Args:
        degrees: (min, max), or a number d for (-d, d).
        interpolation: an `InterpolationMode` or Pillow's int: nearest, bilinear, and for PIL images bicubic.
        expand: make the picture large enough to hold all of the rotated one, otherwise it keeps its size.
        center: the point (x, y) that stays where it is, from the upper left corner; None: the middle.
        fill: the value of the pixels that come from outside, a number or one value a channel.

    Example:
        >>> RandomRotation((90, 90), expand=True)(Image.new("L", (30, 20))).size
        (20, 30)

    Raises:
        TypeError: neither PIL image nor tensor, or an argument of the wrong type.
        ValueError: a range that is none, or on tensors another mode than nearest and bilinear.

    The counterpart in JAX is `jaxtut.transforms.RandomRotation`.
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
        self.degrees = angles("RandomRotation", "degrees", degrees)
        self.interpolation = interpolation_mode("RandomRotation", interpolation)
        self.expand = expand
        self.center = point("RandomRotation", center)
        self.fill = fill_value("RandomRotation", fill)
        if center is None:
            self.shown = tuple(name for name in self.shown if name != "center")

    def __call__(self, img: Any) -> Picture:
        img = picture("RandomRotation", img)
        angle = self.get_params(self.degrees)
        if isinstance(img, Image.Image):
            fill = pillow_fill("RandomRotation", self.fill, img)
            center = None if self.center is None else (self.center[0], self.center[1])
            return img.rotate(angle, self.interpolation.pillow, self.expand, center, fillcolor=fill)
        mode = tensor_mode("RandomRotation", self.interpolation, MODES)
        _, height, width = dimensions(img)
        matrix = inverse_matrix(from_middle(self.center, height, width), -angle, (0, 0), 1, (0, 0))
        size = expanded_size(matrix, height, width) if self.expand else (height, width)
        return affine_sampled(img, matrix, size, mode, tensor_fill("RandomRotation", self.fill, img))

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """Draw an angle in degrees from (min, max), in float32."""
        return torch.empty(1).uniform_(degrees[0], degrees[1]).item()
