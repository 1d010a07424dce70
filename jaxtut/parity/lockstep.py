"""Train a model in both frameworks from the same weights on the same batches, and measure how far the two drift apart."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxtut import functional as F
from jaxtut import optim, training
from jaxtut.torch_random import Generator

from . import definition
from .torch_side import require_torch

IMAGE_SHAPES = {"ffn": (784,), "cnn": (1, 28, 28)}
EPOCHS = {"ffn": 5, "cnn": 7}
BATCH_SIZE = 64
LEARNING_RATE = {"ffn": 1e-3, "cnn": 2e-3}
TRAINING_SAMPLES = 4000

Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class Epoch:
    """Both sides after one pass over the data; the drift is the largest difference of a weight, relative to the largest of its array."""

    loss_jax: float
    loss_torch: float
    accuracy_jax: float
    accuracy_torch: float
    drift: float


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
    batch_size: int = BATCH_SIZE
    losses_jax: list[float] = field(default_factory=list)
    losses_torch: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)

    def verdict(self) -> Verdict:
        """Judge the runs: in float64 equal accuracies and no drift to speak of, in float32 accuracies within the points of the definition."""
        last = self.epochs[-1]
        text = f"accuracy {last.accuracy_jax:.2%} in JAX, {last.accuracy_torch:.2%} in PyTorch, drift {last.drift:.1e}"
        if self.dtype == "float64":
            same = (
                all(e.accuracy_jax == e.accuracy_torch for e in self.epochs)
                and last.drift <= definition.TRAINING_DRIFT_FLOAT64
            )
            return Verdict(same, f"{text}; {'the same run' if same else 'DIFFERENT: rounding does not explain it'}")
        points = 100 * abs(last.accuracy_jax - last.accuracy_torch)
        same = points <= definition.ACCURACY_POINTS_FLOAT32
        return Verdict(
            same,
            f"{text}; {points:.1f} points apart, {'within' if same else 'MORE THAN'} {definition.ACCURACY_POINTS_FLOAT32}",
        )

    def to_dict(self) -> dict:
        """Return everything as plain data for JSON."""
        return asdict(self) | {"verdict": self.verdict()._asdict()}


def train_in_lockstep(
    model: str, data: str, dtype: str, epochs: int | None, seed: int, advance: Advance = lambda done, total: None
) -> Run:
    """Train `model` on both sides with Adam and cross-entropy.

    Args:
        model: 'ffn' or 'cnn'.
        data: 'mnist'.
        dtype: 'float32' or 'float64'.
        epochs: passes over the training samples; None is as many as the model needs.
        seed: of the initial weights, the split and the shuffles.
        advance: called with the number of steps done and their total.

    Raises:
        ValueError: an unknown model, data set or dtype.
        MissingDependencyError: PyTorch is not installed.
    """
    for what, given, known in (
        ("model", model, IMAGE_SHAPES),
        ("data set", data, ("mnist",)),
        ("dtype", dtype, ("float32", "float64")),
    ):
        if given not in known:
            raise ValueError(f"there is no {what} {given!r} to train; choose from {', '.join(known)}")
    require_torch()
    epochs = epochs or EPOCHS[model]
    with jax.enable_x64(True) if dtype == "float64" else nullcontext():
        return _train(Run(model, data, dtype, seed), epochs, advance)


def _train(run: Run, epochs: int, advance: Advance) -> Run:
    generator = Generator(run.seed)
    (X, y), (X_test, y_test) = _digits(run, generator)
    start = import_module(f"jaxtut.{run.model}").init(generator, *_init_arguments(run.model), dtype=run.dtype)
    ours, theirs = _JaxTrainer(run, start, X, y), _TorchTrainer(run, start, X, y)
    steps = -(-len(X) // BATCH_SIZE)
    for epoch in range(epochs):
        order = generator.randperm(len(X))
        for i in range(steps):
            rows = order[i * BATCH_SIZE : (i + 1) * BATCH_SIZE]
            run.losses_jax.append(ours.step(rows))
            run.losses_torch.append(theirs.step(rows))
            advance(epoch * steps + i + 1, epochs * steps)
        run.epochs.append(
            Epoch(
                loss_jax=float(np.mean([float(x) for x in run.losses_jax[-steps:]])),
                loss_torch=float(np.mean(run.losses_torch[-steps:])),
                accuracy_jax=float(np.mean(ours.predict(X_test) == y_test)),
                accuracy_torch=float(np.mean(theirs.predict(X_test) == y_test)),
                drift=_drift(ours.params_as_numpy(), theirs.params_as_numpy()),
            )
        )
    run.losses_jax, run.losses_torch = ([float(x) for x in side] for side in (run.losses_jax, run.losses_torch))
    return run


def _digits(run: Run, generator: Generator) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    from jaxtut import data

    X, y = data.mnist()
    order = generator.randperm(len(X))
    X, y = X[order].reshape(-1, *IMAGE_SHAPES[run.model]).astype(run.dtype), y[order]
    return (X[:TRAINING_SAMPLES], y[:TRAINING_SAMPLES]), (X[TRAINING_SAMPLES:], y[TRAINING_SAMPLES:])


def _init_arguments(model: str) -> tuple:
    return () if model == "ffn" else (IMAGE_SHAPES[model],)


class _JaxTrainer:
    def __init__(self, run: Run, start: dict, X: np.ndarray, y: np.ndarray):
        self.module = import_module(f"jaxtut.{run.model}")
        optimizer = optim.Adam(lr=LEARNING_RATE[run.model])
        self.params = {n: jnp.array(v) for n, v in start.items()}
        self.state = optimizer.init(self.params)
        self.X, self.y = jnp.asarray(X), jnp.asarray(y)
        self._step = training.make_train_step(self.module.apply, F.cross_entropy, optimizer)
        self._predict = jax.jit(self.module.predict)

    def step(self, rows: np.ndarray) -> Any:
        self.params, self.state, loss = self._step(self.params, self.state, self.X[rows], self.y[rows])
        return loss

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(self._predict(self.params, X))

    def params_as_numpy(self) -> dict[str, np.ndarray]:
        return {n: np.asarray(v) for n, v in self.params.items()}


class _TorchTrainer:
    def __init__(self, run: Run, start: dict, X: np.ndarray, y: np.ndarray):
        import torch

        self.torch = torch
        self.model = (
            import_module(f"torch_ref.{run.model}").Model(*_init_arguments(run.model)).to(getattr(torch, run.dtype))
        )
        self.model.load_state_dict({n: torch.from_numpy(np.array(v)) for n, v in start.items()})
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=LEARNING_RATE[run.model])
        self.X, self.y = torch.from_numpy(X.copy()), torch.from_numpy(y.copy())

    def step(self, rows: np.ndarray) -> float:
        self.optimizer.zero_grad()
        loss = self.torch.nn.functional.cross_entropy(self.model(self.X[rows]), self.y[rows])
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def predict(self, X: np.ndarray) -> np.ndarray:
        with self.torch.no_grad():
            return self.model(self.torch.from_numpy(X.copy())).argmax(1).numpy()

    def params_as_numpy(self) -> dict[str, np.ndarray]:
        return {n: t.detach().numpy() for n, t in self.model.state_dict().items()}


def _drift(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
    return max(float(np.abs(a[n] - b[n]).max() / np.abs(b[n]).max()) for n in b)


def jax_steps(name: str, options: dict, count: int) -> Callable:
    """Return a function of (params, X, y) that trains the feed-forward net for `count` steps and returns losses and parameters."""
    from jaxtut import ffn

    optimizer = getattr(optim, name)(**options)
    epoch = training.make_epoch(ffn.apply, F.cross_entropy, optimizer, donate=False)

    def f(params: dict, X: Any, y: Any) -> dict:
        # The whole data set is the batch of every step.
        every_row = jnp.broadcast_to(jnp.arange(len(X)), (count, len(X)))
        params, _, losses = epoch(params, optimizer.init(params), X, y, every_row)
        return {"losses": losses, "parameters": params}

    return f


def torch_steps(name: str, options: dict, count: int) -> Callable:
    """Return the twin of `jax_steps`."""
    import torch

    from torch_ref import ffn

    def f(params: dict, X: Any, y: Any) -> dict:
        params = {n: p.detach().clone().requires_grad_() for n, p in params.items()}
        optimizer, losses = getattr(torch.optim, name)(list(params.values()), **options), []
        for _ in range(count):
            optimizer.zero_grad()
            loss = ffn.loss(params, X, y)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return {"losses": torch.stack(losses), "parameters": {n: p.detach() for n, p in params.items()}}

    return f


def draw(runs: list[Run], path: Path) -> None:
    """Draw loss, accuracy and drift of both sides, a row of three plots for each run."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(len(runs), 3, figsize=(13, 3.2 * len(runs)), squeeze=False, layout="constrained")
    for run, (loss, accuracy, drift) in zip(runs, axes, strict=True):
        at = range(1, len(run.epochs) + 1)
        loss.plot(run.losses_torch, color="tab:orange", linewidth=3, alpha=0.5, label="PyTorch")
        loss.plot(run.losses_jax, color="tab:blue", linewidth=0.8, label="JAX")
        loss.set(title=f"{run.model} {run.dtype}: loss", xlabel="step", ylabel="cross-entropy", yscale="log")
        accuracy.plot(
            at,
            [100 * e.accuracy_torch for e in run.epochs],
            color="tab:orange",
            linewidth=5,
            alpha=0.5,
            label="PyTorch",
        )
        accuracy.plot(at, [100 * e.accuracy_jax for e in run.epochs], color="tab:blue", marker=".", label="JAX")
        accuracy.set(title="test accuracy", xlabel="epoch", ylabel="%")
        distance = np.abs(np.subtract(run.losses_jax, run.losses_torch)) / np.abs(run.losses_torch)
        # Steps with bit-equal losses have no place on a logarithmic axis.
        drift.plot(
            np.where(distance == 0, np.nan, distance), ".", color="tab:gray", markersize=2, label="loss, each step"
        )
        drift.plot(
            [len(run.losses_jax) / len(run.epochs) * i for i in at],
            [e.drift for e in run.epochs],
            "k.-",
            label="weights, each epoch",
        )
        drift.set(title="relative difference between the two", xlabel="step", yscale="log", ylim=(1e-17, 1))
        for axis in (loss, accuracy, drift):
            axis.grid(alpha=0.3)
            axis.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)
