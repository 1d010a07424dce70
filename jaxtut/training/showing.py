"""What `jaxtut train` and `jaxtut predict` print."""

from __future__ import annotations

import time
from pathlib import Path

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from . import trained_model
from .callbacks import ProgressBar
from .pipeline import Outcome, train
from .tasks import find


def run_pipelines(
    models: tuple[str, ...],
    data_set: str | None,
    dtype: str,
    epochs: int | None,
    patience: int | None,
    resume: bool,
    seed: int,
    out: Path,
    console: Console,
) -> None:
    """Train the models one after the other and print a table of what came out."""
    if dtype not in ("float32", "float64"):
        raise ValueError(f"there is no dtype {dtype!r} to train; choose from float32, float64")
    tasks = [find(model, data_set) for model in models]
    rows: list[tuple[Outcome, float]] = []
    for task in tasks:
        start = time.perf_counter()
        outcome = train(
            task,
            out / f"{task.model}-{task.data}",
            seed=seed,
            dtype=dtype,
            epochs=epochs,
            patience=patience,
            resume=resume,
            callbacks=(ProgressBar(),),
        )
        rows.append((outcome, time.perf_counter() - start))
    console.print(_table(rows, seed, dtype))
    for outcome, _ in rows:
        console.print(
            f"{outcome.folder}: model.safetensors, metrics.csv, curves.png, checkpoints",
            highlight=False,
            soft_wrap=True,
        )


def _table(rows: list[tuple[Outcome, float]], seed: int, dtype: str) -> Table:
    table = Table(title=f"[bold]Trained[/]: seed {seed}, {dtype}", title_justify="left")
    for heading in ("model", "data"):
        table.add_column(heading)
    for heading in ("to train", "to test", "epochs", "first loss", "last loss", "score", "seconds"):
        table.add_column(heading, justify="right")
    for outcome, seconds in rows:
        task, losses = outcome.task, outcome.history.epoch_losses
        score = f"R² {outcome.score:.4f}" if task.score == "R²" else f"{outcome.score:.2%}"
        first, last = (f"{loss:.4f}" for loss in (losses[0], losses[-1]))
        counts = (*map(str, outcome.samples), str(len(losses)))
        table.add_row(task.model, task.data, *counts, first, last, score, f"{seconds:.1f}")
    return table


def run_predict(path: Path, sample: Path, top: int, console: Console) -> None:
    """Print the classes of an image, or of every row of a table, with their probabilities."""
    with jax.enable_x64(True):  # for models of float64
        model = trained_model.load(path)
        task = model.task
        rows = sample.suffix.lower() == ".csv"
        X = trained_model.read_rows(sample, task) if rows else trained_model.read_picture(sample, task)
        if task.score == "R²":
            lines = [f"{value:.4f}" for value in model.scores(X).ravel()]
        else:
            lines = [_best(p, task.classes, top) for p in model.probabilities(X)]
    for line in lines:
        console.print(line, highlight=False)


def _best(p: np.ndarray, classes: tuple[str, ...], top: int) -> str:
    return "   ".join(f"{classes[i]} {p[i]:.2%}" for i in np.argsort(-p, kind="stable")[:top])
