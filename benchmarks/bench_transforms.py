"""The augmentation of a batch of images of 3×32×32: random crop, flip and erasing, then normalization, draws included."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

import torch_ref.transforms as torch_transforms
from jaxtut import torch_random, transforms
from jaxtut.torch_random import Generator

from .device import array, tensor, until_done
from .harness import Named, Side
from .sides import EAGER, LIBRARY

IMAGE = (3, 32, 32)


def pipeline(T: Any) -> Any:
    """Make the transform, from either package."""
    flip, crop, erase = T.RandomHorizontalFlip(), T.RandomCrop(32, padding=4), T.RandomErasing()
    return T.Compose([crop, flip, T.Normalize((0.49, 0.48, 0.45), (0.25, 0.24, 0.26)), erase])


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides: ours draws for all images and changes their pixels in one compiled call, torch goes image by image."""
    images = Generator(seed).rand(batch, *IMAGE)
    return [_library(images, seed), _eager(images, seed)]


def _library(images: np.ndarray, seed: int) -> Side:
    transform, on_device = pipeline(transforms), jnp.asarray(images)
    apply = jax.jit(transforms.apply_batch, static_argnums=0)

    def run() -> jax.Array:
        torch_random.manual_seed(seed)
        params = transforms.draw_batch(transform, len(images), IMAGE)
        return apply(transform, on_device, params).block_until_ready()

    return Side(LIBRARY, run, lambda: {"images": np.asarray(run())})


def _eager(images: np.ndarray, seed: int) -> Side:
    transform, tensors = pipeline(torch_transforms), tensor(images)

    def run() -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.stack([transform(image) for image in tensors])

    def results() -> Named:
        return {"images": array(run())}

    return Side(EAGER, until_done(run), results, is_torch=True)
