"""Erase a random rectangle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal, NamedTuple

import numpy as np

from jaxtut import torch_random

from .arguments import interval, positive_interval, probability
from .base import Shape, Transform, array_image, dimensions
from .drawing import chance, integer, log_uniform, uniform
from .normalization import writable
from .pixels.arrays import is_integer, namespace

_ATTEMPTS = 10


class Rectangle(NamedTuple):
    """What is erased, (top, left, height, width) in int32, all 0 for nothing; and what is written, in float32.

    The values have shape (channels or 1, 1, 1), or for random ones that of the whole picture.
    """

    window: Any
    value: Any


class RandomErasing(Transform):
    """Replace a random rectangle of an array with probability `p`.

    The area is drawn uniformly from `scale`, the aspect log-uniformly from `ratio`; a rectangle that does not fit is
    drawn anew, and after ten of them the picture stays as it is.

    Args:
        p: the probability.
        scale: the range of the erased part of the area, inside [0, 1].
        ratio: the range of height over width.
        value: what to write: a number, one number a channel, or "random" for a normal number in every pixel.
        inplace: write into the array that is given, one of NumPy.

    Example:
        >>> erased = RandomErasing(p=1.0)(np.ones((1, 16, 16), dtype=np.float32))
        >>> sorted(np.unique(erased).tolist())
        [0.0, 1.0]

    Raises:
        TypeError: no array, or an argument of the wrong type.
        ValueError: a range that is none, or a `value` whose length is not the number of channels.

    PyTorch's counterpart: `torchvision.transforms.RandomErasing`; the same seed gives the same rectangle, and "random"
    the same numbers within 2 units in the last place. (PyTorch's float32 exponential misses the rounded one by a unit in
    the last place for about 1 % of all arguments, which ones depends on the processor; a rectangle's side can then be
    one pixel longer or shorter: the more rarely, the smaller the picture.)

    Source: "Random Erasing Data Augmentation" (Zhong et al., 2017).
    """

    shown = ("p", "scale", "ratio", "value", "inplace")

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: float | Sequence[float] | Literal["random"] = 0,
        inplace: bool = False,
    ) -> None:
        if not isinstance(value, Real | str | tuple | list):
            raise TypeError(f"RandomErasing: value must be a number, a sequence of them or 'random', but got {value!r}")
        if isinstance(value, str) and value != "random":
            raise ValueError(f"RandomErasing: value must be 'random' if it is a string, but {value!r} was given")
        self.p = probability("RandomErasing", p)
        self.scale = interval("RandomErasing", "scale", scale, 0, 1)
        self.ratio = positive_interval("RandomErasing", "ratio", ratio)
        self.value = value
        self.inplace = inplace

    def __call__(self, img: Any) -> Any:
        array = self.picture(img)
        params = self.draw(dimensions(array))
        if not self.inplace:
            return self.apply(array, params)
        array[...] = self.apply(writable("RandomErasing", array), params)
        return array

    def picture(self, img: Any) -> Any:
        return array_image("RandomErasing", img)

    def draw(self, shape: Shape) -> Rectangle:
        values = self._values(shape[0])
        blank = np.zeros(shape, np.float32) if values is None else _column(values)
        drawn = _rectangle(shape, self.scale, self.ratio, values) if chance(self.p) else None
        if drawn is None:
            return Rectangle(np.zeros(4, np.int32), blank)
        top, left, height, width, value = drawn
        if values is None:
            blank[:, top : top + height, left : left + width] = value
        return Rectangle(np.array([top, left, height, width], np.int32), blank)

    def apply(self, image: Any, params: Rectangle) -> Any:
        xp = namespace(image)
        rows, columns = (xp.arange(n, dtype=np.int32) for n in image.shape[-2:])
        top, left, height, width = params.window
        down = (rows >= top) & (rows < top + height)
        across = (columns >= left) & (columns < left + width)
        inside = (down[:, None] & across[None, :]).reshape(*(1,) * (image.ndim - 2), *image.shape[-2:])
        # As in PyTorch, an array of integers takes the integer part; int32 wraps around everywhere, float32 not in XLA.
        value = xp.asarray(params.value)
        value = xp.trunc(value).astype(np.int32) if is_integer(image.dtype) else value
        return xp.where(inside, value.astype(image.dtype).reshape(*(1,) * (image.ndim - 3), *value.shape), image)

    @staticmethod
    def get_params(
        img: np.ndarray, scale: Sequence[float], ratio: Sequence[float], value: Sequence[float] | None = None
    ) -> tuple[int, int, int, int, np.ndarray]:
        """Draw what to erase: (top, left, height, width, value); `value=None` draws it from the normal distribution."""
        _, rows, columns = dimensions(img)
        return _rectangle(dimensions(img), scale, ratio, value) or (0, 0, rows, columns, img)

    def _values(self, channels: int) -> list[float] | None:
        if isinstance(self.value, str):
            return None
        values = [float(v) for v in (self.value if isinstance(self.value, Sequence) else [self.value])]
        if len(values) not in (1, channels):
            raise ValueError(f"RandomErasing: value {self.value!r} does not fit an array of {channels} channels")
        return values


def _rectangle(
    shape: Shape, scale: Sequence[float], ratio: Sequence[float], value: Sequence[float] | None
) -> tuple[int, int, int, int, np.ndarray] | None:
    channels, rows, columns = shape
    for _ in range(_ATTEMPTS):
        area = rows * columns * float(uniform(scale[0], scale[1]))
        aspect = log_uniform(ratio)
        height, width = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if height < rows and width < columns:
            filling = torch_random.default_generator.randn(channels, height, width) if value is None else _column(value)
            return integer(0, rows - height + 1), integer(0, columns - width + 1), height, width, filling
    return None


def _column(value: Sequence[float]) -> np.ndarray:
    return np.asarray(value, np.float32).reshape(-1, 1, 1)
