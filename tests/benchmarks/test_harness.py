"""The benchmarks refuse what cannot be compared, and report what they measured."""

import json
import os
from dataclasses import replace
from pathlib import Path
from time import sleep

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import benchmarks.__main__ as command
from benchmarks import bench_ffn, harness
from benchmarks.harness import (
    Case,
    GradientsDiffer,
    Row,
    Side,
    check_same,
    measure,
    quartiles,
)
from benchmarks.machine import cold_compiler, pinned_threads, usable_cores
from benchmarks.report import as_markdown
from benchmarks.sides import COMPILED, EAGER, LIBRARY

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
    log = []
    sides = [side("slow", log, 0.004), side("fast", log, 0.001, is_torch=True)]
    rows, errors = measure(Case("sleep", 1, lambda: sides), repeats=5)
    turns = ["slow"] * 2 + ["fast"] * 2  # the untimed call and the timed one
    assert log == ["slow", "fast"] + ["slow"] * 3 + ["fast"] * 3 + turns * 5
    assert [len(row.samples) for row in rows] == [5, 5]
    assert quartiles(rows[0].samples)[1] >= 0.004
    assert quartiles(rows[0].speed)[1] < 1 == quartiles(rows[1].speed)[1]
    assert errors == {"fast": 0.0, "slow": 0.0}


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
        {"date": "", "machine": {"processor": "", "cores": 1}, "versions": {"jax": "", "torch": ""}}, rows
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
        with cold_compiler():
            folder = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"])
            assert list(folder.iterdir()) == []
        assert os.environ.get("TORCHINDUCTOR_CACHE_DIR") == before
        assert not folder.exists()


@pytest.mark.parametrize(("busy", "warned"), [(0.0, False), (1e3, True), (None, False)])
def test_a_busy_machine_is_told(monkeypatch, capsys, busy, warned):
    monkeypatch.setattr(command, "load", lambda: busy)
    assert command._load_before() == busy
    assert ("other programs are busy" in capsys.readouterr().err) == warned


@pytest.mark.parametrize("benchmark", command.BENCHMARKS)
def test_the_sides_of_each_benchmark_agree(benchmark):
    sides = [s for s in command.BENCHMARKS[benchmark](batch=3, seed=1) if s.name != COMPILED]
    for s in sides:
        s.run()
    errors = check_same({s.name: s.results() for s in reversed(sides)})
    assert {EAGER, LIBRARY} <= set(errors) <= {EAGER, "plain JAX", LIBRARY}
    assert any(np.abs(leaf).max() > 0 for leaf in sides[0].results().values())


def test_results_of_a_step_change_with_the_step():
    jaxtut_side = bench_ffn.sides(batch=2)[0]
    jaxtut_side.run()
    once = jaxtut_side.results()
    jaxtut_side.run()
    with pytest.raises(GradientsDiffer, match="updated"):
        check_same({"once": once, "twice": jaxtut_side.results()})


def invoke(*arguments):
    return CliRunner().invoke(command.app, [str(a) for a in arguments])


def test_a_quick_run_writes_its_files(tmp_path):
    extra = tmp_path / "more.json"
    result = invoke(
        "--quick", "--repeats", 2, "--only", "cross_entropy", "--out", tmp_path / "new" / "out", "--json", extra
    )
    assert result.exit_code == 0, result.output
    data = json.loads(extra.read_text())
    assert data == json.loads((tmp_path / "new/out/benchmarks.json").read_text())
    assert {"date", "machine", "versions", "threads", "rows"} <= set(data)
    assert data["threads"]["torch"] == usable_cores()
    assert [(row["batch"], row["side"]) for row in data["rows"][:2]] == [(1, LIBRARY), (1, "plain JAX")]
    assert len(data["rows"]) == 8
    for row in data["rows"]:
        assert ("--quick" in row["unavailable"]) if row["side"] == COMPILED else row["median_seconds"] > 0
    table = (tmp_path / "new/out/benchmarks.md").read_text()
    assert table.count("| cross_entropy |") == 8
    assert table.count("not available") == 2
    assert (tmp_path / "new/out/benchmarks.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_refuses_a_wrong_gradient(tmp_path, monkeypatch):
    def planted(batch, seed):
        sides = bench_ffn.sides(batch, seed)
        honest = sides[0].results
        return [
            replace(
                sides[0], results=lambda: {k: -v if k == "gradient of fc1.bias" else v for k, v in honest().items()}
            ),
            *sides[1:],
        ]

    monkeypatch.setitem(command.BENCHMARKS, "ffn", planted)
    result = invoke("--quick", "--only", "ffn", "--out", tmp_path)
    assert result.exit_code == 1
    assert "ffn, batch 1: jaxtut and torch eager differ in the leaf 'gradient of fc1.bias'" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_name_is_one_line_and_exit_code_2(tmp_path):
    result = invoke("--only", "rnn", "--out", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (
        2,
        "benchmarks: there is no benchmark 'rnn'; there are jacobian, cross_entropy, ffn, cnn, convolution, convolution_in_scan, transforms\n",
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--out", "--json"])
def test_an_unwritable_path_is_one_line_and_exit_code_2(tmp_path, monkeypatch, option):
    monkeypatch.chdir(tmp_path)  # where the default folder goes
    (tmp_path / "file").touch()
    result = invoke("--quick", option, tmp_path / "file" / "below.json")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert f"{tmp_path / 'file'}" in result.stderr
    assert "cannot be written" in result.stderr
