"""What the machine can do at best: arithmetic in a matrix product, and copying of memory."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import torch

from .device import tensor, until_done

# A square matrix product of this size, and a copy of so many numbers, which no cache holds.
SIZE, NUMBERS = 2048, 1 << 26
ROUNDS = 5
# Less than this may lie in a cache, which is faster than what was measured.
CACHE = 1 << 26


class Work(NamedTuple):
    """What one call cannot do without.

    Attributes:
        flops: additions and multiplications of its matrix products and convolutions.
        bytes: what it must read and write, each once.
    """

    flops: float = 0.0
    bytes: float = 0.0


UNKNOWN = Work()


class Limits(NamedTuple):
    """The best rates that either framework reached: operations a second in float32, and bytes a second read and written."""

    flops: float
    bytes: float

    def share(self, work: Work, seconds: float) -> float | None:
        """Return which share of the limit a call reached, by what bounds it; None if its work is not known, or fits a cache."""
        computing, copying = work.flops / self.flops, work.bytes / self.bytes
        if copying > computing and work.bytes < CACHE:
            return None
        return max(computing, copying) / seconds or None


def measured() -> Limits:
    """Measure the limits here and now, on the device that is chosen."""
    square, line = jnp.ones((SIZE, SIZE)), jnp.ones(NUMBERS)
    product, copy = jax.jit(jnp.dot), jax.jit(jnp.negative)
    square_torch, line_torch = tensor(square), tensor(line)
    out = torch.empty_like(line_torch)
    flops = 2.0 * SIZE**3
    return Limits(
        flops / min(_best(lambda: product(square, square)), _best(lambda: square_torch @ square_torch)),
        8.0 * NUMBERS / min(_best(lambda: copy(line)), _best(lambda: torch.neg(line_torch, out=out))),
    )


def _best(run: Callable[[], Any]) -> float:
    waiting = until_done(run)

    def call() -> float:
        start = time.perf_counter()
        jax.block_until_ready(waiting())
        return time.perf_counter() - start

    call()
    return min(call() for _ in range(ROUNDS))
