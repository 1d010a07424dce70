"""`jaxtut train` without another side: a task from data to a saved model, which may be interrupted at any moment."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

import jaxtut.functional as F
from jaxtut import optim

from . import trained_model
from .callbacks import Callback, CSVLogger, EarlyStopping
from .checkpoints import Checkpoints
from .curves import draw_curves
from .evaluation import correct_class, correct_probability
from .fitting import fit
from .results import History
from .start import start
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
        begun = start(task, seed, dtype)
        apply = getattr(begun.module, task.apply)
        result = fit(
            apply,
            getattr(F, task.criterion),
            getattr(optim, task.optimizer)(lr=task.lr),
            begun.params,
            begun.X,
            begun.y,
            epochs=task.epochs if epochs is None else epochs,
            batch_size=task.batch_size,
            generator=begun.generator,
            evaluate_on=None if task.score == "R²" else (begun.X_test, begun.y_test),
            correct=correct_class if task.score == "accuracy" else correct_probability,
            callbacks=(
                *callbacks,
                CSVLogger(folder / "metrics.csv"),
                *([] if patience is None else [EarlyStopping(patience)]),
            ),
            checkpoints=Checkpoints(folder / "checkpoints"),
            resume=resume,
        )
        predicted = np.asarray(jax.jit(apply)(result.params, begun.X_test))
        trained_model.save(
            folder / "model.safetensors", trained_model.TrainedModel(task, result.params, begun.mean, begun.std)
        )
    if result.history.epoch_losses:
        draw_curves(result.history, folder / "curves.png", f"{task.model} on {task.data}, seed {seed}, {dtype}")
    score = task.score_of(predicted, begun.y_test)
    return Outcome(task, result.history, score, (len(begun.X), len(begun.X_test)), folder)
