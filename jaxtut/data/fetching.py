"""From indices to a batch: read the samples of a data set and put them together."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, Protocol

import numpy as np

from .collate import default_collate
from .dataset import ArrayDataset, IterableDataset, Subset

Collate = Callable[[Any], Any]


class Fetcher(Protocol):
    """Gives a batch for what the index sampler says."""

    def fetch(self, task: Any) -> Any:
        """Return the batch; `StopIteration` says that there is none left."""
        ...


def make_fetcher(dataset: Any, batched: bool, collate: Collate | None, drop_last: bool) -> Fetcher:
    """Return what reads this kind of data set; an iterable one starts a new pass here.

    Args:
        dataset: with samples by index, or an `IterableDataset`.
        batched: whether a task is a whole batch, or a single sample that is given as it is.
        collate: makes the batch; None: `default_collate`, or for single samples nothing.
        drop_last: leave out a shorter last batch of an iterable data set.
    """
    if isinstance(dataset, IterableDataset):
        return IterableFetcher(dataset, batched, collate, drop_last)
    return MapFetcher(dataset, batched, collate)


class MapFetcher:
    """Reads samples by index; an `ArrayDataset`, or a `Subset` of one, by one fancy index a batch."""

    def __init__(self, dataset: Any, batched: bool, collate: Collate | None) -> None:
        self.dataset, self.batched, self.collate = dataset, batched, collate

    def fetch(self, task: Any) -> Any:
        """Return the batch of these indices, or the sample of this index."""
        if not self.batched:
            sample = self.dataset[task]
            return sample if self.collate is None else self.collate(sample)
        whole = _rows(self.dataset, task) if self.collate is None else None
        if whole is not None:
            return whole
        together = getattr(self.dataset, "__getitems__", None)
        samples = [self.dataset[index] for index in task] if together is None else together(task)
        return (self.collate or default_collate)(samples)


class IterableFetcher:
    """Reads samples in the order in which the data set gives them; a task says how many."""

    def __init__(self, dataset: IterableDataset, batched: bool, collate: Collate | None, drop_last: bool) -> None:
        self.samples = iter(dataset)
        self.batched, self.collate, self.drop_last = batched, collate, drop_last
        self.ended = False

    def fetch(self, task: Any) -> Any:
        """Return the next `task` samples as a batch, or the next sample."""
        if not self.batched:
            sample = next(self.samples)
            return sample if self.collate is None else self.collate(sample)
        samples = [] if self.ended else list(islice(self.samples, task))
        self.ended = len(samples) < task
        if not samples or (self.drop_last and self.ended):
            raise StopIteration
        return (self.collate or default_collate)(samples)


def _rows(dataset: Any, indices: Any) -> list[Any] | None:
    """The batch by one fancy index an array; None where samples have to be asked for one by one."""
    # A subclass with its own __getitem__, which may transform the sample, has to be asked.
    asked = type(dataset).__getitem__ if hasattr(type(dataset), "__getitem__") else None
    if isinstance(dataset, Subset) and asked is Subset.__getitem__:
        return _rows(dataset.dataset, [dataset.indices[index] for index in indices])
    if isinstance(dataset, ArrayDataset) and asked is ArrayDataset.__getitem__:
        # `take` is faster than a fancy index, but gives a mapped array back as one.
        return [a[indices] if isinstance(a, np.memmap) else a.take(indices, 0) for a in dataset.arrays]
    return None
