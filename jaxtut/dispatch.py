"""Compute in the thread that asks, as PyTorch does on a CPU, and not in another one that must be woken up first."""

import jax

from .beginning import require_before

_OPTION = "jax_cpu_enable_async_dispatch"


def run_inline() -> None:
    """Let this process, on a CPU, run each compiled program in the thread that calls it.

    JAX hands a program that is not quite small to a thread of its own and returns at once. Waking that thread, and the caller when it is done, takes
    some 50 µs to 100 µs (two cores of an AMD EPYC): as long as a step of a small network. What it is good for is a caller that has something to do
    in the meantime, such as reading the next batch; where batches are on the device, or come from workers, it has not.

    Call it at the beginning, before JAX computes or lists its devices. Programs for several devices still run in threads of their own.

    It turns JAX's `jax_cpu_enable_async_dispatch` off; `JAX_CPU_ENABLE_ASYNC_DISPATCH=0` in the environment does the same.

    Example:
        >>> import subprocess, sys
        >>> program = "from jaxtut import dispatch; dispatch.run_inline()"  # at the beginning
        >>> subprocess.run([sys.executable, "-c", program]).returncode
        0

    Raises:
        RuntimeError: JAX has begun already.

    PyTorch's counterpart: none; its operations on a CPU run in the calling thread, and share their work with others.
    """
    if not is_inline():
        require_before("run_inline", "it has started its threads already")
        jax.config.update(_OPTION, False)


def is_inline() -> bool:
    """Return whether JAX's option says so, which has no effect if it was set after JAX had begun."""
    return not jax.config.values.get(_OPTION, True)
