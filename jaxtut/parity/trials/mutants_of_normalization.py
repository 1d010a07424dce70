"""Mistakes in normalization: epsilon, variance, axes, groups, running statistics, constant inputs."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from .mutant import Mutant

FAMILY = "normalization"


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of normalization."""
    yield from _layer_norm()
    yield from _batch_norm()
    yield from _groups()
    yield from _constant()


def layer_norm(eps=1e-5, ddof=0, axis=-1, root=lambda variance, eps: jnp.sqrt(variance + eps)):
    """Return a layer normalization with one of its choices replaced."""

    def normalize(x):
        centred = x - x.mean(axis, keepdims=True)
        return centred / root(jnp.var(x, axis, ddof=ddof, keepdims=True), eps)

    return normalize


def one_pass(x):
    """Normalize with E[x²] − E[x]², as flax does by default."""
    mean = x.mean(-1, keepdims=True)
    variance = jnp.maximum((x**2).mean(-1, keepdims=True) - mean**2, 0)
    return (x - mean) / jnp.sqrt(variance + 1e-5)


def _layer_norm() -> Iterator[Mutant]:
    import torch.nn.functional as T

    def torch_layer_norm(x):
        return T.layer_norm(x, (x.shape[-1],))

    x = np.random.default_rng(13).standard_normal((6, 6))
    for name, mistake, wrong, cause in (
        ("eps of flax", "ε is 1e-6, PyTorch's is 1e-5.", layer_norm(eps=1e-6), "eps"),
        (
            "eps outside of the root",
            "ε is added to the root.",
            layer_norm(root=lambda v, eps: jnp.sqrt(v) + eps),
            "eps",
        ),
        ("unbiased variance", "The variance is divided by n − 1.", layer_norm(ddof=1), "n - 1|n − 1|unbiased|ddof"),
        ("over the batch", "The mean and variance run over the batch.", layer_norm(axis=0), "axis|axes"),
    ):
        yield Mutant(f"layer_norm: {name}", FAMILY, mistake, wrong, torch_layer_norm, layer_norm(), (x,), cause=cause)
    yield Mutant(
        "layer_norm: variance detached",
        FAMILY,
        "No gradient flows through the variance; the gradient of a plain sum is 0 with and without it.",
        jax=lambda x: layer_norm(root=lambda v, eps: jnp.sqrt(jax.lax.stop_gradient(v) + eps))(x),
        torch=torch_layer_norm,
        honest=layer_norm(),
        args=(x,),
    )
    yield Mutant(
        "layer_norm: variance in one pass",
        FAMILY,
        "E[x²] − E[x]² loses all digits in float32 where the mean is 1000.",
        jax=one_pass,
        torch=torch_layer_norm,
        honest=layer_norm(),
        args=(1000 + x,),
        cause="float32|one-pass|one pass|cancel",
    )
    yield Mutant(
        "rms_norm: weight plus one",
        FAMILY,
        "Some models store the weight less 1.",
        jax=lambda x, w: x / jnp.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * (1 + w)[None],
        torch=lambda x, w: T.rms_norm(x, (6,), w, 1e-6),
        honest=lambda x, w: x / jnp.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * w[None],
        args=(x, 1 + 0.1 * x[0]),
    )


def batch_norm(keep=0.9, unbiased=True, detach=jax.lax.stop_gradient):
    """Return a batch normalization in training that also moves running statistics, from 0 and 1."""

    def normalize(x):
        mean, variance = x.mean(0), x.var(0)
        moved = keep * 0 + (1 - keep) * mean, keep * 1 + (1 - keep) * (x.var(0, ddof=1) if unbiased else variance)
        y = (x - mean[None]) / jnp.sqrt(variance[None] + 1e-5)
        return {"y": y, "running_mean": detach(moved[0]), "running_var": detach(moved[1])}

    return normalize


