"""Threads that share a program: whoever calls, whenever, however many there are, every piece is done once, and nobody waits for ever."""

import ctypes
import subprocess
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxtut.functional as F
from jaxtut.native import library, machine, pool

pytestmark = pytest.mark.skipif(machine.host() is None, reason="no programs can be compiled for this processor")


@jax.jit
def gradients(x, w):
    return jax.grad(lambda x, w: (F.conv2d(x, w, padding=1) ** 2).sum(), (0, 1))(x, w)


def arrays(seed):
    draw = np.random.default_rng(seed).standard_normal
    return jnp.asarray(draw((8, 16, 20, 20), "float32")), jnp.asarray(draw((32, 16, 3, 3), "float32"))


def test_many_callers_at_once_get_what_one_gets():
    """More than there are slots for jobs, so that some work alone."""
    callers = [arrays(seed) for seed in range(pool.SLOTS + 4)]
    expected = [jax.device_get(gradients(*each)) for each in callers]
    wrong = []

    def call(number):
        for _ in range(20):
            found = jax.device_get(gradients(*callers[number]))
            wrong.extend(number for a, b in zip(found, expected[number], strict=True) if not np.array_equal(a, b))

    threads = [threading.Thread(target=call, args=(i,)) for i in range(len(callers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []


@pytest.mark.parametrize("pause", [0.0, 1e-5, 5e-5, 2e-4, 1e-3, 30e-3])
def test_threads_that_look_and_threads_that_sleep_help(pause):
    """Between two calls they look for work, fall asleep or have long been asleep."""
    x, w = arrays(0)
    expected = jax.device_get(gradients(x, w))
    for _ in range(30 if pause < 0.01 else 5):
        end = time.perf_counter() + pause
        while time.perf_counter() < end:
            pass
        for a, b in zip(jax.device_get(gradients(x, w)), expected, strict=True):
            np.testing.assert_array_equal(a, b)


NUMBER = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p * 4))
SCHEDULE = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
STAGE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)


def share(piece, count, threads=2):
    """Have `piece` called for each number below `count`, as a program has its stages, where XLA says how many threads it has."""

    def tell(asked):
        ctypes.c_int64.from_address(asked.contents[3]).value = threads

    gradients(*arrays(0))  # so that the threads are there
    callbacks = NUMBER(tell), SCHEDULE(lambda call: None), STAGE(lambda _, number: piece(number))
    number, schedule, stage = (ctypes.cast(callback, ctypes.c_void_p) for callback in callbacks)
    api, frame = (ctypes.c_void_p * 32)(), (ctypes.c_void_p * 4)()
    api[18], api[17] = number.value, schedule.value
    frame[2], frame[3] = ctypes.addressof(api), 1
    address = library._engines["pool"].get_function_address("jaxtut_share")
    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(address)
    run(ctypes.addressof(frame), stage, None, count)


@pytest.mark.parametrize("threads", [1, 2, 3, 64, 100])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_every_piece_is_done_once(count, threads):
    done = []
    share(done.append, count, threads)
    assert sorted(done) == list(range(count))


@pytest.mark.skipif(sys.platform != "linux" or pool._cores() < 2, reason="there are no threads of our own")
def test_others_help_however_many_jobs_there_were():
    helpers = [set() for _ in range(4 * pool.SLOTS)]
    for own in helpers:

        def piece(number, own=own):
            own.add(threading.get_ident())
            time.sleep(2e-3)

        share(piece, 8)
    # On a busy machine not in every one.
    assert any(len(own) > 1 for own in helpers[2 * pool.SLOTS :])


# The first argument says on how many cores, the second whose threads there are.
PROGRAM = """
import os, sys
if sys.argv[1] == "one":
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
import numpy as np
from jaxtut.native import pool
begun = []
start = pool.start
pool.start = lambda engine: begun.append(start(engine))
if sys.argv[2] == "xla":
    pool._cores = lambda: 1
import jax, jax.numpy as jnp
import jaxtut.functional as F
y = jax.jit(lambda x: F.conv2d(x, jnp.ones((32, 16, 3, 3))))(jnp.ones((16, 16, 30, 30)))
for _ in range(50):
    y = jax.jit(lambda x: F.conv2d(x, jnp.ones((32, 16, 3, 3))))(jnp.ones((16, 16, 30, 30)))
np.testing.assert_array_equal(y, np.full(y.shape, 144.0))
print(begun)
"""


@pytest.mark.parametrize(("cores", "whose"), [("one", "ours"), ("all", "ours"), ("all", "xla")])
@pytest.mark.skipif(sys.platform != "linux", reason="affinity and threads of our own are Linux's")
def test_a_process_ends_while_its_threads_look_for_work(cores, whose):
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, cores, whose], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    threads = 0 if cores == "one" or whose == "xla" else pool._cores() - 1
    assert run.stdout.strip() == f"[{threads}]"


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_the_text_is_llvms_on_every_system(system, monkeypatch):
    monkeypatch.setattr(sys, "platform", system)
    module = library._llvm().parse_assembly(pool.text())
    module.verify()
    defined = {function.name for function in module.functions if not function.is_declaration}
    assert {"jaxtut_share", "jaxtut_start"} <= defined
    assert ("sched_getcpu" in defined) == (system == "darwin")


@pytest.mark.parametrize(
    ("quota", "cores"), [("max 100000", 4), ("200000 100000", 2), ("50000 100000", 1), ("900000 100000", 4), (None, 4)]
)
@pytest.mark.skipif(sys.platform != "linux", reason="affinity is Linux's")
def test_a_container_has_as_many_cores_as_it_may_use(quota, cores, tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1, 2, 3})
    monkeypatch.setattr(pool, "_QUOTA", tmp_path / "cpu.max")
    if quota is not None:
        (tmp_path / "cpu.max").write_text(quota + "\n")
    assert pool._cores() == cores
