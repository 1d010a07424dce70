"""Cut a piece out of a picture: from its middle, or from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from .arguments import size_pair
from .base import Picture, Shape, Transform, dimensions
from .drawing import integer
from .padding import PaddingMode, check_padding, pad, padded_shape
from .pixels.resampling import cropped

Sides = tuple[int, int, int, int]


class CenterCrop(Transform):
    """Cut out the middle.

    Args:
        size: (height, width), or an int for both. A picture that is smaller gets a border of zeros first.

    Example:
        >>> CenterCrop((10, 20))(Image.new("L", (100, 50))).size
        (20, 10)

    Raises:
        TypeError: neither PIL image nor array, or an argument of the wrong type.
        ValueError: a size below 1.

    PyTorch's counterpart: `torchvision.transforms.CenterCrop`. Half a pixel is rounded to the even one.
    """

    shown = ("size",)

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size_pair("CenterCrop", "size", size)

    def apply(self, image: Any, params: Any) -> Any:
        return center_crop(image, self.size)

    def pillow(self, image: Image.Image, params: Any) -> Any:
        return center_crop(image, self.size)

    def output_shape(self, shape: Shape) -> Shape:
        return shape[0], *self.size


class Corner(NamedTuple):
    """Where a piece is cut out, in pixels: int32."""

    top: Any
    left: Any


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
        TypeError: neither PIL image nor array, or an argument of the wrong type.
        ValueError: the piece is larger than the picture.

    PyTorch's counterpart: `torchvision.transforms.RandomCrop`; the same seed gives the same piece.
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

    def draw(self, shape: Shape) -> Corner:
        for sides in self._borders(shape):
            shape = padded_shape(shape, sides)
        top, left, _, _ = _window(shape, self.size)
        return Corner(np.int32(top), np.int32(left))

    def apply(self, image: Any, params: Corner) -> Any:
        return cropped(self._bordered(image), params.top, params.left, *self.size)

    def pillow(self, image: Image.Image, params: Corner) -> Any:
        return crop(self._bordered(image), int(params.top), int(params.left), *self.size)

    def output_shape(self, shape: Shape) -> Shape:
        return shape[0], *self.size

    @staticmethod
    def get_params(img: Picture, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Draw where to cut: (top, left, height, width)."""
        return _window(dimensions(img), output_size)

    def _borders(self, shape: Shape) -> list[Sides]:
        """Return the borders that a picture gets, one after the other."""
        borders = [] if self.padding is None else [self._sides]
        _, height, width = padded_shape(shape, self._sides)
        down, across = max(self.size[0] - height, 0), max(self.size[1] - width, 0)
        if self.pad_if_needed and across:
            borders.append((across, 0, across, 0))
        if self.pad_if_needed and down:
            borders.append((0, down, 0, down))
        return borders

    def _bordered(self, img: Any) -> Any:
        for sides in self._borders(dimensions(img)):
            img = pad("RandomCrop", img, sides, self.fill, self.padding_mode)
        return img


def _window(shape: Shape, size: tuple[int, int]) -> tuple[int, int, int, int]:
    _, height, width = shape
    rows, columns = size
    if rows > height or columns > width:
        raise ValueError(f"RandomCrop: the piece {(rows, columns)} is larger than the picture {(height, width)}")
    if (rows, columns) == (height, width):
        return 0, 0, rows, columns  # PyTorch draws nothing here
    return integer(0, height - rows + 1), integer(0, width - columns + 1), rows, columns


def center_crop(img: Any, size: tuple[int, int]) -> Any:
    """Cut out the middle, after a border of zeros where the picture is smaller."""
    _, height, width = dimensions(img)
    rows, columns = size
    down, across = max(rows - height, 0), max(columns - width, 0)
    if down or across:
        sides = (across // 2, down // 2, (across + 1) // 2, (down + 1) // 2)
        img = pad("CenterCrop", img, sides, 0, "constant")
    return crop(img, round((height + down - rows) / 2), round((width + across - columns) / 2), rows, columns)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """Cut out the rows from `top` and the columns from `left` on; they lie inside the picture."""
    if isinstance(img, Image.Image):
        return img.crop((left, top, left + width, top + height))
    return img[..., top : top + height, left : left + width]
