"""Transforms made of transforms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from .arguments import probability
from .base import Transform


class Compose(Transform):
    """Several transforms, one after the other.

    Args:
        transforms: functions of one argument; the first gets the picture, the next what the one before it gave.

    Example:
        >>> Compose([abs, float])(-3)
        3.0

    Raises:
        TypeError: one of the transforms cannot be called.

    The counterpart in JAX is `jaxtut.transforms.Compose`.
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = callables("Compose", transforms)

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return "\n".join([f"{type(self).__name__}(", *(f"    {transform}" for transform in self.transforms), ")"])


class RandomApply(Transform):
    """Several transforms one after the other with probability `p`, else none of them.

    Args:
        transforms: functions of one argument.
        p: the probability of applying them all.

    Example:
        >>> RandomApply([abs], p=1.0)(-3)
        3

    Raises:
        TypeError: one of the transforms cannot be called.
        ValueError: p outside [0, 1].

    The counterpart in JAX is `jaxtut.transforms.RandomApply`.
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5) -> None:
        self.transforms = callables("RandomApply", transforms)
        self.p = probability("RandomApply", p)

    def __call__(self, img: Any) -> Any:
        if self.p < torch.rand(1):
            return img
        return Compose(self.transforms)(img)

    def __repr__(self) -> str:
        lines = [f"    p={self.p}", *(f"    {transform}" for transform in self.transforms)]
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])


class Lambda(Transform):
    """A function of your own as a transform.

    Args:
        lambd: the function.

    Example:
        >>> Lambda(lambda x: x + 1)(2)
        3

    Raises:
        TypeError: `lambd` cannot be called.

    The counterpart in JAX is `jaxtut.transforms.Lambda`.
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        (self.lambd,) = callables("Lambda", [lambd])

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)


def callables(caller: str, transforms: Sequence[Callable[[Any], Any]]) -> Sequence[Callable[[Any], Any]]:
    """Return what was given if all of it can be called."""
    for transform in transforms:
        if not callable(transform):
            raise TypeError(f"{caller}: a transform must be callable, but {transform!r} was given")
    return transforms
