"""Mistakes in floating point: low precision inside, overflow, NaN."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from .mutant import Mutant

FAMILY = "floating point"


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of floating point."""
    yield from _precision()
    yield from _overflow()
    yield from _nan()


def rounded_to_tf32(x):
    """Round float32 numbers to the 10 bits of TF32, as tensor cores do to the factors of a product."""
    return jax.lax.reduce_precision(x, 8, 10) if x.dtype == jnp.float32 else x


def _precision() -> Iterator[Mutant]:
    import torch

    rng = np.random.default_rng(27)
    x, w = rng.standard_normal((6, 32)), rng.standard_normal((32, 5))

    def inside(dtype):
        return lambda x, w: (x.astype(dtype) @ w.astype(dtype)).astype(x.dtype)

    for name, mistake, wrong, cause in (
        ("bfloat16", "The product is computed in bfloat16.", inside(jnp.bfloat16), "bfloat16|precision"),
        ("float16", "The product is computed in float16.", inside(jnp.float16), "float16|precision"),
        (
            "TF32",
            "The factors of a float32 product are rounded to 10 bits.",
            lambda x, w: rounded_to_tf32(x) @ rounded_to_tf32(w),
            "precision|TF32|float32",
        ),
    ):
        yield Mutant(f"precision: {name} inside", FAMILY, mistake, wrong, torch.matmul, jnp.matmul, (x, w), cause=cause)
    yield Mutant(
        "precision: log of 1 + x",
        FAMILY,
        "1 + x has no digits of x left where x is 1e-9.",
        jax=lambda x: jnp.log(1 + x),
        torch=torch.log1p,
        honest=jnp.log1p,
        args=(1e-9 * x,),
        cause="float32|cancel|digits|precision|zero",
    )


def _overflow() -> Iterator[Mutant]:
    import torch

    def scaled_length(x, y):
        size = jax.lax.stop_gradient(jnp.maximum(abs(x), abs(y)))
        return size * jnp.sqrt((x / size) ** 2 + (y / size) ** 2)

    far = np.array([3e25, -1e20, 2.0]), np.array([4e25, 2e20, 1.0])
    yield Mutant(
        "overflow: length of a vector",
        FAMILY,
        "The squares of 1e25 are infinite in float32.",
        jax=lambda x, y: jnp.sqrt(x**2 + y**2),
        torch=torch.hypot,
        honest=scaled_length,
        args=far,
        cause="overflow|inf",
    )
    yield Mutant(
        "overflow: softmax without its maximum",
        FAMILY,
        "e^100 is infinite in float32.",
        jax=lambda z: jnp.exp(z) / jnp.sum(jnp.exp(z), -1, keepdims=True),
        torch=lambda z: torch.softmax(z, -1),
        honest=lambda z: jax.nn.softmax(z, -1),
        args=(np.array([[100.0, 99.0, 98.0], [1.0, 2.0, 3.0]]),),
        cause="overflow|NaN",
    )


def _nan() -> Iterator[Mutant]:
    import torch

    x = np.array([-1.0, 0.0, 0.25, 2.0])

    def angle(y, x):
        origin = (x == 0) & (y == 0)
        return jnp.where(origin, 0, jnp.arctan2(jnp.where(origin, 0, y), jnp.where(origin, 1, x)))

    yield Mutant(
        "NaN: in the gradient alone",
        FAMILY,
        "where() hides √ of a negative number in the value, not in the backward pass.",
        jax=lambda x: jnp.where(x > 0, jnp.sqrt(x), 0),
        torch=lambda x: torch.where(x > 0, torch.where(x > 0, x, 1).sqrt(), 0),
        honest=lambda x: jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), 0),
        args=(x,),
        cause="NaN",
    )
    yield Mutant(
        "NaN: in the value",
        FAMILY,
        "p · log p is NaN for a probability of 0.",
        jax=lambda p: -jnp.sum(p * jnp.log(p)),
        torch=lambda p: -torch.where(p > 0, p * torch.where(p > 0, p, 1).log(), 0).sum(),
        honest=lambda p: -jnp.sum(jnp.where(p > 0, p * jnp.log(jnp.where(p > 0, p, 1)), 0)),
        args=(np.array([0.5, 0.0, 0.5]),),
        cause="NaN",
    )
    yield Mutant(
        "NaN: the angle of the origin",
        FAMILY,
        "The slope of arctan2 at (0, 0) is 0 / 0; PyTorch has 0.",
        jax=jnp.arctan2,
        torch=torch.atan2,
        honest=angle,
        args=(np.array([0.0, 1.0, -2.0]), np.array([0.0, 1.0, 0.5])),
        cause="NaN",
    )
