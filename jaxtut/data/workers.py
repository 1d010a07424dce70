"""Worker processes of a loader, as their parent sees them: hand out tasks, take batches, notice what dies."""

from __future__ import annotations

import multiprocessing
import pickle
import time
from collections.abc import Iterator
from itertools import count
from multiprocessing.connection import Connection, wait
from typing import Any

from jaxtut.errors import WorkerError

from .worker_process import BATCH, ENDED, FAILED, Failure, Job, run

# How long a worker may take to end by itself once its connection is closed.
_PATIENCE = 5.0


class Workers:
    """Processes that are started afresh (spawned): a forked one would hold JAX's locks without the threads that open them.

    Args:
        jobs: one a worker.
        context: a start method, or a multiprocessing context.
        timeout: seconds to wait for a batch; 0 waits for ever.
        ahead: how many tasks each worker is given before its first batch is asked for.
        in_order: batches in the order of their tasks, or as they come.
    """

    def __init__(self, jobs: list[Job], context: Any, timeout: float, ahead: int, in_order: bool) -> None:
        spawn: Any = multiprocessing.get_context(context) if isinstance(context, str) else context
        self.timeout, self.ahead, self.in_order = timeout, ahead, in_order
        self.connections: list[Connection] = []
        self.processes: list[Any] = []
        self.numbers = count()
        try:
            for job in jobs:
                ours, theirs = spawn.Pipe()
                process = spawn.Process(target=run, args=(job, theirs), daemon=True, name=f"DataLoader worker {job.id}")
                _started(process)
                theirs.close()
                self.connections.append(ours)
                self.processes.append(process)
        except BaseException:
            self.close()
            raise

    def batches(self, tasks: Iterator[Any], keep: bool) -> Iterator[Any]:
        """Yield the batches of one pass; the processes end after it, however it ends, unless `keep` says otherwise."""
        try:
            yield from _Pass(self, tasks)
        except WorkerError:
            keep = False
            raise
        finally:
            if not keep:
                self.close()

    def send(self, worker: int, message: Any) -> None:
        """Send a message to a worker."""
        try:
            self.connections[worker].send(message)
        except OSError:
            self._died(worker)

    def receive(self, busy: set[int]) -> tuple[int, Any]:
        """Return the next message of one of the workers that have something to do, and which it was."""
        limit = time.monotonic() + self.timeout if self.timeout else None
        waiting = {id(self.connections[w]): w for w in busy}
        ready = wait([self.connections[w] for w in busy], None if limit is None else limit - time.monotonic())
        if not ready:
            raise WorkerError(f"DataLoader: no batch came within timeout={self.timeout} seconds")
        worker = waiting[id(ready[0])]
        try:
            return worker, pickle.loads(self.connections[worker].recv_bytes())
        except (EOFError, OSError):
            self._died(worker)
            raise AssertionError from None

    def _died(self, worker: int) -> None:
        process = self.processes[worker]
        process.join(_PATIENCE)
        raise WorkerError(
            f"DataLoader: worker {worker} (pid {process.pid}) exited unexpectedly, with exit code {process.exitcode}; "
            "a negative code is the signal that killed it"
        ) from None

    def close(self) -> None:
        """End all processes; what does not end by itself is killed."""
        for connection in self.connections:
            connection.close()
        limit = time.monotonic() + _PATIENCE
        for process in self.processes:
            process.join(max(0.0, limit - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
        self.connections, self.processes = [], []


def _started(process: Any) -> None:
    try:
        process.start()
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            "DataLoader: with num_workers > 0 the data set, collate_fn and worker_init_fn are pickled for the worker processes, so they must be "
            f"defined at the top of a module: {error}"
        ) from error


class _Pass:
    """One pass over the tasks, handed round from worker to worker as PyTorch does."""

    def __init__(self, workers: Workers, tasks: Iterator[Any]) -> None:
        self.workers, self.tasks = workers, tasks
        self.active = [True] * len(workers.connections)
        self.load = [0] * len(workers.connections)
        self.turn = 0
        self.given: dict[int, int] = {}  # the worker of each task that is not answered, in the order of the tasks
        self.results: dict[int, Any] = {}
        for worker in range(len(workers.connections)):
            workers.send(worker, (None, None))
        for _ in range(workers.ahead * len(workers.connections)):
            self._give()

    def _give(self) -> None:
        try:
            task = next(self.tasks)
        except StopIteration:
            return
        for _ in self.active:
            worker = self.turn
            self.turn = (self.turn + 1) % len(self.active)
            most = self.workers.ahead * len(self.active) // max(sum(self.active), 1)
            if self.active[worker] and (self.workers.in_order or self.load[worker] < most):
                break
        else:
            return
        number = next(self.workers.numbers)
        self.given[number] = worker
        self.load[worker] += 1
        self.workers.send(worker, (number, task))

    def __iter__(self) -> Iterator[Any]:
        while self.given:
            number = next(iter(self.given))
            if self.workers.in_order and number not in self.results:
                if self.active[self.given[number]]:
                    self._take()
                else:
                    del self.given[number]  # its worker had no sample left
                continue
            if not self.workers.in_order:
                if not self.results:
                    if not any(self.active[worker] for worker in self.given.values()):
                        return
                    self._take()
                    continue
                number = next(iter(self.results))
            what, payload = self.results.pop(number)
            self.load[self.given.pop(number)] -= 1
            self._give()
            if what == FAILED:
                _raise(payload)
            yield payload

    def _take(self) -> None:
        busy = {worker for number, worker in self.given.items() if self.active[worker] and number not in self.results}
        worker, (number, what, payload) = self.workers.receive(busy)
        if number not in self.given:
            return  # of a pass that was broken off
        if what == ENDED:
            self.active[worker] = False
            self.load[worker] -= 1
            del self.given[number]
            self._give()
            return
        assert what in (BATCH, FAILED)
        self.results[number] = (what, payload)


def _raise(failure: Failure) -> None:
    """Raise an exception of a worker here, of its own type and with the traceback that it had there."""
    if failure.kind is not None:
        try:
            text = _Verbatim(failure.text) if issubclass(failure.kind, KeyError) else failure.text
            error = failure.kind(text)
        except Exception:  # a type that is not made from a message
            error = None
        if error is not None:
            raise error
    raise WorkerError(failure.text)


class _Verbatim(str):
    """A message that a KeyError shows with its line breaks."""

    def __repr__(self) -> str:
        return str(self)
