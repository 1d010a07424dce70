"""`jaxtut record` and `jaxtut compare`: where a framework is missing they do without it, and what is wrong is said in one line."""

import json
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from jaxtut.cli import app
from jaxtut.parity import judge_files, record

RNG = np.random.default_rng(0)
X, W = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 2))
JAX, TORCH = ("jax", "jaxlib", "flax", "optax"), ("torch", "torchvision")

# Even an import that is tried and caught would be seen.
BLOCKING = """
import runpy, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise {error}(f"{{name}} was imported")
sys.meta_path.insert(0, Blocker())
sys.argv = ["jaxtut", *{arguments}]
runpy.run_module("jaxtut.cli", run_name="__main__")
"""

PORT = """
import jax.numpy as jnp
from jaxtut.naming import tap
def f(x, w): return jnp.sum(tap("hidden", jnp.tanh(x @ w)), 0)
"""
MODEL = """
import torch
from torch_ref.naming import tap
class Model(torch.nn.Module):
    def forward(self, images, weights): return tap("hidden", torch.tanh(images @ weights)).sum(0)
"""


def without(blocked, *arguments, cwd=None, error="ImportError"):
    code = BLOCKING.format(blocked=set(blocked), arguments=[str(a) for a in arguments], error=error)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, check=False)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    record(lambda x, w: jnp.tanh(x @ w), X, W, path=folder / "jax", framework="jax")
    record(lambda x, w: torch.tanh(x @ w), X, W, path=folder / "torch", framework="torch")
    record(lambda x, w: jnp.tanh(x @ w) * 1.0001, X, W, path=folder / "wrong", framework="jax")
    return folder


def test_nothing_of_either_framework_is_imported_to_judge(recorded, tmp_path):
    reports = ("--json", tmp_path / "report", "--html", tmp_path / "page.html")
    done = without({*JAX, *TORCH}, "compare", recorded / "jax", recorded / "torch", *reports, error="RuntimeError")
    assert (done.returncode, done.stderr) == (0, "")
    assert "identical" in done.stdout
    assert json.loads((tmp_path / "report").read_text())["same"] is True
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    done = without({*JAX, *TORCH}, "compare", recorded / "wrong", recorded / "torch", error="RuntimeError")
    assert (done.returncode, done.stderr) == (1, "")
    assert "first divergence: value of output" in done.stdout


def test_each_side_is_recorded_where_the_other_is_not_installed(tmp_path):
    np.savez(tmp_path / "inputs.npz", w=W, x=X)
    np.savez(tmp_path / "ordered.npz", X, W)
    (tmp_path / "port.py").write_text(PORT)
    (tmp_path / "model.py").write_text(MODEL)
    for target, framework, inputs, blocked in (
        ("port:f", "jax", "inputs.npz", TORCH), ("model:Model", "torch", "ordered.npz", JAX)
    ):  # fmt: skip
        options = ("--framework", framework, "--inputs", inputs, "--out", framework, "--seed", 3, "--cotangents", 2)
        done = without(blocked, "record", target, *options, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, f"recorded: {framework}\n"), done.stderr
    assert judge_files(tmp_path / "jax", tmp_path / "torch").same


