"""Look at a picture from another side, at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image

from .arguments import fill_value, interpolation_mode, number, pillow_fill, probability, tensor_fill, tensor_mode
from .base import InterpolationMode, Picture, Transform, dimensions, picture
from .sampling import MODES, perspective_sampled

Corners = list[list[int]]


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
        TypeError: neither PIL image nor tensor, or an argument of the wrong type.
        ValueError: `p` or `distortion_scale` outside [0, 1], on tensors another mode than nearest and bilinear, or a picture
            one pixel high or wide.

    The counterpart in JAX is `jaxtut.transforms.RandomPerspective`.
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

    def __call__(self, img: Any) -> Picture:
        img = picture("RandomPerspective", img)
        _, height, width = dimensions(img)
        if min(height, width) < 2:
            raise ValueError(
                f"RandomPerspective: a picture needs two rows and two columns, but {(height, width)} were given"
            )
        if not torch.rand(1) < self.p:
            return img
        coefficients = _coefficients(*self.get_params(width, height, self.distortion_scale))
        if isinstance(img, Image.Image):
            how, fill = Image.Transform.PERSPECTIVE, pillow_fill("RandomPerspective", self.fill, img)
            return img.transform(img.size, how, coefficients, self.interpolation.pillow, fillcolor=fill)
        mode = tensor_mode("RandomPerspective", self.interpolation, MODES)
        return perspective_sampled(img, coefficients, mode, tensor_fill("RandomPerspective", self.fill, img))

    @staticmethod
    def get_params(width: int, height: int, distortion_scale: float) -> tuple[Corners, Corners]:
        """Draw where the corners go: the old and the new points (x, y), from the upper left one on, clockwise."""
        across, down = int(distortion_scale * (width // 2)), int(distortion_scale * (height // 2))
        new = []
        for right, below in ((0, 0), (1, 0), (1, 1), (0, 1)):
            x = _integer(width - across - 1, width) if right else _integer(0, across + 1)
            y = _integer(height - down - 1, height) if below else _integer(0, down + 1)
            new.append([x, y])
        return [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], new


def _coefficients(old: Corners, new: Corners) -> list[float]:
    """Return the map's a … h, which take each new corner (x, y) to the old one (u, v): eight linear equations."""
    rows = []
    for (u, v), (x, y) in zip(old, new, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    matrix, places = torch.tensor(rows, dtype=torch.float64), torch.tensor(old, dtype=torch.float64).reshape(8)
    return torch.linalg.lstsq(matrix, places, driver="gels").solution.float().tolist()


def _integer(low: int, high: int) -> int:
    return int(torch.randint(low, high, (1,)).item())
