"""What the measurements run on: cores, load, threads, and the compiler's cache."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import torch
from jax.experimental.compilation_cache import compilation_cache as jax_cache

from jaxtut import compilation_cache, dispatch, memory


def usable_cores() -> int:
    """Return the number of cores that this process may use; XLA sizes its pool of threads by the same mask."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float | None:
    """Return how many processes wanted a core in the last minute, on average, or None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def keep_memory() -> bool:
    """Let all sides keep the memory that they free, and return whether they do; not where JAX has computed already."""
    with suppress(RuntimeError):
        memory.keep()
    return memory.is_kept()


def run_inline() -> bool:
    """Let JAX's sides compute in the calling thread, as PyTorch does, and return whether they do; not where JAX has computed already."""
    with suppress(RuntimeError):
        dispatch.run_inline()
    return dispatch.is_inline()


@contextmanager
def compilers(cache: Path | None = None) -> Iterator[None]:
    """Let both compilers keep what they compile in a folder, inside the `with` block; left out, find nothing that earlier runs left on disk."""
    name, before = "TORCHINDUCTOR_CACHE_DIR", os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ[name] = str(cache / "torch") if cache else folder
        config: Any = jax.config
        kept = config.jax_compilation_cache_dir
        if cache:
            compilation_cache.enable(cache / "jax")
        else:
            compilation_cache.disable()
        try:
            yield
        finally:
            jax.config.update("jax_compilation_cache_dir", kept)
            jax_cache.reset_cache()
            os.environ.pop(name)
            os.environ.update({} if before is None else {name: before})


@contextmanager
def pinned_threads() -> Iterator[int]:
    """Give PyTorch as many threads as XLA has, inside the `with` block."""
    before = torch.get_num_threads()
    torch.set_num_threads(usable_cores())
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
