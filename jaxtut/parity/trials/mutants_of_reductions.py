"""Mistakes in reductions, orders and indices: ties, axes, cumulative functions, scatters, permutations."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from .mutant import Mutant

FAMILY = "reductions"
TIES = np.array([[2.0, 2.0, 1.0], [0.5, 3.0, 3.0], [1.0, 1.0, 1.0]])


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of reductions, orders and indices."""
    yield from _ties()
    yield from _axes()
    yield from _statistics()
    yield from _indices()


def first_maximum(x):
    """Take the maximum of each row by its first index."""
    return jnp.take_along_axis(x, jnp.argmax(x, 1, keepdims=True), 1)[:, 0]


def latest_cummax(x):
    """Take the running maximum by the index of the latest member that reaches it."""
    reaches = jax.lax.stop_gradient(x) >= jax.lax.cummax(jax.lax.stop_gradient(x), 1)
    latest = jax.lax.cummax(jnp.where(reaches, jnp.arange(x.shape[1])[None], 0), 1)
    return jnp.take_along_axis(x, latest, 1)


def _ties() -> Iterator[Mutant]:
    import torch

    for name, mistake, wrong, torch_fn, honest in (
        (
            "max of a row",
            "jnp.max shares the gradient among equal members; max(dim) gives it to the first.",
            lambda x: jnp.max(x, 1),
            lambda x: x.max(1).values,
            first_maximum,
        ),
        (
            "amax of a row",
            "The member at argmax gets the whole gradient; torch.amax shares it.",
            first_maximum,
            lambda x: x.amax(1),
            lambda x: jnp.max(x, 1),
        ),
        (
            "cummax",
            "Among equal members lax.cummax takes an earlier one, PyTorch the latest.",
            lambda x: jax.lax.cummax(x, 1),
            lambda x: x.cummax(1).values,
            latest_cummax,
        ),
        (
            "maximum of two",
            "where(x >= y) gives the first argument slope 1 where they are equal, PyTorch ½ to both.",
            lambda x: jnp.where(x >= x[::-1], x, x[::-1]),
            lambda x: torch.maximum(x, x.flip(0)),
            lambda x: jnp.maximum(x, x[::-1]),
        ),
    ):
        yield Mutant(f"ties: {name}", FAMILY, mistake, wrong, torch_fn, honest, (TIES,), cause="tie|equal")


def _axes() -> Iterator[Mutant]:
    import torch

    x = np.random.default_rng(22).standard_normal((4, 4))
    w = np.array([0.299, 0.587, 0.114, 0.0])
    for name, mistake, wrong, torch_fn, honest, cause in (
        (
            "sum over rows",
            "The sum runs over the wrong axis.",
            lambda x: x.sum(0),
            lambda x: x.sum(1),
            lambda x: x.sum(1),
            "axis|axes",
        ),
        (
            "cumsum backwards",
            "The cumulative sum starts at the end.",
            lambda x: jax.lax.cumsum(x, 0, reverse=True),
            lambda x: x.cumsum(0),
            lambda x: jnp.cumsum(x, 0),
            "",
        ),
        (
            "product transposed",
            "The indices of an einsum are in another order.",
            lambda x: jnp.einsum("ij,jk->ki", x, x * x),
            lambda x: torch.einsum("ij,jk->ik", x, x * x),
            lambda x: jnp.einsum("ij,jk->ik", x, x * x),
            "transpose|swap",
        ),
        (
            "rolled to the left",
            "The features move by −1.",
            lambda x: jnp.roll(x, -1, 1),
            lambda x: x.roll(1, 1),
            lambda x: jnp.roll(x, 1, 1),
            "order|permut|shift|roll",
        ),
        ("flipped upside down", "The image is flipped along the wrong axis.", jnp.flipud, torch.fliplr, jnp.fliplr, ""),
        (
            "channels as BGR",
            "The weights of red and blue are swapped.",
            lambda x: jnp.asarray(w[[2, 1, 0, 3]], x.dtype) @ x,
            lambda x: torch.as_tensor(w).to(x.dtype) @ x,
            lambda x: jnp.asarray(w, x.dtype) @ x,
            "",
        ),
        (
            "channels permuted",
            "The last axis goes from RGB to BGR.",
            lambda x: x[:, [2, 1, 0, 3]],
            lambda x: x * 1,
            lambda x: x * 1,
            "order|permut",
        ),
    ):
        yield Mutant(f"axes: {name}", FAMILY, mistake, wrong, torch_fn, honest, (x,), cause=cause)


