"""Cut a random window out of a picture and give it a fixed size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from .arguments import interpolation_mode, interval, positive_interval, size_pair
from .base import InterpolationMode, Picture, Transform, dimensions, picture
from .cropping import crop
from .resizing import resized

_ATTEMPTS = 10


class RandomResizedCrop(Transform):
    """Cut out a window of random area and aspect, and resize it.

    The area is drawn uniformly from `scale`, the aspect log-uniformly from `ratio`; a window that does not fit is drawn anew,
    and after ten of them the middle is taken, as large as the ratios allow.

    Args:
        size: (height, width) of the result, or an int for both.
        scale: the range of the window's part of the area, above 0, at most 1.
        ratio: the range of width over height.
        interpolation: an `InterpolationMode` or Pillow's int.
        antialias: on tensors in the modes bilinear and bicubic, widen the filter where the window shrinks. Pillow always does.

    Example:
        >>> RandomResizedCrop(24)(torch.zeros(3, 30, 40)).shape
        torch.Size([3, 24, 24])

    Raises:
        TypeError: neither PIL image nor tensor, or an argument of the wrong type.
        ValueError: a size below 1, a range that is none, a picture too narrow for the ratios, or on tensors another mode than
            nearest, nearest-exact, bilinear and bicubic.

    The counterpart in JAX is `jaxtut.transforms.RandomResizedCrop`.

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

    def __call__(self, img: Any) -> Picture:
        img = picture("RandomResizedCrop", img)
        window = crop(img, *self.get_params(img, self.scale, self.ratio))
        return resized("RandomResizedCrop", window, self.size, self.interpolation, self.antialias)

    @staticmethod
    def get_params(img: Picture, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """Draw the window: (top, left, height, width)."""
        _, rows, columns = dimensions(img)
        low, high = torch.log(torch.tensor(ratio)).tolist()
        for _ in range(_ATTEMPTS):
            area = rows * columns * torch.empty(1).uniform_(scale[0], scale[1]).item()
            aspect = torch.empty(1).uniform_(low, high).exp().item()
            width, height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < width <= columns and 0 < height <= rows:
                top, left = (int(torch.randint(0, n + 1, (1,)).item()) for n in (rows - height, columns - width))
                return top, left, height, width
        height, width = rows, columns
        if columns / rows < ratio[0]:
            height = round(columns / ratio[0])
        elif columns / rows > ratio[1]:
            width = round(rows * ratio[1])
        if min(height, width) < 1:
            raise ValueError(f"RandomResizedCrop: a picture {(rows, columns)} has no window of a ratio in {ratio}")
        return (rows - height) // 2, (columns - width) // 2, height, width

    def __repr__(self) -> str:
        scale, ratio = (tuple(round(bound, 4) for bound in bounds) for bounds in (self.scale, self.ratio))
        return (
            f"{type(self).__name__}(size={self.size}, scale={scale}, ratio={ratio}, "
            f"interpolation={self.interpolation.value}, antialias={self.antialias})"
        )
