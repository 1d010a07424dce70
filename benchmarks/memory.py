"""How much more memory a call takes than was held before it."""

import ctypes
import gc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from .device import on_gpu

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
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        _RESET.write_text("5")  # the highest so far becomes what there is now
        before = _field("VmRSS")
        run()
        return max(0, _field("VmHWM") - before)
    except (OSError, StopIteration):
        return None


def _field(name: str) -> int:
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])
