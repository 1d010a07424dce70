"""Look at a picture from another side, at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from .arguments import array_fill, array_mode, fill_value, interpolation_mode, number, pillow_fill, probability
from .base import InterpolationMode, Shape, Transform
from .drawing import chance, integer
from .pixels.arrays import either
from .pixels.sampling import MODES, perspective_sampled

Corners = list[list[int]]


class View(NamedTuple):
    """Whether the picture is changed, and the coefficients a … h of the map, float32."""

    changed: Any
    coefficients: Any


class RandomPerspective(Transform):
    """Move the four corners of a picture inwards with probability `p`, each to a point drawn uniformly.

    The pixel (x, y) of the new picture shows ((a x + b y + c) / (g x + h y + 1), (d x + e y + f) / (g x + h y + 1)) of the
    old one, where a … h take the new corners to the old ones.

    Args:
        distortion_scale: how far the corners go at most, as a part of the way to the middle, in [0, 1].
        p: the probability.
        interpolation: an `InterpolationMode` or Pillow's int: nearest, bilinear, and for PIL images bicubic.
        fill: the value of the pixels that come from outside, a number or one value a channel.

    Example:
        >>> RandomPerspective(p=1.0)(Image.new("L", (30, 20))).size
        (30, 20)

    Raises:
        TypeError: neither PIL image nor array, or an argument of the wrong type.
        ValueError: `p` or `distortion_scale` outside [0, 1], on arrays another mode than nearest and bilinear, or a picture
            one pixel high or wide.

    PyTorch's counterpart: `torchvision.transforms.RandomPerspective`. The same seed gives the same corners. The coefficients
    are solved for in float64, and both sides leave other roundings where one of them is 0; so on PIL images a pixel whose point
    is a whole number, or half way for nearest neighbours, can differ, the bilinear one by 1. On arrays the pixels are those of
    tensors, as `RandomRotation` says.
    """

    shown = ("p",)

    def __init__(
        self,
        distortion_scale: float = 0.5,
        p: float = 0.5,
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        fill: float | Sequence[float] | None = 0,
    ) -> None:
        self.distortion_scale = number("RandomPerspective", "distortion_scale", distortion_scale, 0, 1)
        self.p = probability("RandomPerspective", p)
        self.interpolation = interpolation_mode("RandomPerspective", interpolation)
        self.fill = fill_value("RandomPerspective", fill)

    def draw(self, shape: Shape) -> View:
        if min(shape[1:]) < 2:
            raise ValueError(f"RandomPerspective: a picture needs two rows and two columns, but {shape[1:]} were given")
        changed = chance(self.p)
        if not changed:
            return View(changed, np.zeros(8, np.float32))
        return View(changed, _coefficients(*self.get_params(shape[2], shape[1], self.distortion_scale)))

    def apply(self, image: Any, params: View) -> Any:
        mode = array_mode("RandomPerspective", self.interpolation, MODES)
        fill = array_fill("RandomPerspective", self.fill, image)
        return either(params.changed, lambda x: perspective_sampled(x, params.coefficients, mode, fill), image)

    def pillow(self, image: Image.Image, params: View) -> Image.Image:
        fill = pillow_fill("RandomPerspective", self.fill, image)
        if not params.changed:
            return image
        coefficients = params.coefficients.tolist()
        return image.transform(
            image.size, Image.Transform.PERSPECTIVE, coefficients, self.interpolation.pillow, fillcolor=fill
        )

    @staticmethod
    def get_params(width: int, height: int, distortion_scale: float) -> tuple[Corners, Corners]:
        """Draw where the corners go: the old and the new points (x, y), from the upper left one on, clockwise."""
        across, down = int(distortion_scale * (width // 2)), int(distortion_scale * (height // 2))
        new = []
        for right, below in ((0, 0), (1, 0), (1, 1), (0, 1)):
            x = integer(width - across - 1, width) if right else integer(0, across + 1)
            y = integer(height - down - 1, height) if below else integer(0, down + 1)
            new.append([x, y])
        return [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], new


def _coefficients(old: Corners, new: Corners) -> np.ndarray:
    """Return the map's a … h, which take each new corner (x, y) to the old one (u, v): eight linear equations."""
    rows = []
    for (u, v), (x, y) in zip(old, new, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    matrix, places = np.array(rows, np.float64), np.ravel(old).astype(np.float64)
    try:
        return np.linalg.solve(matrix, places).astype(np.float32)
    except np.linalg.LinAlgError:  # in pictures of a few pixels corners can fall together
        return np.linalg.lstsq(matrix, places, rcond=None)[0].astype(np.float32)
