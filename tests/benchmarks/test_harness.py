"""The benchmarks refuse what cannot be compared, and report what they measured."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from time import sleep

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from jax import lax
from typer.testing import CliRunner

import benchmarks.__main__ as command
from benchmarks import bench_ffn, compare, convolutions, harness
from benchmarks.catalog import BENCHMARKS
from benchmarks.device import computing_on
from benchmarks.harness import (
    Case,
    GradientsDiffer,
    Row,
    Side,
    check_same,
    measure,
    quartiles,
)
from benchmarks.limits import Limits, Work, measured
from benchmarks.machine import compilers, pinned_threads, usable_cores
from benchmarks.memory import peak
from benchmarks.report import as_markdown
from benchmarks.sides import COMPILED, EAGER, FLAX, LIBRARY, PLAIN
from jaxtut import dispatch, memory

GRADIENTS = {"w": np.linspace(-1, 1, 1000, dtype="float32"), "b": np.zeros(3, "float32")}


@pytest.fixture(autouse=True)
def quick_limits(monkeypatch):
    """Measure what the machine can do at small arrays: the figures mean nothing here."""
    monkeypatch.setattr("benchmarks.limits.SIZE", 64)
    monkeypatch.setattr("benchmarks.limits.NUMBERS", 1 << 16)


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    """Count who asks for memory to be kept, and change nothing of this process."""
    asked = []
    monkeypatch.setattr(memory, "keep", lambda: asked.append(True))
    monkeypatch.setattr(memory, "is_kept", lambda: bool(asked))
    return asked


@pytest.fixture(autouse=True)
def inlined(monkeypatch):
    """Count who asks for computing in the calling thread, and change nothing of this process."""
    asked = []
    monkeypatch.setattr(dispatch, "run_inline", lambda: asked.append(True))
    monkeypatch.setattr(dispatch, "is_inline", lambda: bool(asked))
    return asked


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


@pytest.mark.parametrize(("busy", "warned"), [(0.0, False), (1e3, True), (None, False)])
def test_a_busy_machine_is_told(monkeypatch, capsys, busy, warned):
    monkeypatch.setattr(command, "load", lambda: busy)
    assert command._load_before() == busy
    assert ("other programs are busy" in capsys.readouterr().err) == warned


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


@pytest.mark.parametrize(("option", "is_kept"), [(None, True), ("--keep-memory", True), ("--return-memory", False)])
def test_memory_is_kept_unless_it_is_to_be_returned(tmp_path, monkeypatch, kept, option, is_kept):
    monkeypatch.setitem(BENCHMARKS, "ffn", planted(()))
    arguments = ["--quick", "--only", "ffn", "--repeats", 1, "--out", tmp_path]
    assert invoke(*arguments, *filter(None, [option])).exit_code == 0
    assert kept == [True] * is_kept
    assert json.loads((tmp_path / "benchmarks.json").read_text())["settings"]["memory_kept"] == is_kept
    assert ("Freed memory: stays" in (tmp_path / "benchmarks.md").read_text()) == is_kept


@pytest.mark.parametrize(("option", "is_inline"), [(None, True), ("--inline", True), ("--hand-over", False)])
def test_jax_computes_in_the_calling_thread_unless_it_is_not_to(tmp_path, monkeypatch, inlined, option, is_inline):
    monkeypatch.setitem(BENCHMARKS, "ffn", planted(()))
    arguments = ["--quick", "--only", "ffn", "--repeats", 1, "--out", tmp_path]
    assert invoke(*arguments, *filter(None, [option])).exit_code == 0
    assert inlined == [True] * is_inline
    assert json.loads((tmp_path / "benchmarks.json").read_text())["settings"]["inline"] == is_inline
    assert ("JAX computes in the calling thread" in (tmp_path / "benchmarks.md").read_text()) == is_inline


def planted(wrong_seeds):
    """Make two sides, jaxtut's with a wrong gradient for some seeds."""

    def sides(batch, seed):
        wrong = GRADIENTS | {"w": one_wrong_element()}
        ours = replace(side(LIBRARY, []), results=lambda: wrong if seed in wrong_seeds else GRADIENTS)
        return [ours, side(EAGER, [], is_torch=True)]

    return replace(BENCHMARKS["ffn"], sides=sides, batches=(1,))


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


def test_every_benchmark_says_what_it_measures():
    for name, benchmark in BENCHMARKS.items():
        assert len(benchmark.batches) >= 2, name
        assert list(benchmark.batches) == sorted(set(benchmark.batches)), name
        for work in map(benchmark.work, benchmark.batches):
            assert min(work) >= 0, name


