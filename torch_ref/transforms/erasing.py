"""Erase a random rectangle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal

import torch

from .arguments import probability
from .base import Transform, tensor_image

_ATTEMPTS = 10


class RandomErasing(Transform):
    """Replace a random rectangle of a tensor with probability `p`.

    The area is drawn uniformly from `scale`, the aspect log-uniformly from `ratio`; a rectangle that does not fit is
    drawn anew, and after ten of them the picture stays as it is.

    Args:
        p: the probability.
        scale: the range of the erased part of the area, inside [0, 1].
        ratio: the range of height over width.
        value: what to write: a number, one number a channel, or "random" for a normal number in every pixel.
        inplace: write into the tensor that is given.

    Example:
        >>> erased = RandomErasing(p=1.0)(torch.ones(1, 16, 16))
        >>> erased.unique()
        tensor([0., 1.])

    Raises:
        TypeError: no tensor, or an argument of the wrong type.
        ValueError: a range that is none, or a `value` whose length is not the number of channels.

    The counterpart in JAX is `jaxtut.transforms.RandomErasing`.
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

    def __call__(self, img: Any) -> torch.Tensor:
        tensor = tensor_image("RandomErasing", img)
        if not torch.rand(1) < self.p:
            return tensor
        top, left, height, width, value = self.get_params(
            tensor, self.scale, self.ratio, self._values(tensor.shape[-3])
        )
        out = tensor if self.inplace else tensor.clone()
        out[..., top : top + height, left : left + width] = value
        return out

    @staticmethod
    def get_params(
        img: torch.Tensor, scale: Sequence[float], ratio: Sequence[float], value: Sequence[float] | None = None
    ) -> tuple[int, int, int, int, torch.Tensor]:
        """Draw what to erase: (top, left, height, width, value); `value=None` draws it from the normal distribution."""
        channels, rows, columns = img.shape[-3:]
        low, high = torch.log(torch.tensor(ratio)).tolist()
        for _ in range(_ATTEMPTS):
            area = rows * columns * torch.empty(1).uniform_(scale[0], scale[1]).item()
            aspect = torch.empty(1).uniform_(low, high).exp().item()
            height, width = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if not (height < rows and width < columns):
                continue
            filling = torch.randn(channels, height, width) if value is None else torch.tensor(value)[:, None, None]
            top = int(torch.randint(0, rows - height + 1, size=(1,)).item())
            left = int(torch.randint(0, columns - width + 1, size=(1,)).item())
            return top, left, height, width, filling
        return 0, 0, rows, columns, img

    def _values(self, channels: int) -> list[float] | None:
        if isinstance(self.value, str):
            return None
        values = [float(v) for v in (self.value if isinstance(self.value, Sequence) else [self.value])]
        if len(values) not in (1, channels):
            raise ValueError(f"RandomErasing: value {self.value!r} does not fit a tensor of {channels} channels")
        return values


def _range(name: str, values: Sequence[float]) -> Sequence[float]:
    if not isinstance(values, Sequence):
        raise TypeError(f"RandomErasing: {name} must be (min, max), but {values!r} was given")
    if len(values) != 2 or values[0] > values[1]:
        raise ValueError(f"RandomErasing: {name} must be (min, max), but {values!r} was given")
    return values
