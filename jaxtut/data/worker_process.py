"""What runs inside a worker process of a loader: read tasks, send batches."""

from __future__ import annotations

import pickle
import queue
import random
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from jaxtut import torch_random

from .fetching import Collate, Fetcher, make_fetcher

BATCH, ENDED, FAILED = "batch", "ended", "failed"


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker process knows of itself.

    Attributes:
        id: its number, from 0.
        num_workers: how many there are.
        seed: what its generators were seeded with: the base seed of the loader plus `id`.
        dataset: its own copy of the data set.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


@dataclass(frozen=True)
class Job:
    """All that a worker needs, once."""

    dataset: Any
    batched: bool
    collate: Collate | None
    drop_last: bool
    init: Callable[[int], Any] | None
    id: int
    num_workers: int
    base_seed: int


@dataclass(frozen=True)
class Failure:
    """An exception as it travels: its type, if that can be pickled, and its traceback as text."""

    kind: type[BaseException] | None
    text: str


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Return what this worker process of a `DataLoader` is; None in any other process.

    PyTorch's counterpart: `torch.utils.data.get_worker_info`. An `IterableDataset` asks it which share of the samples to give.
    """
    return _info


def run(job: Job, connection: Connection) -> None:
    """Answer (task number, task) with (task number, what, payload) until the connection closes; (None, None) starts a new pass."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and closes the connection
    outbox: queue.SimpleQueue = queue.SimpleQueue()
    # Batches are sent beside the reading of the next ones: a full pipe holds the sender up.
    threading.Thread(target=_send, args=(outbox, connection), daemon=True).start()
    failure = _start(job)
    fetcher: Fetcher | None = None
    ended = False
    while True:
        try:
            number, task = connection.recv()
        except (EOFError, OSError):
            return
        if number is None:
            fetcher, ended = None, False
            continue
        if ended:
            continue
        try:
            if failure is not None:
                outbox.put(pickle.dumps((number, FAILED, failure)))
                continue
            if fetcher is None:
                fetcher = make_fetcher(job.dataset, job.batched, job.collate, job.drop_last)
            # Pickled here, where an object that cannot be is an exception like others.
            outbox.put(pickle.dumps((number, BATCH, fetcher.fetch(task)), pickle.HIGHEST_PROTOCOL))
        except StopIteration:
            ended = True
            outbox.put(pickle.dumps((number, ENDED, None)))
        except Exception as error:
            outbox.put(pickle.dumps((number, FAILED, described(error, job.id))))


def _start(job: Job) -> Failure | None:
    global _info
    seed = job.base_seed + job.id
    random.seed(seed)
    torch_random.manual_seed(seed)
    np.random.seed(numpy_seed(job.base_seed, job.id))
    _info = WorkerInfo(job.id, job.num_workers, seed, job.dataset)
    try:
        if job.init is not None:
            job.init(job.id)
    except Exception as error:
        return described(error, job.id)
    return None


def numpy_seed(base_seed: int, worker: int) -> np.ndarray:
    """Return what PyTorch seeds NumPy's global generator with in a worker: four words of a seed sequence."""
    entropy = [worker, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    return np.random.SeedSequence(entropy).generate_state(4)


def described(error: BaseException, worker: int) -> Failure:
    """Describe an exception for the parent."""
    kind = type(error)
    try:
        pickle.dumps(kind)
    except (pickle.PicklingError, AttributeError, TypeError):
        kind = None
    lines = traceback.format_exception(error)
    return Failure(kind, f"Caught {type(error).__name__} in worker process {worker}.\nOriginal {''.join(lines)}")


def _send(outbox: queue.SimpleQueue, connection: Connection) -> None:
    try:
        while True:
            connection.send_bytes(outbox.get())
    except (OSError, ValueError):  # the parent is gone
        return
