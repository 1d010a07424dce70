"""Mirror a picture at random."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image

from .arguments import probability
from .base import Picture, Transform, picture


class RandomHorizontalFlip(Transform):
    """Exchange left and right with probability `p`.

    Args:
        p: the probability.

    Example:
        >>> RandomHorizontalFlip(p=1.0)(torch.tensor([[[1, 2, 3]]]))
        tensor([[[3, 2, 1]]])

    Raises:
        TypeError: neither PIL image nor tensor.
        ValueError: p outside [0, 1].

    The counterpart in JAX is `jaxtut.transforms.RandomHorizontalFlip`.
    """

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("RandomHorizontalFlip", p)

    def __call__(self, img: Any) -> Picture:
        img = picture("RandomHorizontalFlip", img)
        return _flip(img, Image.Transpose.FLIP_LEFT_RIGHT, axis=-1) if torch.rand(1) < self.p else img


class RandomVerticalFlip(Transform):
    """Exchange top and bottom with probability `p`.

    Args:
        p: the probability.

    Example:
        >>> RandomVerticalFlip(p=1.0)(torch.tensor([[[1], [2], [3]]])).tolist()
        [[[3], [2], [1]]]

    Raises:
        TypeError: neither PIL image nor tensor.
        ValueError: p outside [0, 1].

    The counterpart in JAX is `jaxtut.transforms.RandomVerticalFlip`.
    """

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("RandomVerticalFlip", p)

    def __call__(self, img: Any) -> Picture:
        img = picture("RandomVerticalFlip", img)
        return _flip(img, Image.Transpose.FLIP_TOP_BOTTOM, axis=-2) if torch.rand(1) < self.p else img


def _flip(img: Picture, how: Image.Transpose, axis: int) -> Picture:
    return img.transpose(how) if isinstance(img, Image.Image) else img.flip(axis)
