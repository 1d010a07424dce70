"""Transforms made of transforms, by choice or in random order; both draw from Python's `random`, as torchvision's do."""

from __future__ import annotations

import random
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from .base import Shape, Transform
from .composition import Function, callables, members, one_shape, undrawn
from .pixels.arrays import in_order, one_of


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
        ValueError: no transforms; weights that are negative, all 0, or not as many as transforms; or for batches transforms that
            give different shapes or dtypes.

    PyTorch's counterpart: `torchvision.transforms.RandomChoice`; `random.seed(s)` makes the same choice. That one looks at the
    weights only when it is used.
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
        return self.transforms[self._chosen()](img)

    def draw(self, shape: Shape) -> tuple[np.int32, tuple[Any, ...]]:
        self.output_shape(shape)
        chosen = self._chosen()
        drawn = [
            member.draw(shape) if i == chosen else undrawn(member, shape)
            for i, member in enumerate(members(self.transforms))
        ]
        return np.int32(chosen), tuple(drawn)

    def apply(self, image: Any, params: tuple[Any, Any]) -> Any:
        chosen, drawn = params
        return one_of(chosen, _changes(self.transforms, drawn), image)

    def output_shape(self, shape: Shape) -> Any:
        return one_shape("RandomChoice", shape, [member.output_shape(shape) for member in members(self.transforms)])

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"

    def _chosen(self) -> int:
        return random.choices(range(len(self.transforms)), weights=self.p)[0]


class RandomOrder(_Several):
    """Several transforms in an order drawn from Python's `random`.

    Args:
        transforms: functions of one argument.

    Example:
        >>> RandomOrder([abs, float])(-3)
        3.0

    Raises:
        TypeError: one of the transforms cannot be called.
        ValueError: no transforms, or for batches transforms that change the shape or the dtype.

    PyTorch's counterpart: `torchvision.transforms.RandomOrder`; `random.seed(s)` gives the same order.
    """

    def __call__(self, img: Any) -> Any:
        for i in self._order():
            img = self.transforms[i](img)
        return img

    def draw(self, shape: Shape) -> tuple[np.ndarray, tuple[Any, ...]]:
        self.output_shape(shape)
        order, several = self._order(), members(self.transforms)
        drawn = {i: several[i].draw(shape) for i in order}
        return np.array(order, np.int32), tuple(drawn[i] for i in range(len(several)))

    def apply(self, image: Any, params: tuple[Any, Any]) -> Any:
        order, drawn = params
        return in_order(order, _changes(self.transforms, drawn), image)

    def output_shape(self, shape: Shape) -> Shape:
        after = [member.output_shape(shape) for member in members(self.transforms)]
        return one_shape("RandomOrder", shape, [shape, *after])

    def _order(self) -> list[int]:
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        return order


def _changes(transforms: Sequence[Function], drawn: Sequence[Any]) -> list[Any]:
    return [_change(member, params) for member, params in zip(members(transforms), drawn, strict=True)]


def _change(member: Transform, params: Any) -> Any:
    return lambda image: member.apply(image, params)
