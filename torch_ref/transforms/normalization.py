"""Bring each channel to a mean of 0 and a standard deviation of 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from .base import Transform, tensor_image


class Normalize(Transform):
    """Subtract a mean from each channel and divide by a standard deviation.

    out[c] = (img[c] - mean[c]) / std[c]

    Args:
        mean: one number a channel, or one for all.
        std: one number a channel, or one for all.
        inplace: write the result into the tensor that is given.

    Example:
        >>> Normalize(mean=[0.5], std=[0.25])(torch.tensor([[[0.5, 1.0]]]))
        tensor([[[0., 2.]]])

    Raises:
        TypeError: no tensor, or one of integers: `ToTensor` or `ConvertImageDtype` comes first.
        ValueError: a standard deviation of 0, or a number of channels that is not that of `mean` and `std`.

    The counterpart in JAX is `jaxtut.transforms.Normalize`.
    """

    shown = ("mean", "std")

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def __call__(self, tensor: Any) -> torch.Tensor:
        tensor = tensor_image("Normalize", tensor)
        if not tensor.is_floating_point():
            raise TypeError(f"Normalize: the tensor must have a floating dtype, but {tensor.dtype} was given")
        mean, std = (self._per_channel(name, tensor) for name in ("mean", "std"))
        if not std.all():
            raise ValueError(f"Normalize: std must not be 0 in {tensor.dtype}, but {self.std} was given")
        out = tensor if self.inplace else tensor.clone()
        return out.sub_(mean).div_(std)

    def _per_channel(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        values = torch.as_tensor(getattr(self, name), dtype=tensor.dtype).reshape(-1, 1, 1)
        if len(values) not in (1, tensor.shape[-3]):
            raise ValueError(f"Normalize: {len(values)} values of {name} were given for shape {tuple(tensor.shape)}")
        return values
