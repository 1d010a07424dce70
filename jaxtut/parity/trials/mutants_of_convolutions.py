"""Mistakes in convolution and pooling."""

from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxtut import functional as F

from .mutant import Mutant

FAMILY = "convolution"
BORDER = ((0, 0), (0, 0), (1, 1), (1, 1))


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of convolution and pooling."""
    yield from _convolution()
    yield from _transposed()
    yield from _pooling()


def conv(x, w, padding: Any = "VALID", stride=1, groups=1):
    """Convolve in PyTorch's layout by lax alone."""
    return lax.conv_general_dilated(
        x, w, (stride, stride), padding, dimension_numbers=("NCHW", "OIHW", "NCHW"), feature_group_count=groups
    )


def _convolution() -> Iterator[Mutant]:
    import torch.nn.functional as T

    rng = np.random.default_rng(9)
    x, w, b = rng.standard_normal((1, 4, 6, 6)), rng.standard_normal((4, 4, 3, 3)), rng.standard_normal(4)
    yield Mutant(
        "SAME padding at stride 2",
        FAMILY,
        "SAME pads an even image on one side only, PyTorch's padding=1 on both.",
        jax=lambda x, w: conv(x, w, "SAME", 2),
        torch=lambda x, w: T.conv2d(x, w, stride=2, padding=1),
        honest=lambda x, w: conv(x, w, [(1, 1), (1, 1)], 2),
        args=(x, w),
        cause="SAME|padding|shift",
    )
    for name, mistake, change, cause in (
        (
            "kernel flipped",
            "A convolution as mathematics has it, where PyTorch correlates.",
            lambda w: w[:, :, ::-1, ::-1],
            "flip",
        ),
        ("kernel rows and columns swapped", "The kernel is transposed.", lambda w: w.swapaxes(2, 3), "transpose|swap"),
        (
            "channels in and out swapped",
            "The weight is taken as (in, out).",
            lambda w: w.swapaxes(0, 1),
            "transpose|swap",
        ),
    ):
        yield Mutant(
            name,
            FAMILY,
            mistake,
            jax=lambda x, w, b, change=change: F.conv2d(x, change(w), b),
            torch=T.conv2d,
            honest=F.conv2d,
            args=(x, w, b),
            cause=cause,
        )
    yield Mutant(
        "convolution without its bias",
        FAMILY,
        "The bias is not added.",
        jax=lambda x, w, b: conv(x, w),
        torch=T.conv2d,
        honest=F.conv2d,
        args=(x, w, b),
        cause="bias|without b|zero|never",
    )
    yield Mutant(
        "bias of neighbouring channels",
        FAMILY,
        "The bias is laid along the width, which here is as long as the channels.",
        jax=lambda x, w, b: conv(x, w) + b[None, None, None, :],
        torch=T.conv2d,
        honest=F.conv2d,
        args=(x, w, b),
    )
    yield Mutant(
        "depthwise channels shuffled",
        FAMILY,
        "Two filters for each channel are stored multiplier first, as TensorFlow does.",
        jax=lambda x, w: conv(x, w.reshape(4, 2, 1, 3, 3).swapaxes(0, 1).reshape(8, 1, 3, 3), groups=4),
        torch=lambda x, w: T.conv2d(x, w, groups=4),
        honest=lambda x, w: conv(x, w, groups=4),
        args=(x, rng.standard_normal((8, 1, 3, 3))),
    )
    yield Mutant(
        "padding of the wrong border",
        FAMILY,
        "The edge is repeated where PyTorch reflects it.",
        jax=lambda x, w: conv(jnp.pad(x, BORDER, "edge"), w),
        torch=lambda x, w: T.conv2d(T.pad(x, (1, 1, 1, 1), "reflect"), w),
        honest=lambda x, w: conv(jnp.pad(x, BORDER, "reflect"), w),
        args=(x, w),
        cause="border|pad|edge",
    )


def _transposed() -> Iterator[Mutant]:
    import torch.nn.functional as T

    def transposed(x, w):
        return lax.conv_transpose(x, w, (2, 2), [(2, 2), (2, 2)], dimension_numbers=("NCHW", "OIHW", "NCHW"))

    rng = np.random.default_rng(10)
    x, w = rng.standard_normal((1, 2, 4, 4)), rng.standard_normal((2, 3, 3, 3))
    yield Mutant(
        "transposed convolution not flipped",
        FAMILY,
        "lax.conv_transpose does not flip the kernel, as the gradient of a convolution does.",
        jax=lambda x, w: transposed(x, w.swapaxes(0, 1)),
        torch=lambda x, w: T.conv_transpose2d(x, w, stride=2),
        honest=lambda x, w: transposed(x, w.swapaxes(0, 1)[:, :, ::-1, ::-1]),
        args=(x, w),
        cause="flip",
    )


def windows(x):
    """Return the 2×2 windows of an image, as two more axes."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2)


def sums(x):
    """Sum windows of 3×3 at stride 2, with a border of zeros."""
    return lax.reduce_window(x, x.dtype.type(0), lax.add, (1, 1, 3, 3), (1, 1, 2, 2), BORDER)


def _pooling() -> Iterator[Mutant]:
    import torch.nn.functional as T

    rng = np.random.default_rng(11)
    x = rng.standard_normal((1, 2, 6, 6))
    yield Mutant(
        "ties of a pool split",
        FAMILY,
        "Pooling by reshape and max shares the gradient among equal members; PyTorch gives it to the first.",
        jax=lambda x: jnp.max(windows(x), (3, 5)),
        torch=lambda x: T.max_pool2d(x, 2),
        honest=lambda x: F.max_pool2d(x, 2),
        args=(np.round(2 * x) / 2,),
        cause="tie|equal",
    )
    yield Mutant(
        "maximum over zeros at the border",
        FAMILY,
        "The image is padded with 0, which wins where all members are negative.",
        jax=lambda x: F.max_pool2d(jnp.pad(x, BORDER), 3, 2),
        torch=lambda x: T.max_pool2d(x, 3, 2, padding=1),
        honest=lambda x: F.max_pool2d(x, 3, 2, padding=1),
        args=(x - 3,),
        cause="border|pad|edge|zero",
    )
    yield Mutant(
        "average without the padding",
        FAMILY,
        "Flax's count_include_pad=False divides by the members inside of the image.",
        jax=lambda x: sums(x) / sums(jnp.ones_like(x)),
        torch=lambda x: T.avg_pool2d(x, 3, 2, padding=1),
        honest=lambda x: sums(x) / 9,
        args=(x,),
        cause="border|pad|edge",
    )
    yield Mutant(
        "pooling with stride 1",
        FAMILY,
        "Flax's max_pool moves by 1 unless told otherwise.",
        jax=lambda x: F.max_pool2d(x, 2, 1),
        torch=lambda x: T.max_pool2d(x, 2),
        honest=lambda x: F.max_pool2d(x, 2),
        args=(x,),
        cause="shape|stride",
    )
    yield Mutant(
        "power average without its root",
        FAMILY,
        "lp_pool2d sums the squares of a window and takes the root; here they are averaged first.",
        jax=lambda x: jnp.sqrt(jnp.mean(windows(x) ** 2, (3, 5))),
        torch=lambda x: T.lp_pool2d(x, 2, 2),
        honest=lambda x: jnp.sqrt(jnp.sum(windows(x) ** 2, (3, 5))),
        args=(x,),
        cause="times|mean",
    )
