"""What `jaxtut train` can train: a model, a data set, a loss, an optimizer."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Arrays = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Task:
    """A model and how it is trained, on either side.

    Attributes:
        model: its name on the command line.
        data: the data set's name.
        module: the lesson that has `init`, under one name in both packages.
        apply: the function there that predicts.
        loss: the function there that is minimised.
        arguments: of `init`, behind the generator.
        samples: makes X and y, the same arrays for both sides.
        standardized: whether features are brought to mean 0 and deviation 1, by the training samples.
        score: 'accuracy' of classes, 'accuracy of probabilities', or 'R²'.
        optimizer: its name in `jaxtut.optim` and `torch.optim`.
        lr: the learning rate.
        epochs: passes over the training samples, by default.
        batch_size: samples in a step.
        test_size: how many samples, or which share of them, are kept for the score.
    """

    model: str
    data: str
    module: str
    apply: str
    loss: str
    arguments: tuple
    samples: Callable[[], Arrays]
    standardized: bool
    score: str
    optimizer: str
    lr: float
    epochs: int
    batch_size: int
    test_size: int | float

    @property
    def features(self) -> int:
        """How many numbers a sample has."""
        return self.picture[0] ** 2 if self.picture else self.arguments[0]

    @property
    def picture(self) -> tuple[int, float] | None:
        """Side and largest value of its pictures; None: the samples are rows of a table."""
        return {"mnist": (28, 1.0), "digits": (8, 16.0)}.get(self.data)

    @property
    def classes(self) -> tuple[str, ...]:
        """What its classes are called."""
        named = {"wine": ("grower 0", "grower 1", "grower 2"), "breast_cancer": ("malignant", "benign")}
        return named.get(self.data, tuple("0123456789"))

    @property
    def criterion(self) -> str:
        """The function of `jaxtut.functional` that `loss` applies to what `apply` gives."""
        losses = {"accuracy": "cross_entropy", "accuracy of probabilities": "binary_cross_entropy", "R²": "mse_loss"}
        return losses[self.score]

    def score_of(self, predicted: np.ndarray, y: np.ndarray) -> float:
        """Return the share of right predictions, or R², which is 1 for perfect ones and 0 for the mean."""
        if self.score == "accuracy":
            return float(np.mean(predicted.argmax(1) == y))
        if self.score == "accuracy of probabilities":
            return float(np.mean((predicted > 0.5) == (y > 0.5)))
        residual, spread = y - predicted.astype("float64"), y - y.mean(0)
        return float(1 - np.sum(residual**2) / np.sum(spread**2))


def _table(name: str) -> Arrays:
    from jaxtut import data

    X, y = getattr(data, name)()
    return X.astype("float64"), y


def _alcohol() -> Arrays:
    X, _ = _table("wine")
    return X[:, 1:], X[:, :1]


def _diagnosis() -> Arrays:
    X, y = _table("breast_cancer")
    return X, y[:, None].astype("float64")


def _images() -> Arrays:
    X, y = _table("mnist")
    return X.reshape(-1, 1, 28, 28), y


def _feed_forward(
    data: str, sizes: tuple, samples: Callable[[], Arrays], standardized: bool = True, test_size: float = 0.2
) -> Task:
    epochs, batch = (5, 64) if data in ("mnist", "digits") else (20, 16)
    return Task(
        "ffn", data, "ffn", "apply", "loss", sizes, samples, standardized, "accuracy", "Adam", 1e-3, epochs, batch, test_size
    )  # fmt: skip


TASKS = (
    Task("linear", "wine", "regression", "apply", "loss", (12,), _alcohol, True, "R²", "SGD", 0.03, 30, 16, 0.2),
    Task("logistic", "breast_cancer", "regression", "apply_logistic", "logistic_loss", (30,), _diagnosis, True, "accuracy of probabilities",
         "SGD", 0.1, 10, 16, 0.2),
    _feed_forward("mnist", (784, 500, 10), lambda: _table("mnist"), standardized=False, test_size=1000),
    _feed_forward("digits", (64, 100, 10), lambda: _table("digits"), standardized=False),
    _feed_forward("wine", (13, 16, 3), lambda: _table("wine")),
    _feed_forward("breast_cancer", (30, 16, 2), lambda: _table("breast_cancer")),
    Task("ffn_binary", "breast_cancer", "ffn", "apply_binary", "binary_loss", (30, 16, 1), _diagnosis, True, "accuracy of probabilities",
         "Adam", 1e-3, 20, 16, 0.2),
    Task("cnn", "mnist", "cnn", "apply", "loss", ((1, 28, 28),), _images, False, "accuracy", "Adam", 2e-3, 7, 64, 1000),
)  # fmt: skip
MODELS = tuple(dict.fromkeys(task.model for task in TASKS))


def find(model: str, data: str | None) -> Task:
    """Return the task of a model on a data set; None is the model's first."""
    if model not in MODELS:
        raise ValueError(f"there is no model {model!r} to train; choose from {', '.join(MODELS)}")
    known = {task.data: task for task in TASKS if task.model == model}
    if data is not None and data not in known:
        raise ValueError(f"there is no data set {data!r} to train {model} on; choose from {', '.join(known)}")
    return next(iter(known.values())) if data is None else known[data]
