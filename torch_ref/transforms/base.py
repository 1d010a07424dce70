"""What all transforms share: how they print, what a picture is, and how arguments are checked."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeAlias

import torch
from PIL import Image

# A PIL image, or a tensor (..., channels, height, width).
Picture: TypeAlias = "Image.Image | torch.Tensor"


class InterpolationMode(Enum):
    """How the pixels of a resized or rotated picture come from those of the original."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"

    @property
    def pillow(self) -> Image.Resampling:
        """Pillow's filter of that name; its nearest is exact."""
        return Image.Resampling["NEAREST" if self is InterpolationMode.NEAREST_EXACT else self.name]


class Transform:
    """A picture in, a picture out; prints as the call that makes it."""

    shown: tuple[str, ...] = ()

    def __call__(self, img: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not say what it does: write __call__(self, img)")

    def __repr__(self) -> str:
        values = ((name, getattr(self, name)) for name in self.shown)
        parts = (f"{name}={value.value if isinstance(value, Enum) else value}" for name, value in values)
        return f"{type(self).__name__}({', '.join(parts)})"


def picture(caller: str, img: Any) -> Picture:
    """Return `img` if it is a PIL image or a tensor with rows and columns at least."""
    if isinstance(img, Image.Image):
        return img
    return tensor_image(caller, img, "a PIL image or a tensor (..., channels, height, width)", 2)


def pil_image(caller: str, img: Any) -> Image.Image:
    """Return `img` if it is a PIL image."""
    if not isinstance(img, Image.Image):
        raise TypeError(f"{caller}: img must be a PIL image, but a {type(img).__name__} was given")
    return img


def tensor_image(
    caller: str, img: Any, expected: str = "a tensor (..., channels, height, width)", rank: int = 3
) -> torch.Tensor:
    """Return `img` if it is a tensor of rank `rank` at least."""
    if not isinstance(img, torch.Tensor):
        raise TypeError(f"{caller}: img must be {expected}, but a {type(img).__name__} was given")
    if img.ndim < rank:
        raise ValueError(f"{caller}: img must be {expected}, but shape {tuple(img.shape)} was given")
    return img


def dimensions(img: Picture) -> tuple[int, int, int]:
    """Return channels, height and width."""
    if isinstance(img, Image.Image):
        return len(img.getbands()), img.height, img.width
    return (img.shape[-3] if img.ndim > 2 else 1), img.shape[-2], img.shape[-1]


def channels(caller: str, tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor if it has one channel or three."""
    if tensor.ndim < 3 or tensor.shape[-3] not in (1, 3):
        raise ValueError(f"{caller}: img must have 1 or 3 channels, but shape {tuple(tensor.shape)} was given")
    return tensor


def pillow_mode(caller: str, image: Image.Image, modes: tuple[str, ...]) -> Image.Image:
    """Return a PIL image if its mode is one of these."""
    if image.mode not in modes:
        raise ValueError(f"{caller}: the mode of img must be {' or '.join(modes)}, but {image.mode} was given")
    return image


def largest(dtype: torch.dtype) -> int:
    """Return the number that stands for white: the largest of an integer dtype, 1 for floating ones."""
    return 1 if dtype.is_floating_point else torch.iinfo(dtype).max


def batched(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor (channels, height, width) as a floating one (1, channels, height, width), which PyTorch's operations take."""
    wide = tensor if tensor.is_floating_point() else tensor.float()
    return wide.reshape(-1, *dimensions(tensor))


def restored(values: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """Return what an operation made of `batched(tensor)` in the dtype of `tensor`, rounded, and without the batch again."""
    whole = values if tensor.is_floating_point() else values.round()
    return whole.to(tensor.dtype).reshape(*tensor.shape[:-2], *values.shape[-2:])
