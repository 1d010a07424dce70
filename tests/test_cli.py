"""The command line: what it prints and writes, and one clear line with exit code 2 for what it cannot do."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from jaxtut.cli import app


def run(*args: str):
    return CliRunner().invoke(app, list(args))


def test_check_prints_every_quantity_and_writes_reports(tmp_path):
    result = run("check", "backprop", "--json", str(tmp_path / "r.json"), "--html", str(tmp_path / "pages"))
    assert result.exit_code == 0, result.output
    assert "Identical." in result.output
    assert "∂/∂ w" in result.output
    reports = json.loads((tmp_path / "r.json").read_text())
    assert {report["lesson"] for report in reports} == {"backprop"}
    assert all(report["same"] for report in reports)
    assert len(list((tmp_path / "pages").glob("*.html"))) == len(reports)


def test_check_fails_when_a_lesson_differs(monkeypatch):
    import jax.numpy as jnp
    import torch

    from jaxtut.parity import lessons

    planted = lessons.Case("backprop", "planted", lambda: jnp.zeros(2), lambda: torch.ones(2))
    monkeypatch.setitem(lessons._CASES, "backprop", lambda rng: iter([planted]))
    result = run("check", "backprop")
    assert result.exit_code == 1
    assert "DIFFERENT" in result.output
    assert "first divergence" in result.output


def test_train_writes_a_plot_and_figures(tmp_path):
    result = run("train", "ffn", "--against", "torch", "--dtype", "float64", "--epochs", "1", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "the same run" in result.output
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")
    (figures,) = json.loads((tmp_path / "training.json").read_text())
    assert len(figures["losses_jax"]) == 63  # ⌈4000 / 64⌉
    assert figures["epochs"][0]["score_jax"] == figures["epochs"][0]["score_torch"] > 0.8


def test_train_finds_a_side_that_trains_otherwise(tmp_path, monkeypatch):
    from jaxtut import optim
    from jaxtut.parity import trainers

    monkeypatch.setattr(trainers.optim, "Adam", lambda lr: optim.SGD(lr=lr))
    result = run("train", "ffn", "--against", "torch", "--dtype", "float64", "--epochs", "1", "--out", str(tmp_path))
    assert result.exit_code == 1
    assert "DIFFERENT" in result.output


def test_graph_prints_the_numbers_of_the_notes():
    result = run("graph", "backprop")
    assert result.exit_code == 0
    assert "y_hat" in result.output
    assert "-2" in result.output


def test_graph_in_the_order_of_the_backward_pass():
    lines = run("graph", "backprop", "--backward").output.splitlines()
    assert lines[2].split()[:2] == ["5", "loss"]


def test_graph_writes_what_is_asked_for(tmp_path):
    names = {kind: tmp_path / f"g.{kind}" for kind in ("html", "svg", "dot", "json")}
    result = run("graph", "chain_rule", *(word for kind, path in names.items() for word in (f"--{kind}", str(path))))
    assert result.exit_code == 0, result.output
    texts = {kind: path.read_text(encoding="utf-8") for kind, path in names.items()}
    assert texts["html"].startswith("<!doctype html>")
    assert texts["svg"].startswith("<svg")
    assert texts["dot"].startswith("digraph")
    assert json.loads(texts["json"])["nodes"][0]["gradient"] == pytest.approx([4.0, 16.0 / 3.0])


@pytest.fixture
def own(tmp_path, monkeypatch):
    import numpy as np

    (tmp_path / "own_program.py").write_text(
        "import jax, jax.numpy as jnp\n"
        "def loss(w, x): return jnp.sum(jax.nn.relu(w @ x))\n"
        "def scores(w, x): return w @ x\n"
        "def branch(w, x): return w[0, 0] if x[0] > 0 else w[0, 1]\n"
    )
    np.savez(tmp_path / "in.npz", x=np.arange(3.0), w=np.ones((2, 3)))
    monkeypatch.syspath_prepend(str(tmp_path))
    return str(tmp_path / "in.npz")


def test_graph_of_any_function(own):
    result = run("graph", "own_program:loss", "--inputs", own)
    assert result.exit_code == 0, result.output
    assert "relu" in result.output
    opened = run("graph", "own_program:loss", "--inputs", own, "--opened", "custom_jvp", "--opened", "jit")
    assert "max" in opened.output


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("loss", [], "own_program:loss needs arguments; name a file of arrays by --inputs"),
        ("nothing", ["--inputs"], "graph: 'own_program' has no 'nothing'"),
        ("scores", ["--inputs"], "graph: own_program:scores: trace: f returns float32 of shape (2,)"),
        ("branch", ["--inputs"], "graph: own_program:branch: trace: f cannot be traced"),
        ("loss", ["--opened", "loops", "--inputs"], "opened must be among jit"),
    ],
)
def test_graph_says_what_is_wrong_with_a_function(own, name, options, words):
    file = [own] if "--inputs" in options else []
    result = run("graph", f"own_program:{name}", *options, *file)
    assert result.exit_code == 2
    assert words in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["check", "algebra"], "no lesson named 'algebra'"),
        (["check", "backprop", "--device", "quantum"], "no device 'quantum'"),
        (["check", "backprop", "--json", "/proc/nowhere/r.json"], "cannot be written"),
        (["train", "rnn"], "no model 'rnn'"),
        (["train", "ffn", "--data", "imagenet"], "no data set 'imagenet'"),
        (["train", "cnn", "--data", "wine"], "no data set 'wine' to train cnn on; choose from mnist"),
        (["train", "ffn", "--against", "keras"], "nothing named 'keras' to train against"),
        (["train", "ffn", "--dtype", "float8"], "no dtype 'float8'"),
        (["train", "ffn", "--out", "/proc/nowhere"], "cannot be written"),
        (["graph", "cooking"], "no graph of 'cooking'"),
        (["graph", "backprop", "--html", "/proc/nowhere/g.html"], "cannot be written"),
        (["--nonsense"], "No such option"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(args, words):
    result = run(*args)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output
    if args[0] in ("check", "train", "graph"):
        assert len(result.output.strip().splitlines()) == 1


def test_without_torch_the_command_says_what_to_install():
    program = "import sys; sys.modules['torch'] = None; from jaxtut.cli import main; sys.argv = ['jaxtut', 'check', 'backprop']; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert 'pip install "jaxtut[torch]"' in done.stderr
    assert "Traceback" not in done.stderr
