"""Other tones at random: inverted, with fewer bits, solarized, stretched, equalized."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from PIL import Image, ImageOps

from .arguments import integers, number, probability
from .base import Shape, Transform, channels, pillow_mode
from .drawing import exact_chance
from .pixels.arrays import either, largest
from .pixels.tones import autocontrasted, equalized, inverted, posterized, solarized

_MODES = ("L", "P", "RGB")


class RandomInvert(Transform):
    """Replace every number by white minus it with probability `p`; white is 1, or the largest integer of the dtype.

    Args:
        p: the probability.

    Example:
        >>> RandomInvert(p=1.0)(np.array([[[0, 200]]], np.uint8)).tolist()
        [[[255, 55]]]

    Raises:
        TypeError: neither PIL image nor array.
        ValueError: p outside [0, 1], or a picture that has neither one channel nor three.

    PyTorch's counterpart: `torchvision.transforms.RandomInvert`, to the same numbers. That one notices a picture that does not
    fit only where the choice falls on inverting it.
    """

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("RandomInvert", p)

    def draw(self, shape: Shape) -> np.bool_:
        return exact_chance(self.p)

    def apply(self, image: Any, params: Any) -> Any:
        return either(params, inverted, channels("RandomInvert", image))

    def pillow(self, image: Image.Image, params: Any) -> Image.Image:
        image = pillow_mode("RandomInvert", image, ("1", *_MODES))
        return ImageOps.invert(image) if params else image


class RandomPosterize(Transform):
    """Keep the highest bits of each number with probability `p`.

    Args:
        bits: how many of the eight bits are kept, in [0, 8].
        p: the probability.

    Example:
        >>> RandomPosterize(bits=2, p=1.0)(np.array([[[63, 64, 200]]], np.uint8)).tolist()
        [[[0, 64, 192]]]

    Raises:
        TypeError: neither PIL image nor array, an array of another dtype than uint8, or bits that are no int.
        ValueError: bits outside [0, 8], p outside [0, 1], or a picture that has neither one channel nor three.

    PyTorch's counterpart: `torchvision.transforms.RandomPosterize`, to the same numbers. That one leaves 0 bits of a PIL image to
    Pillow, which refuses them in some versions, and notices what does not fit only where the choice falls on changing the picture.
    """

    def __init__(self, bits: int, p: float = 0.5) -> None:
        (self.bits,) = integers("RandomPosterize", "bits", bits, (1,))
        number("RandomPosterize", "bits", self.bits, 0, 8)
        self.p = probability("RandomPosterize", p)

    def draw(self, shape: Shape) -> np.bool_:
        return exact_chance(self.p)

    def apply(self, image: Any, params: Any) -> Any:
        image = of_bytes("RandomPosterize", channels("RandomPosterize", image))
        return either(params, lambda x: posterized(x, self.bits), image)

    def pillow(self, image: Image.Image, params: Any) -> Image.Image:
        image = pillow_mode("RandomPosterize", image, _MODES)
        if not params:
            return image
        # Pillow refuses 0 bits in some versions.
        return ImageOps.posterize(image, self.bits) if self.bits else Image.new(image.mode, image.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(bits={self.bits},p={self.p})"


class RandomSolarize(Transform):
    """Replace the numbers from a threshold on by white minus them with probability `p`.

    Args:
        threshold: the lowest number that is replaced, from 0 on; white is 1, or the largest integer of the dtype.
        p: the probability.

    Example:
        >>> RandomSolarize(threshold=128, p=1.0)(np.array([[[127, 128, 255]]], np.uint8)).tolist()
        [[[127, 127, 0]]]

    Raises:
        TypeError: neither PIL image nor array, or a threshold that is no number.
        ValueError: p outside [0, 1], a threshold below 0 or above white, or a picture that has neither one channel nor three.

    PyTorch's counterpart: `torchvision.transforms.RandomSolarize`, to the same numbers; that one raises `TypeError` for a threshold
    above white, for tensors alone, wraps one below 0 around for tensors of bytes, and notices what does not fit only where the
    choice falls on changing the picture.
    """

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        self.threshold = number("RandomSolarize", "threshold", threshold, 0)
        self.p = probability("RandomSolarize", p)

    def draw(self, shape: Shape) -> np.bool_:
        return exact_chance(self.p)

    def apply(self, image: Any, params: Any) -> Any:
        white = largest(channels("RandomSolarize", image).dtype)
        if self.threshold > white:
            raise ValueError(
                f"RandomSolarize: the threshold must be at most {white} for {image.dtype}, but {self.threshold} was given"
            )
        return either(params, lambda x: solarized(x, self.threshold), image)

    def pillow(self, image: Image.Image, params: Any) -> Image.Image:
        image = pillow_mode("RandomSolarize", image, _MODES)
        return ImageOps.solarize(image, cast(int, self.threshold)) if params else image

    def __repr__(self) -> str:
        return f"{type(self).__name__}(threshold={self.threshold},p={self.p})"


class RandomAutocontrast(Transform):
    """Stretch each channel so that its darkest number becomes black and its lightest white, with probability `p`.

    Args:
        p: the probability.

    Example:
        >>> RandomAutocontrast(p=1.0)(np.array([[[0.25, 0.5, 0.75]]])).tolist()
        [[[0.0, 0.5, 1.0]]]

    Raises:
        TypeError: neither PIL image nor array.
        ValueError: p outside [0, 1], or a picture that has neither one channel nor three.

    PyTorch's counterpart: `torchvision.transforms.RandomAutocontrast`: on PIL images to the same pixels; on arrays as on tensors,
    to the rounding of float32, so that integers, which are cut off, differ by 1 at most.
    """

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("RandomAutocontrast", p)

    def draw(self, shape: Shape) -> np.bool_:
        return exact_chance(self.p)

    def apply(self, image: Any, params: Any) -> Any:
        return either(params, autocontrasted, channels("RandomAutocontrast", image))

    def pillow(self, image: Image.Image, params: Any) -> Image.Image:
        image = pillow_mode("RandomAutocontrast", image, ("L", "RGB"))
        return ImageOps.autocontrast(image) if params else image


class RandomEqualize(Transform):
    """Replace the numbers of each channel, in their order, so that all become equally frequent, with probability `p`.

    Args:
        p: the probability.

    Example:
        >>> dark = (np.arange(1024).reshape(1, 32, 32) // 16).astype(np.uint8)
        >>> int(dark.max()), int(RandomEqualize(p=1.0)(dark).max())
        (63, 255)

    Raises:
        TypeError: neither PIL image nor array, or an array of another dtype than uint8.
        ValueError: p outside [0, 1], or a picture that has neither one channel nor three.

    PyTorch's counterpart: `torchvision.transforms.RandomEqualize`, to the same numbers.
    """

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("RandomEqualize", p)

    def draw(self, shape: Shape) -> np.bool_:
        return exact_chance(self.p)

    def apply(self, image: Any, params: Any) -> Any:
        return either(params, equalized, of_bytes("RandomEqualize", channels("RandomEqualize", image)))

    def pillow(self, image: Image.Image, params: Any) -> Image.Image:
        image = pillow_mode("RandomEqualize", image, _MODES)
        return ImageOps.equalize(image) if params else image


def of_bytes(caller: str, image: Any) -> Any:
    """Return an array if its dtype is uint8."""
    if image.dtype != np.uint8:
        raise TypeError(f"{caller}: an array must have dtype uint8, but {image.dtype} was given")
    return image
