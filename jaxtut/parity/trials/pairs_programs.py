"""Pairs of random programs: a few operations in a row, whose results are used again."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from jaxtut import functional as F

from .drawing import PROFILES, Draw
from .pair import Pair, require_torch

Step = tuple[str, int, int]


def jax_operations() -> dict[str, Callable]:
    """Return the operations of a program on square matrices; each takes two, and may use one."""
    return {
        "add": lambda a, b: a + b,
        "subtract": lambda a, b: a - b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / (1 + b * b),
        "matmul": lambda a, b: a @ b,
        "tanh": lambda a, b: F.tanh(a),
        "sigmoid": lambda a, b: jax.nn.sigmoid(a),
        "sin": lambda a, b: jnp.sin(a),
        "exp": lambda a, b: jnp.exp(-a * a),
        "log": lambda a, b: jnp.log(1 + a * a),
        "root": lambda a, b: jnp.sqrt(1 + a * a),
        "relu": lambda a, b: F.relu(a),
        "maximum": jnp.maximum,
        "softmax": lambda a, b: jax.nn.softmax(a, 1),
        "centre": lambda a, b: a - jnp.mean(a, 1, keepdims=True),
        "scale": lambda a, b: a / jnp.sqrt(jnp.mean(a * a) + 1),
        "transpose": lambda a, b: a.T,
        "cumulative sum": lambda a, b: jnp.cumsum(a, 0),
        "where": lambda a, b: jnp.where(a > 0.5, a, 0.25 * b),
        "softplus": lambda a, b: jax.nn.softplus(a),
        "roll": lambda a, b: jnp.roll(a, 1, 0),
    }


def torch_operations() -> dict[str, Callable]:
    """Return the same operations in PyTorch."""
    torch = require_torch()
    return {
        "add": torch.add,
        "subtract": torch.sub,
        "multiply": torch.mul,
        "divide": lambda a, b: a / (1 + b.square()),
        "matmul": torch.mm,
        "tanh": lambda a, b: a.tanh(),
        "sigmoid": lambda a, b: a.sigmoid(),
        "sin": lambda a, b: a.sin(),
        "exp": lambda a, b: a.square().neg().exp(),
        "log": lambda a, b: (1 + a.square()).log(),
        "root": lambda a, b: (1 + a**2).sqrt(),
        "relu": lambda a, b: a.relu(),
        "maximum": torch.maximum,
        "softmax": lambda a, b: a.softmax(1),
        "centre": lambda a, b: a - a.mean(1, keepdim=True),
        "scale": lambda a, b: a * (a.square().mean() + 1).rsqrt(),
        "transpose": lambda a, b: a.T,
        "cumulative sum": lambda a, b: a.cumsum(0),
        "where": lambda a, b: torch.where(a > 0.5, a, 0.25 * b),
        "softplus": lambda a, b: torch.logaddexp(a, torch.zeros_like(a)),
        "roll": lambda a, b: a.roll(1, 0),
    }


def run(operations: dict[str, Callable], steps: Sequence[Step], values: list):
    """Run a program: every step takes two earlier values; the result is the last value."""
    for name, first, second in steps:
        values.append(operations[name](values[first], values[second]))
    return values[-1]


# Steps that jump or bend: rounding before them may decide a side, which is "undecided", not a false alarm.
BENDING = ("relu", "maximum", "where")


def _program(draw: Draw, names: Sequence[str], label: str) -> Pair:
    size = draw.choice((3, 1, 5))
    args = tuple(draw.array((size, size), PROFILES, 1e-6, draw.choice((3, 100))) for _ in range(2))
    steps: list[Step] = []
    for i in range(draw.integer(2, 8)):
        # The newest value goes on, so that no step is lost.
        steps.append((draw.choice(names), i + 1, draw.integer(0, i + 1)))
    described = "; ".join(f"{name} {first} {second}" for name, first, second in steps)
    return Pair(
        f"{label}: {described}",
        lambda a, b: run(jax_operations(), steps, [a, b]),
        lambda a, b: run(torch_operations(), steps, [a, b]),
        args,
    )


def smooth_program(draw: Draw) -> Pair:
    """Draw two to eight smooth operations in a row."""
    return _program(draw, [n for n in jax_operations() if n not in BENDING], "smooth program")


def program(draw: Draw) -> Pair:
    """Draw two to eight operations in a row, kinks among them."""
    return _program(draw, list(jax_operations()), "program")
