"""Pairs of normalizations, each in several forms that are algebraically equal and stable."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from .drawing import PROFILES, Draw
from .pair import Pair, require_torch

EPS = 1e-5


def _two_pass(x, axes):
    return (x - jnp.mean(x, axes, keepdims=True)) / jnp.sqrt(jnp.var(x, axes, keepdims=True) + EPS)


def _rsqrt(x, axes):
    centred = x - jnp.mean(x, axes, keepdims=True)
    return centred * jax.lax.rsqrt(jnp.mean(jnp.square(centred), axes, keepdims=True) + EPS)


def _sums(x, axes):
    n = 1
    for axis in axes:
        n *= x.shape[axis]
    centred = x - jnp.sum(x, axes, keepdims=True) / n
    return centred / (jnp.sum(centred * centred, axes, keepdims=True) / n + EPS) ** 0.5


def _centred_twice(x, axes):
    centred = x - jnp.mean(x, axes, keepdims=True)
    centred = centred - jnp.mean(centred, axes, keepdims=True)
    return centred * jax.lax.rsqrt(jnp.mean(centred**2, axes, keepdims=True) + EPS)


FORMS: dict[str, Callable] = {"two-pass": _two_pass, "rsqrt": _rsqrt, "sums": _sums, "centred twice": _centred_twice}


def normalization(draw: Draw) -> Pair:
    """Draw a layer, group, batch, instance or root-mean-square normalization."""
    torch = require_torch()
    kind = draw.choice(("layer", "group", "batch", "instance", "root mean square"))
    form = draw.choice(list(FORMS))
    normalize, T = FORMS[form], torch.nn.functional
    batch, channels, size = draw.choice(((3, 4, 5), (2, 2, 9), (7, 6, 1), (4, 2, 17)))
    if size == 1 and kind in ("instance", "group"):
        size = 3
    most = draw.choice((10, 1e3))
    x = draw.array((batch, channels, size), PROFILES, 1e-3, most)
    scale, shift = (draw.array((channels,), PROFILES, 1e-2, 10) for _ in range(2))

    def affine(y, a, b):
        return y * a[None, :, None] + b[None, :, None]

    def grouped(x):
        return normalize(x.reshape(batch, 2, -1), (2,)).reshape(x.shape)

    if kind == "root mean square":
        return Pair(
            "normalization root mean square",
            lambda x, a: x * jax.lax.rsqrt(jnp.mean(x * x, 1, keepdims=True) + EPS) * a[None, :, None],
            lambda x, a: T.rms_norm(x.transpose(1, 2), (channels,), a, EPS).transpose(1, 2),
            (x, scale),
        )
    functions = {
        "layer": (
            lambda x, a, b: affine(normalize(x, (1,)), a, b),
            lambda x, a, b: T.layer_norm(x.transpose(1, 2), (channels,), a, b, EPS).transpose(1, 2),
        ),
        "group": (lambda x, a, b: affine(grouped(x), a, b), lambda x, a, b: T.group_norm(x, 2, a, b, EPS)),
        "batch": (
            lambda x, a, b: affine(normalize(x, (0, 2)), a, b),
            lambda x, a, b: T.batch_norm(x, None, None, a, b, training=True, eps=EPS),
        ),
        "instance": (
            lambda x, a, b: affine(normalize(x, (2,)), a, b),
            lambda x, a, b: T.instance_norm(x, None, None, a, b, eps=EPS),
        ),
    }
    return Pair(f"normalization {kind}, {form}, up to {most}", *functions[kind], (x, scale, shift))


def normalization_in_use(draw: Draw) -> Pair:
    """Draw a batch normalization with running statistics, folded into a factor and a shift on one side."""
    torch = require_torch()
    x = draw.array((3, 4, 5), PROFILES, 1e-3, 1e3)
    mean, shift, scale = (draw.array((4,), PROFILES, 1e-3, 10) for _ in range(3))
    variance = abs(draw.array((4,), PROFILES, 1e-3, 10)) + x.dtype.type(0.1)

    def folded(x, mean, variance, scale, shift):
        factor = scale * jax.lax.rsqrt(variance + EPS)
        return x * factor[None, :, None] + (shift - mean * factor)[None, :, None]

    def direct(x, mean, variance, scale, shift):
        centred = (x - mean[None, :, None]) / jnp.sqrt(variance + EPS)[None, :, None]
        return centred * scale[None, :, None] + shift[None, :, None]

    form = draw.choice(("folded", "direct"))
    return Pair(
        f"normalization in use, {form}",
        folded if form == "folded" else direct,
        lambda x, m, v, a, b: torch.nn.functional.batch_norm(x, m, v, a, b, training=False, eps=EPS),
        (x, mean, variance, scale, shift),
        # PyTorch does not differentiate running statistics.
        argnums=(0, 3, 4),
    )
