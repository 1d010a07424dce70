"""Mirror a picture at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from .base import Picture, Transform, draw, picture, probability


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

    def __call__(self, img: Any) -> Picture:
        img = picture("RandomHorizontalFlip", img)
        return _flip(img, Image.Transpose.FLIP_LEFT_RIGHT, axis=-1) if draw() < np.float32(self.p) else img


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

    def __call__(self, img: Any) -> Picture:
        img = picture("RandomVerticalFlip", img)
        return _flip(img, Image.Transpose.FLIP_TOP_BOTTOM, axis=-2) if draw() < np.float32(self.p) else img


def _flip(img: Picture, how: Image.Transpose, axis: int) -> Picture:
    return img.transpose(how) if isinstance(img, Image.Image) else np.flip(img, axis).copy()
