"""Rotate a picture by a random angle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from .affine_maps import expanded_size, from_middle, inverse_matrix
from .arguments import angles, array_fill, array_mode, fill_value, interpolation_mode, pillow_fill, point
from .base import InterpolationMode, Shape, Transform
from .drawing import uniform
from .pixels.sampling import MODES, affine_sampled


class Rotation(NamedTuple):
    """An angle in degrees, float32, and the matrix (2, 3) that reads an array rotated by it, float64."""

    angle: Any
    matrix: Any


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
        TypeError: neither PIL image nor array, or an argument of the wrong type.
        ValueError: a range that is none, on arrays another mode than nearest and bilinear, or batches of images rotated with
            `expand` by angles from a range, which would have different sizes.

    PyTorch's counterpart: `torchvision.transforms.RandomRotation`. The same seed gives the same angle; on PIL images the
    same pixels; on arrays those of tensors, to the rounding of the points in float32: bilinear integers differ by 1 at most,
    and nearest ones only where a point is half way between two pixels.
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

    def draw(self, shape: Shape) -> Rotation:
        angle = uniform(self.degrees[0], self.degrees[1])
        return Rotation(angle, self._matrix(float(angle), shape))

    def apply(self, image: Any, params: Rotation) -> Any:
        mode = array_mode("RandomRotation", self.interpolation, MODES)
        size = self._expanded(params, image.shape) if self.expand else image.shape[-2:]
        return affine_sampled(image, params.matrix, size, mode, array_fill("RandomRotation", self.fill, image))

    def pillow(self, image: Image.Image, params: Rotation) -> Image.Image:
        fill = pillow_fill("RandomRotation", self.fill, image)
        center = None if self.center is None else (self.center[0], self.center[1])
        return image.rotate(float(params.angle), self.interpolation.pillow, self.expand, center, fillcolor=fill)

    def output_shape(self, shape: Shape) -> Shape:
        if not self.expand:
            return shape
        low, high = self.degrees
        if low != high:
            raise ValueError(
                "RandomRotation: with expand=True each angle gives a picture of its own size, and a batch has one size; "
                f"give one angle (d, d) or expand=False, but degrees {self.degrees} were given"
            )
        return shape[0], *expanded_size(self._matrix(low, shape), shape[1], shape[2])

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """Draw an angle in degrees from (min, max), in float32."""
        return float(uniform(degrees[0], degrees[1]))

    def _matrix(self, angle: float, shape: Shape) -> np.ndarray:
        return inverse_matrix(from_middle(self.center, *shape[1:]), -angle, (0, 0), 1, (0, 0))

    def _expanded(self, params: Rotation, shape: tuple[int, ...]) -> tuple[int, int]:
        if isinstance(params.matrix, np.ndarray):
            return expanded_size(params.matrix, shape[-2], shape[-1])
        _, rows, columns = self.output_shape((0, shape[-2], shape[-1]))
        return rows, columns
