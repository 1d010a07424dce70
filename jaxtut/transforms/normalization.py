"""Bring each channel to a mean of 0 and a standard deviation of 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from .base import Transform, array_image
from .pixels.arrays import is_integer, namespace


class Normalize(Transform):
    """Subtract a mean from each channel and divide by a standard deviation.

    out[c] = (img[c] - mean[c]) / std[c]

    Args:
        mean: one number a channel, or one for all.
        std: one number a channel, or one for all.
        inplace: write the result into the array that is given, one of NumPy.

    Example:
        >>> Normalize(mean=[0.5], std=[0.25])(np.array([[[0.5, 1.0]]], dtype=np.float32))
        array([[[0., 2.]]], dtype=float32)

    Raises:
        TypeError: no array, or one of integers: `ToTensor` or `ConvertImageDtype` comes first; or `inplace` for one of JAX.
        ValueError: a standard deviation of 0, or a number of channels that is not that of `mean` and `std`.

    PyTorch's counterpart: `torchvision.transforms.Normalize`, which raises `RuntimeError` for the number of channels.
    """

    shown = ("mean", "std")

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def __call__(self, tensor: Any) -> Any:
        array = self.picture(tensor)
        if not self.inplace:
            return self.apply(array, ())
        array[...] = self.apply(writable("Normalize", array), ())
        return array

    def picture(self, img: Any) -> Any:
        return array_image("Normalize", img)

    def apply(self, image: Any, params: Any) -> Any:
        if is_integer(image.dtype):
            raise TypeError(f"Normalize: the array must have a floating dtype, but {image.dtype} was given")
        mean, std = (self._per_channel(name, image) for name in ("mean", "std"))
        if not std.all():
            raise ValueError(f"Normalize: std must not be 0 in {image.dtype}, but {self.std} was given")
        xp = namespace(image)
        return (image - xp.asarray(mean)) / xp.asarray(std)

    def _per_channel(self, name: str, image: Any) -> np.ndarray:
        values = np.asarray(getattr(self, name), dtype=image.dtype).reshape(-1, 1, 1)
        if len(values) not in (1, image.shape[-3]):
            raise ValueError(
                f"Normalize: {len(values)} values of {name} were given for an array of shape {image.shape}"
            )
        return values.reshape(*(1,) * (image.ndim - 3), -1, 1, 1)


def writable(caller: str, array: Any) -> Any:
    """Return an array that can be written into."""
    if isinstance(array, jax.Array):
        raise TypeError(f"{caller}: an array of JAX cannot be written into; leave inplace=False")
    return array
