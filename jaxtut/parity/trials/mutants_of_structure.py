"""Mistakes in what is returned: dtypes, shapes, leaves, their order, whole numbers."""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np

from .mutant import Mutant

FAMILY = "structure"


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of dtypes, shapes and trees."""
    yield from _dtypes()
    yield from _shapes()
    yield from _leaves()
    yield from _whole_numbers()


def _dtypes() -> Iterator[Mutant]:
    import torch

    x = np.random.default_rng(28).standard_normal((3, 4))
    yield Mutant(
        "dtype: float16",
        FAMILY,
        "The result is left in float16.",
        jax=lambda x: jnp.tanh(x).astype(jnp.float16),
        torch=torch.tanh,
        honest=jnp.tanh,
        args=(x,),
        cause="dtype|float",
    )


def _shapes() -> Iterator[Mutant]:
    x = np.random.default_rng(29).standard_normal((3, 1, 4))
    for name, mistake, wrong, torch_fn, honest, cause in (
        (
            "axis kept",
            "The reduced axis is kept.",
            lambda x: x.sum(2, keepdims=True),
            lambda x: x.sum(2),
            lambda x: x.sum(2),
            "dimension|axis",
        ),
        (
            "axis dropped",
            "squeeze() drops the axis of a single channel.",
            lambda x: jnp.squeeze(x * 2),
            lambda x: x * 2,
            lambda x: x * 2,
            "dimension|axis",
        ),
        (
            "batch second",
            "Time stands before the batch.",
            lambda x: x.swapaxes(0, 2) * 2,
            lambda x: x * 2,
            lambda x: x * 2,
            "axes|order",
        ),
        (
            "flattened",
            "The batch is flattened with the rest.",
            lambda x: x.reshape(-1) * 2,
            lambda x: x.flatten(1) * 2,
            lambda x: x.reshape(3, -1) * 2,
            "shape|flatten",
        ),
    ):
        yield Mutant(f"shape: {name}", FAMILY, mistake, wrong, torch_fn, honest, (x,), cause=cause)


def _leaves() -> Iterator[Mutant]:
    import torch

    def both(x):
        return {"mean": x.mean(0), "scale": (x**2).mean(0)}

    x = np.random.default_rng(30).standard_normal((3, 4))
    for name, mistake, wrong, torch_fn, honest, cause in (
        ("dropped", "The scale is not returned.", lambda x: {"mean": x.mean(0)}, both, both, ""),
        (
            "too many",
            "The logarithm of the scale is returned too.",
            lambda x: both(x) | {"log": jnp.log(both(x)["scale"])},
            both,
            both,
            "",
        ),
        (
            "swapped",
            "Mean and scale change places.",
            lambda x: ((x**2).mean(0), x.mean(0)),
            lambda x: tuple(both(x).values()),
            lambda x: tuple(both(x).values()),
            "swap|order|each other",
        ),
        (
            "concatenated in another order",
            "The second part stands first.",
            lambda x: jnp.concatenate([x * 2, x]),
            lambda x: torch.cat([x, x * 2]),
            lambda x: jnp.concatenate([x, x * 2]),
            "order|permut|roll",
        ),
    ):
        yield Mutant(f"leaves: {name}", FAMILY, mistake, wrong, torch_fn, honest, (x,), cause=cause)


def _whole_numbers() -> Iterator[Mutant]:
    x = np.array([[2.0, 2.0, 1.0], [0.5, 3.0, 3.0]])
    for name, mistake, wrong, torch_fn, honest in (
        (
            "last of equal scores",
            "The last of equal scores is predicted, not the first.",
            lambda x: 2 - jnp.argmax(x[:, ::-1], 1),
            lambda x: x.argmax(1),
            lambda x: jnp.argmax(x, 1),
        ),
        (
            "at the threshold",
            "A score at the threshold counts as positive.",
            lambda x: x >= 1,
            lambda x: x > 1,
            lambda x: x > 1,
        ),
        (
            "a count",
            "Elements are counted that equal the threshold.",
            lambda x: (x >= 2).sum(),
            lambda x: (x > 2).sum(),
            lambda x: (x > 2).sum(),
        ),
    ):
        yield Mutant(f"whole numbers: {name}", FAMILY, mistake, wrong, torch_fn, honest, (x,))
