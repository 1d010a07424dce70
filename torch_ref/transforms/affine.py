"""Rotate, shift, scale and shear a picture at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image

from .affine_maps import from_middle, inverse_matrix
from .arguments import (
    angles,
    fill_value,
    interpolation_mode,
    parts,
    pillow_fill,
    point,
    positive_interval,
    tensor_fill,
    tensor_mode,
)
from .base import InterpolationMode, Picture, Transform, dimensions, picture
from .sampling import MODES, affine_sampled


class RandomAffine(Transform):
    """Rotate clockwise, shift, scale and shear a picture, each by a number drawn uniformly from a range.

    Args:
        degrees: of the rotation: (min, max), or a number d for (-d, d).
        translate: (a, b) for shifts of whole pixels between -a · width and a · width to the right, -b · height and b · height
            down; None: no shift.
        scale: (min, max) of the factor; None: 1.
        shear: degrees of the shear along x: (min, max), or a number d for (-d, d); four numbers are ranges along x and y;
            None: no shear.
        interpolation: an `InterpolationMode` or Pillow's int: nearest, bilinear, and for PIL images bicubic.
        fill: the value of the pixels that come from outside, a number or one value a channel.
        center: the point (x, y) about which it is turned, scaled and sheared, from the upper left corner; None: the middle.

    Example:
        >>> move = RandomAffine((90, 90), interpolation=InterpolationMode.BILINEAR)
        >>> move(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])).round().tolist()
        [[[3.0, 1.0], [4.0, 2.0]]]

    Raises:
        TypeError: neither PIL image nor tensor, or an argument of the wrong type.
        ValueError: a range that is none, a part of the size outside [0, 1], a factor of 0 or below, or on tensors another mode
            than nearest and bilinear.

    The counterpart in JAX is `jaxtut.transforms.RandomAffine`.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        fill: float | Sequence[float] | None = 0,
        center: Sequence[float] | None = None,
    ) -> None:
        self.degrees = angles("RandomAffine", "degrees", degrees)
        self.translate = None if translate is None else parts("RandomAffine", "translate", translate)
        self.scale = None if scale is None else positive_interval("RandomAffine", "scale", scale)
        self.shear = None if shear is None else angles("RandomAffine", "shear", shear, (2, 4))
        self.interpolation = interpolation_mode("RandomAffine", interpolation)
        self.fill = fill_value("RandomAffine", fill)
        self.center = point("RandomAffine", center)

    def __call__(self, img: Any) -> Picture:
        img = picture("RandomAffine", img)
        _, height, width = dimensions(img)
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, [width, height])
        if isinstance(img, Image.Image):
            # Pillow counts from the corner, and torchvision hands it the middle without half a pixel.
            center = (width * 0.5, height * 0.5) if self.center is None else self.center
            how, fill = Image.Transform.AFFINE, pillow_fill("RandomAffine", self.fill, img)
            return img.transform(
                img.size, how, inverse_matrix(center, *drawn), self.interpolation.pillow, fillcolor=fill
            )
        mode = tensor_mode("RandomAffine", self.interpolation, MODES)
        matrix = inverse_matrix(from_middle(self.center, height, width), *drawn)
        return affine_sampled(img, matrix, (height, width), mode, tensor_fill("RandomAffine", self.fill, img))

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """Draw (angle, (x, y) of the shift, factor, (x, y) of the shear) for a picture of `img_size` (width, height)."""
        angle = _uniform(degrees[0], degrees[1])
        shift = (0, 0)
        if translate is not None:
            across, down = (float(part * n) for part, n in zip(translate, img_size, strict=True))
            shift = (round(_uniform(-across, across)), round(_uniform(-down, down)))
        factor = 1.0 if scale_ranges is None else _uniform(scale_ranges[0], scale_ranges[1])
        along_x = _uniform(shears[0], shears[1]) if shears else 0.0
        along_y = _uniform(shears[2], shears[3]) if shears and len(shears) == 4 else 0.0
        return angle, shift, factor, (along_x, along_y)

    def __repr__(self) -> str:
        usual = {"translate": None, "scale": None, "shear": None, "center": None, "fill": 0}
        usual["interpolation"] = InterpolationMode.NEAREST
        names = ("translate", "scale", "shear", "interpolation", "fill", "center")
        given = {name: getattr(self, name) for name in names if getattr(self, name) != usual[name]}
        shown = [f"{name}={getattr(value, 'value', value)}" for name, value in given.items()]
        return f"{type(self).__name__}({', '.join([f'degrees={self.degrees}', *shown])})"


def _uniform(low: float, high: float) -> float:
    return torch.empty(1).uniform_(low, high).item()
