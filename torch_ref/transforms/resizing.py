"""Give pictures another size."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch.nn import functional as F

from .arguments import integers, interpolation_mode, size_pair, tensor_mode
from .base import InterpolationMode, Picture, Transform, batched, dimensions, picture, restored

MODES = ("nearest", "nearest-exact", "bilinear", "bicubic")


class Resize(Transform):
    """Give a picture another size.

    Args:
        size: (height, width), or an int for the shorter side, where the longer one keeps the aspect, rounded down.
        interpolation: an `InterpolationMode` or Pillow's int.
        max_size: the longer side is no longer than this, and then the shorter one is shorter than `size`; only with
            an int `size`.
        antialias: on tensors in the modes bilinear and bicubic, widen the filter where the picture shrinks. Pillow always
            does; False is answered by a warning.

    Example:
        >>> Resize(32)(Image.new("RGB", (100, 50))).size
        (64, 32)
        >>> Resize((1, 2))(torch.tensor([[[0, 10, 20, 30]]], dtype=torch.uint8)).tolist()
        [[[7, 23]]]

    Raises:
        TypeError: neither PIL image nor tensor, or an argument of the wrong type.
        ValueError: a size below 1, a `max_size` that does not fit, or on tensors another mode than nearest, nearest-exact,
            bilinear and bicubic.

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

    def __call__(self, img: Any) -> Picture:
        img = picture("Resize", img)
        _, height, width = dimensions(img)
        size = self._sizes if len(self._sizes) == 2 else _keep_aspect(height, width, self._sizes[0], self.max_size)
        return resized("Resize", img, (size[0], size[1]), self.interpolation, self.antialias)


class Rescale(Transform):
    """Give a picture another size, as the data loading tutorial's class of this name does.

    Args:
        output_size: (height, width), or an int for the shorter side, where the longer one keeps the aspect, rounded
            down.

    Example:
        >>> Rescale(32)(Image.new("RGB", (100, 50))).size, Rescale((32, 40))(Image.new("L", (9, 9))).size
        ((64, 32), (40, 32))

    Raises:
        TypeError: neither PIL image nor tensor, or a size that is neither an int nor a pair of ints.
        ValueError: a size below 1.

    The counterpart in JAX is `jaxtut.transforms.Rescale`.
    """

    shown = ("output_size",)

    def __init__(self, output_size: int | tuple[int, int]) -> None:
        integers("Rescale", "output_size", output_size, (1,) if isinstance(output_size, int) else (2,))
        size_pair("Rescale", "output_size", output_size)
        self.output_size = output_size

    def __call__(self, img: Any) -> Picture:
        return Resize(self.output_size)(picture("Rescale", img))


def resized(
    caller: str, img: Picture, size: tuple[int, int], interpolation: InterpolationMode, antialias: bool | None
) -> Picture:
    """Give a picture another size; it is returned as it is where it has that size."""
    height, width = size
    mode = interpolation.value if isinstance(img, Image.Image) else tensor_mode(caller, interpolation, MODES)
    if dimensions(img)[1:] == size:
        return img
    if isinstance(img, Image.Image):
        if antialias is False:
            warnings.warn(f"{caller}: Pillow always applies antialiasing; antialias=False is ignored", stacklevel=3)
        return img.resize((width, height), interpolation.pillow)
    smooth = mode in ("bilinear", "bicubic")
    out = F.interpolate(
        batched(img), size, mode=mode, align_corners=False if smooth else None, antialias=smooth and bool(antialias)
    )
    if mode == "bicubic" and img.dtype == torch.uint8:
        out = out.clamp(0, 255)
    return restored(out, img)


def _keep_aspect(height: int, width: int, shorter: int, max_size: int | None) -> tuple[int, int]:
    longer = int(shorter * max(height, width) / min(height, width))
    if max_size is not None and longer > max_size:
        shorter, longer = int(max_size * shorter / longer), max_size
    return (longer, shorter) if height > width else (shorter, longer)
