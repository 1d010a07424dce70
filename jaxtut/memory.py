"""Keep the memory of large arrays that are freed, so that the next ones need not take it from the system again, page by page."""

import ctypes
from collections.abc import Mapping

try:
    # There is no public way to ask whether JAX's threads have begun.
    from jax._src.xla_bridge import backends_are_initialized as _has_begun
except ImportError:

    def _has_begun() -> bool:
        return False


# Numbers of glibc's `mallopt`.
TRIM_THRESHOLD, MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# Their largest values: nothing is given back.
KEPT = {MMAP_THRESHOLD: 2**31 - 1, TRIM_THRESHOLD: 2**31 - 1}

_kept = False


def keep() -> bool:
    """Let this process keep, on a CPU, what arrays above 32 MB (or several in one call) took, until it ends.

    glibc gives such memory back to the system as soon as it is free, and takes it again at the next step, 4 KB at a time; XLA computes in threads
    of its own, where that is so from smaller arrays on. A step that has many such arrays may spend more than half of its time with it. Afterwards
    freed memory stays with the process, of JAX and of all others in it: it remains as large as it was at its largest.

    It sets `M_ARENA_MAX` to 1, and `M_MMAP_THRESHOLD` and `M_TRIM_THRESHOLD` to their largest values. The same without Python:
    `MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=2147483647 MALLOC_TRIM_THRESHOLD_=2147483647` in the environment.

    Returns:
        Whether it was done; not where another allocator than glibc's is at work.

    Example:
        >>> import subprocess, sys
        >>> program = "from jaxtut import memory; memory.keep()"  # at the beginning
        >>> subprocess.run([sys.executable, "-c", program]).returncode
        0

    Raises:
        RuntimeError: JAX has computed something already: its threads have begun with areas of their own.

    The command line does this where the environment variable `JAXTUT_KEEP_MEMORY` is `1`.
    PyTorch's counterpart: none on a CPU; its tuning guide has users preload another allocator. On a GPU both keep what they have.
    """
    if _has_begun():
        raise RuntimeError("keep: call it before JAX computes anything; its threads have begun already")
    global _kept
    _kept = set_options({_ARENA_MAX: 1, **KEPT})
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
    return all(mallopt(number, value) for number, value in options.items())
