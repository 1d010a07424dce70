"""Pairs of softmax functions and losses."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxtut import functional as F

from .drawing import PROFILES, Draw
from .pair import Pair, require_torch
from .pairs_elementwise import probability

REDUCTIONS = ("mean", "sum", "none")


def softmax(draw: Draw) -> Pair:
    """Draw a softmax or its logarithm along one axis."""
    torch = require_torch()
    shape, axis = draw.choice((((3, 5), 1), ((3, 5), 0), ((7,), 0), ((2, 3, 5), 1), ((1, 1), 1), ((4, 64), -1)))
    x = draw.array(shape, PROFILES, 1e-20, draw.choice((30, 1e4)))
    name = draw.choice(("softmax", "log_softmax", "softmin", "softmax with temperature"))
    functions = {
        "softmax": (draw.choice((jax.nn.softmax, F.softmax)), torch.softmax),
        "log_softmax": (draw.choice((jax.nn.log_softmax, F.log_softmax)), torch.log_softmax),
        "softmin": (lambda x, axis: jax.nn.softmax(-x, axis), torch.nn.functional.softmin),
        "softmax with temperature": (
            lambda x, axis: jax.nn.softmax(x / 3, axis),
            lambda x, axis: torch.softmax(x / 3, axis),
        ),
    }
    jax_fn, torch_fn = functions[name]
    return Pair(f"softmax {name}, axis {axis}", lambda x: jax_fn(x, axis), lambda x: torch_fn(x, axis), (x,))


def cross_entropy(draw: Draw) -> Pair:
    """Draw a cross-entropy: labels or probabilities, class weights, smoothing, and three ways to write it in JAX."""
    torch = require_torch()
    T = torch.nn.functional
    batch, classes = draw.choice(((3, 5), (1, 2), (7, 10)))
    z = draw.array((batch, classes), PROFILES, 1e-20, draw.choice((30, 1e3)))
    y = draw.labels((batch,), classes)
    form = draw.choice(("library", "gather", "one-hot", "logsumexp", "probabilities", "smoothing", "weights"))
    if form == "probabilities":
        p = np.abs(draw.generator().standard_normal((batch, classes))) + 0.1
        p = (p / p.sum(1, keepdims=True)).astype(np.float32)
        return Pair(
            "cross-entropy, probabilities",
            lambda z, p: -jnp.mean(jnp.sum(p * jax.nn.log_softmax(z, 1), 1)),
            T.cross_entropy,
            (z, p),
        )
    if form == "smoothing":
        return Pair(
            "cross-entropy, smoothing",
            lambda z, y: (
                -jnp.mean(
                    jnp.sum(
                        (jax.nn.one_hot(y, classes, dtype=z.dtype) * 0.9 + 0.1 / classes) * jax.nn.log_softmax(z, 1), 1
                    )
                )
            ),
            lambda z, y: T.cross_entropy(z, y, label_smoothing=0.1),
            (z, y),
        )
    if form == "weights":
        w = draw.array((classes,), ("normal",), 0.1, 3, np.abs)
        return Pair(
            "cross-entropy, weights",
            lambda z, w, y: -jnp.sum(w[y] * _picked(jax.nn.log_softmax(z, 1), y)) / jnp.sum(w[y]),
            lambda z, w, y: T.cross_entropy(z, y, weight=w),
            (z, w, y),
            argnums=(0,),
        )
    reduction = draw.choice(REDUCTIONS)
    functions = {
        "library": lambda z, y: F.cross_entropy(z, y, reduction=reduction),
        "gather": lambda z, y: _reduce(-_picked(jax.nn.log_softmax(z, 1), y), reduction),
        "one-hot": lambda z, y: _reduce(
            -jnp.sum(jax.nn.one_hot(y, classes, dtype=z.dtype) * jax.nn.log_softmax(z, 1), 1), reduction
        ),
        "logsumexp": lambda z, y: _reduce(jax.scipy.special.logsumexp(z, 1) - _picked(z, y), reduction),
    }
    return Pair(
        f"cross-entropy {form}, {reduction}",
        functions[form],
        lambda z, y: T.cross_entropy(z, y, reduction=reduction),
        (z, y),
    )


def _picked(z: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.take_along_axis(z, y[:, None], 1)[:, 0]


def _reduce(x: jax.Array, reduction: str) -> jax.Array:
    return {"mean": jnp.mean, "sum": jnp.sum, "none": lambda x: x}[reduction](x)


def binary_loss(draw: Draw) -> Pair:
    """Draw a binary cross-entropy, of logits or of probabilities."""
    torch = require_torch()
    T = torch.nn.functional
    shape = draw.choice(((7,), (3, 5), (1,)))
    reduction = draw.choice(REDUCTIONS)
    t = (
        draw.labels(shape, 2).astype(np.float32)
        if draw.choice((False, True))
        else draw.array(shape, domain=probability)
    )
    form = draw.choice(("logits", "logits, softplus", "logits, library", "probabilities", "soft margin"))
    if form == "probabilities":
        p = np.clip(draw.array(shape, domain=probability), 1e-4, 0.999)
        return Pair(
            f"binary loss {form}, {reduction}",
            lambda p, t: _reduce(-(t * jnp.log(p) + (1 - t) * jnp.log1p(-p)), reduction),
            lambda p, t: T.binary_cross_entropy(p, t, reduction=reduction),
            (p, t),
            argnums=(0,),
        )
    z = draw.array(shape, PROFILES, 1e-20, 1e3)
    if form == "soft margin":
        sign = draw.labels(shape, 2).astype(np.float32) * 2 - 1
        return Pair(
            f"binary loss {form}, {reduction}",
            lambda z, s: _reduce(jax.nn.softplus(-s * z), reduction),
            lambda z, s: _torch_reduce(-T.logsigmoid(s * z), reduction),
            (z, sign),
            argnums=(0,),
        )
    functions = {
        "logits": lambda z, t: _reduce(-(t * jax.nn.log_sigmoid(z) + (1 - t) * jax.nn.log_sigmoid(-z)), reduction),
        "logits, softplus": lambda z, t: _reduce(jax.nn.softplus(z) - t * z, reduction),
        "logits, library": lambda z, t: F.binary_cross_entropy_with_logits(z, t, reduction=reduction),
    }
    return Pair(
        f"binary loss {form}, {reduction}",
        functions[form],
        lambda z, t: T.binary_cross_entropy_with_logits(z, t, reduction=reduction),
        (z, t),
        argnums=(0,),
    )


def _torch_reduce(x, reduction: str):
    return x if reduction == "none" else getattr(x, reduction)()


def regression_loss(draw: Draw) -> Pair:
    """Draw a loss of two arrays: squared, absolute, Huber, Kullback-Leibler, cosine."""
    torch = require_torch()
    T = torch.nn.functional
    shape = draw.choice(((7,), (3, 5), (1,), (4, 17)))
    reduction = draw.choice(REDUCTIONS)
    name = draw.choice(("squared", "absolute", "Huber", "smooth absolute", "Kullback-Leibler", "Poisson", "normal"))
    a, b = (draw.array(shape, PROFILES, 1e-9, 1e9 if name in ("squared", "absolute") else 30) for _ in range(2))
    if draw.choice((False, False, True)):
        b = a.copy()  # all at the kink
    small = lambda d: jnp.abs(d) < 1  # noqa: E731

    def huber(a, b):
        d = a - b
        safe = jnp.where(d == 0, 1, d)  # abs has slope 1 at 0 in JAX, but only its square is used there
        return _reduce(jnp.where(small(d), 0.5 * d * d, jnp.abs(safe) - 0.5), reduction)

    def kl(a, b):
        q = jax.nn.log_softmax(a.reshape(1, -1), 1)
        p = jax.nn.softmax(b.reshape(1, -1), 1)
        return _reduce(p * (jax.nn.log_softmax(b.reshape(1, -1), 1) - q), reduction)

    def torch_kl(a, b):
        q, p = torch.log_softmax(a.reshape(1, -1), 1), torch.log_softmax(b.reshape(1, -1), 1)
        return T.kl_div(q, p, reduction=reduction, log_target=True)

    functions = {
        "squared": (lambda a, b: _reduce((a - b) ** 2, reduction), T.mse_loss),
        "absolute": (lambda a, b: F.l1_loss(a, b, reduction=reduction), T.l1_loss),
        "Huber": (huber, T.huber_loss),
        "smooth absolute": (huber, T.smooth_l1_loss),
        "Kullback-Leibler": (kl, lambda a, b, reduction: torch_kl(a, b)),
        "Poisson": (lambda a, b: _reduce(jnp.exp(a) - b * a, reduction), T.poisson_nll_loss),
        "normal": (
            lambda a, b: _reduce(0.5 * (jnp.log(1.5 + 0 * a) + (a - b) ** 2 / 1.5), reduction),
            lambda a, b, reduction: T.gaussian_nll_loss(a, b, torch.full_like(a, 1.5), reduction=reduction),
        ),
    }
    jax_fn, torch_fn = functions[name]
    return Pair(
        f"regression loss {name}, {reduction}", jax_fn, lambda a, b: torch_fn(a, b, reduction=reduction), (a, b)
    )
