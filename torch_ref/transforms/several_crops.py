"""Several pieces of one picture: the corners and the middle, also mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from .arguments import size_pair
from .base import Picture, Transform, dimensions, picture
from .cropping import CenterCrop, crop


class FiveCrop(Transform):
    """Cut out the four corners and the middle.

    Args:
        size: (height, width) of a piece, or an int for both.

    A call gives a tuple of five: upper left, upper right, lower left, lower right, middle. `Compose` hands it on as it is;
    `Lambda(torch.stack)` makes of it one tensor (5, channels, height, width).

    Example:
        >>> [piece.size for piece in FiveCrop(8)(Image.new("L", (20, 10)))]
        [(8, 8), (8, 8), (8, 8), (8, 8), (8, 8)]

    Raises:
        TypeError: neither PIL image nor tensor, or a size of the wrong type.
        ValueError: a size below 1, or larger than the picture.

    The counterpart in JAX is `jaxtut.transforms.FiveCrop`.
    """

    shown = ("size",)

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size_pair("FiveCrop", "size", size)

    def __call__(self, img: Any) -> tuple[Picture, ...]:
        return _five("FiveCrop", picture("FiveCrop", img), self.size)


class TenCrop(Transform):
    """Cut out the four corners and the middle of a picture and of its mirror image.

    Args:
        size: (height, width) of a piece, or an int for both.
        vertical_flip: mirror top and bottom, not left and right.

    A call gives a tuple of ten: the five of `FiveCrop`, and those of the mirror image.

    Example:
        >>> len(TenCrop(8)(Image.new("L", (20, 10))))
        10

    Raises:
        TypeError: neither PIL image nor tensor, or a size of the wrong type.
        ValueError: a size below 1, or larger than the picture.

    The counterpart in JAX is `jaxtut.transforms.TenCrop`.
    """

    shown = ("size", "vertical_flip")

    def __init__(self, size: int | Sequence[int], vertical_flip: bool = False) -> None:
        self.size = size_pair("TenCrop", "size", size)
        self.vertical_flip = vertical_flip

    def __call__(self, img: Any) -> tuple[Picture, ...]:
        img = picture("TenCrop", img)
        if isinstance(img, Image.Image):
            how = Image.Transpose.FLIP_TOP_BOTTOM if self.vertical_flip else Image.Transpose.FLIP_LEFT_RIGHT
            mirrored = img.transpose(how)
        else:
            mirrored = img.flip(-2 if self.vertical_flip else -1)
        return _five("TenCrop", img, self.size) + _five("TenCrop", mirrored, self.size)


def _five(caller: str, img: Picture, size: tuple[int, int]) -> tuple[Picture, ...]:
    _, height, width = dimensions(img)
    rows, columns = size
    if rows > height or columns > width:
        raise ValueError(f"{caller}: a piece {size} is larger than the picture {(height, width)}")
    corners = [crop(img, top, left, *size) for top in (0, height - rows) for left in (0, width - columns)]
    return (*corners, CenterCrop(size)(img))
