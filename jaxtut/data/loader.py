"""Cut a data set into batches, in the order in which PyTorch's loader does it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jaxtut import torch_random

from .checks import boolean, generator_or_none, positive_int
from .collate import default_collate
from .dataset import ArrayDataset, Subset
from .samplers import BatchSampler, RandomSampler, SequentialSampler, draw_seed


def iterations_per_epoch(total_samples: int, batch_size: int) -> int:
    """How many batches one pass over all samples takes.

    ceil(total_samples / batch_size); the last batch may be shorter.

    Example:
        >>> iterations_per_epoch(178, 4)
        45

    Raises:
        TypeError: an argument that is no int.
        ValueError: an argument below 1.
    """
    samples = positive_int("iterations_per_epoch", "total_samples", total_samples)
    return math.ceil(samples / positive_int("iterations_per_epoch", "batch_size", batch_size))


class DataLoader:
    """An iterable around a data set: every pass (epoch) gives all its samples once, in batches.

    Args:
        dataset: anything with a length n and samples by index.
        batch_size: samples in one batch.
        shuffle: a new random order in every pass.
        sampler: indices in an order of your own; not together with `shuffle`.
        drop_last: leave out the last batch if it is shorter.
        collate_fn: makes a batch of a list of samples; None: `default_collate`.
        generator: where the random order comes from; None: `jaxtut.torch_random.default_generator`, looked up in every
            pass.

    Returns:
        Batches; for `ArrayDataset(X, y)` lists `[x, y]` of shapes (batch, features) and (batch,). `len` is their
        number: ceil(n / batch_size), or floor with `drop_last`.

    Example:
        >>> import numpy as np
        >>> data = ArrayDataset(np.arange(5))
        >>> for (x,) in DataLoader(data, batch_size=2, shuffle=True, generator=torch_random.Generator(0)):
        ...     print(x)
        [3 1]
        [0 4]
        [2]

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a batch size below 1, an empty data set, or a sampler together with `shuffle`.

    PyTorch's counterpart: `torch.utils.data.DataLoader`. The same generator state gives the same batches, pass after
    pass, and is left in the same state. Differences: NumPy arrays instead of tensors; an empty data set is refused
    always, not only with `shuffle`; what follows `sampler` is given by keyword; there are no worker processes, since
    JAX runs threads that a forked process does not have. An `ArrayDataset`, or a `Subset` of one, is read by one fancy
    index a batch.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        sampler: Iterable[int] | None = None,
        *,
        drop_last: bool = False,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        generator: torch_random.Generator | None = None,
    ) -> None:
        if not len(dataset):
            raise ValueError("DataLoader: the data set is empty, so there is no batch to give")
        if boolean("DataLoader", "shuffle", shuffle) and sampler is not None:
            raise ValueError("DataLoader: sampler and shuffle=True both choose the order; give one of them")
        self.dataset = dataset
        self.batch_size = positive_int("DataLoader", "batch_size", batch_size)
        self.drop_last = boolean("DataLoader", "drop_last", drop_last)
        self.collate_fn = collate_fn
        self.generator = generator_or_none("DataLoader", generator)
        if sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler = sampler
        self.batch_sampler = BatchSampler(sampler, batch_size, drop_last)

    def __len__(self) -> int:
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[Any]:
        # PyTorch draws a base seed for its worker processes here, when the pass is opened, though there may be no
        # worker.
        draw_seed(self.generator)
        return self._batches()

    def _batches(self) -> Iterator[Any]:
        collate = default_collate if self.collate_fn is None else self.collate_fn
        for indices in self.batch_sampler:
            whole = None if self.collate_fn is not None else _rows(self.dataset, indices)
            yield collate([self.dataset[index] for index in indices]) if whole is None else whole


def _rows(dataset: Any, indices: list[int]) -> list[Any] | None:
    """The batch by one fancy index an array; None where samples have to be asked for one by one."""
    # A subclass with its own __getitem__, which may transform the sample, has to be asked.
    asked = type(dataset).__getitem__
    if isinstance(dataset, Subset) and asked is Subset.__getitem__:
        return _rows(dataset.dataset, [dataset.indices[index] for index in indices])
    if isinstance(dataset, ArrayDataset) and asked is ArrayDataset.__getitem__:
        return [array[indices] for array in dataset.arrays]
    return None
