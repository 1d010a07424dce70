"""Copy batches to the device ahead of their use."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from .checks import positive_int


def prefetch_to_device(batches: Iterable[Any], size: int = 2, device: Any = None) -> Iterator[Any]:
    """Yield the same batches as JAX arrays on the device, `size` of them on their way at a time.

    JAX copies while the caller computes: `jax.device_put` returns at once.

    Args:
        batches: trees of NumPy arrays, as a `DataLoader` gives them.
        size: how many batches are under way or waiting.
        device: a JAX device or sharding; None: the default device.

    Yields:
        Trees of `jax.Array`; float64 becomes float32 unless JAX's 64-bit mode is on.

    Example:
        >>> [int(x) for (x,) in prefetch_to_device([[1], [2]])]
        [1, 2]

    Raises:
        TypeError, ValueError: `size` is no int of at least 1.

    PyTorch's counterpart: `pin_memory=True` with `.to(device, non_blocking=True)`.
    """
    ahead = positive_int("prefetch_to_device", "size", size)
    return _prefetched(iter(batches), ahead, device)


def _prefetched(batches: Iterator[Any], ahead: int, device: Any) -> Iterator[Any]:
    import jax

    waiting: deque[Any] = deque(jax.device_put(batch, device) for batch in islice(batches, ahead))
    while waiting:
        ready = waiting.popleft()
        waiting.extend(jax.device_put(batch, device) for batch in islice(batches, 1))
        yield ready
