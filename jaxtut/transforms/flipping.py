"""Mirror a picture at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from .arguments import probability
from .base import Shape, Transform
from .drawing import chance
from .pixels.arrays import either, namespace


class RandomHorizontalFlip(Transform):
    """Exchange left and right with probability `p`.

    Args:
        p: the probability.

    Example:
        >>> RandomHorizontalFlip(p=1.0)(np.array([[[1, 2, 3]]]))
        array([[[3, 2, 1]]])

    Raises:
        TypeError: neither PIL image nor array.
        ValueError: p outside [0, 1].

    PyTorch's counterpart: `torchvision.transforms.RandomHorizontalFlip`; the same seed makes the same choice.
    """

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("RandomHorizontalFlip", p)

    def draw(self, shape: Shape) -> np.bool_:
        return chance(self.p)

    def apply(self, image: Any, params: Any) -> Any:
        return either(params, lambda x: flipped(x, axis=-1), image)

    def pillow(self, image: Image.Image, params: Any) -> Image.Image:
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if params else image


class RandomVerticalFlip(Transform):
    """Exchange top and bottom with probability `p`.

    Args:
        p: the probability.

    Example:
        >>> RandomVerticalFlip(p=1.0)(np.array([[[1], [2], [3]]])).tolist()
        [[[3], [2], [1]]]

    Raises:
        TypeError: neither PIL image nor array.
        ValueError: p outside [0, 1].

    PyTorch's counterpart: `torchvision.transforms.RandomVerticalFlip`; the same seed makes the same choice.
    """

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("RandomVerticalFlip", p)

    def draw(self, shape: Shape) -> np.bool_:
        return chance(self.p)

    def apply(self, image: Any, params: Any) -> Any:
        return either(params, lambda x: flipped(x, axis=-2), image)

    def pillow(self, image: Image.Image, params: Any) -> Image.Image:
        return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if params else image


def flipped(image: Any, axis: int) -> Any:
    """Return an array mirrored along an axis, with memory of its own."""
    return namespace(image).flip(image, axis).copy()
