"""Rotate, shift, scale and shear a picture at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from .affine_maps import from_middle, inverse_matrix
from .arguments import (
    angles,
    array_fill,
    array_mode,
    fill_value,
    interpolation_mode,
    parts,
    pillow_fill,
    point,
    positive_interval,
)
from .base import InterpolationMode, Shape, Transform
from .drawing import uniform
from .pixels.sampling import MODES, affine_sampled


class Affine(NamedTuple):
    """Degrees, pixels (x, y), a factor, degrees (x, y): float32 and int32; and the matrix (2, 3) that reads an array, float64."""

    angle: Any
    translate: Any
    scale: Any
    shear: Any
    matrix: Any


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
        >>> move(np.array([[[1.0, 2.0], [3.0, 4.0]]])).round(6)
        array([[[3., 1.],
                [4., 2.]]])

    Raises:
        TypeError: neither PIL image nor array, or an argument of the wrong type.
        ValueError: a range that is none, a part of the size outside [0, 1], a factor of 0 or below, or on arrays another mode
            than nearest and bilinear.

    PyTorch's counterpart: `torchvision.transforms.RandomAffine`. The same seed gives the same numbers; on PIL images the
    same pixels; on arrays those of tensors, as `RandomRotation` says. `scale` must be (min, max) in this order; that one
    notices when it is used.
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

    def draw(self, shape: Shape) -> Affine:
        _, height, width = shape
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, [width, height])
        angle, translate, scale, shear = drawn
        matrix = inverse_matrix(from_middle(self.center, height, width), angle, translate, scale, shear)
        return Affine(
            np.float32(angle), np.array(translate, np.int32), np.float32(scale), np.array(shear, np.float32), matrix
        )

    def apply(self, image: Any, params: Affine) -> Any:
        mode = array_mode("RandomAffine", self.interpolation, MODES)
        return affine_sampled(
            image, params.matrix, image.shape[-2:], mode, array_fill("RandomAffine", self.fill, image)
        )

    def pillow(self, image: Image.Image, params: Affine) -> Image.Image:
        # Pillow counts from the corner, and torchvision hands it the middle without half a pixel.
        center = (image.width * 0.5, image.height * 0.5) if self.center is None else self.center
        matrix = inverse_matrix(
            center, float(params.angle), params.translate.tolist(), float(params.scale), params.shear.tolist()
        )
        fill = pillow_fill("RandomAffine", self.fill, image)
        return image.transform(
            image.size, Image.Transform.AFFINE, matrix.ravel().tolist(), self.interpolation.pillow, fillcolor=fill
        )

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """Draw (angle, (x, y) of the shift, factor, (x, y) of the shear) for a picture of `img_size` (width, height)."""
        angle = float(uniform(degrees[0], degrees[1]))
        shift = (0, 0)
        if translate is not None:
            reach = [float(part * n) for part, n in zip(translate, img_size, strict=True)]
            shift = (round(float(uniform(-reach[0], reach[0]))), round(float(uniform(-reach[1], reach[1]))))
        factor = 1.0 if scale_ranges is None else float(uniform(scale_ranges[0], scale_ranges[1]))
        along_x = float(uniform(shears[0], shears[1])) if shears else 0.0
        along_y = float(uniform(shears[2], shears[3])) if shears and len(shears) == 4 else 0.0
        return angle, shift, factor, (along_x, along_y)

    def __repr__(self) -> str:
        usual = {"translate": None, "scale": None, "shear": None, "center": None, "fill": 0}
        usual["interpolation"] = InterpolationMode.NEAREST
        names = ("translate", "scale", "shear", "interpolation", "fill", "center")
        given = {name: getattr(self, name) for name in names if getattr(self, name) != usual[name]}
        shown = [f"{name}={getattr(value, 'value', value)}" for name, value in given.items()]
        return f"{type(self).__name__}({', '.join([f'degrees={self.degrees}', *shown])})"
