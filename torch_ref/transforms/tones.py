"""Other tones at random: inverted, with fewer bits, solarized, stretched, equalized."""

from __future__ import annotations

from typing import Any, cast

import torch
from PIL import Image, ImageOps

from .arguments import integers, number, probability
from .base import Picture, Transform, channels, largest, picture, pillow_mode

_MODES = ("L", "P", "RGB")


class RandomInvert(Transform):
    """Replace every number by white minus it with probability `p`; white is 1, or the largest integer of the dtype.

    Args:
        p: the probability.

    Example:
        >>> RandomInvert(p=1.0)(torch.tensor([[[0, 200]]], dtype=torch.uint8)).tolist()
        [[[255, 55]]]

    Raises:
        TypeError: neither PIL image nor tensor.
        ValueError: p outside [0, 1], or a picture that has neither one channel nor three.

    The counterpart in JAX is `jaxtut.transforms.RandomInvert`.
    """

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("RandomInvert", p)

    def __call__(self, img: Any) -> Picture:
        img = _fitting("RandomInvert", img, ("1", *_MODES))
        if not torch.rand(1).item() < self.p:
            return img
        return ImageOps.invert(img) if isinstance(img, Image.Image) else largest(img.dtype) - img


class RandomPosterize(Transform):
    """Keep the highest bits of each number with probability `p`.

    Args:
        bits: how many of the eight bits are kept, in [0, 8].
        p: the probability.

    Example:
        >>> RandomPosterize(bits=2, p=1.0)(torch.tensor([[[63, 64, 200]]], dtype=torch.uint8)).tolist()
        [[[0, 64, 192]]]

    Raises:
        TypeError: neither PIL image nor tensor, a tensor of another dtype than uint8, or bits that are no int.
        ValueError: bits outside [0, 8], p outside [0, 1], or a picture that has neither one channel nor three.

    The counterpart in JAX is `jaxtut.transforms.RandomPosterize`.
    """

    def __init__(self, bits: int, p: float = 0.5) -> None:
        (self.bits,) = integers("RandomPosterize", "bits", bits, (1,))
        number("RandomPosterize", "bits", self.bits, 0, 8)
        self.p = probability("RandomPosterize", p)

    def __call__(self, img: Any) -> Picture:
        img = _fitting("RandomPosterize", img, _MODES)
        _of_bytes("RandomPosterize", img)
        if not torch.rand(1).item() < self.p:
            return img
        if not isinstance(img, Image.Image):
            return img & (256 - 2 ** (8 - self.bits)) % 256
        # Pillow refuses 0 bits in some versions.
        return ImageOps.posterize(img, self.bits) if self.bits else Image.new(img.mode, img.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(bits={self.bits},p={self.p})"


class RandomSolarize(Transform):
    """Replace the numbers from a threshold on by white minus them with probability `p`.

    Args:
        threshold: the lowest number that is replaced, from 0 on; white is 1, or the largest integer of the dtype.
        p: the probability.

    Example:
        >>> RandomSolarize(threshold=128, p=1.0)(torch.tensor([[[127, 128, 255]]], dtype=torch.uint8)).tolist()
        [[[127, 127, 0]]]

    Raises:
        TypeError: neither PIL image nor tensor, or a threshold that is no number.
        ValueError: p outside [0, 1], a threshold below 0 or above white, or a picture that has neither one channel nor three.

    The counterpart in JAX is `jaxtut.transforms.RandomSolarize`.
    """

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        self.threshold = number("RandomSolarize", "threshold", threshold, 0)
        self.p = probability("RandomSolarize", p)

    def __call__(self, img: Any) -> Picture:
        img = _fitting("RandomSolarize", img, _MODES)
        if isinstance(img, torch.Tensor) and self.threshold > largest(img.dtype):
            raise ValueError(
                f"RandomSolarize: the threshold must be at most {largest(img.dtype)} for {img.dtype}, but {self.threshold} was given"
            )
        if not torch.rand(1).item() < self.p:
            return img
        if isinstance(img, Image.Image):
            return ImageOps.solarize(img, cast(int, self.threshold))
        return torch.where(img >= self.threshold, largest(img.dtype) - img, img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(threshold={self.threshold},p={self.p})"


class RandomAutocontrast(Transform):
    """Stretch each channel so that its darkest number becomes black and its lightest white, with probability `p`.

    Args:
        p: the probability.

    Example:
        >>> RandomAutocontrast(p=1.0)(torch.tensor([[[0.25, 0.5, 0.75]]])).tolist()
        [[[0.0, 0.5, 1.0]]]

    Raises:
        TypeError: neither PIL image nor tensor.
        ValueError: p outside [0, 1], or a picture that has neither one channel nor three.

    The counterpart in JAX is `jaxtut.transforms.RandomAutocontrast`.
    """

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("RandomAutocontrast", p)

    def __call__(self, img: Any) -> Picture:
        img = _fitting("RandomAutocontrast", img, ("L", "RGB"))
        if not torch.rand(1).item() < self.p:
            return img
        return ImageOps.autocontrast(img) if isinstance(img, Image.Image) else _autocontrasted(img)


class RandomEqualize(Transform):
    """Replace the numbers of each channel, in their order, so that all become equally frequent, with probability `p`.

    Args:
        p: the probability.

    Example:
        >>> dark = (torch.arange(1024).reshape(1, 32, 32) // 16).to(torch.uint8)
        >>> int(dark.max()), int(RandomEqualize(p=1.0)(dark).max())
        (63, 255)

    Raises:
        TypeError: neither PIL image nor tensor, or a tensor of another dtype than uint8.
        ValueError: p outside [0, 1], or a picture that has neither one channel nor three.

    The counterpart in JAX is `jaxtut.transforms.RandomEqualize`.
    """

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("RandomEqualize", p)

    def __call__(self, img: Any) -> Picture:
        img = _fitting("RandomEqualize", img, _MODES)
        _of_bytes("RandomEqualize", img)
        if not torch.rand(1).item() < self.p:
            return img
        return ImageOps.equalize(img) if isinstance(img, Image.Image) else _equalized(img)


def _fitting(caller: str, img: Any, modes: tuple[str, ...]) -> Picture:
    img = picture(caller, img)
    return pillow_mode(caller, img, modes) if isinstance(img, Image.Image) else channels(caller, img)


def _of_bytes(caller: str, img: Picture) -> None:
    if isinstance(img, torch.Tensor) and img.dtype != torch.uint8:
        raise TypeError(f"{caller}: a tensor must have dtype uint8, but {img.dtype} was given")


def _autocontrasted(tensor: torch.Tensor) -> torch.Tensor:
    wide, bound = tensor if tensor.is_floating_point() else tensor.float(), largest(tensor.dtype)
    low, high = wide.amin((-2, -1), keepdim=True), wide.amax((-2, -1), keepdim=True)
    flat = low == high
    scale = bound / torch.where(flat, bound, high - low)
    return ((wide - torch.where(flat, 0, low)) * scale).clamp(0, bound).to(tensor.dtype)


def _equalized(tensor: torch.Tensor) -> torch.Tensor:
    channels_of_all = tensor.reshape(-1, tensor.shape[-2] * tensor.shape[-1])
    return torch.stack([_equalized_channel(channel) for channel in channels_of_all]).reshape(tensor.shape)


def _equalized_channel(channel: torch.Tensor) -> torch.Tensor:
    counts = torch.bincount(channel, minlength=256)
    step = (counts.sum() - counts[int(channel.max())]) // 255
    if step == 0:
        return channel
    levels = ((counts.cumsum(0) + step // 2) // step).clamp(0, 255)
    return torch.cat([levels[:1] * 0, levels[:-1]])[channel.long()].to(torch.uint8)
