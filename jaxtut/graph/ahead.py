"""Compile the backward pass while the forward pass runs: the compiler works outside Python, so both go on at once."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import jax

MOST_THREADS = 8

Submit = Callable[[Callable[[], Any]], None]


@contextmanager
def compiling_ahead() -> Iterator[Submit]:
    """Give a function that runs others on threads of their own, under the caller's settings; at the end all are done.

    What they return or raise is dropped: they are called for the programs that they leave in JAX's cache, and who needs
    the result calls again.
    """
    config: Any = jax.config
    x64, precision = config.jax_enable_x64, config.jax_default_matmul_precision

    def quietly(function: Callable[[], Any]) -> None:
        with suppress(Exception), jax.enable_x64(x64), jax.default_matmul_precision(precision):
            function()

    with ThreadPoolExecutor(min(MOST_THREADS, max(1, (os.cpu_count() or 1) - 1)), "jaxtut-graph") as threads:
        yield lambda function: threads.submit(quietly, function) and None