def _batch_norm() -> Iterator[Mutant]:
    import torch
    import torch.nn.functional as T

    def torch_batch_norm(x):
        mean, variance = torch.zeros(4, dtype=x.dtype), torch.ones(4, dtype=x.dtype)
        y = T.batch_norm(x, mean, variance, training=True)
        return {"y": y, "running_mean": mean, "running_var": variance}

    def evaluated(x, mean, variance):
        return (x - mean[None]) / jnp.sqrt(variance[None] + 1e-5)

    x = np.random.default_rng(14).standard_normal((7, 4)) * 2 + 1
    for name, mistake, wrong, cause in (
        ("momentum of flax", "Flax's momentum weighs the old value, PyTorch's the new one.", batch_norm(keep=0.1), ""),
        ("running variance biased", "PyTorch keeps the variance over n − 1.", batch_norm(unbiased=False), ""),
        (
            "running statistics differentiated",
            "The running statistics are left in the graph.",
            batch_norm(detach=lambda s: s),
            "",
        ),
    ):
        yield Mutant(f"batch_norm: {name}", FAMILY, mistake, wrong, torch_batch_norm, batch_norm(), (x,), cause=cause)
    yield Mutant(
        "batch_norm: batch statistics in evaluation",
        FAMILY,
        "The layer is left in training mode.",
        jax=lambda x, mean, variance: evaluated(x, x.mean(0), x.var(0)),
        torch=lambda x, mean, variance: T.batch_norm(x, mean, variance),
        honest=evaluated,
        args=(x, np.array([0.5, 1.0, 1.5, 0.8]), np.array([4.0, 3.0, 5.0, 2.0])),
        argnums=0,
    )


def _groups() -> Iterator[Mutant]:
    import torch.nn.functional as T

    def group_norm(x):
        n, c, length = x.shape
        return layer_norm()(x.reshape(n, 2, c // 2 * length)).reshape(x.shape)

    def strided(x):
        n, c, length = x.shape
        apart = x.reshape(n, c // 2, 2, length).swapaxes(1, 2)
        return group_norm(apart.reshape(x.shape)).reshape(n, 2, c // 2, length).swapaxes(1, 2).reshape(x.shape)

    def response_norm(alpha):
        def normalize(x):
            padded = jnp.pad(x**2, ((0, 0), (1, 1), (0, 0)))
            return x / (1 + alpha * (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:])) ** 0.75

        return normalize

    x = np.random.default_rng(15).standard_normal((2, 6, 5))
    yield Mutant(
        "group_norm: every second channel",
        FAMILY,
        "The groups are strided, PyTorch's are neighbours.",
        jax=strided,
        torch=lambda x: T.group_norm(x, 2),
        honest=group_norm,
        args=(x,),
    )
    yield Mutant(
        "local_response_norm: alpha not divided",
        FAMILY,
        "PyTorch divides alpha by the number of channels in the window.",
        jax=response_norm(1e-2),
        torch=lambda x: T.local_response_norm(x, 3, alpha=1e-2),
        honest=response_norm(1e-2 / 3),
        args=(x,),
    )


def safe_root(square):
    """Take a root with slope 0 at 0."""
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)


def _constant() -> Iterator[Mutant]:
    import torch
    import torch.nn.functional as T

    def normalize(root):
        return lambda x: x / jnp.maximum(root(jnp.sum(x**2, -1, keepdims=True)), 1e-12)

    x = np.random.default_rng(16).standard_normal((3, 4))
    yield Mutant(
        "norm of a zero row",
        FAMILY,
        "The root of 0 has an infinite slope, and 0 · ∞ is NaN.",
        jax=lambda x: jnp.linalg.norm(x, axis=-1),
        torch=lambda x: torch.linalg.vector_norm(x, dim=-1),
        honest=lambda x: safe_root(jnp.sum(x**2, -1)),
        args=(x * np.array([[1.0], [0.0], [1.0]]),),
        cause="NaN",
    )
    yield Mutant(
        "normalize of a zero row",
        FAMILY,
        "The norm is bounded below after its slope has become NaN.",
        jax=normalize(jnp.sqrt),
        torch=T.normalize,
        honest=normalize(safe_root),
        args=(x * np.array([[1.0], [0.0], [1.0]]),),
        cause="NaN",
    )
    yield Mutant(
        "standard deviation of a constant row",
        FAMILY,
        "The root of a variance of 0 has an infinite slope.",
        jax=lambda x: jnp.std(x, -1, ddof=1),
        torch=lambda x: x.std(-1),
        honest=lambda x: safe_root(jnp.var(x, -1, ddof=1)),
        args=(np.where(np.arange(3)[:, None] == 1, 2.0, x),),
        cause="NaN",
    )
