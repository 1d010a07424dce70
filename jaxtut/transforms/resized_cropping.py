"""Cut a random window out of a picture and give it a fixed size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from .arguments import array_mode, interpolation_mode, interval, positive_interval, size_pair
from .base import InterpolationMode, Picture, Shape, Transform, dimensions
from .cropping import crop
from .drawing import integer, log_uniform, uniform
from .pixels.resampling import MODES, resampled
from .resizing import resized_image

_ATTEMPTS = 10


class Window(NamedTuple):
    """What is cut out, in pixels: int32."""

    top: Any
    left: Any
    height: Any
    width: Any


class RandomResizedCrop(Transform):
    """Cut out a window of random area and aspect, and resize it.

    The area is drawn uniformly from `scale`, the aspect log-uniformly from `ratio`; a window that does not fit is drawn anew,
    and after ten of them the middle is taken, as large as the ratios allow.

    Args:
        size: (height, width) of the result, or an int for both.
        scale: the range of the window's part of the area, above 0, at most 1.
        ratio: the range of width over height.
        interpolation: an `InterpolationMode` or Pillow's int.
        antialias: on arrays in the modes bilinear and bicubic, widen the filter where the window shrinks. Pillow always does.

    Example:
        >>> RandomResizedCrop(24)(Image.new("L", (40, 30))).size
        (24, 24)

    Raises:
        TypeError: neither PIL image nor array, or an argument of the wrong type.
        ValueError: a size below 1, a range that is none, a picture too narrow for the ratios, or on arrays another mode than
            nearest, nearest-exact, bilinear and bicubic.

    PyTorch's counterpart: `torchvision.transforms.RandomResizedCrop`. The same seed gives the same window, with the exception that
    `RandomErasing` names; on PIL images the same pixels; on arrays those of tensors, as `Resize` says. That one only warns of a
    range that is none.

    Source: "Going deeper with convolutions" (Szegedy et al., 2014).
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        self.size = size_pair("RandomResizedCrop", "size", size)
        self.scale = interval("RandomResizedCrop", "scale", scale, 0, 1)
        self.ratio = positive_interval("RandomResizedCrop", "ratio", ratio)
        self.interpolation = interpolation_mode("RandomResizedCrop", interpolation)
        self.antialias = antialias

    def draw(self, shape: Shape) -> Window:
        return Window(*np.array(_window(shape, self.scale, self.ratio), np.int32))

    def apply(self, image: Any, params: Window) -> Any:
        mode = array_mode("RandomResizedCrop", self.interpolation, MODES)
        return resampled(image, params, self.size, mode, bool(self.antialias))

    def pillow(self, image: Image.Image, params: Window) -> Image.Image:
        window = crop(image, *(int(number) for number in params))
        return resized_image("RandomResizedCrop", window, self.size, self.interpolation, self.antialias)

    def output_shape(self, shape: Shape) -> Shape:
        return shape[0], *self.size

    @staticmethod
    def get_params(img: Picture, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """Draw the window: (top, left, height, width)."""
        return _window(dimensions(img), scale, ratio)

    def __repr__(self) -> str:
        scale, ratio = (tuple(round(bound, 4) for bound in bounds) for bounds in (self.scale, self.ratio))
        return (
            f"{type(self).__name__}(size={self.size}, scale={scale}, ratio={ratio}, "
            f"interpolation={self.interpolation.value}, antialias={self.antialias})"
        )


def _window(shape: Shape, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
    _, rows, columns = shape
    for _ in range(_ATTEMPTS):
        area = rows * columns * float(uniform(scale[0], scale[1]))
        aspect = log_uniform(ratio)
        width, height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < width <= columns and 0 < height <= rows:
            return integer(0, rows - height + 1), integer(0, columns - width + 1), height, width
    height, width = rows, columns
    if columns / rows < ratio[0]:
        height = round(columns / ratio[0])
    elif columns / rows > ratio[1]:
        width = round(rows * ratio[1])
    if min(height, width) < 1:
        raise ValueError(f"RandomResizedCrop: a picture {(rows, columns)} has no window of a ratio in {ratio}")
    return (rows - height) // 2, (columns - width) // 2, height, width
