"""Several pieces of one picture: the corners and the middle, also mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from .arguments import size_pair
from .base import Shape, Transform, dimensions
from .cropping import center_crop, crop
from .flipping import flipped


class FiveCrop(Transform):
    """Cut out the four corners and the middle.

    Args:
        size: (height, width) of a piece, or an int for both.

    A call gives a tuple of five: upper left, upper right, lower left, lower right, middle. `Compose` hands it on as it is;
    `Lambda(np.stack)` makes of it one array (5, channels, height, width), in batches `Lambda(jnp.stack)`.

    Example:
        >>> [piece.size for piece in FiveCrop(8)(Image.new("L", (20, 10)))]
        [(8, 8), (8, 8), (8, 8), (8, 8), (8, 8)]

    Raises:
        TypeError: neither PIL image nor array, or a size of the wrong type.
        ValueError: a size below 1, or larger than the picture.

    PyTorch's counterpart: `torchvision.transforms.FiveCrop`.
    """

    shown = ("size",)

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size_pair("FiveCrop", "size", size)

    def apply(self, image: Any, params: Any) -> tuple[Any, ...]:
        return _five("FiveCrop", image, self.size)

    def pillow(self, image: Image.Image, params: Any) -> Any:
        return _five("FiveCrop", image, self.size)

    def output_shape(self, shape: Shape) -> tuple[Shape, ...]:
        return ((shape[0], *self.size),) * 5


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
        TypeError: neither PIL image nor array, or a size of the wrong type.
        ValueError: a size below 1, or larger than the picture.

    PyTorch's counterpart: `torchvision.transforms.TenCrop`.
    """

    shown = ("size", "vertical_flip")

    def __init__(self, size: int | Sequence[int], vertical_flip: bool = False) -> None:
        self.size = size_pair("TenCrop", "size", size)
        self.vertical_flip = vertical_flip

    def apply(self, image: Any, params: Any) -> tuple[Any, ...]:
        mirrored = flipped(image, axis=-2 if self.vertical_flip else -1)
        return _five("TenCrop", image, self.size) + _five("TenCrop", mirrored, self.size)

    def pillow(self, image: Image.Image, params: Any) -> Any:
        how = Image.Transpose.FLIP_TOP_BOTTOM if self.vertical_flip else Image.Transpose.FLIP_LEFT_RIGHT
        return _five("TenCrop", image, self.size) + _five("TenCrop", image.transpose(how), self.size)

    def output_shape(self, shape: Shape) -> tuple[Shape, ...]:
        return ((shape[0], *self.size),) * 10


def _five(caller: str, img: Any, size: tuple[int, int]) -> tuple[Any, ...]:
    _, height, width = dimensions(img)
    rows, columns = size
    if rows > height or columns > width:
        raise ValueError(f"{caller}: a piece {size} is larger than the picture {(height, width)}")
    corners = [crop(img, top, left, *size) for top in (0, height - rows) for left in (0, width - columns)]
    return (*corners, center_crop(img, size))
