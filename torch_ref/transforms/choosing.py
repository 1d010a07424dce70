"""Transforms made of transforms, by choice or in random order; both draw from Python's `random`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

from .base import Transform
from .composition import callables

Function = Callable[[Any], Any]


class _Several(Transform):
    def __init__(self, transforms: Sequence[Function]) -> None:
        if not isinstance(transforms, Sequence):
            raise TypeError(f"{type(self).__name__}: transforms must be a sequence, but {transforms!r} was given")
        if not transforms:
            raise ValueError(f"{type(self).__name__}: transforms must not be empty")
        self.transforms = callables(type(self).__name__, transforms)

    def __repr__(self) -> str:
        return "\n".join([f"{type(self).__name__}(", *(f"    {transform}" for transform in self.transforms), ")"])


class RandomChoice(_Several):
    """One transform of several, drawn from Python's `random`.

    Args:
        transforms: functions of one argument.
        p: a weight for each, from 0 on; None: equal ones.

    Example:
        >>> RandomChoice([abs, float], p=[1, 0])(-3)
        3

    Raises:
        TypeError: one of the transforms cannot be called, or `p` is no sequence of numbers.
        ValueError: no transforms; weights that are negative, all 0, or not as many as transforms.

    The counterpart in JAX is `jaxtut.transforms.RandomChoice`.
    """

    def __init__(self, transforms: Sequence[Function], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        if p is not None and not (isinstance(p, Sequence) and all(isinstance(weight, Real) for weight in p)):
            raise TypeError(f"RandomChoice: p must be a sequence of numbers or None, but {p!r} was given")
        if p is not None and (len(p) != len(transforms) or min(p) < 0 or not sum(p) > 0):
            raise ValueError(
                f"RandomChoice: p must be {len(transforms)} weights from 0 on, not all 0, but {p!r} was given"
            )
        self.p = p

    def __call__(self, img: Any) -> Any:
        return random.choices(self.transforms, weights=self.p)[0](img)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"


class RandomOrder(_Several):
    """Several transforms in an order drawn from Python's `random`.

    Args:
        transforms: functions of one argument.

    Example:
        >>> RandomOrder([abs, float])(-3)
        3.0

    Raises:
        TypeError: one of the transforms cannot be called.
        ValueError: no transforms.

    The counterpart in JAX is `jaxtut.transforms.RandomOrder`.
    """

    def __call__(self, img: Any) -> Any:
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        for i in order:
            img = self.transforms[i](img)
        return img
