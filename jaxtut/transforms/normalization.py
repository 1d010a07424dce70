"""Bring each channel to a mean of 0 and a standard deviation of 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from .base import Transform, array_image


class Normalize(Transform):
    """Subtract a mean from each channel and divide by a standard deviation.

    out[c] = (img[c] - mean[c]) / std[c]

    Args:
        mean: one number a channel, or one for all.
        std: one number a channel, or one for all.
        inplace: write the result into the array that is given.

    Example:
        >>> Normalize(mean=[0.5], std=[0.25])(np.array([[[0.5, 1.0]]], dtype=np.float32))
        array([[[0., 2.]]], dtype=float32)

    Raises:
        TypeError: no array, or one of integers: `ToTensor` or `ConvertImageDtype` comes first.
        ValueError: a standard deviation of 0, or a number of channels that is not that of `mean` and `std`.

    PyTorch's counterpart: `torchvision.transforms.Normalize`, which raises `RuntimeError` for the number of channels.
    """

    shown = ("mean", "std")

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def __call__(self, tensor: Any) -> Float[np.ndarray, "*batch channels height width"]:
        array = array_image("Normalize", tensor)
        if not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"Normalize: the array must have a floating dtype, but {array.dtype} was given")
        mean, std = (self._per_channel(name, array) for name in ("mean", "std"))
        if not std.all():
            raise ValueError(f"Normalize: std must not be 0 in {array.dtype}, but {self.std} was given")
        out = array if self.inplace else array.copy()
        out -= mean
        out /= std
        return out

    def _per_channel(self, name: str, array: np.ndarray) -> np.ndarray:
        values = np.asarray(getattr(self, name), dtype=array.dtype).reshape(-1, 1, 1)
        if len(values) not in (1, array.shape[-3]):
            raise ValueError(
                f"Normalize: {len(values)} values of {name} were given for an array of shape {array.shape}"
            )
        return values
