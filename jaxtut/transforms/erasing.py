"""Erase a random rectangle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np

from jaxtut import torch_random

from .base import Transform, array_image, draw, probability

_ATTEMPTS = 10


class RandomErasing(Transform):
    """Replace a random rectangle of an array with probability `p`.

    The area is drawn uniformly from `scale`, the aspect log-uniformly from `ratio`; a rectangle that does not fit is
    drawn anew, and after ten of them the picture stays as it is.

    Args:
        p: the probability.
        scale: the range of the erased part of the area, inside [0, 1].
        ratio: the range of height over width.
        value: what to write: a number, one number a channel, or "random" for a normal number in every pixel.
        inplace: write into the array that is given.

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
        self.scale = _range("scale", scale)
        self.ratio = _range("ratio", ratio)
        if scale[0] < 0 or scale[1] > 1 or ratio[0] <= 0:
            raise ValueError(f"RandomErasing: scale {scale} must lie in [0, 1], and ratio {ratio} above 0")
        self.value = value
        self.inplace = inplace

    def __call__(self, img: Any) -> np.ndarray:
        array = array_image("RandomErasing", img)
        if not draw() < np.float32(self.p):
            return array
        top, left, height, width, value = self.get_params(array, self.scale, self.ratio, self._values(array.shape[-3]))
        out = array if self.inplace else array.copy()
        # "unsafe": as PyTorch, an array of integers takes the integer part.
        np.copyto(out[..., top : top + height, left : left + width], value, casting="unsafe")
        return out

    @staticmethod
    def get_params(
        img: np.ndarray, scale: Sequence[float], ratio: Sequence[float], value: Sequence[float] | None = None
    ) -> tuple[int, int, int, int, np.ndarray]:
        """Draw what to erase: (top, left, height, width, value); `value=None` draws it from the normal distribution."""
        channels, rows, columns = img.shape[-3:]
        generator = torch_random.default_generator
        # PyTorch's logarithm and exponential in float32 are nearly always those of float64, rounded; NumPy's are often an ulp off.
        low, high = _in_float64(np.log, np.asarray(ratio, np.float32))
        for _ in range(_ATTEMPTS):
            area = rows * columns * float(generator.uniform(scale[0], scale[1], (1,))[0])
            (aspect,) = _in_float64(np.exp, generator.uniform(float(low), float(high), (1,))).tolist()
            height, width = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if not (height < rows and width < columns):
                continue
            filling = generator.randn(channels, height, width) if value is None else _column(value)
            top = int(generator.randint(0, rows - height + 1, (1,))[0])
            left = int(generator.randint(0, columns - width + 1, (1,))[0])
            return top, left, height, width, filling
        return 0, 0, rows, columns, img

    def _values(self, channels: int) -> list[float] | None:
        if isinstance(self.value, str):
            return None
        values = [float(v) for v in (self.value if isinstance(self.value, Sequence) else [self.value])]
        if len(values) not in (1, channels):
            raise ValueError(f"RandomErasing: value {self.value!r} does not fit an array of {channels} channels")
        return values


def _column(value: Sequence[float]) -> np.ndarray:
    return np.asarray(value, np.float32).reshape(-1, 1, 1)


def _in_float64(f: Any, x: np.ndarray) -> np.ndarray:
    return f(x.astype(np.float64)).astype(np.float32)


def _range(name: str, values: Sequence[float]) -> Sequence[float]:
    if not isinstance(values, Sequence):
        raise TypeError(f"RandomErasing: {name} must be (min, max), but {values!r} was given")
    if len(values) != 2 or values[0] > values[1]:
        raise ValueError(f"RandomErasing: {name} must be (min, max), but {values!r} was given")
    return values
