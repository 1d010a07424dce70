"""`jaxtut train` without another side: a task from data to a saved model, which may be interrupted at any moment."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import jax
import numpy as np

import jaxtut.functional as F
from jaxtut import data, optim
from jaxtut.torch_random import Generator

from . import trained_model
from .callbacks import Callback, CSVLogger, EarlyStopping
from .checkpoints import Checkpoints
from .curves import draw_curves
from .evaluation import correct_class, correct_probability
from .fitting import fit
from .results import History
from .tasks import Task


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    Attributes:
        task: what was trained.
        history: the numbers of the run.
        score: accuracy on the test samples, or R².
        samples: how many there were to train on and to test on.
        folder: where `model.safetensors`, `metrics.csv`, `curves.png` and the checkpoints lie.
    """

    task: Task
    history: History
    score: float
    samples: tuple[int, int]
    folder: Path


def train(
    task: Task,
    folder: str | Path,
    *,
    seed: int = 0,
    dtype: str = "float32",
    epochs: int | None = None,
    resume: bool = False,
    patience: int | None = None,
    callbacks: tuple[Callback, ...] = (),
) -> Outcome:
    """Train a model of the course and leave it, its metrics and its curves in a folder.

    Args:
        task: from `tasks.find`.
        folder: where everything goes.
        seed: of the split, the initial weights and the order of the samples.
        dtype: 'float32' or 'float64'.
        epochs: passes over the training samples; None is as many as the model needs.
        resume: go on from the folder's checkpoint, if there is one.
        patience: end the run after so many epochs without a better one; None: never.
        callbacks: who else hears of it.

    Raises:
        CheckpointError: the folder holds another run, or one, and `resume` is False.
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    with jax.enable_x64(True) if dtype == "float64" else nullcontext():
        generator = Generator(seed)
        X, X_test, y, y_test = data.train_test_split(*task.samples(), task.test_size, generator)
        mean = std = None
        if task.standardized:
            X, mean, std = data.standardize(X)
            X_test, _, _ = data.standardize(X_test, mean, std)
        module = import_module(f"jaxtut.{task.module}")
        params = {
            name: jax.numpy.array(value) for name, value in module.init(generator, *task.arguments, dtype=dtype).items()
        }
        result = fit(
            getattr(module, task.apply),
            getattr(F, task.criterion),
            getattr(optim, task.optimizer)(lr=task.lr),
            params,
            X.astype(dtype),
            y.astype(dtype if y.dtype.kind == "f" else "int32"),
            epochs=task.epochs if epochs is None else epochs,
            batch_size=task.batch_size,
            generator=generator,
            evaluate_on=None if task.score == "R²" else (X_test.astype(dtype), y_test),
            correct=correct_class if task.score == "accuracy" else correct_probability,
            callbacks=(
                *callbacks,
                CSVLogger(folder / "metrics.csv"),
                *(() if patience is None else (EarlyStopping(patience),)),
            ),
            checkpoints=Checkpoints(folder / "checkpoints"),
            resume=resume,
        )
        model = trained_model.TrainedModel(task, result.params, mean, std)
        predicted = np.asarray(jax.jit(getattr(module, task.apply))(result.params, X_test.astype(dtype)))
        trained_model.save(folder / "model.safetensors", model)
    if result.history.epoch_losses:
        draw_curves(result.history, folder / "curves.png", f"{task.model} on {task.data}, seed {seed}, {dtype}")
    score = task.score_of(predicted, y_test)
    return Outcome(task, result.history, score, (len(X), len(X_test)), folder)
