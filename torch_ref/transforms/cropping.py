"""Cut a piece out of a picture: from its middle, or from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image

from .arguments import size_pair
from .base import Picture, Transform, dimensions, picture
from .padding import PaddingMode, check_padding, pad


class CenterCrop(Transform):
    """Cut out the middle.

    Args:
        size: (height, width), or an int for both. A picture that is smaller gets a border of zeros first.

    Example:
        >>> CenterCrop((10, 20))(Image.new("L", (100, 50))).size
        (20, 10)

    Raises:
        TypeError: neither PIL image nor tensor, or an argument of the wrong type.
        ValueError: a size below 1.

    The counterpart in JAX is `jaxtut.transforms.CenterCrop`.
    """

    shown = ("size",)

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size_pair("CenterCrop", "size", size)

    def __call__(self, img: Any) -> Picture:
        img = picture("CenterCrop", img)
        _, height, width = dimensions(img)
        rows, columns = self.size
        down, across = max(rows - height, 0), max(columns - width, 0)
        if down or across:
            sides = (across // 2, down // 2, (across + 1) // 2, (down + 1) // 2)
            img = pad("CenterCrop", img, sides, 0, "constant")
        return crop(img, round((height + down - rows) / 2), round((width + across - columns) / 2), rows, columns)


class RandomCrop(Transform):
    """Cut a piece out at a random place.

    Args:
        size: (height, width), or an int for both.
        padding: a border to add first, as in `Pad`; None: none.
        pad_if_needed: a picture that is too small gets a border on both sides, each as wide as what is missing.
        fill: the value of the border, as in `Pad`.
        padding_mode: the kind of border, as in `Pad`.

    Example:
        >>> RandomCrop(24)(Image.new("L", (28, 28))).size
        (24, 24)

    Raises:
        TypeError: neither PIL image nor tensor, or an argument of the wrong type.
        ValueError: the piece is larger than the picture.

    The counterpart in JAX is `jaxtut.transforms.RandomCrop`.
    """

    shown = ("size", "padding")

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: float | Sequence[float] = 0,
        padding_mode: PaddingMode = "constant",
    ) -> None:
        self.size = size_pair("RandomCrop", "size", size)
        self._sides = check_padding("RandomCrop", 0 if padding is None else padding, fill, padding_mode)
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode: PaddingMode = padding_mode

    def __call__(self, img: Any) -> Picture:
        img = picture("RandomCrop", img)
        if self.padding is not None:
            img = self._padded(img, self._sides)
        _, height, width = dimensions(img)
        down, across = max(self.size[0] - height, 0), max(self.size[1] - width, 0)
        if self.pad_if_needed and across:
            img = self._padded(img, (across, 0, across, 0))
        if self.pad_if_needed and down:
            img = self._padded(img, (0, down, 0, down))
        return crop(img, *self.get_params(img, self.size))

    @staticmethod
    def get_params(img: Picture, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Draw where to cut: (top, left, height, width)."""
        _, height, width = dimensions(img)
        rows, columns = output_size
        if rows > height or columns > width:
            raise ValueError(f"RandomCrop: the piece {(rows, columns)} is larger than the picture {(height, width)}")
        if (rows, columns) == (height, width):
            return 0, 0, rows, columns  # PyTorch draws nothing here
        top = int(torch.randint(0, height - rows + 1, size=(1,)).item())
        left = int(torch.randint(0, width - columns + 1, size=(1,)).item())
        return top, left, rows, columns

    def _padded(self, img: Picture, sides: tuple[int, int, int, int]) -> Picture:
        return pad("RandomCrop", img, sides, self.fill, self.padding_mode)


def crop(img: Picture, top: int, left: int, height: int, width: int) -> Picture:
    """Cut out the rows from `top` and the columns from `left` on; they lie inside the picture."""
    if isinstance(img, Image.Image):
        return img.crop((left, top, left + width, top + height))
    return img[..., top : top + height, left : left + width]
