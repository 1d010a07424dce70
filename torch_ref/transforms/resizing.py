"""Resize PIL images, as Pillow does it: with antialiasing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from PIL import Image

from .base import InterpolationMode, Transform, integers, interpolation_mode, pil_image, size_pair


class Resize(Transform):
    """Give a picture another size.

    Args:
        size: (height, width), or an int for the shorter side, where the longer one keeps the aspect, rounded down.
        interpolation: an `InterpolationMode` or Pillow's int.
        max_size: the longer side is no longer than this, and then the shorter one is shorter than `size`; only with
            an int `size`.
        antialias: Pillow always does; False is answered by a warning.

    Example:
        >>> Resize(32)(Image.new("RGB", (100, 50))).size
        (64, 32)

    Raises:
        TypeError: no PIL image, or an argument of the wrong type.
        ValueError: a size below 1, or a `max_size` that does not fit.

    The counterpart in JAX is `jaxtut.transforms.Resize`.
    """

    shown = ("size", "interpolation", "max_size", "antialias")

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        sizes = integers("Resize", "size", size, (1, 2))
        if min(sizes) < 1:
            raise ValueError(f"Resize: size must be positive, but {size!r} was given")
        if max_size is not None and (len(sizes) == 2 or max_size <= sizes[0]):
            raise ValueError(f"Resize: max_size {max_size} needs an int size below it, but size {size!r} was given")
        self.size = size
        self.interpolation = interpolation_mode("Resize", interpolation)
        self.max_size = max_size
        self.antialias = antialias
        self._sizes = sizes

    def __call__(self, img: Any) -> Image.Image:
        img = pil_image("Resize", img)
        height, width = self._sizes if len(self._sizes) == 2 else _keep_aspect(img, self._sizes[0], self.max_size)
        if (width, height) == img.size:
            return img
        if self.antialias is False:
            warnings.warn("Resize: Pillow always applies antialiasing; antialias=False is ignored", stacklevel=2)
        return img.resize((width, height), self.interpolation.pillow)


class Rescale(Transform):
    """Give a picture another size, as the data loading tutorial's class of this name does.

    Args:
        output_size: (height, width), or an int for the shorter side, where the longer one keeps the aspect, rounded
            down.

    Example:
        >>> Rescale(32)(Image.new("RGB", (100, 50))).size, Rescale((32, 40))(Image.new("L", (9, 9))).size
        ((64, 32), (40, 32))

    Raises:
        TypeError: no PIL image, or a size that is neither an int nor a pair of ints.
        ValueError: a size below 1.

    The counterpart in JAX is `jaxtut.transforms.Rescale`.
    """

    shown = ("output_size",)

    def __init__(self, output_size: int | tuple[int, int]) -> None:
        integers("Rescale", "output_size", output_size, (1,) if isinstance(output_size, int) else (2,))
        size_pair("Rescale", "output_size", output_size)
        self.output_size = output_size

    def __call__(self, img: Any) -> Image.Image:
        return Resize(self.output_size)(pil_image("Rescale", img))


def _keep_aspect(img: Image.Image, shorter: int, max_size: int | None) -> tuple[int, int]:
    longer = int(shorter * max(img.size) / min(img.size))
    if max_size is not None and longer > max_size:
        shorter, longer = int(max_size * shorter / longer), max_size
    return (longer, shorter) if img.height > img.width else (shorter, longer)
