"""Transforms of whole batches: parameters are drawn on the host, pixels are changed where the images are."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Shaped

from .base import Shape, Transform


def draw_batch(transform: Transform, n: int, shape: Shape) -> Any:
    """Draw the parameters of n pictures, one after the other, as n calls of `transform` would.

    Args:
        transform: any transform for arrays.
        n: the number of pictures.
        shape: (channels, height, width) of each of them.

    Returns:
        The parameters that `transform.draw` gives, each with a first axis of length n.

    Example:
        >>> from jaxtut import torch_random, transforms
        >>> _ = torch_random.manual_seed(0)
        >>> draw_batch(transforms.RandomCrop(2), 3, (3, 8, 8))
        Corner(top=array([4, 0, 1], dtype=int32), left=array([3, 2, 2], dtype=int32))

    Raises:
        TypeError: no transform.
        ValueError: n below 1, a shape that is not of three sizes, or a transform that would give images of different shapes.

    PyTorch has no counterpart: torchvision's transforms draw one set of numbers for a whole batch.
    """
    if not isinstance(transform, Transform):
        raise TypeError(f"draw_batch: transform must be a Transform, but {transform!r} was given; `Lambda` makes one")
    if n < 1 or len(shape) != 3 or min(shape) < 1:
        raise ValueError(
            f"draw_batch: n and (channels, height, width) must be positive, but {n} and {shape} were given"
        )
    transform.output_shape(shape)  # refuses what has no shape of its own
    return jax.tree.map(lambda *leaves: np.stack(leaves), *(transform.draw(shape) for _ in range(n)))


def apply_batch(
    transform: Transform, images: Shaped[Array, "batch channels height width"], params: Any
) -> Shaped[Array, "batch ..."]:
    """Transform each image of a batch with its own parameters; a pure function, to be compiled.

    out[i] = transform.apply(images[i], params[i])

    Args:
        transform: as in `draw_batch`.
        images: of uint8, or floating between 0 and 1.
        params: from `draw_batch`.

    Returns:
        The transformed images; a tuple of such arrays for `FiveCrop` and `TenCrop`.

    Example:
        >>> from jaxtut import transforms
        >>> flip = transforms.RandomHorizontalFlip(p=1.0)
        >>> augment = jax.jit(apply_batch, static_argnums=0)
        >>> augment(flip, np.array([[[[1, 2]]], [[[3, 4]]]], np.uint8), draw_batch(flip, 2, (1, 1, 2))).tolist()
        [[[[2, 1]]], [[[4, 3]]]]

    Raises:
        ValueError: images of another shape than (batch, channels, height, width).

    PyTorch has no counterpart: torchvision's transforms change all images of a batch alike. Decisions are made by selection: what is
    not applied to an image is computed for it all the same. Make the transform once: it is the key of the compiled function.
    """
    if images.ndim != 4:
        raise ValueError(
            f"apply_batch: images must have shape (batch, channels, height, width), but {images.shape} was given"
        )
    return jax.vmap(transform.apply)(images, params)