def test_the_share_of_the_limit_is_that_of_what_bounds_the_call(monkeypatch):
    monkeypatch.setattr("benchmarks.limits.CACHE", 10)
    limits = Limits(flops=100.0, bytes=10.0)
    assert limits.share(Work(flops=100.0, bytes=5.0), 2.0) == 0.5
    assert limits.share(Work(flops=100.0, bytes=20.0), 4.0) == 0.5
    assert limits.share(Work(), 1.0) is None
    monkeypatch.setattr("benchmarks.limits.CACHE", 30)
    assert limits.share(Work(flops=100.0, bytes=20.0), 4.0) is None
    assert limits.share(Work(flops=300.0, bytes=20.0), 4.0) == 0.75


def test_the_limits_are_measured():
    assert min(measured()) > 1e6


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


@pytest.mark.long
def test_convolutions_of_many_shapes(tmp_path, monkeypatch):
    shapes = convolutions.shapes()
    assert len({str(shape) for shape in shapes}) == len(shapes) >= 60
    monkeypatch.setattr(
        convolutions, "shapes", lambda: [shapes[0], convolutions.Shape(2, 4, (9,), 4, 3, 2, 1, 1, 2, "float64")]
    )
    path = tmp_path / "found.json"
    result = CliRunner().invoke(convolutions.app, ["--repeats", "1", "--json", str(path)])
    assert result.exit_code == 0, result.output
    assert "all: " in result.stdout
    rows = json.loads(path.read_text())["rows"]
    assert [row["benchmark"] for row in rows[::3]] == [
        f"{shape}, {name}"
        for shape in ("1×3×32×32 → 6@5×5", "2×4×9 → 4@3, stride 2, padding 1, groups 2, float64")
        for name in convolutions.MAPS
    ]
    assert all(row["median_seconds"] > 0 for row in rows)


def test_a_convolution_with_another_result_is_not_timed(monkeypatch):
    monkeypatch.setattr(convolutions, "shapes", lambda: [convolutions.Shape(1, 1, (5,), 1, 3)])
    monkeypatch.setattr(convolutions.F, "conv1d", lambda x, w, **options: 2 * lax.conv(x, w, (1,), "VALID"))
    result = CliRunner().invoke(convolutions.app, ["--repeats", "1"])
    assert result.exit_code == 1
    assert "1×1×5 → 1@3, forward: jaxtut and torch eager differ" in result.stderr


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


def result_of(against=EAGER, device="cpu", torch="1", **speeds):
    rows = [
        {
            "benchmark": name,
            "batch": 1,
            "side": LIBRARY,
            "speed_against_torch": {"against": against, "median": m, "quartiles": [low, high]},
        }
        for name, (low, m, high) in speeds.items()
    ]
    return {
        "date": "2026-01-01",
        "machine": {"processor": "p"},
        "settings": {"device": device},
        "versions": {"torch": torch},
        "rows": [*rows, {"benchmark": "x", "unavailable": "y"}],
    }


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((0.9, 1.0, 1.1), (0.7, 0.8, 0.85), "slower"),
        ((0.9, 1.0, 1.1), (1.2, 1.3, 1.4), "faster"),
        ((0.9, 1.0, 1.1), (0.7, 0.8, 0.95), ""),
        ((0.99, 1.0, 1.01), (0.94, 0.95, 0.96), ""),
    ],
)
def test_a_change_beyond_the_spread_is_seen(tmp_path, before, after, verdict):
    old, new = result_of(cnn=before, gone=before), result_of(cnn=after, new=after)
    (change,) = compare.changes(old, new)
    assert (change.key, change.verdict) == (("cnn", 1, LIBRARY, EAGER), verdict)
    paths = [tmp_path / "old.json", tmp_path / "new.json"]
    for path, result in zip(paths, (old, new), strict=True):
        path.write_text(json.dumps(result))
    told = CliRunner().invoke(compare.app, [str(path) for path in paths])
    assert told.exit_code == (verdict == "slower"), told.output
    assert f"1 rows: {int(verdict == 'slower')} slower, {int(verdict == 'faster')} faster" in told.output


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"against": COMPILED}, "no row of 'jaxtut' in common"),
        ({"device": "gpu"}, "device is cpu in one and gpu in the other"),
        ({"torch": "2"}, "torch is 1 in one and 2 in the other"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, other, said):
    paths = [tmp_path / "old.json", tmp_path / "new.json"]
    for path, settings in zip(paths, ({}, other), strict=True):
        path.write_text(json.dumps(result_of(**settings, cnn=(1.0, 1.0, 1.0))))
    told = CliRunner().invoke(compare.app, [str(path) for path in paths])
    assert told.exit_code == 2
    assert said in told.stderr


@pytest.mark.parametrize(("text", "said"), [(None, "cannot be read"), ("{", "is no JSON file"), ("[]", "is no result")])
def test_what_is_no_result_is_one_line_and_exit_code_2(tmp_path, text, said):
    path = tmp_path / "r.json"
    if text is not None:
        path.write_text(text)
    told = CliRunner().invoke(compare.app, [str(path), str(path)])
    assert told.exit_code == 2
    assert said in told.stderr
    assert told.stderr.count("\n") == 1