TARGETS = """
import jax.numpy as jnp
def f(x, w): return jnp.tanh(x @ w)
def g(x): return x.nothing
def shapes(x, w): return x + w.T
def divides(x, w): return 1 // 0
def nothing(x, w): return {}
def params(p, x, w): return p["b"] * jnp.sum(x @ w)
def text(x, w): return "text"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "some_targets.py").write_text(TARGETS)
    np.savez("i.npz", x=X, w=W)
    np.savez("x.npz", x=X)
    np.savez("p.npz", b=np.ones(()))
    (tmp_path / "broken.npz").write_bytes(b"PK")
    (tmp_path / "a_folder").mkdir()
    yield tmp_path
    sys.modules.pop("some_targets", None)


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def recorded_by(target="some_targets:f", *options, framework="jax", inputs="i.npz", out="out.safetensors"):
    return run("record", target, "--framework", framework, "--inputs", inputs, "--out", out, *options)


def test_a_recording_goes_where_it_is_told(folder):
    for out in ("out.safetensors", "bare", "deep/er.er/[red]x"):
        done = recorded_by("some_targets:f", "--cotangents", "1", out=out)
        assert (done.exit_code, done.output) == (0, f"recorded: {out}\n")
        assert (folder / out).is_file()
    done = recorded_by("some_targets:params", "--params", "p.npz", "--argnums", "1")
    assert done.exit_code == 0, done.output
    report = judge_files("out.safetensors", "out.safetensors")
    assert {row.name for row in report.rows if row.kind == "gradient"} == {"b", "w"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "nocolon"}, "must be written as module:name"),
        ({"target": "no_such_module:f"}, "cannot be imported"),
        ({"target": "some_targets:h"}, "has no 'h'"),
        ({"target": "math:tau"}, "is a float, which cannot be called"),
        ({"target": "some_targets:g"}, "the target takes x, but the file holds x, w"),
        ({"target": "some_targets:g", "inputs": "x.npz"}, "some_targets:g failed: AttributeError"),
        ({"target": "some_targets:shapes"}, "some_targets:shapes failed: "),
        ({"target": "some_targets:divides"}, "some_targets:divides failed: ZeroDivisionError"),
        ({"target": "some_targets:text"}, "some_targets:text failed: TypeError"),
        ({"target": "math:sin", "inputs": "x.npz"}, "math:sin failed: "),
        ({"inputs": "x.npz"}, "the target takes x, w, but the file holds x"),
        ({"inputs": "nothing.npz"}, "nothing.npz: there is no such file"),
        ({"inputs": "broken.npz"}, "broken.npz: cannot be read"),
        ({"inputs": "some_targets.py"}, "must be in a .npz or a .safetensors file"),
        ({"inputs": "a_folder"}, "a_folder: is a folder"),
        ({"out": "a_folder"}, "a_folder is a folder"),
        ({"out": "/proc/nowhere/out"}, "cannot be written"),
        ({"out": "i.npz/out"}, "cannot be written"),
        ({"framework": "numpy"}, "framework must be 'jax' or 'torch'"),
        ({"framework": "torch"}, "some_targets:f failed: "),
    ],
)
def test_what_cannot_be_recorded_is_said_in_one_line(options, words, folder):
    done = recorded_by(**options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.startswith("jaxtut: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (folder / "out.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--argnums", "7"), "argnums=[7] does not fit"),
        (("--seed", "-1"), "seed must be"),
        (("--cotangents", "0"), "Invalid value"),
        (("--params", "nothing.npz"), "nothing.npz: there is no such file"),
        (("--params", "p.npz"), "the target takes w after its parameters, but the file holds x, w"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words, folder):
    done = recorded_by("some_targets:f", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_what_cannot_be_judged_is_said_in_one_line(recorded, tmp_path):
    (tmp_path / "cut").write_bytes((recorded / "jax").read_bytes()[:-1])
    (tmp_path / "text").write_text("hello")
    for first, options, words in (
        (tmp_path / "nothing", (), "there is no such file"),
        (tmp_path, (), "a folder, no recording"),
        (tmp_path / "cut", (), "damaged"),
        (tmp_path / "text", (), "not a whole safetensors file"),
        (recorded / "jax", ("--json", tmp_path), "is a folder"),
        (recorded / "jax", ("--html", "/proc/nowhere/page.html"), "cannot be written"),
    ):
        done = run("compare", first, recorded / "torch", *options)
        assert (done.exit_code, done.stdout) == (2, "")
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_missing_framework_is_named(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.ones(2))
    for framework, blocked, words in (("torch", TORCH, 'pip install "jaxtut[torch]"'), ("jax", JAX, "JAX is needed")):
        arguments = ("math:fsum", "--framework", framework, "--inputs", tmp_path / "x.npz", "--out", tmp_path / "out")
        done = without(blocked, "record", *arguments)
        assert done.returncode == 2, done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr
