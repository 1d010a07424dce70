"""The benchmarks refuse what cannot be compared, and report what they measured."""

import os
import time
from dataclasses import replace
from pathlib import Path
from time import sleep

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from benchmarks import bench_ffn, harness
from benchmarks.catalog import BENCHMARKS
from benchmarks.harness import (
    Case,
    GradientsDiffer,
    Row,
    Side,
    check_same,
    measure,
    quartiles,
)
from benchmarks.machine import compilers, pinned_threads, usable_cores
from benchmarks.memory import peak
from benchmarks.report import as_markdown
from benchmarks.sides import COMPILED, EAGER, FLAX, LIBRARY, PLAIN

GRADIENTS = {"w": np.linspace(-1, 1, 1000, dtype="float32"), "b": np.zeros(3, "float32")}


def other(**changes):
    return {"torch": GRADIENTS, "jax": GRADIENTS | changes}


def one_wrong_element():
    wrong = GRADIENTS["w"].copy()
    wrong[700] += 1e-3
    return wrong


def test_equal_gradients_pass_and_rounding_does():
    assert check_same(other()) == {"torch": 0.0, "jax": 0.0}
    assert 0 < check_same(other(w=GRADIENTS["w"] * np.float32(1 + 1e-6)))["jax"] < harness.GRADIENT_BOUND


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"w": -GRADIENTS["w"]}, "'w'"),
        ({"w": one_wrong_element()}, "'w'"),
        ({"w": np.full(1000, np.nan, "float32")}, "'w'"),
        ({"w": GRADIENTS["w"].astype("float64")}, "float64"),
        ({"w": GRADIENTS["w"][None]}, r"\(1, 1000\)"),
        ({"b": np.full(3, 1e-30, "float32")}, "'b'"),
        ({"extra": np.ones(1, "float32")}, "extra"),
    ],
)
def test_other_gradients_are_refused(changes, message):
    with pytest.raises(GradientsDiffer, match=message):
        check_same(other(**changes))


def test_a_dropped_leaf_is_refused():
    with pytest.raises(GradientsDiffer, match="'b'"):
        check_same({"torch": GRADIENTS, "jax": {"w": GRADIENTS["w"]}})


def side(name, log, seconds=0.0, **settings):
    def run():
        log.append(name)
        sleep(seconds)

    return Side(name, run, lambda: GRADIENTS, **settings)


def test_sides_take_turns_and_the_slower_one_is_found(monkeypatch):
    monkeypatch.setattr(harness, "SAMPLE_SECONDS", 0.0)  # one call a sample
    monkeypatch.setattr(harness, "UNTIMED_SECONDS", 0.0)  # and one before it
    monkeypatch.setattr(harness, "peak", peak)
    log = []
    sides = [side("slow", log, 0.004), side("fast", log, 0.001, is_torch=True)]
    rows, errors = measure(Case("sleep", 1, lambda: sides), repeats=9)
    warm_up = 3 + 2  # and two calls, of which the memory of the second is measured
    before = ["slow", "fast"] + ["slow"] * warm_up + ["fast"] * warm_up
    assert log[: len(before)] == before
    turns = [log[i : i + 4] for i in range(len(before), len(log), 4)]
    # The untimed call and the timed one of each; sometimes one is first, and sometimes the other.
    assert len(turns) == 9
    assert {tuple(turn) for turn in turns} == {("slow",) * 2 + ("fast",) * 2, ("fast",) * 2 + ("slow",) * 2}
    assert [len(row.samples) for row in rows] == [9, 9]
    assert quartiles(rows[0].samples)[1] >= 0.004
    assert quartiles(rows[0].speed)[1] < 1 == quartiles(rows[1].speed)[1]
    assert errors == {"fast": 0.0, "slow": 0.0}


def test_a_sample_begins_when_the_machine_is_warm(monkeypatch):
    monkeypatch.setattr(harness, "UNTIMED_SECONDS", 20e-3)
    calls = []

    def run():
        calls.append(time.perf_counter())

    begin = time.perf_counter()
    assert harness._sample(run, 3) < 1e-3
    assert calls[-3] - begin >= harness.REST_SECONDS + harness.UNTIMED_SECONDS


def test_a_fast_call_is_repeated_within_a_sample():
    (row,), _ = measure(Case("nothing", 1, lambda: [side("only", [])]), repeats=2)
    assert 1 < row.calls <= harness.MOST_CALLS
    assert row.speed == []  # no torch side to be measured against


def test_nothing_is_timed_when_gradients_differ():
    log = []
    wrong = replace(side("jax", log), results=lambda: GRADIENTS | {"w": one_wrong_element()})
    with pytest.raises(GradientsDiffer, match="jax and torch differ in the leaf 'w'"):
        measure(Case("planted", 1, lambda: [wrong, side("torch", log, is_torch=True)]), repeats=3)
    assert log == ["jax", "torch"]  # the first calls only


