"""`python -m benchmarks`: what its options do, what it writes and what it refuses."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import benchmarks.__main__ as command
from benchmarks.catalog import BENCHMARKS
from benchmarks.device import computing_on
from benchmarks.harness import Side
from benchmarks.machine import usable_cores
from benchmarks.sides import COMPILED, EAGER, LIBRARY, PLAIN

GRADIENTS = {"w": np.linspace(-1, 1, 1000, dtype="float32")}


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
    assert [(row["batch"], row["side"]) for row in data["rows"][:2]] == [(4, LIBRARY), (4, PLAIN)]
    assert len(data["rows"]) == 8
    for row in data["rows"]:
        assert ("--quick" in row["unavailable"]) if row["side"] == COMPILED else row["median_seconds"] > 0
        assert row["side"] == COMPILED or row["of_the_limit"] is None  # so few numbers lie in a cache
    assert min(data["limits"].values()) > 1e8
    table = (tmp_path / "new/out/benchmarks.md").read_text()
    assert table.count("| cross_entropy |") == 8 + 2  # two batches: four sides each, and a line of the summary
    assert f"| torch ms |  | {LIBRARY} | {PLAIN} |" in table
    assert table.count(f"| {EAGER} | ") == 2 + 2
    assert table.count("not available") == 2
    assert (tmp_path / "new/out/benchmarks.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("option", "is_on", "setting", "said"),
    [
        (None, True, "memory_kept", "Freed memory: stays"),
        ("--keep-memory", True, "memory_kept", "Freed memory: stays"),
        ("--return-memory", False, "memory_kept", "Freed memory: stays"),
        (None, True, "inline", "JAX computes in the calling thread"),
        ("--inline", True, "inline", "JAX computes in the calling thread"),
        ("--hand-over", False, "inline", "JAX computes in the calling thread"),
    ],
)
def test_what_all_sides_begin_with(tmp_path, monkeypatch, kept, inlined, option, is_on, setting, said):
    monkeypatch.setitem(BENCHMARKS, "ffn", planted(()))
    arguments = ["--quick", "--only", "ffn", "--repeats", 1, "--out", tmp_path]
    assert invoke(*arguments, *filter(None, [option])).exit_code == 0
    assert {"memory_kept": kept, "inline": inlined}[setting] == [True] * is_on
    assert json.loads((tmp_path / "benchmarks.json").read_text())["settings"][setting] == is_on
    assert (said in (tmp_path / "benchmarks.md").read_text()) == is_on


def planted(wrong_seeds, run=lambda: None, batches=(1,)):
    """Make two sides, jaxtut's with a wrong gradient for some seeds."""

    def sides(batch, seed):
        wrong = {"w": np.where(np.arange(1000) == 700, 1e-3, 0) + GRADIENTS["w"]}
        results = {"w": wrong["w"].astype("float32")} if seed in wrong_seeds else GRADIENTS
        return [Side(LIBRARY, run, lambda: results), Side(EAGER, run, lambda: GRADIENTS, is_torch=True)]

    return replace(BENCHMARKS["ffn"], sides=sides, batches=batches)


def test_the_command_refuses_a_wrong_gradient_and_loses_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setitem(BENCHMARKS, "ffn", planted(range(100)))
    result = invoke("--quick", "--only", "ffn", "--only", "chain_rule", "--repeats", 1, "--out", tmp_path)
    assert result.exit_code == 1
    assert "ffn, batch 1: GradientsDiffer: jaxtut and torch eager differ in the leaf 'w'" in result.stderr
    rows = json.loads((tmp_path / "benchmarks.json").read_text())["rows"]
    assert [row["side"] for row in rows if row["benchmark"] == "ffn"] == ["all"]
    assert any(row.get("median_seconds") for row in rows if row["benchmark"] == "chain_rule")


