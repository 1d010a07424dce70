"""What all transforms share: how they print, what a picture is, and how arguments are checked."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from numbers import Real
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


def probability(caller: str, p: float) -> float:
    """Return `p` if it is a number in [0, 1]."""
    if not isinstance(p, Real):
        raise TypeError(f"{caller}: p must be a number, but {p!r} was given")
    if not 0 <= p <= 1:
        raise ValueError(f"{caller}: p must be in [0, 1], but {p} was given")
    return p


def integers(caller: str, name: str, value: int | Sequence[int], counts: tuple[int, ...]) -> tuple[int, ...]:
    """Return `value` as a tuple of ints; an int alone is a tuple of one."""
    values = (value,) if isinstance(value, int) else value
    if not isinstance(values, Sequence) or not all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        raise TypeError(f"{caller}: {name} must be an int or a sequence of ints, but {value!r} was given")
    if len(values) not in counts:
        expected = " or ".join(str(count) for count in counts)
        raise ValueError(f"{caller}: {name} must be an int or have {expected} values, but {value!r} was given")
    return tuple(values)


def size_pair(caller: str, name: str, size: int | Sequence[int]) -> tuple[int, int]:
    """Return (height, width); one int is both."""
    values = integers(caller, name, size, (1, 2))
    if min(values) < 1:
        raise ValueError(f"{caller}: {name} must be positive, but {size!r} was given")
    return values[0], values[-1]


def interpolation_mode(caller: str, value: InterpolationMode | int) -> InterpolationMode:
    """Return the mode; one of Pillow's ints, such as `PIL.Image.BILINEAR`, stands for the mode of that name."""
    if isinstance(value, int) and not isinstance(value, bool) and value in list(Image.Resampling):
        return InterpolationMode[Image.Resampling(value).name]
    if not isinstance(value, InterpolationMode):
        raise TypeError(f"{caller}: interpolation must be an InterpolationMode, but {value!r} was given")
    return value


def pillow_fill(caller: str, fill: Any, img: Image.Image) -> Any:
    """Return `fill` as Pillow wants it: a number, or for several channels a tuple; ints unless pixels are floats."""
    channels = len(img.getbands())
    values: list[Any] = [fill] if isinstance(fill, Real) else list(fill)
    if len(values) not in (1, channels):
        raise ValueError(f"{caller}: fill must be a number or have {channels} values, one a channel, but got {fill!r}")
    if img.mode != "F":
        values = [int(value) for value in values]
    return values[0] if channels == 1 else tuple(values * channels if len(values) == 1 else values)
