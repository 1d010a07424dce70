"""How much more memory a call takes than was held before it."""

import ctypes
import gc
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from jaxtut import memory

from .device import on_gpu

# What a process that has freed large arrays comes to by itself.
_LARGEST_MMAP = 32 << 20
_AS_IT_WAS = {
    memory.MMAP_THRESHOLD: int(os.environ.get("MALLOC_MMAP_THRESHOLD_", _LARGEST_MMAP)),
    memory.TRIM_THRESHOLD: int(os.environ.get("MALLOC_TRIM_THRESHOLD_", 2 * _LARGEST_MMAP)),
}

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak(run: Callable[[], Any], is_torch: bool) -> int | None:
    """Call once, and return by how many bytes its peak lies above what was in use; None where the system does not tell.

    On a CPU it is the process's resident memory, after the allocator has given back what is free; Linux alone tells.
    On a GPU PyTorch tells of its own side, though not of a CUDA graph, which took its memory when it was recorded; JAX's peak cannot be set back.
    """
    gc.collect()
    return _on_gpu(run, is_torch) if on_gpu() else _resident(run)


def _on_gpu(run: Callable[[], Any], is_torch: bool) -> int | None:
    if not is_torch:
        return None
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run()
    return torch.cuda.max_memory_allocated() - before or None


def _resident(run: Callable[[], Any]) -> int | None:
    try:
        with _giving_back() as give_back:
            run()  # what was left at the end of the allocator's areas is given back at its end, and then what is free between others
            gc.collect()
            give_back()
            _RESET.write_text("5")  # the highest so far becomes what there is now
            before = _field("VmRSS")
            run()
            return max(0, _field("VmHWM") - before)
    except (OSError, StopIteration):
        return None


@contextmanager
def _giving_back() -> Generator[Callable[[], object], None, None]:
    """Have glibc give back at once what is free; afterwards it keeps what the environment says, or as much as in a process that has used much."""
    try:
        give_back = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        yield lambda: None
        return
    memory.set_options({memory.TRIM_THRESHOLD: 0})
    try:
        yield lambda: give_back(0)
    finally:
        memory.set_options(memory.UNTRIMMED if memory.is_kept() else _AS_IT_WAS)


def _field(name: str) -> int:
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])
