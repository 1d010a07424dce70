"""Mistakes in losses: reductions, labels, weights, smoothing, saturation."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxtut import functional as F
from jaxtut import losses

from .mutant import Mutant

FAMILY = "losses"


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of loss functions."""
    yield from _labels()
    yield from _cross_entropies()
    yield from _of_probabilities()
    yield from _of_numbers()


def picked(scores, labels):
    """Return −log softmax at each label by plain indexing, which wraps negative labels and clamps what is out of range."""
    return -jax.nn.log_softmax(scores)[jnp.arange(len(labels)), labels]


def _labels() -> Iterator[Mutant]:
    import torch.nn.functional as T

    rng = np.random.default_rng(6)
    scores = rng.standard_normal((6, 4))
    yield Mutant(
        "ignored label clamped",
        FAMILY,
        "Plain indexing turns the ignored label −100 into class 0.",
        jax=lambda z, y: jnp.mean(picked(z, y)),
        torch=T.cross_entropy,
        honest=F.cross_entropy,
        args=(scores, np.array([0, 1, -100, 3, -100, 2])),
        cause="label|index|row",
    )
    yield Mutant(
        "label −1 wraps",
        FAMILY,
        "Plain indexing turns the ignored label −1 into the last class.",
        jax=lambda z, y: jnp.sum(picked(z, y)),
        torch=lambda z, y: T.cross_entropy(z, y, ignore_index=-1, reduction="sum"),
        honest=lambda z, y: F.cross_entropy(z, y, ignore_index=-1, reduction="sum"),
        args=(scores, np.array([0, 1, -1, 3, 1, 2])),
        cause="label|index|row",
    )
    yield Mutant(
        "ignored labels counted",
        FAMILY,
        "The mean divides by all samples, not by those that count.",
        jax=lambda z, y: jnp.sum(jnp.where(y == -100, 0, picked(z, y))) / len(y),
        torch=T.cross_entropy,
        honest=F.cross_entropy,
        args=(scores, np.array([0, 1, -100, 3, -100, 2])),
        cause="times|mean",
    )
    yield Mutant(
        "weights left out of the mean",
        FAMILY,
        "The weighted mean divides by the number of samples, not by their weights.",
        jax=lambda z, y, w: jnp.mean(w[y] * picked(z, y)),
        torch=T.cross_entropy,
        honest=F.cross_entropy,
        args=(scores, np.array([0, 1, 1, 3, 0, 2]), np.array([0.5, 2.0, 1.0, 3.0])),
        argnums=0,
        cause="times|mean",
    )


def _cross_entropies() -> Iterator[Mutant]:
    import torch
    import torch.nn.functional as T

    from torch_ref import losses as twin

    def smoothed_over_others(z, y):
        target = jnp.where(jax.nn.one_hot(y, 4) > 0, 0.9, 0.1 / 3).astype(z.dtype)
        return F.cross_entropy(z, target)

    def over_columns(z, y):
        flat = -jax.nn.log_softmax(z, axis=-1)
        return jnp.mean(jnp.take_along_axis(flat, y[:, None], 1))

    def naive_logsumexp(z, y):
        return jnp.mean(jnp.log(jnp.sum(jnp.exp(z), 1)) - z[jnp.arange(len(y)), y])

    rng = np.random.default_rng(7)
    scores, labels = rng.standard_normal((5, 4)), rng.integers(0, 4, 5)
    for name, mistake, wrong, cause in (
        ("cross-entropy summed", "A sum stands for the mean.", lambda z, y: jnp.sum(picked(z, y)), "mean"),
        (
            "cross-entropy in bits",
            "The logarithm has base 2.",
            lambda z, y: jnp.mean(picked(z, y)) / jnp.log(2),
            "times",
        ),
        (
            "negative likelihood",
            "The logarithm of the probability is forgotten.",
            lambda z, y: -jnp.mean(jnp.exp(-picked(z, y))),
            "",
        ),
    ):
        yield Mutant(name, FAMILY, mistake, wrong, T.cross_entropy, F.cross_entropy, (scores, labels), cause=cause)
    yield Mutant(
        "labels smoothed over the others",
        FAMILY,
        "ε goes to the other classes alone; PyTorch spreads it over all.",
        jax=smoothed_over_others,
        torch=lambda z, y: T.cross_entropy(z, y, label_smoothing=0.1),
        honest=lambda z, y: F.cross_entropy(z, y, label_smoothing=0.1),
        args=(scores, labels),
    )
    yield Mutant(
        "cross-entropy over the wrong axis",
        FAMILY,
        "In segmentation the classes stand at axis 1, and the softmax runs over the last.",
        jax=over_columns,
        torch=T.cross_entropy,
        honest=F.cross_entropy,
        args=(rng.standard_normal((2, 4, 4)), rng.integers(0, 4, (2, 4))),
        cause="axis|axes",
    )
    yield Mutant(
        "log of a sum of exponentials that overflows",
        FAMILY,
        "Σ e^z is infinite in float32 for scores of 100.",
        jax=naive_logsumexp,
        torch=T.cross_entropy,
        honest=F.cross_entropy,
        args=(100 + scores, labels),
        cause="overflow|inf",
    )
    yield Mutant(
        "gradient formula without its mean",
        FAMILY,
        "softmax − onehot is not divided by the batch size.",
        jax=lambda z, y: losses.softmax(z) - losses.one_hot(y, 4, str(z.dtype)),
        torch=twin.cross_entropy_gradient,
        honest=losses.cross_entropy_gradient,
        args=(scores, labels),
        cause="mean|times",
    )
    log_p, q = rng.standard_normal((5, 4)), np.exp(rng.standard_normal((5, 4)))
    yield Mutant(
        "kl_div by optax",
        FAMILY,
        "Optax sums the classes before the mean; PyTorch's mean divides by all elements.",
        jax=lambda log_p, q: jnp.mean(optax.losses.kl_divergence(log_p, q)),
        torch=lambda log_p, q: torch.mean(q * (q.log() - log_p)),
        honest=lambda log_p, q: jnp.mean(q * (jnp.log(q) - log_p)),
        args=(log_p, q),
        cause="mean|times",
    )


