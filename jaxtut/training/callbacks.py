"""What happens beside the steps of a run: a bar of progress, an early stop, a table of metrics."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from .results import FitResult, History

Monitor = Literal["accuracy", "loss"]


class Callback:
    """What `fit` calls; subclasses write what they need.

    A run that goes on from a checkpoint makes new callbacks; so what they know must follow from the history, which holds all epochs
    from the first.
    """

    def on_start(self, epochs: int, steps: int, history: History) -> None:
        """Be told of the number of epochs, of steps in each, and of what an earlier run has done already."""

    def on_steps(self, epoch: int, done: int, losses: list[float]) -> None:
        """Be told how many steps of the epoch are done, and the losses of the latest of them."""

    def on_epoch(self, epoch: int, result: FitResult) -> bool | None:
        """Be told of the end of an epoch; True ends the run."""
        return None

    def on_end(self) -> None:
        """Be told that the run is over, also when it ends by an error."""


class OnEpoch(Callback):
    """A function of (epoch, result) as a callback."""

    def __init__(self, function: Callable[[int, FitResult], Any]) -> None:
        self.function = function

    def on_epoch(self, epoch: int, result: FitResult) -> bool | None:
        return self.function(epoch, result) is True


class EarlyStopping(Callback):
    """End the run where nothing has become better for some epochs.

    Args:
        patience: how many epochs in a row may be no better than the best.
        min_delta: by how much a number must be better to count as better.
        monitor: 'accuracy', which needs `evaluate_on`, or 'loss', the mean loss of the epoch; None: the accuracy where there is one.

    Example:
        >>> stop = EarlyStopping(patience=2)
        >>> [stop.is_over(History(epoch_losses=[3.0, 1.0, 2.0, 1.5][:n])) for n in (1, 2, 3, 4)]
        [False, False, False, True]

    Raises:
        TypeError: a patience that is no int.
        ValueError: a patience below 1, a negative `min_delta`, or an unknown monitor.

    PyTorch has no counterpart; Lightning's `EarlyStopping` has these arguments. It keeps no state of its own, so a run
    that goes on from a checkpoint stops where an uninterrupted one does.
    """

    def __init__(self, patience: int = 3, min_delta: float = 0.0, monitor: Monitor | None = None) -> None:
        if isinstance(patience, bool) or not isinstance(patience, int):
            raise TypeError(f"EarlyStopping: patience must be an int, but {patience!r} was given")
        if patience < 1:
            raise ValueError(f"EarlyStopping: patience must be at least 1, but {patience} was given")
        if not min_delta >= 0:
            raise ValueError(f"EarlyStopping: min_delta must not be negative, but {min_delta} was given")
        check_monitor("EarlyStopping", monitor)
        self.patience, self.min_delta = patience, min_delta
        self.monitor: Monitor | None = monitor

    def on_epoch(self, epoch: int, result: FitResult) -> bool:
        return self.is_over(result.history)

    def is_over(self, history: History) -> bool:
        """Say whether a run with this history ends here."""
        best, waited = -math.inf, 0
        for score in scores(history, self.monitor):
            better = score > best + self.min_delta if best > -math.inf else True
            best, waited = (score, 0) if better else (best, waited + 1)
        return waited >= self.patience


class ProgressBar(Callback):
    """Show a bar of the steps, and the latest loss and accuracy beside it, with rich.

    Args:
        console: where to draw; None: standard error.
    """

    def __init__(self, console: Any = None) -> None:
        self.console = console
        self._bar: Any = None

    def on_start(self, epochs: int, steps: int, history: History) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=self.console or Console(stderr=True))
        self._steps = steps
        done = len(history.losses)
        self._task = self._bar.add_task("training", total=epochs * steps, completed=done)
        self._bar.start()

    def on_steps(self, epoch: int, done: int, losses: list[float]) -> None:
        text = f"epoch {epoch + 1}, loss {losses[-1]:.4g}"
        self._bar.update(self._task, completed=epoch * self._steps + done, description=text)

    def on_epoch(self, epoch: int, result: FitResult) -> None:
        accuracy = f", accuracy {result.history.accuracies[-1]:.2%}" if result.history.accuracies else ""
        text = f"epoch {epoch + 1}, loss {result.history.epoch_losses[-1]:.4g}{accuracy}"
        self._bar.update(self._task, description=text)

    def on_end(self) -> None:
        if self._bar is not None:
            self._bar.stop()


class CSVLogger(Callback):
    """Keep a table of the epochs in a CSV file: epoch (from 1), mean loss, and accuracy where there is one.

    The whole file is written anew after each epoch, to a file beside it which then takes its place: it is never half written,
    and a run that goes on from a checkpoint leaves the file that an uninterrupted one leaves.

    Args:
        path: the file.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     CSVLogger(f"{folder}/metrics.csv").write(History(epoch_losses=[0.5, 0.25], accuracies=[0.75, 1.0]))
        ...     print(Path(f"{folder}/metrics.csv").read_text().strip())
        epoch,loss,accuracy
        1,0.5,0.75
        2,0.25,1.0

    Raises:
        OSError: when the run starts, if the file cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def on_start(self, epochs: int, steps: int, history: History) -> None:
        self.write(history)

    def on_epoch(self, epoch: int, result: FitResult) -> None:
        self.write(result.history)

    def write(self, history: History) -> None:
        """Write the table of these epochs."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}.part")
        columns = [("epoch", range(1, len(history.epoch_losses) + 1)), ("loss", history.epoch_losses)]
        if history.accuracies:
            columns.append(("accuracy", history.accuracies))
        with beside.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow([name for name, _ in columns])
            table.writerows(zip(*(values for _, values in columns), strict=True))
        os.replace(beside, self.path)


def check_monitor(caller: str, monitor: object) -> None:
    """Refuse an unknown monitor."""
    if monitor not in (None, "accuracy", "loss"):
        raise ValueError(f"{caller}: monitor must be 'accuracy', 'loss' or None, but {monitor!r} was given")


def scores(history: History, monitor: Monitor | None) -> list[float]:
    """Return a number for each epoch that is the higher the better: the accuracy, or minus the loss."""
    if monitor == "accuracy" and len(history.accuracies) < len(history.epoch_losses):
        raise ValueError("monitor='accuracy' needs evaluate_on")
    if monitor == "loss" or not history.accuracies:
        return [-loss for loss in history.epoch_losses]
    return history.accuracies
