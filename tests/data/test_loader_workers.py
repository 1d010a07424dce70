"""Worker processes: the batches and random numbers of PyTorch's loader, exceptions with their traceback, and what happens to the killed."""

import gc
import multiprocessing
import os
import pickle
import random
import signal
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch

import torch_ref.data
from jaxtut import data, torch_random
from jaxtut.errors import WorkerError

SPAWN = {"multiprocessing_context": "spawn"}


class Numbers(data.Dataset):
    """Sample i is i, and what each random generator of the worker says next."""

    def __len__(self):
        return 11

    def __getitem__(self, index):
        drawn = torch_random.default_generator.rand(1)
        return index, drawn, np.array([random.random()]), np.random.random(1)


class TorchNumbers(torch.utils.data.Dataset):
    def __len__(self):
        return 11

    def __getitem__(self, index):
        return index, torch.rand(1), np.array([random.random()]), np.random.random(1)


class Stream(data.IterableDataset):
    """As many samples in each worker as its number says."""

    def __init__(self, sizes):
        self.sizes = sizes

    def __iter__(self):
        worker = data.get_worker_info()
        which = 0 if worker is None else worker.id
        yield from range(100 * which, 100 * which + self.sizes[which])


class TorchStream(torch.utils.data.IterableDataset):
    def __init__(self, sizes):
        self.sizes = sizes

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        which = 0 if worker is None else worker.id
        yield from range(100 * which, 100 * which + self.sizes[which])


class OddError(Exception):
    def __init__(self, code, place):
        super().__init__(f"{code} at {place}")


class Broken(data.Dataset):
    def __init__(self, kind):
        self.kind = kind

    def __len__(self):
        return 6

    def __getitem__(self, index):
        if index != 3:
            return index
        if self.kind == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "slow":
            time.sleep(60)
        raise {"value": ValueError("sample three"), "key": KeyError("three"), "odd": OddError(3, "three")}[self.kind]


def refuse_to_start(worker):
    raise RuntimeError(f"no licence for {worker}")


def count_from(worker):
    torch_random.manual_seed(1000 + worker)


def as_lists(loader):
    return [[np.asarray(part).tolist() for part in batch] for batch in loader]


def children():
    gc.collect()
    return [p for p in multiprocessing.active_children() if p.name.startswith("DataLoader")]


@pytest.mark.long
@pytest.mark.parametrize("persistent", [False, True])
def test_batches_and_random_numbers_of_two_workers_are_pytorch_s(persistent: bool) -> None:
    ours, theirs = torch_random.Generator(3), torch.Generator().manual_seed(3)
    options = {"batch_size": 2, "shuffle": True, "num_workers": 2, "persistent_workers": persistent}
    mine = data.DataLoader(Numbers(), generator=ours, **options)
    reference = torch.utils.data.DataLoader(TorchNumbers(), generator=theirs, **SPAWN, **options)
    for _ in range(2):
        assert as_lists(mine) == as_lists(reference)
        np.testing.assert_array_equal(ours.get_state(), theirs.get_state().numpy())
    mine.close()
    assert children() == []


@pytest.mark.parametrize(
    "options", [{"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": None}], ids=str
)
def test_streams(options: dict) -> None:
    sizes = (7, 2)
    alone = [np.asarray(b).tolist() for b in data.DataLoader(Stream(sizes), **options)]
    assert alone == [np.asarray(b).tolist() for b in torch.utils.data.DataLoader(TorchStream(sizes), **options)]
    shared = [np.asarray(b).tolist() for b in data.DataLoader(Stream(sizes), num_workers=2, **options)]
    reference = torch.utils.data.DataLoader(TorchStream(sizes), num_workers=2, **SPAWN, **options)
    assert shared == [np.asarray(b).tolist() for b in reference]


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [("value", ValueError, "sample three"), ("key", KeyError, "three"), ("odd", WorkerError, "OddError: 3 at three")],
)
def test_an_exception_comes_with_its_type_and_traceback(kind: str, error: type, message: str) -> None:
    loader = data.DataLoader(Broken(kind), batch_size=2, num_workers=1)
    batches = iter(loader)
    assert next(batches).tolist() == [0, 1]
    with pytest.raises(error, match=message) as caught:
        next(batches)
    assert "in worker process 0" in str(caught.value)
    assert "__getitem__" in str(caught.value)
    assert children() == []


def test_a_killed_worker_is_reported() -> None:
    with pytest.raises(WorkerError, match=r"worker 0 \(pid \d+\) exited unexpectedly, with exit code -9"):
        list(data.DataLoader(Broken("killed"), batch_size=2, num_workers=1))
    assert children() == []


def test_a_batch_that_does_not_come_in_time_is_reported() -> None:
    loader = data.DataLoader(Broken("slow"), batch_size=2, num_workers=1, timeout=8)
    start = time.monotonic()
    with pytest.raises(WorkerError, match="no batch came within timeout=8 seconds"):
        list(loader)
    assert time.monotonic() - start < 30
    assert children() == []


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let an interrupt raise, also where the tests were started in the background of a shell, which has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_the_workers() -> None:
    batches = iter(data.DataLoader(Broken("slow"), batch_size=2, num_workers=1))
    next(batches)
    timer = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        next(batches)
    assert children() == []


def test_a_pass_that_is_broken_off_leaves_no_process() -> None:
    batches = iter(data.DataLoader(Numbers(), num_workers=2))
    next(batches)
    del batches
    assert children() == []


