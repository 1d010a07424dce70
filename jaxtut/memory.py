"""Keep the memory of large arrays that are freed, so that the next ones need not take it from the system again, page by page."""

import ctypes
from collections.abc import Mapping

from .beginning import require_before

# Numbers of glibc's `mallopt`.
TRIM_THRESHOLD, MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -3, -4, -8
# Nothing is given back where it ends the area that it lies in.
UNTRIMMED = {TRIM_THRESHOLD: -1}

_kept = False


def keep() -> bool:
    """Let this process keep, on a CPU, what large arrays took when they are freed.

    glibc gives arrays above 32 MB, and in threads such as XLA's smaller ones too, back to the system as soon as they are free, and takes memory for
    the next ones 4 KB at a time; a step that has many such arrays may spend more than half of its time with that. Afterwards memory stays with the
    process, of JAX and of all others in it: it remains as large as it was at its largest.

    Call it at the beginning, before JAX computes and before other threads run: each thread takes memory from an area that it may have begun with.

    It sets glibc's `M_MMAP_MAX` to 0, `M_TRIM_THRESHOLD` to −1, and `M_ARENA_MAX` to 1. Without Python, and also where threads have run before:
    `MALLOC_ARENA_MAX=1 MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=1000000000000` in the environment.

    Returns:
        Whether glibc did it; not with another C library. (An allocator that is preloaded in its place does as it likes.)

    Example:
        >>> import subprocess, sys
        >>> program = "from jaxtut import memory; memory.keep()"  # at the beginning
        >>> subprocess.run([sys.executable, "-c", program]).returncode
        0

    Raises:
        RuntimeError: JAX has computed something already, and its threads have begun.

    The command line does this where the environment variable `JAXTUT_KEEP_MEMORY` is `1`.
    PyTorch's counterpart: none on a CPU; its tuning guide has users preload another allocator. On a GPU both keep what they have.
    """
    global _kept
    if not _kept:
        require_before("keep", "its threads have begun already")
        # One area for all threads is a gain with the others only, so it comes last.
        _kept = set_options({_MMAP_MAX: 0, **UNTRIMMED}) and set_options({_ARENA_MAX: 1})
    return _kept


def is_kept() -> bool:
    """Return whether `keep` has been called here, with success."""
    return _kept


def set_options(options: Mapping[int, int]) -> bool:
    """Call glibc's `mallopt` for each of the options, and return whether it took them all."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return False
    taken = [mallopt(number, value) for number, value in options.items()]
    return all(taken)
