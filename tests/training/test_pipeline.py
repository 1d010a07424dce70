"""From data to a saved model, and what it says of a picture or of rows."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

import torch_ref.cnn
import torch_ref.ffn
from jaxtut import data
from jaxtut.cli import app
from jaxtut.training import pipeline, tasks, trained_model


def command(*args: str):
    return CliRunner().invoke(app, [str(a) for a in args], env={"COLUMNS": "150"})


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    outcome = pipeline.train(tasks.find("ffn", "digits"), folder, epochs=8)
    return folder, outcome


def test_a_run_leaves_its_model_metrics_and_curves(digits):
    folder, outcome = digits
    assert sorted(p.name for p in folder.iterdir()) == ["checkpoints", "curves.png", "metrics.csv", "model.safetensors"]
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert len((folder / "metrics.csv").read_text().splitlines()) == 9
    assert outcome.score == outcome.history.accuracies[-1] > 0.9
    assert outcome.samples == (1437, 360)


def test_pytorch_takes_the_file_and_gives_the_same_scores(digits):
    folder, _ = digits
    from safetensors.torch import load_file as load_tensors

    model = torch_ref.ffn.Model(64, 100, 10)
    model.load_state_dict(load_tensors(folder / "model.safetensors"))
    X, _ = data.digits()
    ours = trained_model.load(folder / "model.safetensors").scores(X[:50])
    theirs = model(torch.tensor(X[:50], dtype=torch.float32)).detach().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_the_best_and_the_last_epoch_are_kept(digits):
    folder, outcome = digits
    steps = len(outcome.history.losses) // 8
    best = int(np.argmax(outcome.history.accuracies)) + 1
    names = {f"step_{n * steps:010d}" for n in (best, 8)}
    assert {p.name for p in (folder / "checkpoints").iterdir()} == names


@pytest.mark.parametrize(
    ("model", "data_set", "dtype"), [("linear", "wine", "float64"), ("ffn_binary", "breast_cancer", "float32")]
)
def test_a_run_that_goes_on_leaves_the_same_files(tmp_path, model, data_set, dtype):
    task = tasks.find(model, data_set)
    whole = pipeline.train(task, tmp_path / "whole", seed=3, dtype=dtype, epochs=3)
    pipeline.train(task, tmp_path / "parts", seed=3, dtype=dtype, epochs=1)
    parts = pipeline.train(task, tmp_path / "parts", seed=3, dtype=dtype, epochs=3, resume=True)
    assert whole.history == parts.history
    for name in ("metrics.csv", "model.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_pictures_are_classified(digits, tmp_path):
    folder, _ = digits
    X, y = data.digits()
    right = 0
    for i in range(40):
        pixels = (X[i].reshape(8, 8) / 16 * 255).astype("uint8")
        # As on paper: dark on light, in colour, larger.
        Image.fromarray(255 - pixels).convert("RGB").resize((200, 200), Image.Resampling.NEAREST).save(
            tmp_path / "digit.png"
        )
        result = command("predict", folder / "model.safetensors", tmp_path / "digit.png", "--top", "1")
        assert result.exit_code == 0, result.output
        digit, share = result.output.split()
        assert share.endswith("%")
        right += int(digit) == y[i]
    assert right >= 36


def test_a_transparent_picture_is_on_white_paper(tmp_path):
    ink = Image.new("L", (28, 28))
    ink.paste(255, (12, 4, 16, 24))
    strokes = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
    strokes.putalpha(ink)  # black strokes on nothing at all
    strokes.save(tmp_path / "drawn.png")
    Image.eval(ink, lambda v: 255 - v).save(tmp_path / "scanned.png")
    task = tasks.find("cnn", None)
    drawn, scanned = (trained_model.read_picture(tmp_path / name, task) for name in ("drawn.png", "scanned.png"))
    np.testing.assert_array_equal(drawn, scanned)
    assert drawn.sum() == 4 * 20


def test_another_seed_does_not_go_on_with_this_run(tmp_path):
    args = ("train", "logistic", "--epochs", "1", "--out", tmp_path)
    assert command(*args).exit_code == 0
    result = command(*args, "--epochs", "2", "--seed", "1", "--resume")
    assert result.exit_code == 2
    assert "other samples" in " ".join(result.output.split())


def test_rows_are_classified(tmp_path):
    result = command("train", "ffn", "--data", "wine", "--epochs", "30", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "wine" in result.output
    X, y = data.wine()
    np.savetxt(tmp_path / "rows.csv", X[::20], delimiter=",", header="a,b", comments="")
    said = command("predict", tmp_path / "ffn-wine" / "model.safetensors", tmp_path / "rows.csv", "--top", "1").output
    lines = said.splitlines()
    assert len(lines) == len(X[::20])
    assert sum(line.startswith(f"grower {label} ") for line, label in zip(lines, y[::20], strict=True)) >= 8


def test_a_number_is_predicted(tmp_path):
    assert command("train", "linear", "--dtype", "float64", "--out", tmp_path, "--epochs", "2").exit_code == 0
    np.savetxt(tmp_path / "rows.csv", data.wine()[0][:2, 1:], delimiter=",")
    said = command("predict", tmp_path / "linear-wine" / "model.safetensors", tmp_path / "rows.csv").output
    assert [float(line) > 0 for line in said.split()] == [True, True]


def test_a_second_run_into_the_same_folder_is_refused(digits):
    folder, _ = digits
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    shutil.copytree(folder, folder.parent / "out" / "ffn-digits", dirs_exist_ok=True)
    result = command("train", "ffn", "--data", "digits", "--out", folder.parent / "out")
    assert result.exit_code == 2
    assert "--resume" in result.output
    copied = {p: (folder.parent / "out" / "ffn-digits" / p.relative_to(folder)).read_bytes() for p in before}
    assert copied == before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.csv", "1,2,3\n", "takes the 64 numbers|takes 64 numbers a row, but 3 were given"),
        ("rows.csv", "a,b\nc,d\n", "line 2: every cell must be a number"),
        ("rows.csv", "1,x,3\n", "line 1: every cell must be a number"),
        ("rows.csv", "\n", "no row of numbers"),
        ("digit.png", "no picture", "not an image file that Pillow reads"),
    ],
)
def test_samples_that_are_none_are_refused(digits, tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    result = command("predict", digits[0] / "model.safetensors", tmp_path / name)
    assert result.exit_code == 2
    import re

    assert re.search(message, result.output)


def test_a_model_of_tables_takes_no_picture(tmp_path):
    pipeline.train(tasks.find("logistic", None), tmp_path, epochs=1)
    Image.new("L", (8, 8)).save(tmp_path / "digit.png")
    result = command("predict", tmp_path / "model.safetensors", tmp_path / "digit.png")
    assert result.exit_code == 2
    assert "takes the 30 numbers of a row, not a picture" in result.output


@pytest.mark.parametrize("how", ["text", "foreign", "another shape", "missing", "no such model"])
def test_model_files_that_are_none_are_refused(digits, tmp_path, how):
    path = tmp_path / "model.safetensors"
    arrays = load_file(digits[0] / "model.safetensors")
    header = {"version": 1, "model": "ffn", "data": "digits"}
    if how == "text":
        path.write_text("hello")
    elif how == "foreign":
        save_file(arrays, path)
    else:
        if how == "another shape":
            arrays["fc1.weight"] = arrays["fc1.weight"][:, :63].copy()
        elif how == "missing":
            del arrays["fc2.bias"]
        else:
            header["model"] = "resnet"
        save_file(arrays, path, metadata={"jaxtut": json.dumps(header)})
    with pytest.raises(ValueError, match=r"safetensors|jaxtut train|must have shape|missing|no model"):
        trained_model.load(path)


def test_the_loss_of_a_task_is_that_of_its_lesson():
    from importlib import import_module

    import jax.numpy as jnp

    import jaxtut.functional as F
    from jaxtut import torch_random

    for task in tasks.TASKS:
        module = import_module(f"jaxtut.{task.module}")
        params = module.init(torch_random.Generator(0), *task.arguments)
        X, y = (jnp.asarray(a[:4]) for a in task.samples())
        x, y = X.astype("float32"), y.astype("float32") if jnp.issubdtype(y.dtype, jnp.floating) else y
        ours = getattr(F, task.criterion)(getattr(module, task.apply)(params, x), y)
        assert ours == getattr(module, task.loss)(params, x, y)
