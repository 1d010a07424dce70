"""Cut a data set into batches, in the order in which PyTorch's loader does it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import repeat
from typing import Any

from jaxtut import torch_random

from .checks import boolean, generator_or_none, natural_int, positive_int
from .dataset import IterableDataset
from .fetching import Fetcher, make_fetcher
from .samplers import BatchSampler, RandomSampler, SequentialSampler, draw_seed
from .worker_process import Job
from .workers import Workers


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
        dataset: anything with a length n and samples by index, or an `IterableDataset`.
        batch_size: samples in one batch; None: single samples, as they are.
        shuffle: a new random order in every pass.
        sampler: indices in an order of your own; not together with `shuffle`.
        batch_sampler: lists of indices, a batch each; not together with what makes batches otherwise.
        num_workers: processes that read the samples; 0: this one.
        collate_fn: makes a batch of a list of samples; None: `default_collate`.
        pin_memory: taken for PyTorch's sake, without effect; `prefetch_to_device` copies ahead.
        drop_last: leave out the last batch if it is shorter.
        timeout: seconds to wait for a batch of the workers; 0 waits for ever.
        worker_init_fn: called with the worker's number in each worker, once its generators are seeded.
        multiprocessing_context: how workers are started: 'spawn' (None) or 'forkserver'.
        generator: where the random order comes from; None: `jaxtut.torch_random.default_generator`, looked up in every
            pass.
        prefetch_factor: batches that each worker is asked for ahead; None: 2.
        persistent_workers: keep the workers for the next pass; `close` ends them.
        in_order: batches in the order of the sampler; False: as the workers are done with them.

    Returns:
        Batches; for `ArrayDataset(X, y)` lists `[x, y]` of shapes (batch, features) and (batch,). `len` is their
        number: ceil(n / batch_size), or floor with `drop_last`.

    Example:
        >>> import numpy as np
        >>> from jaxtut.data import ArrayDataset
        >>> data = ArrayDataset(np.arange(5))
        >>> for (x,) in DataLoader(data, batch_size=2, shuffle=True, generator=torch_random.Generator(0)):
        ...     print(x)
        [3 1]
        [0 4]
        [2]

    Raises:
        TypeError: an argument of the wrong type; with workers, one that cannot be pickled.
        ValueError: a batch size below 1, `shuffle` of an empty data set, arguments that exclude each other, or 'fork',
            which would copy the locks of JAX's threads without the threads.
        WorkerError: in a pass: a worker was killed, ended, or gave no batch within `timeout`. What a worker raises is
            raised here, with its traceback in the message.

    With workers, a script needs `if __name__ == "__main__":`, since each of them imports it. Worker `i` seeds
    `torch_random.default_generator` and `random` with the base seed of the pass plus `i`, and NumPy as PyTorch does.

    PyTorch's counterpart: `torch.utils.data.DataLoader`. The same generator state gives the same batches, pass after
    pass, and is left in the same state. Differences: NumPy arrays instead of tensors; workers are spawned. An
    `ArrayDataset`, or a `Subset` of one, is read by one fancy index a batch.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: torch_random.Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        in_order: bool = True,
    ) -> None:
        self.dataset = dataset
        self.num_workers = natural_int("DataLoader", "num_workers", num_workers)
        self.collate_fn = collate_fn
        self.pin_memory = boolean("DataLoader", "pin_memory", pin_memory)
        self.drop_last = boolean("DataLoader", "drop_last", drop_last)
        self.timeout = _seconds(timeout)
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = _context(multiprocessing_context)
        self.generator = generator_or_none("DataLoader", generator)
        self.persistent_workers = boolean("DataLoader", "persistent_workers", persistent_workers)
        self.in_order = boolean("DataLoader", "in_order", in_order)
        if not num_workers:
            given = {
                "prefetch_factor": prefetch_factor,
                "persistent_workers": persistent_workers or None,
                "timeout": timeout or None,
            }
            if useless := [f"{name}={value}" for name, value in given.items() if value is not None]:
                raise ValueError(f"DataLoader: {', '.join(useless)} is for workers, but num_workers=0 was given")
        ahead = 2 if prefetch_factor is None else prefetch_factor
        self.prefetch_factor = positive_int("DataLoader", "prefetch_factor", ahead) if num_workers else None
        shuffled = boolean("DataLoader", "shuffle", shuffle) if shuffle is not None else False
        self._check_order(batch_size, shuffled, sampler, batch_sampler)
        self.batch_size = None
        if batch_size is not None and batch_sampler is None:
            self.batch_size = positive_int("DataLoader", "batch_size", batch_size)
        self._streamed = isinstance(dataset, IterableDataset)
        if sampler is None and not self._streamed:
            sampler = RandomSampler(dataset, generator=generator) if shuffled else SequentialSampler(dataset)
        self.sampler = sampler
        if batch_sampler is None and sampler is not None and self.batch_size is not None:
            batch_sampler = BatchSampler(sampler, self.batch_size, drop_last)
        self.batch_sampler = batch_sampler
        self._workers: Workers | None = None

    def _check_order(self, batch_size: Any, shuffle: bool, sampler: Any, batch_sampler: Any) -> None:
        if isinstance(self.dataset, IterableDataset):
            given = {"shuffle": shuffle or None, "sampler": sampler, "batch_sampler": batch_sampler}
            if wrong := [f"{name}={value}" for name, value in given.items() if value is not None]:
                raise ValueError(f"DataLoader: a stream has its own order, but {', '.join(wrong)} was given")
        if shuffle and sampler is not None:
            raise ValueError("DataLoader: sampler and shuffle=True both choose the order; give one of them")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or self.drop_last):
            raise ValueError(
                "DataLoader: batch_sampler makes the batches; give none of batch_size, shuffle, sampler and drop_last beside it"
            )
        if batch_size is None and self.drop_last:
            raise ValueError("DataLoader: batch_size=None makes no batches, so drop_last=True has none to leave out")

    @property
    def _batched(self) -> bool:
        return self.batch_size is not None or self.batch_sampler is not None

    def __len__(self) -> int:
        if self._streamed:
            samples = len(self.dataset)
            if self.batch_size is None:
                return samples
            return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)
        return len(self._tasks())  # pyright: ignore[reportArgumentType]  # asked only of samplers that have a length

    def _tasks(self) -> Iterable[Any]:
        if self._streamed:
            return repeat(self.batch_size)
        return self.batch_sampler if self.batch_sampler is not None else self.sampler  # pyright: ignore[reportReturnType]

    def __iter__(self) -> Iterator[Any]:
        if self._workers is not None and self._workers.connections:
            return self._workers.batches(iter(self._tasks()), keep=True)
        # PyTorch draws a base seed for its worker processes here, when the pass is opened, though there may be no
        # worker.
        base_seed = draw_seed(self.generator)
        if not self.num_workers:
            fetcher = make_fetcher(self.dataset, self._batched, self.collate_fn, self.drop_last)
            return _read(fetcher, iter(self._tasks()))
        workers = self._start(base_seed)
        self._workers = workers if self.persistent_workers else None
        return workers.batches(iter(self._tasks()), keep=self.persistent_workers)

    def _start(self, base_seed: int) -> Workers:
        job = Job(
            self.dataset,
            self._batched,
            self.collate_fn,
            self.drop_last,
            self.worker_init_fn,
            0,
            self.num_workers,
            base_seed,
        )
        jobs = [replace(job, id=i) for i in range(self.num_workers)]
        return Workers(jobs, self.multiprocessing_context, self.timeout, self.prefetch_factor or 2, self.in_order)

    def close(self) -> None:
        """End persistent workers; the next pass starts new ones."""
        if self._workers is not None:
            self._workers.close()
            self._workers = None


def _read(fetcher: Fetcher, tasks: Iterator[Any]) -> Iterator[Any]:
    for task in tasks:
        try:
            batch = fetcher.fetch(task)
        except StopIteration:
            return
        yield batch


def _seconds(timeout: object) -> float:
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(f"DataLoader: timeout must be a number of seconds, but {timeout!r} was given")
    if not timeout >= 0:
        raise ValueError(f"DataLoader: timeout must not be negative, but {timeout} was given")
    return timeout


def _context(context: Any) -> Any:
    method = context if context is None or isinstance(context, str) else context.get_start_method()
    if method not in (None, "spawn", "forkserver"):
        raise ValueError(
            f"DataLoader: multiprocessing_context must be 'spawn' or 'forkserver', but {method!r} was given"
        )
    return "spawn" if context is None else context
