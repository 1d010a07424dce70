"""Mistakes in images: the order of pixels, and resizing."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from .mutant import Mutant

FAMILY = "images"


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of images."""
    import torch.nn.functional as T

    def depth_to_space(x):
        n, c, h, w = x.shape
        return x.reshape(n, 2, 2, c // 4, h, w).transpose(0, 3, 4, 1, 5, 2).reshape(n, c // 4, 2 * h, 2 * w)

    def pixel_shuffle(x):
        n, c, h, w = x.shape
        return x.reshape(n, c // 4, 2, 2, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w)

    rng = np.random.default_rng(12)
    x = rng.standard_normal((1, 2, 5, 5))
    yield Mutant(
        "pixels shuffled as TensorFlow does",
        FAMILY,
        "The channels are split as (row, column, channel), PyTorch's as (channel, row, column).",
        jax=depth_to_space,
        torch=lambda x: T.pixel_shuffle(x, 2),
        honest=pixel_shuffle,
        args=(rng.standard_normal((1, 8, 3, 3)),),
        cause="order|permut",
    )
    for name, mistake, method, size, kernel, align in (
        ("corners not aligned", "jax.image.resize has half-pixel centres.", "linear", 8, triangle, True),
        ("cubic with a = −½", "jax.image.resize has Keys's cubic, PyTorch's has a = −¾.", "cubic", 8, cubic, False),
        ("smoothed before it shrinks", "jax.image.resize has antialiasing by default.", "linear", 3, triangle, False),
    ):
        yield Mutant(
            f"resize: {name}",
            FAMILY,
            mistake,
            jax=lambda x, m=method, s=size: jax.image.resize(x, (*x.shape[:2], s, s), m),
            torch=lambda x, m=method, s=size, a=align: T.interpolate(x, (s, s), mode=f"bi{m}", align_corners=a),
            honest=lambda x, s=size, k=kernel, a=align: resize(x, s, k, a),
            args=(x,),
        )


def triangle(d):
    """Weigh a neighbour at distance d for linear interpolation."""
    return np.maximum(1 - d, 0)


def cubic(d, a=-0.75):
    """Weigh a neighbour at distance d for cubic interpolation, with PyTorch's a."""
    near, far = (a + 2) * d**3 - (a + 3) * d**2 + 1, a * (d**3 - 5 * d**2 + 8 * d - 4)
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def resize(x, size, kernel, align_corners=False):
    """Resize the last two axes as PyTorch does: no smoothing, and the edge repeated beyond the border."""

    def matrix(n):
        places = np.arange(size)
        centres = places * (n - 1) / (size - 1) if align_corners else (places + 0.5) * n / size - 0.5
        weights = np.zeros((size, n))
        for step in range(-1, 3):
            neighbours = np.floor(centres) + step
            np.add.at(
                weights, (places, np.clip(neighbours, 0, n - 1).astype(int)), kernel(np.abs(centres - neighbours))
            )
        return jnp.asarray(weights, x.dtype)

    return jnp.einsum("ij,ncjk,lk->ncil", matrix(x.shape[2]), x, matrix(x.shape[3]))
