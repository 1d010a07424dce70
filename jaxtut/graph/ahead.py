"""Compile the backward pass while the forward pass runs: the compiler works outside Python, so both go on at once."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import jax

MOST_THREADS = 8

Submit = Callable[[Callable[[], Any]], None]

# The settings that a thread has of its own, and that decide which program is compiled.
_SETTINGS = {
    "jax_enable_x64": jax.enable_x64,
    "jax_default_matmul_precision": jax.default_matmul_precision,
    "jax_default_device": jax.default_device,
    "jax_numpy_rank_promotion": jax.numpy_rank_promotion,
    "jax_numpy_dtype_promotion": jax.numpy_dtype_promotion,
}


@contextmanager
def compiling_ahead() -> Iterator[Submit]:
    """Give a function that runs others on threads of their own, under the caller's settings; at the end all are done.

    The settings are precision, device, and the rules of promotion. What the functions return or raise is dropped: they
    are called for the programs that they leave in JAX's cache, and who needs the result calls again. If the block ends
    with an exception, those that have not begun are dropped too.
    """
    settings = [(context, getattr(jax.config, name)) for name, context in _SETTINGS.items()]

    def quietly(function: Callable[[], Any]) -> None:
        with suppress(Exception), ExitStack() as stack:
            for context, value in settings:
                stack.enter_context(context(value))
            function()

    threads = ThreadPoolExecutor(min(MOST_THREADS, max(1, (os.cpu_count() or 1) - 1)), "jaxtut-graph")
    try:
        yield lambda function: threads.submit(quietly, function) and None
    except BaseException:
        threads.shutdown(cancel_futures=True)
        raise
    threads.shutdown()
