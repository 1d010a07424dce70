"""A trained model in one file: the parameters as PyTorch names them, and what is needed to ask it; and the asking."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image, UnidentifiedImageError
from safetensors import SafetensorError, safe_open

import jaxtut.functional as F
from jaxtut import parameters

from .tasks import Task, find

_HEADER = "jaxtut"
VERSION = 1


@dataclass(frozen=True)
class TrainedModel:
    """A model of `jaxtut train`.

    Attributes:
        task: what it was trained for.
        params: its parameters.
        mean: what was subtracted from each feature; None: nothing.
        std: what each feature was divided by.
    """

    task: Task
    params: dict[str, Any]
    mean: np.ndarray | None = None
    std: np.ndarray | None = None

    def scores(self, X: np.ndarray) -> np.ndarray:
        """Return what the model gives for samples of shape (n, ...), unscaled as in the data set."""
        if self.mean is not None and self.std is not None:
            X = (X - self.mean) / self.std
        dtype = next(iter(self.params.values())).dtype
        apply = getattr(import_module(f"jaxtut.{self.task.module}"), self.task.apply)
        return np.asarray(jax.jit(apply)(self.params, np.asarray(X, dtype)))

    def probabilities(self, X: np.ndarray) -> np.ndarray:
        """Return the probability of each class, shape (n, classes).

        Raises:
            ValueError: a model of numbers, which has no classes.
        """
        if self.task.score == "R²":
            raise ValueError(f"the model {self.task.model} predicts a number, and has no classes")
        scores = self.scores(X)
        if self.task.score == "accuracy of probabilities":
            return np.concatenate([1 - scores, scores], axis=1)
        return np.asarray(F.softmax(scores, 1))


def save(path: str | Path, model: TrainedModel) -> None:
    """Write the model to a safetensors file.

    The tensors are those of `torch_ref`'s `Model.state_dict()`, so `safetensors.torch.load_file(path)` is what
    `load_state_dict` takes; the rest stands in the file's header.
    """
    header = {
        "version": VERSION,
        "model": model.task.model,
        "data": model.task.data,
        "mean": None if model.mean is None else np.asarray(model.mean, np.float64).tolist(),
        "std": None if model.std is None else np.asarray(model.std, np.float64).tolist(),
        "training": {k: v for k, v in asdict(model.task).items() if isinstance(v, int | float | str)},
    }
    parameters.save(path, model.params, {_HEADER: json.dumps(header)})


def load(path: str | Path) -> TrainedModel:
    """Read a model back.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no safetensors file, or none that `jaxtut train` wrote, or parameters that are not those of its model.
    """
    try:
        with safe_open(path, "numpy") as file:
            header = json.loads((file.metadata() or {}).get(_HEADER, "null"))
            names = list(file.keys())
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file that can be read: {error}") from None
    except ValueError:
        header, names = None, []
    if not isinstance(header, dict) or header.get("version") != VERSION:
        raise ValueError(f"{path} was not written by `jaxtut train`: its header does not say which model it is")
    task = find(str(header.get("model")), str(header.get("data")))
    expected = import_module(f"jaxtut.{task.module}").init(None, *task.arguments)
    parameters.require(str(path), dict.fromkeys(names, 0), tuple(expected))
    params = parameters.load(path)
    for name, value in expected.items():
        if params[name].shape != value.shape:
            raise ValueError(f"{path}: {name} must have shape {value.shape}, but {params[name].shape} is in the file")
    mean, std = (None if header.get(k) is None else np.asarray(header[k], np.float64) for k in ("mean", "std"))
    return TrainedModel(task, params, mean, std)


def read_picture(path: str | Path, task: Task) -> np.ndarray:
    """Read an image file as one sample of the task's data set: one grey channel, resized, light strokes on a dark ground.

    A picture whose border is lighter than half is taken to be dark on light, and is inverted.

    Args:
        path: any image file that Pillow reads.
        task: its data set must be one of pictures.

    Returns:
        Shape (1, 784), (1, 64), or (1, 1, 28, 28).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no picture, or a model of tables.
    """
    if task.picture is None:
        raise ValueError(
            f"{path}: the model {task.model} on {task.data} takes the {task.features} numbers of a row, not a picture; give it a .csv file"
        )
    side, largest = task.picture
    try:
        with Image.open(path) as image:
            grey = _on_white(image).convert("L")
    except UnidentifiedImageError:
        raise ValueError(f"{path} is not an image file that Pillow reads") from None
    border = np.concatenate([(a := np.asarray(grey))[0], a[-1], a[:, 0], a[:, -1]])
    pixels = np.asarray(grey.resize((side, side), Image.Resampling.BILINEAR), np.float64) / 255
    if border.mean() > 127.5:
        pixels = 1 - pixels
    return (pixels * largest).reshape(1, *((1, side, side) if task.model == "cnn" else (side * side,)))


def _on_white(image: Image.Image) -> Image.Image:
    """Return the picture on white paper, where it is transparent."""
    if not image.has_transparency_data:
        return image
    colours = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), colours)


def read_rows(path: str | Path, task: Task) -> np.ndarray:
    """Read the rows of a CSV file, with or without a heading, which has no number in it, as samples of the task's data set.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not as many numbers in a row as the model takes, something that is no number, or no row.
    """
    lines = [line for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    rows: list[list[float]] = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append([float(cell) for cell in line.split(",")])
        except ValueError:
            if number > 1 or any(map(_is_number, line.split(","))):
                raise ValueError(
                    f"{path}, line {number}: every cell must be a number, but {line[:60]!r} was given"
                ) from None
            continue
        if len(rows[-1]) != task.features:
            raise ValueError(
                f"{path}, line {number}: the model {task.model} on {task.data} takes {task.features} numbers a row, but {len(rows[-1])} were given"
            )
    if not rows:
        raise ValueError(f"{path} has no row of numbers")
    X = np.array(rows)
    return X.reshape(-1, 1, 28, 28) if task.model == "cnn" else X


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
