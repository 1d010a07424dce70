"""Copy batches to the device ahead of their use."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import torch
from torch.utils._pytree import tree_map


def prefetch_to_device(batches: Iterable[Any], size: int = 2, device: Any = None) -> Iterator[Any]:
    """Yield the same batches on the device, `size` of them on their way at a time.

    Args:
        batches: trees of tensors or NumPy arrays; tensors in pinned memory are copied while the caller computes.
        size: how many batches are under way or waiting.
        device: a torch device; None: the CPU.

    Example:
        >>> [int(x) for (x,) in prefetch_to_device([[torch.tensor(1)], [torch.tensor(2)]])]
        [1, 2]

    The counterpart in JAX is `jaxtut.data.prefetch_to_device`.
    """
    if size < 1:
        raise ValueError(f"prefetch_to_device: size must be at least 1, but {size} was given")
    return _prefetched(iter(batches), size, device or torch.device("cpu"))


def _prefetched(batches: Iterator[Any], size: int, device: Any) -> Iterator[Any]:
    def moved(batch: Any) -> Any:
        return tree_map(lambda x: torch.as_tensor(x).to(device, non_blocking=True), batch)

    waiting: deque[Any] = deque(moved(batch) for batch in islice(batches, size))
    while waiting:
        ready = waiting.popleft()
        waiting.extend(moved(batch) for batch in islice(batches, 1))
        yield ready