def failing(**settings):
    def run():
        raise RuntimeError("no compiler here")

    return Side("compiled", run, dict, **settings)


def test_an_optional_side_that_fails_is_not_available():
    rows, _ = measure(
        Case("x", 1, lambda: [side("torch", [], is_torch=True), failing(is_torch=True, optional=True)]), repeats=1
    )
    assert rows[1].unavailable == "RuntimeError: no compiler here"
    assert rows[1].samples == []


def test_an_optional_side_with_wrong_gradients_is_not_timed():
    log = []
    wrong = replace(
        side("compiled", log, is_torch=True, optional=True), results=lambda: GRADIENTS | {"w": one_wrong_element()}
    )
    rows, errors = measure(Case("x", 1, lambda: [wrong, side("torch", [], is_torch=True)]), repeats=2)
    assert log == ["compiled"]
    assert rows[0].samples == []
    assert "differ in the leaf 'w'" in str(rows[0].unavailable)
    assert "wrong gradients" in as_markdown(
        {
            "date": "",
            "machine": {"processor": "", "cores": 1},
            "versions": {"jax": "", "torch": ""},
            "limits": {"flops_per_second": 1.0, "bytes_per_second": 1.0},
            "method": {"memory": "", "dispatch": ""},
        },
        rows,
    )
    assert [len(row.samples) for row in rows] == [0, 2]
    assert errors == {"torch": 0.0}


def test_any_other_side_that_fails_is_an_error():
    with pytest.raises(RuntimeError, match="no compiler here"):
        measure(Case("x", 1, lambda: [failing()]), repeats=1)


def test_speed_is_against_the_faster_torch_side():
    rows = [
        Row("x", 1, "a", False, samples=[1.0, 2.0]),
        Row("x", 1, "b", True, samples=[4.0, 4.0]),
        Row("x", 1, "c", True, samples=[2.0, 2.0]),
    ]
    harness._add_speeds(rows)
    assert [row.speed for row in rows] == [[2.0, 1.0], [0.5, 0.5], [1.0, 1.0]]


def test_threads_are_pinned_and_put_back():
    before = torch.get_num_threads()
    with pinned_threads() as threads:
        assert threads == torch.get_num_threads() == usable_cores()
    assert torch.get_num_threads() == before


def test_the_compiler_starts_cold_and_its_folder_is_put_back(monkeypatch):
    for before in ("/elsewhere", None):
        monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "/elsewhere")
        if before is None:
            monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
        with compilers():
            folder = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"])
            assert list(folder.iterdir()) == []
        assert os.environ.get("TORCHINDUCTOR_CACHE_DIR") == before
        assert not folder.exists()


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_the_sides_of_each_benchmark_agree(benchmark):
    sides = [s for s in BENCHMARKS[benchmark].sides(3, 1) if s.name != COMPILED]
    with jax.numpy_dtype_promotion("standard" if benchmark == "optimizer" else "strict"):  # Optax's Adam mixes dtypes
        for s in sides:
            s.run()
    errors = check_same({s.name: s.results() for s in reversed(sides)})
    assert {EAGER, LIBRARY} <= set(errors) <= {EAGER, PLAIN, FLAX, LIBRARY}
    assert (FLAX in errors) == (benchmark in ("ffn", "cnn"))
    assert any(np.abs(leaf).max() > 0 for leaf in sides[0].results().values())


def test_results_of_a_step_change_with_the_step():
    jaxtut_side = bench_ffn.sides(batch=2)[0]
    jaxtut_side.run()
    once = jaxtut_side.results()
    jaxtut_side.run()
    with pytest.raises(GradientsDiffer, match="updated"):
        check_same({"once": once, "twice": jaxtut_side.results()})


def test_every_benchmark_says_what_it_measures():
    for name, benchmark in BENCHMARKS.items():
        assert len(benchmark.batches) >= 2, name
        assert list(benchmark.batches) == sorted(set(benchmark.batches)), name
        for work in map(benchmark.work, benchmark.batches):
            assert min(work) >= 0, name


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells a process's peak")
def test_peak_memory_is_what_a_call_takes_for_a_while():
    def run():
        np.ones(20_000_000, "float32").sum()  # 80 MB that are given back

    found = peak(run, is_torch=False)
    assert found is not None
    assert 70e6 < found < 120e6
    nothing = peak(lambda: None, is_torch=False)
    assert nothing is not None
    assert nothing < 10e6
    # What XLA's threads need for a while too, though the allocator had kept it from the calls before.
    middle = jax.jit(lambda a, b, c: (a @ b) @ c)
    arrays = jnp.ones((100, 50)), jnp.ones((50, 20_000)), jnp.ones((20_000, 3))
    for _ in range(3):
        found = peak(lambda: middle(*arrays).block_until_ready(), is_torch=False)
    assert found is not None
    assert 7e6 < found < 12e6
