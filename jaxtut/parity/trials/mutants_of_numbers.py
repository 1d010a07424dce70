"""Mistakes in numbers: signs, factors, single elements, rounding to whole numbers."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from .mutant import Mutant

FAMILY = "numbers"


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of arithmetic."""
    yield from _factors()
    yield from _single_elements()
    yield from _integers()


def _factors() -> Iterator[Mutant]:
    import torch

    x = np.random.default_rng(25).standard_normal(12)
    for name, mistake, wrong, torch_fn, honest, cause in (
        ("sign", "An energy is maximised.", lambda x: -(x**2), lambda x: x**2, lambda x: x**2, "sign"),
        ("twice", "The ½ of ½ x² is forgotten.", lambda x: x**2, lambda x: x**2 / 2, lambda x: x**2 / 2, "2 times|1/2"),
        (
            "degrees in a radian",
            "57.3 stands for 180/π: 1.00007 times as much.",
            lambda x: 57.3 * x,
            torch.rad2deg,
            jnp.rad2deg,
            "times",
        ),
        (
            "survey foot",
            "A foot of 0.3048006 m is 2e-6 too long.",
            lambda x: 0.3048006 * x,
            lambda x: 0.3048 * x,
            lambda x: 0.3048 * x,
            "times",
        ),
        (
            "one part in a million",
            "A factor of 1 + 1e-6.",
            lambda x: (1 + 1e-6) * jnp.tanh(x),
            torch.tanh,
            jnp.tanh,
            "times",
        ),
        (
            "mean for a sum",
            "The penalty is averaged over the parameters.",
            lambda x: jnp.mean(x**2),
            lambda x: (x**2).sum(),
            lambda x: jnp.sum(x**2),
            "mean",
        ),
        (
            "constant added",
            "An ε of 1e-8 is added to the result.",
            lambda x: x**2 + 1e-8,
            lambda x: x**2,
            lambda x: x**2,
            "",
        ),
    ):
        yield Mutant(f"factor: {name}", FAMILY, mistake, wrong, torch_fn, honest, (x,), cause=cause)


@jax.custom_jvp
def square_with_one_wrong_slope(x):
    """Square, with a slope that is a thousandth too large at element 17."""
    return x**2


@square_with_one_wrong_slope.defjvp
def _square_jvp(primals, tangents):
    (x,), (move,) = primals, tangents
    return square_with_one_wrong_slope(x), 2 * x * move * jnp.where(jnp.arange(1000) == 17, 1.001, 1.0).astype(x.dtype)


def _single_elements() -> Iterator[Mutant]:
    x = np.random.default_rng(26).standard_normal(1000)
    beside_large = np.where(np.arange(1000) == 500, 1e-12, 1e3)
    for name, mistake, wrong, torch_fn, honest, argument in (
        (
            "value",
            "Element 17 of 1,000 is 1e-9 too large.",
            lambda x: (x**2).at[17].add(1e-9),
            lambda x: x**2,
            lambda x: x**2,
            x,
        ),
        (
            "slope",
            "The slope of element 17 of 1,000 is a thousandth too large.",
            square_with_one_wrong_slope,
            lambda x: x**2,
            lambda x: x**2,
            x,
        ),
        (
            "small beside large",
            "The square of 1e-12, beside others of 1,000, is doubled.",
            lambda x: (x**2).at[500].multiply(2),
            lambda x: x**2,
            lambda x: x**2,
            beside_large,
        ),
        (
            "left out",
            "A loop ends one element early.",
            lambda x: (x**2).at[-1].set(0),
            lambda x: x**2,
            lambda x: x**2,
            x,
        ),
    ):
        yield Mutant(f"one element: {name}", FAMILY, mistake, wrong, torch_fn, honest, (argument,))


def _integers() -> Iterator[Mutant]:
    import torch

    x = np.array([-7.5, -3.0, -0.5, 0.5, 1.5, 2.5, 7.25])
    for name, mistake, wrong, torch_fn, honest in (
        (
            "remainder",
            "The remainder has the sign of the divisor, fmod has that of the dividend.",
            lambda x: jnp.remainder(x, 2),
            lambda x: torch.fmod(x, 2),
            lambda x: jnp.fmod(x, 2),
        ),
        (
            "halves rounded up",
            "Halves are rounded up, PyTorch rounds them to even numbers.",
            lambda x: jnp.floor(x + 0.5),
            torch.round,
            jnp.round,
        ),
        ("floor for truncation", "Negative numbers are rounded away from 0.", jnp.floor, torch.trunc, jnp.trunc),
    ):
        yield Mutant(f"rounding: {name}", FAMILY, mistake, wrong, torch_fn, honest, (x,))