def test_persistent_workers_forget_a_pass_that_was_broken_off() -> None:
    loader = data.DataLoader(range(40), batch_size=4, num_workers=1, persistent_workers=True, collate_fn=list)
    for _, batch in zip(range(2), loader, strict=False):
        assert batch
    assert [batch[0] for batch in loader] == list(range(0, 40, 4))
    loader.close()
    assert children() == []


def test_worker_init_fn() -> None:
    with pytest.raises(RuntimeError, match="no licence for 0"):
        list(data.DataLoader(Numbers(), num_workers=1, worker_init_fn=refuse_to_start))
    (first, *_) = data.DataLoader(Numbers(), num_workers=1, worker_init_fn=count_from)
    np.testing.assert_array_equal(first[1][0], torch_random.Generator(1000).rand(1))


def test_out_of_order_gives_every_batch_once() -> None:
    loader = data.DataLoader(range(30), batch_size=3, num_workers=2, in_order=False, collate_fn=list)
    assert sorted(loader) == [list(range(i, i + 3)) for i in range(0, 30, 3)]


def test_what_cannot_be_pickled_is_refused_in_words() -> None:
    with pytest.raises(TypeError, match="defined at the top of a module"):
        list(data.DataLoader(range(3), num_workers=1, collate_fn=lambda batch: batch))


def test_mapped_arrays_are_not_sent_to_workers_but_opened_there(tmp_path) -> None:
    whole = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (1000, 64))
    whole[:] = np.arange(1000, dtype=np.float32)[:, None]
    whole.flush()
    mapped = data.ArrayDataset(np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert len(pickle.dumps(mapped)) < 1000
    assert len(pickle.dumps(data.ArrayDataset(mapped.arrays[0][10:]))) > 200_000  # a part is sent
    firsts = [batch[0][:, 0].tolist() for batch in data.DataLoader(mapped, batch_size=250, num_workers=1)]
    assert firsts == np.arange(1000).reshape(4, 250).tolist()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_workers": -1}, ValueError, "num_workers must not be negative, but -1"),
        ({"num_workers": 1.0}, TypeError, "num_workers must be an int"),
        ({"timeout": -1}, ValueError, "timeout must not be negative"),
        ({"timeout": 3}, ValueError, "timeout=3 is for workers"),
        ({"prefetch_factor": 2}, ValueError, "prefetch_factor=2 is for workers"),
        ({"prefetch_factor": 0}, ValueError, "prefetch_factor=0 is for workers"),
        ({"num_workers": 1, "prefetch_factor": 0}, ValueError, "prefetch_factor must be at least 1, but 0"),
        ({"persistent_workers": True}, ValueError, "persistent_workers=True is for workers"),
        ({"batch_size": None, "drop_last": True}, ValueError, "batch_size=None makes no batches"),
        ({"batch_sampler": [[0]], "batch_size": 2}, ValueError, "batch_sampler makes the batches"),
        ({"batch_sampler": [[0]], "shuffle": True}, ValueError, "batch_sampler makes the batches"),
        ({"sampler": [0], "shuffle": True}, ValueError, "sampler and shuffle=True"),
        (
            {"num_workers": 1, "multiprocessing_context": "fork"},
            ValueError,
            "must be 'spawn' or 'forkserver', but 'fork'",
        ),
    ],
    ids=str,
)
def test_arguments_that_are_refused(options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        data.DataLoader(range(5), **options)


@pytest.mark.parametrize("options", [{"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}], ids=str)
def test_a_stream_has_its_own_order(options: dict) -> None:
    with pytest.raises(ValueError, match="a stream has its own order"):
        data.DataLoader(Stream((1,)), **options)
    with pytest.raises(ValueError, match="IterableDataset"):
        torch_ref.data.DataLoader(TorchStream((1,)), **options)


def test_single_samples_and_batches_of_one_s_own() -> None:
    arrays = np.arange(8.0).reshape(4, 2), np.arange(4)
    mine, reference = data.ArrayDataset(*arrays), torch_ref.data.ArrayDataset(*arrays)
    for options in ({"batch_size": None}, {"batch_sampler": [[3, 0], [1]]}, {"batch_size": None, "shuffle": True}):
        ours, theirs = torch_random.Generator(1), torch.Generator().manual_seed(1)
        a = data.DataLoader(mine, generator=ours, **options)
        b = torch.utils.data.DataLoader(reference, generator=theirs, **options)
        assert len(a) == len(b)
        assert as_lists(a) == as_lists(b)


def test_samples_asked_for_together() -> None:
    class Together(data.Dataset):
        def __len__(self):
            return 4

        def __getitems__(self, indices):
            return [10 * i for i in indices]

    assert [batch.tolist() for batch in data.DataLoader(Together(), batch_size=3)] == [[0, 10, 20], [30]]


def test_prefetch_keeps_order_and_asks_no_further_ahead_than_told() -> None:
    asked = []

    def batches():
        for i in range(6):
            asked.append(i)
            yield {"x": np.full(2, i)}

    for i, batch in enumerate(data.prefetch_to_device(batches(), size=2)):
        assert batch["x"].tolist() == [i, i]
        assert len(asked) <= i + 3
    with pytest.raises(ValueError, match="size must be at least 1"):
        data.prefetch_to_device([], size=0)