def test_a_difference_that_goes_away_with_another_seed_is_a_near_tie(tmp_path, monkeypatch):
    monkeypatch.setitem(BENCHMARKS, "ffn", planted({5, 6}))
    result = invoke("--quick", "--only", "ffn", "--seed", 5, "--repeats", 1, "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    other_seeds = json.loads((tmp_path / "benchmarks.json").read_text())["settings"]["other_seeds"]
    assert [len(reasons) for reasons in other_seeds.values()] == [2]
    assert (
        "ffn, batch 1: timed with seed 7, since before GradientsDiffer: jaxtut and torch eager differ" in result.stdout
    )


def test_only_the_batch_sizes_that_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(BENCHMARKS, "ffn", planted((), batches=(1, 4, 16, 64)))
    monkeypatch.setitem(BENCHMARKS, "cnn", planted((), batches=(2, 4)))
    asked = ["--only", "ffn", "--only", "cnn", "--batch", 4, "--batch", 64]
    assert invoke(*asked, "--repeats", 1, "--out", tmp_path).exit_code == 0
    rows = json.loads((tmp_path / "benchmarks.json").read_text())["rows"]
    assert [(row["benchmark"], row["batch"]) for row in rows[::2]] == [("ffn", 4), ("ffn", 64), ("cnn", 4)]
    result = invoke(*asked, "--batch", 8, "--out", tmp_path / "out")
    said = "benchmarks: there is no batch size 8 here; there are 1, 2, 4, 16, 64\n"
    assert (result.exit_code, result.stderr) == (2, said)


def interrupted_after(calls):
    def run():
        nonlocal calls
        calls -= 1
        if calls < 0:
            raise KeyboardInterrupt

    return run


def test_an_interrupted_run_keeps_what_it_measured(tmp_path, monkeypatch):
    monkeypatch.setitem(BENCHMARKS, "relu", planted((), batches=(3,)))
    monkeypatch.setitem(BENCHMARKS, "ffn", planted((), interrupted_after(1), batches=(1, 4)))
    asked = ["--only", "relu", "--only", "ffn", "--repeats", 1, "--out", tmp_path]
    result = invoke(*asked)
    assert result.exit_code == 130
    assert "interrupted: what was measured before is above" in result.stderr
    data = json.loads((tmp_path / "benchmarks.json").read_text())
    assert [row["benchmark"] for row in data["rows"]] == ["relu", "relu"]
    assert data["settings"]["interrupted"]
    result = invoke("--only", "ffn", "--repeats", 1, "--out", tmp_path / "none")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        130,
        "benchmarks: interrupted before anything was measured",
    )
    assert list((tmp_path / "none").iterdir()) == []


def test_compiled_programs_are_kept_for_the_next_run(tmp_path):
    cache = tmp_path / "cache"
    asked = ["--only", "chain_rule", "--batch", 1, "--no-compile", "--repeats", 1, "--out", tmp_path]
    assert invoke(*asked, "--compiler-cache", cache).exit_code == 0
    kept = sorted((cache / "jax").iterdir())
    assert any("jit_" in path.name for path in kept)
    data = json.loads((tmp_path / "benchmarks.json").read_text())
    assert "found on disk" in data["method"]["first_call"]
    assert {row["side"] for row in data["rows"] if row["unavailable"]} == {COMPILED}
    assert invoke(*asked).exit_code == 0
    assert "nothing cached" in json.loads((tmp_path / "benchmarks.json").read_text())["method"]["first_call"]


def test_an_unknown_name_is_one_line_and_exit_code_2(tmp_path):
    result = invoke("--only", "rnn", "--out", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (
        2,
        f"benchmarks: there is no benchmark 'rnn'; there are {', '.join(BENCHMARKS)}\n",
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


@pytest.mark.parametrize(("busy", "warned"), [(0.0, False), (1e3, True), (None, False)])
def test_a_busy_machine_is_told(monkeypatch, capsys, busy, warned):
    monkeypatch.setattr(command, "load", lambda: busy)
    assert command._load_before() == busy
    assert ("other programs are busy" in capsys.readouterr().err) == warned


def test_a_device_that_is_not_there_is_one_line_and_exit_code_2(tmp_path):
    result = invoke("--only", "ffn", "--device", "tpu", "--out", tmp_path)
    said = "benchmarks: device must be one of cpu, gpu, but 'tpu' was given\n"
    assert (result.exit_code, result.stderr, list(tmp_path.iterdir())) == (2, said, [])
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="no GPU here that PyTorch sees"), computing_on("gpu"):
            pass


@pytest.mark.long
def test_switches_for_xla_reach_it_and_are_written_down(tmp_path):
    out = tmp_path / "r.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "chain_rule", "--repeats", "1"]
    command += ["--out", str(tmp_path), "--json", str(out), "--xla-flags"]
    flags = f"--xla_dump_to={tmp_path / 'dump'}"
    run = subprocess.run([*command, flags], capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(out.read_text())["settings"]["xla_flags"].endswith(flags)
    assert any((tmp_path / "dump").iterdir())
