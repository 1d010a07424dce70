"""Recorded sides give the verdict that a comparison in one process gives, and a damaged file never does."""

import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxtut import functional as F
from jaxtut.naming import tap
from jaxtut.parity import RecordingError, compare, judge_files, record
from jaxtut.parity.recording import read
from torch_ref.naming import tap as torch_tap

RNG = np.random.default_rng(0)
X, W, N = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 2)), np.array([0, 1, 1, 0])


def jax_side(x, w, n):
    hidden = tap("hidden", jnp.tanh(x @ w))
    return {"loss": jnp.sum(hidden), "picked": hidden[jnp.arange(4), n]}


def torch_side(images, weights, n):
    hidden = torch_tap("hidden", torch.tanh(images @ weights))
    return {"loss": hidden.sum(), "picked": hidden[torch.arange(4), n]}


def wrong_side(x, w, n):
    hidden = tap("hidden", jnp.tanh(x @ w) * 1.0001)
    return {"loss": jnp.sum(hidden), "picked": hidden[jnp.arange(4), n]}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    for name, function, framework in (
        ("jax", jax_side, "jax"),
        ("torch", torch_side, "torch"),
        ("wrong", wrong_side, "jax"),
    ):
        record(function, X, W, N, path=folder / name, framework=framework, cotangents=2)
    return folder


def test_two_files_give_the_verdict_of_one_process(files):
    stored, live = judge_files(files / "jax", files / "torch"), compare(jax_side, torch_side, X, W, N, cotangents=2)
    assert stored.same
    assert [(r.kind, r.name, r.dtype, r.verdict) for r in stored.rows] == [
        (r.kind, r.name, r.dtype, r.verdict) for r in live.rows
    ]
    assert judge_files(files / "torch", files / "jax").same


def test_a_wrong_side_is_different_and_named(files):
    report = judge_files(files / "wrong", files / "torch")
    assert report.verdict == "different"
    assert report.first_divergence is not None
    assert (report.first_divergence.kind, report.first_divergence.name) == ("tap", "hidden")
    assert "1.0001" in report.first_divergence.cause


def test_kinks_and_lowered_precision_and_impurity_are_kept(tmp_path):
    x = np.array([-1.0, 0.0, 2.0])
    record(lambda x: jnp.maximum(x, 0), x, path=tmp_path / "a", framework="jax")
    record(torch.relu, x, path=tmp_path / "b", framework="torch")
    assert judge_files(tmp_path / "a", tmp_path / "b").verdict == "different"
    record(F.relu, x, path=tmp_path / "a", framework="jax")
    assert judge_files(tmp_path / "a", tmp_path / "b").same
    record(lambda x: torch.relu(x.float()).to(x.dtype) * 1.1, X, path=tmp_path / "b", framework="torch")
    record(lambda x: F.relu(x) * 1.1, X, path=tmp_path / "a", framework="jax")
    report = judge_files(tmp_path / "a", tmp_path / "b")
    assert report.same
    record(lambda x: x + torch.rand(()), X, path=tmp_path / "b", framework="torch")
    assert judge_files(tmp_path / "a", tmp_path / "b").verdict == "impure"