def _of_probabilities() -> Iterator[Mutant]:
    import torch.nn.functional as T

    def clipped(p, t):
        p = jnp.clip(p, 1e-7, 1 - 1e-7)
        return -jnp.mean(t * jnp.log(p) + (1 - t) * jnp.log(1 - p))

    def unclipped(p, t):
        return -jnp.mean(t * jnp.log(p) + (1 - t) * jnp.log(1 - p))

    def naive(z, t):
        p = 1 / (1 + jnp.exp(-z))
        return -jnp.mean(t * jnp.log(p) + (1 - t) * jnp.log(1 - p))

    t = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    names = "binary_cross_entropy", "binary_cross_entropy_with_logits"
    for name, mistake, wrong, function, x, cause in (
        ("clipped probabilities", "Clipping at 1e-7 cuts the gradient.", clipped, 0, [1e-9, 0.2, 0.8, 0.5, 0.9], ""),
        ("probabilities of 0 and 1", "log 0 · 0 is NaN.", unclipped, 0, [1.0, 0.0, 0.8, 0.5, 0.9], "NaN"),
        (
            "saturated scores",
            "log(1 − sigmoid(z)) is log 0 in float32.",
            naive,
            1,
            [30.0, 30.0, -2.0, 1.0, 0.3],
            "inf|flow|NaN",
        ),
    ):
        torch_fn, honest = (getattr(module, names[function]) for module in (T, F))
        yield Mutant(
            f"{names[function]}: {name}", FAMILY, mistake, wrong, torch_fn, honest, (np.array(x), t), 0, cause=cause
        )


def _of_numbers() -> Iterator[Mutant]:
    import torch.nn.functional as T

    def huber(x, y):
        d = jnp.abs(x - y)
        return jnp.mean(jnp.where(d < 0.5, 0.5 * d**2, 0.5 * (d - 0.25)))

    rng = np.random.default_rng(8)
    x, y = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    equal = np.where(np.arange(4) == 1, x, y)
    yield Mutant(
        "mse summed over the features",
        FAMILY,
        "The squares of a sample are summed before the mean over the batch.",
        jax=lambda x, y: jnp.mean(jnp.sum((x - y) ** 2, -1)),
        torch=T.mse_loss,
        honest=F.mse_loss,
        args=(x, y),
        cause="mean|times",
    )
    yield Mutant(
        "l1 where prediction and target are equal",
        FAMILY,
        "jnp.abs has slope 1 at 0.",
        jax=lambda x, y: jnp.mean(jnp.abs(x - y)),
        torch=T.l1_loss,
        honest=F.l1_loss,
        args=(x, equal),
        cause="kink",
    )
    yield Mutant(
        "huber for smooth_l1",
        FAMILY,
        "The Huber loss is β times the smooth L1 loss.",
        jax=huber,
        torch=lambda x, y: T.smooth_l1_loss(x, y, beta=0.5),
        honest=lambda x, y: huber(x, y) / 0.5,
        args=(x, y),
        cause="times",
    )
    yield Mutant(
        "root of the mean squared error",
        FAMILY,
        "The root is taken of every sample before the mean, not of the mean.",
        jax=lambda x, y: jnp.mean(jnp.sqrt(jnp.mean((x - y) ** 2, -1))),
        torch=lambda x, y: T.mse_loss(x, y).sqrt(),
        honest=lambda x, y: jnp.sqrt(F.mse_loss(x, y)),
        args=(x, y),
    )