def _statistics() -> Iterator[Mutant]:
    import torch

    rng = np.random.default_rng(23)
    x, mask = rng.standard_normal((3, 6)), (rng.uniform(size=(3, 6)) > 0.3).astype(float)
    with_zeros = np.where(np.arange(6)[None] == 2, 0.0, x)
    yield Mutant(
        "variance biased",
        FAMILY,
        "jnp.var divides by n, torch.var by n − 1.",
        jax=lambda x: jnp.var(x, 1),
        torch=lambda x: x.var(1),
        honest=lambda x: jnp.var(x, 1, ddof=1),
        args=(x,),
        cause="n - 1|n − 1|unbiased|ddof",
    )
    yield Mutant(
        "median of an even number",
        FAMILY,
        "jnp.median takes the mean of the two in the middle, torch.median the lower.",
        jax=lambda x: jnp.median(x, 1),
        torch=lambda x: x.median(1).values,
        honest=lambda x: jnp.sort(x, 1)[:, 2],
        args=(x,),
    )
    yield Mutant(
        "mean over the masked",
        FAMILY,
        "The sum over what the mask keeps is divided by the full length.",
        jax=lambda x, mask: jnp.mean(x * mask, 1),
        torch=lambda x, mask: (x * mask).sum(1) / mask.sum(1),
        honest=lambda x, mask: jnp.sum(x * mask, 1) / jnp.sum(mask, 1),
        args=(x, mask),
        argnums=0,
    )
    yield Mutant(
        "product through logarithms",
        FAMILY,
        "exp(Σ log |x|) · sign has no gradient where a factor is 0.",
        jax=lambda x: jnp.exp(jnp.sum(jnp.log(jnp.abs(x)), 1)) * jnp.prod(jnp.sign(x), 1),
        torch=lambda x: x.prod(1),
        honest=lambda x: jnp.prod(x, 1),
        args=(with_zeros,),
        cause="NaN",
    )
    yield Mutant(
        "quantile of the nearest rank",
        FAMILY,
        "torch.quantile interpolates between neighbours.",
        jax=lambda x: jnp.quantile(x, 0.25, axis=1, method="nearest"),
        torch=lambda x: torch.quantile(x, 0.25, dim=1),
        honest=lambda x: 0.75 * jnp.sort(x, 1)[:, 1] + 0.25 * jnp.sort(x, 1)[:, 2],
        args=(x,),
    )


def _indices() -> Iterator[Mutant]:
    import torch

    rng = np.random.default_rng(24)
    x, ids = rng.standard_normal((5, 3)), np.array([0, 2, 2, 1, 0])
    yield Mutant(
        "scatter that overwrites",
        FAMILY,
        "Rows with the same index replace each other; index_add_ adds them.",
        jax=lambda ids, x: jnp.zeros((3, 3), x.dtype).at[ids].set(x),
        torch=lambda ids, x: torch.zeros(3, 3, dtype=x.dtype).index_add(0, ids, x),
        honest=lambda ids, x: jnp.zeros((3, 3), x.dtype).at[ids].add(x),
        args=(ids, x),
    )
    yield Mutant(
        "segment mean over all",
        FAMILY,
        "Segments are divided by the number of segments, not by their own size.",
        jax=lambda ids, x: jax.ops.segment_sum(x, ids, 3) / 3,
        torch=lambda ids, x: torch.zeros(3, 3, dtype=x.dtype).index_add(0, ids, x) / ids.bincount()[:, None],
        honest=lambda ids, x: jax.ops.segment_sum(x, ids, 3) / jnp.bincount(ids, length=3)[:, None].astype(x.dtype),
        args=(ids, x),
    )
    yield Mutant(
        "one position too far",
        FAMILY,
        "The target of each step is the token after the next.",
        jax=lambda x: x[:-2] * x[2:],
        torch=lambda x: x[:-2] * x[1:-1],
        honest=lambda x: x[:-2] * x[1:-1],
        args=(x,),
    )
    yield Mutant(
        "coordinates without the end",
        FAMILY,
        "Coordinates run from 0 to 1 without reaching 1.",
        jax=lambda x: x * jnp.linspace(0, 1, 5, endpoint=False, dtype=x.dtype)[:, None],
        torch=lambda x: x * torch.linspace(0, 1, 5, dtype=x.dtype)[:, None],
        honest=lambda x: x * jnp.linspace(0, 1, 5, dtype=x.dtype)[:, None],
        args=(x,),
    )
