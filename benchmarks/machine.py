"""What the measurements run on: cores, load, threads, and the compiler's cache."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import torch


def usable_cores() -> int:
    """Return the number of cores that this process may use; XLA sizes its pool of threads by the same mask."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float | None:
    """Return how many processes wanted a core in the last minute, on average, or None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


@contextmanager
def cold_compiler() -> Iterator[None]:
    """Let torch.compile find nothing that earlier runs left on disk, inside the `with` block: JAX finds nothing either."""
    name, before = "TORCHINDUCTOR_CACHE_DIR", os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ[name] = folder
        try:
            yield
        finally:
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
