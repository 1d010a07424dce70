"""Give pictures another size."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from PIL import Image

from .arguments import array_mode, integers, interpolation_mode, size_pair
from .base import InterpolationMode, Shape, Transform, dimensions
from .pixels.arrays import Pixels
from .pixels.resampling import MODES, resampled


class Resize(Transform):
    """Give a picture another size.

    Args:
        size: (height, width), or an int for the shorter side, where the longer one keeps the aspect, rounded down.
        interpolation: an `InterpolationMode` or Pillow's int.
        max_size: the longer side is no longer than this, and then the shorter one is shorter than `size`; only with
            an int `size`.
        antialias: on arrays in the modes bilinear and bicubic, widen the filter where the picture shrinks. Pillow always
            does; False is answered by a warning.

    Example:
        >>> Resize(32)(Image.new("RGB", (100, 50))).size
        (64, 32)
        >>> import numpy as np
        >>> Resize((1, 2))(np.array([[[0, 10, 20, 30]]], np.uint8)).tolist()
        [[[7, 23]]]

    Raises:
        TypeError: neither PIL image nor array, or an argument of the wrong type.
        ValueError: a size below 1, a `max_size` that does not fit, or on arrays another mode than nearest, nearest-exact,
            bilinear and bicubic.

    PyTorch's counterpart: `torchvision.transforms.Resize`: on PIL images to the same pixels; on arrays as on tensors, to the
    rounding of a sum in float32, so that integers differ by 1 at most. (Where the result is one pixel wide, PyTorch 2.13 with
    `antialias` repeats the first row.)
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

    def apply(self, image: Any, params: Any) -> Any:
        return resized("Resize", image, self._size(dimensions(image)), self.interpolation, bool(self.antialias))

    def pillow(self, image: Image.Image, params: Any) -> Image.Image:
        return resized_image("Resize", image, self._size(dimensions(image)), self.interpolation, self.antialias)

    def output_shape(self, shape: Shape) -> Shape:
        return shape[0], *self._size(shape)

    def _size(self, shape: Shape) -> tuple[int, int]:
        if len(self._sizes) == 2:
            return self._sizes[0], self._sizes[1]
        return _keep_aspect(shape[1], shape[2], self._sizes[0], self.max_size)


class Rescale(Transform):
    """Give a picture another size, as the data loading tutorial's class of this name does.

    Args:
        output_size: (height, width), or an int for the shorter side, where the longer one keeps the aspect, rounded
            down.

    Example:
        >>> Rescale(32)(Image.new("RGB", (100, 50))).size, Rescale((32, 40))(Image.new("L", (9, 9))).size
        ((64, 32), (40, 32))

    Raises:
        TypeError: neither PIL image nor array, or a size that is neither an int nor a pair of ints.
        ValueError: a size below 1.

    PyTorch's counterpart: the custom class of the tutorial "Writing Custom Datasets, DataLoaders and Transforms",
    which resizes with scikit-image; this one does what `Resize` does.
    """

    shown = ("output_size",)

    def __init__(self, output_size: int | tuple[int, int]) -> None:
        integers("Rescale", "output_size", output_size, (1,) if isinstance(output_size, int) else (2,))
        size_pair("Rescale", "output_size", output_size)
        self.output_size = output_size

    def apply(self, image: Any, params: Any) -> Any:
        return Resize(self.output_size).apply(image, params)

    def pillow(self, image: Image.Image, params: Any) -> Image.Image:
        return Resize(self.output_size).pillow(image, params)

    def output_shape(self, shape: Shape) -> Shape:
        return Resize(self.output_size).output_shape(shape)


def resized_image(
    caller: str, image: Image.Image, size: tuple[int, int], mode: InterpolationMode, antialias: bool | None
) -> Image.Image:
    """Give a PIL image another size; it is returned as it is where it has that size."""
    height, width = size
    if (width, height) == image.size:
        return image
    if antialias is False:
        warnings.warn(f"{caller}: Pillow always applies antialiasing; antialias=False is ignored", stacklevel=4)
    return image.resize((width, height), mode.pillow)


def resized(caller: str, image: Pixels, size: tuple[int, int], mode: InterpolationMode, antialias: bool) -> Any:
    """Give an array another size; it is returned as it is where it has that size."""
    name = array_mode(caller, mode, MODES)
    if image.shape[-2:] == size:
        return image
    return resampled(image, (0, 0, *image.shape[-2:]), size, name, antialias)


def _keep_aspect(height: int, width: int, shorter: int, max_size: int | None) -> tuple[int, int]:
    longer = int(shorter * max(height, width) / min(height, width))
    if max_size is not None and longer > max_size:
        shorter, longer = int(max_size * shorter / longer), max_size
    return (longer, shorter) if height > width else (shorter, longer)
