"""Transforms made of transforms, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from .arguments import probability
from .base import Shape, Transform
from .drawing import rewound, unit
from .pixels.arrays import either

Function = Callable[[Any], Any]


class Lambda(Transform):
    """A function of your own as a transform.

    Args:
        lambd: the function; in batches one of an array (channels, height, width) that JAX can trace.

    Example:
        >>> Lambda(lambda x: x + 1)(2)
        3

    Raises:
        TypeError: `lambd` cannot be called.

    PyTorch's counterpart: `torchvision.transforms.Lambda`.
    """

    def __init__(self, lambd: Function) -> None:
        (self.lambd,) = callables("Lambda", [lambd])

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def apply(self, image: Any, params: Any) -> Any:
        return self.lambd(image)

    def output_shape(self, shape: Any) -> Any:
        shapes = jax.tree.map(_blank, shape, is_leaf=_is_shape)
        return jax.tree.map(lambda x: x.shape, jax.eval_shape(self.lambd, shapes))


class Compose(Transform):
    """Several transforms, one after the other.

    Args:
        transforms: functions of one argument; the first gets the picture, the next what the one before it gave.

    Example:
        >>> Compose([abs, float])(-3)
        3.0

    Raises:
        TypeError: one of the transforms cannot be called.

    PyTorch's counterpart: `torchvision.transforms.Compose`, which notices that only when it is used.
    """

    def __init__(self, transforms: Sequence[Function]) -> None:
        self.transforms = callables("Compose", transforms)

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def draw(self, shape: Shape) -> tuple[Any, ...]:
        drawn = []
        for i, member in enumerate(members(self.transforms)):
            drawn.append(member.draw(shape))
            if i < len(self.transforms) - 1:
                shape = member.output_shape(shape)
        return tuple(drawn)

    def apply(self, image: Any, params: tuple[Any, ...]) -> Any:
        for member, drawn in zip(members(self.transforms), params, strict=True):
            image = member.apply(image, drawn)
        return image

    def output_shape(self, shape: Shape) -> Any:
        for member in members(self.transforms):
            shape = member.output_shape(shape)
        return shape

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
        ValueError: p outside [0, 1], or for batches transforms that change the shape or the dtype.

    PyTorch's counterpart: `torchvision.transforms.RandomApply`; the same seed makes the same choice.
    """

    def __init__(self, transforms: Sequence[Function], p: float = 0.5) -> None:
        self.transforms = callables("RandomApply", transforms)
        self.p = probability("RandomApply", p)

    def __call__(self, img: Any) -> Any:
        return Compose(self.transforms)(img) if self._chosen() else img

    def draw(self, shape: Shape) -> tuple[np.bool_, Any]:
        self.output_shape(shape)
        chosen, all_of_them = self._chosen(), Compose(self.transforms)
        return chosen, all_of_them.draw(shape) if chosen else undrawn(all_of_them, shape)

    def apply(self, image: Any, params: tuple[Any, Any]) -> Any:
        chosen, drawn = params
        return either(chosen, lambda x: Compose(self.transforms).apply(x, drawn), image)

    def output_shape(self, shape: Shape) -> Shape:
        return one_shape("RandomApply", shape, [shape, Compose(self.transforms).output_shape(shape)])

    def __repr__(self) -> str:
        lines = [f"    p={self.p}", *(f"    {transform}" for transform in self.transforms)]
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])

    def _chosen(self) -> np.bool_:
        return np.bool_(not np.float32(self.p) < unit())


def members(transforms: Sequence[Function]) -> list[Transform]:
    """Return transforms as they are, and other functions as `Lambda`."""
    return [transform if isinstance(transform, Transform) else Lambda(transform) for transform in transforms]


def undrawn(transform: Transform, shape: Shape) -> Any:
    """Return parameters of the kind that `transform` draws, all 0, and draw nothing."""
    with rewound():
        return jax.tree.map(np.zeros_like, transform.draw(shape))


def one_shape(caller: str, shape: Shape, shapes: Sequence[Any]) -> Any:
    """Return the shape that all have, which a choice among images in a batch needs."""
    if any(other != shapes[0] for other in shapes):
        raise ValueError(
            f"{caller}: in a batch all images have one shape, but pictures of shape {shape} become ones of "
            f"{' or '.join(map(str, dict.fromkeys(shapes)))}, by chance"
        )
    return shapes[0]


def _blank(shape: Shape) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, np.float32)


def _is_shape(x: Any) -> bool:
    return isinstance(x, tuple) and all(isinstance(n, int) for n in x)


def callables(caller: str, transforms: Sequence[Function]) -> Sequence[Function]:
    """Return what was given if all of it can be called."""
    for transform in transforms:
        if not callable(transform):
            raise TypeError(f"{caller}: a transform must be callable, but {transform!r} was given")
    return transforms