def test_a_damaged_file_is_refused_and_never_passes(files, tmp_path):
    whole = (files / "jax").read_bytes()
    cuts = [whole[:n] for n in (0, 7, 8, 100, len(whole) // 2, len(whole) - 1)]
    positions = np.random.default_rng(0).integers(0, len(whole), 150)
    flips = [whole[:i] + bytes([whole[i] ^ (1 << (i % 8))]) + whole[i + 1 :] for i in positions]
    for data in [*cuts, *flips, b"\x80\x04N.", whole + b"x"]:
        (tmp_path / "damaged").write_bytes(data)
        with pytest.raises((RecordingError, OSError)):
            judge_files(tmp_path / "damaged", files / "torch")


def test_files_that_do_not_belong_together_are_refused(files, tmp_path):
    from safetensors.numpy import save_file

    with pytest.raises(RecordingError, match="there is no such file"):
        read(tmp_path / "nothing")
    save_file({"x": X}, tmp_path / "foreign")
    with pytest.raises(RecordingError, match="no recording"):
        read(tmp_path / "foreign")
    record(jax_side, X + 1, W, N, path=tmp_path / "other", framework="jax", cotangents=2)
    with pytest.raises(RecordingError, match="other numbers in the input x"):
        judge_files(tmp_path / "other", files / "torch")
    record(jax_side, X, W, N, path=tmp_path / "other", framework="jax", cotangents=2, seed=1)
    with pytest.raises(RecordingError, match="other seed"):
        judge_files(tmp_path / "other", files / "torch")
    record(jax_side, X, W, N, path=tmp_path / "other", framework="jax", cotangents=2, argnums=0)
    with pytest.raises(RecordingError, match="differentiated in one"):
        judge_files(tmp_path / "other", files / "torch")
    with pytest.raises(ValueError, match="framework must be"):
        record(jax_side, X, W, N, path=tmp_path / "other", framework="numpy")


def test_noise_that_is_no_noise_is_refused(files, tmp_path):
    from safetensors import safe_open
    from safetensors.numpy import save

    from jaxtut.parity.recording import _checksum

    with safe_open(str(files / "jax"), framework="numpy") as file:
        described, arrays = file.metadata(), {n: file.get_tensor(n) for n in file.keys()}  # noqa: SIM118
    for bad in (np.nan, np.inf, -1.0):
        hostile = arrays | {"near/gradient/x": np.full_like(arrays["near/gradient/x"], bad)}
        (tmp_path / "hostile").write_bytes(
            save(hostile, described | {"checksum": _checksum(described["facts"], hostile)})
        )
        with pytest.raises(RecordingError, match="noise of gradient x"):
            read(tmp_path / "hostile")


BLOCKED = """
import sys
for name in {blocked}: sys.modules[name] = None
from jaxtut.cli import main
sys.argv = ["jaxtut", *{arguments}]
main()
"""


def run_without(blocked, *arguments, cwd=None):
    code = BLOCKED.format(blocked=list(blocked), arguments=[str(a) for a in arguments])
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, check=False)


JAX_PARTS, TORCH_PARTS = ("jax", "jaxlib", "flax", "optax"), ("torch", "torchvision")


def test_files_are_judged_where_neither_framework_is_installed(files):
    done = run_without((*JAX_PARTS, *TORCH_PARTS), "compare", files / "jax", files / "torch")
    assert done.returncode == 0, done.stderr
    assert "identical to rounding" in done.stdout
    done = run_without((*JAX_PARTS, *TORCH_PARTS), "compare", files / "wrong", files / "torch")
    assert done.returncode == 1, done.stderr
    assert "first divergence: named value hidden" in done.stdout


def test_each_side_is_recorded_where_the_other_is_not_installed(tmp_path):
    np.savez(tmp_path / "inputs.npz", x=X, w=W)
    (tmp_path / "port.py").write_text("import jax.numpy as jnp\ndef f(x, w):\n    return jnp.tanh(x @ w)\n")
    (tmp_path / "model.py").write_text("import torch\ndef f(x, w):\n    return torch.tanh(x @ w)\n")
    for module, framework, blocked in (("port", "jax", TORCH_PARTS), ("model", "torch", JAX_PARTS)):
        done = run_without(
            blocked,
            "record",
            f"{module}:f",
            "--framework",
            framework,
            "--inputs",
            "inputs.npz",
            "--out",
            f"{framework}.safetensors",
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
    assert judge_files(tmp_path / "jax.safetensors", tmp_path / "torch.safetensors").same


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("record", "nocolon", "--framework", "jax", "--inputs", "i.npz", "--out", "o"), "module:name"),
        (("record", "no_such_module:f", "--framework", "jax", "--inputs", "i.npz", "--out", "o"), "cannot be imported"),
        (("record", "math:tau", "--framework", "jax", "--inputs", "i.npz", "--out", "o"), "cannot be called"),
        (("record", "math:sin", "--framework", "jax", "--inputs", "i.npz", "--out", "o"), "no such file"),
        (("compare", "a", "b"), "no such file"),
    ],
)
def test_bad_calls_are_one_line(arguments, words, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from jaxtut.cli import app

    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
