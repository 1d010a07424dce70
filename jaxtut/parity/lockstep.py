"""Train a model in both frameworks from one seed, with no array shared, and measure how far the two drift apart."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from typing import NamedTuple

import jax
import numpy as np

from jaxtut.training.tasks import Task, find

from . import definition
from .torch_side import require_torch
from .trainers import JaxTrainer, TorchTrainer

Advance = Callable[[int, int], None]
Parameters = dict[str, np.ndarray]


@dataclass(frozen=True)
class Epoch:
    """Both sides after one pass over the data.

    Attributes:
        loss_jax: mean loss of the pass.
        loss_torch: the same.
        score_jax: accuracy on the test samples, or R².
        score_torch: the same.
        drift: the largest difference of a weight, relative to the largest of its array.
        drift_of_threads: the same between PyTorch and PyTorch on another number of threads; None where it was not run.
        drift_of_an_ulp: the same between PyTorch and PyTorch from weights moved by an ulp.
    """

    loss_jax: float
    loss_torch: float
    score_jax: float
    score_torch: float
    drift: float
    drift_of_threads: float | None = None
    drift_of_an_ulp: float | None = None


class Verdict(NamedTuple):
    """Whether the two runs agree, and a line that says so."""

    same: bool
    text: str


@dataclass
class Run:
    """One model trained on both sides: the losses of every step, and every epoch."""

    model: str
    data: str
    dtype: str
    seed: int
    score: str
    batch_size: int
    same_start: bool = False
    same_batches: bool = True
    losses_jax: list[float] = field(default_factory=list)
    losses_torch: list[float] = field(default_factory=list)
    losses_of_threads: list[float] = field(default_factory=list)
    losses_of_an_ulp: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)

    @property
    def loss_drift(self) -> float:
        """The largest difference of a step's loss, relative to PyTorch's."""
        ours, theirs = np.array(self.losses_jax), np.array(self.losses_torch)
        return float(np.max(np.abs(ours - theirs) / np.abs(theirs)))

    def shown(self, value: float) -> str:
        """Return a score as it is printed."""
        return f"{value:.4f}" if self.score == "R²" else f"{value:.2%}"

    def verdict(self) -> Verdict:
        """Judge the runs: the same start and batches; in float64 no drift to speak of, in float32 scores within the points of the definition."""
        last = self.epochs[-1]
        text = (
            f"{self.score} {self.shown(last.score_jax)} in JAX, {self.shown(last.score_torch)} in PyTorch; "
            f"drift of losses {self.loss_drift:.1e}, of weights {last.drift:.1e}; "
            f"first weights {'equal bit for bit' if self.same_start else 'DIFFERENT'}, batches {'equal' if self.same_batches else 'DIFFERENT'}"
        )
        same = self.same_start and self.same_batches
        if self.dtype == "float64":
            apart = max(abs(e.score_jax - e.score_torch) for e in self.epochs)
            same &= max(apart, last.drift) <= definition.TRAINING_DRIFT_FLOAT64
            return Verdict(same, f"{text}; {'the same run' if same else 'DIFFERENT: rounding does not explain it'}")
        points = 100 * abs(last.score_jax - last.score_torch)
        near = points <= definition.ACCURACY_POINTS_FLOAT32
        words = f"{points:.1f} points apart, {'within' if near else 'MORE THAN'} {definition.ACCURACY_POINTS_FLOAT32}"
        return Verdict(same and near, f"{text}; {words}")

    def to_dict(self) -> dict:
        """Return everything as plain data for JSON."""
        return asdict(self) | {"verdict": self.verdict()._asdict()}


def train_in_lockstep(
    model: str,
    data: str | None,
    dtype: str,
    epochs: int | None,
    seed: int,
    advance: Advance = lambda done, total: None,
) -> Run:
    """Train `model` on both sides, each from the seed alone.

    In float32 PyTorch is trained twice more, on another number of threads and from weights moved by an ulp: so far does
    rounding drift by itself.

    Args:
        model: 'linear', 'logistic', 'ffn' or 'cnn'.
        data: a data set for it; None is its first.
        dtype: 'float32' or 'float64'.
        epochs: passes over the training samples; None is as many as the model needs.
        seed: of the split, the initial weights and the shuffles.
        advance: called with the number of steps done and their total.

    Raises:
        ValueError: an unknown model, data set or dtype.
        MissingDependencyError: PyTorch is not installed.
    """
    task = find(model, data)
    if dtype not in ("float32", "float64"):
        raise ValueError(f"there is no dtype {dtype!r} to train; choose from float32, float64")
    require_torch()
    with jax.enable_x64(True) if dtype == "float64" else nullcontext():
        return _train(task, dtype, seed, epochs or task.epochs, advance)


def _train(task: Task, dtype: str, seed: int, epochs: int, advance: Advance) -> Run:
    import torch

    run = Run(task.model, task.data, dtype, seed, task.score.split()[0], task.batch_size)
    ours, theirs = JaxTrainer(task, seed, dtype), TorchTrainer(task, seed, dtype)
    threads = 1 if torch.get_num_threads() > 1 else 2
    rounding: list[tuple[TorchTrainer, list[float]]] = []
    if dtype == "float32":
        rounding = [
            (TorchTrainer(task, seed, dtype, threads=threads), run.losses_of_threads),
            (TorchTrainer(task, seed, dtype, nudged=True), run.losses_of_an_ulp),
        ]
    run.same_start = _equal(ours.parameters(), theirs.parameters())
    steps = len(theirs.loader)
    for epoch in range(epochs):
        losses = []
        for i, (mine, its) in enumerate(zip_longest(ours.batches(), theirs.batches())):
            run.same_batches &= np.array_equal(mine, its)
            losses.append(ours.step(mine))
            run.losses_torch.append(theirs.step(its))
            advance(epoch * steps + i + 1, epochs * steps)
        run.losses_jax += [float(loss) for loss in losses]
        for trainer, losses_of in rounding:
            losses_of += [trainer.step(rows) for rows in trainer.batches()]
        drifts = [_drift(trainer.parameters(), theirs.parameters()) for trainer, _ in rounding]
        run.epochs.append(
            Epoch(
                loss_jax=float(np.mean(run.losses_jax[-steps:])),
                loss_torch=float(np.mean(run.losses_torch[-steps:])),
                score_jax=task.score_of(ours.predicted(), ours.y_test),
                score_torch=task.score_of(theirs.predicted(), theirs.y_test),
                drift=_drift(ours.parameters(), theirs.parameters()),
                **dict(zip(("drift_of_threads", "drift_of_an_ulp"), drifts, strict=False)),
            )
        )
    return run


def _equal(a: Parameters, b: Parameters) -> bool:
    return a.keys() == b.keys() and all(a[n].dtype == b[n].dtype and np.array_equal(a[n], b[n]) for n in a)


def _drift(a: Parameters, b: Parameters) -> float:
    return max(float(np.abs(a[n] - b[n]).max() / np.abs(b[n]).max()) for n in b)
