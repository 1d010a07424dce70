"""The table of lessons: for each, the twins to compare and the inputs to compare them on. It drives `jaxtut check` and the test suite."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .comparison import compare
from .report import Report
from .torch_side import require_torch

LESSONS = (
    "jacobian",
    "chain_rule",
    "backprop",
    "activations",
    "losses",
    "regression",
    "ffn",
    "cnn",
    "data",
    "transforms",
    "training",
)


@dataclass(frozen=True)
class Case:
    """One comparison of a lesson.

    Attributes:
        lesson: the name of the file in both packages.
        title: what is compared.
        jax, torch: the two functions.
        args: their arguments, as NumPy arrays.
        argnums: which to differentiate; None is all of a floating dtype, () is none.
        dtypes: the precisions to judge.
        modes: how the JAX side runs.
    """

    lesson: str
    title: str
    jax: Callable
    torch: Callable
    args: tuple = ()
    argnums: tuple[int, ...] | None = None
    dtypes: tuple[str, ...] = ("float64", "float32")
    modes: tuple[str, ...] = ("jit", "eager")

    def compare(self, seed: int = 0, cotangents: int = 3) -> Report:
        """Compare the twins, compiled and operation by operation."""
        options = {"argnums": self.argnums, "dtypes": self.dtypes, "modes": self.modes}
        return compare(self.jax, self.torch, *self.args, seed=seed, cotangents=cotangents, **options)


def cases(lessons: tuple[str, ...] = LESSONS, seed: int = 0) -> Iterator[Case]:
    """Yield the cases of the named lessons, in the order of the course.

    Raises:
        ValueError: an unknown lesson.
        MissingDependencyError: PyTorch is not installed.
    """
    unknown = [name for name in lessons if name not in LESSONS]
    if unknown:
        raise ValueError(
            f"there is no lesson named {', '.join(map(repr, unknown))}; the lessons are {', '.join(LESSONS)}"
        )
    require_torch()
    for lesson in LESSONS:
        if lesson in lessons:
            yield from _CASES[lesson](np.random.default_rng(seed))


def _jacobian(rng: np.random.Generator) -> Iterator[Case]:
    from jaxtut import jacobian as J
    from torch_ref import jacobian as T

    def products(module: Any) -> Callable:
        def f(x, v, u):
            return {
                "rows": module.jacobian_by_rows(module.example, x),
                "columns": module.jacobian_by_columns(module.example, x),
                "whole": module.jacobian(module.example, x),
                "vJ": module.vector_jacobian_product(module.example, x, v)[1],
                "Jv": module.jacobian_vector_product(module.example, x, u)[1],
            }

        return f

    x = rng.normal(size=3)
    yield Case("jacobian", "f(x) = (x₁·x₂, x₃·sin x₂)", J.example, T.example, (x,))
    yield Case(
        "jacobian",
        "by rows, by columns, vJ and Jv",
        products(J),
        products(T),
        (x, rng.normal(size=2), rng.normal(size=3)),
        (),
    )


def _chain_rule(rng: np.random.Generator) -> Iterator[Case]:
    from jaxtut import chain_rule as J
    from torch_ref import chain_rule as T

    x = np.array([1.0, 2.0])
    for divisor in (3, 2):
        yield Case("chain_rule", f"forward, L = (z₁ + z₂)/{divisor}", J.forward, T.forward, (x, divisor))
        yield Case("chain_rule", f"backward, L = (z₁ + z₂)/{divisor}", J.backward, T.backward, (x, divisor))


def _backprop(rng: np.random.Generator) -> Iterator[Case]:
    from jaxtut import backprop as J
    from torch_ref import backprop as T

    for title in ("forward", "local_gradients", "backward", "loss"):
        point = tuple(np.array(v) for v in (1.0, 2.0, 1.0))
        yield Case("backprop", f"{title}, x = 1, y = 2, w = 1", getattr(J, title), getattr(T, title), point)


def _activations(rng: np.random.Generator) -> Iterator[Case]:
    from jaxtut import activations as J
    from torch_ref import activations as T

    points = np.concatenate([[-1e4, -100.0, -1.0, -0.0, 0.0, 1.0, 100.0, 1e4], rng.normal(size=24) * 3]).reshape(4, 8)
    for name in ("step", "sigmoid", "tanh", "relu", "leaky_relu", "softmax"):
        yield Case(
            "activations", f"{name}, kinks and saturation included", getattr(J, name), getattr(T, name), (points,)
        )
    layers = tuple(rng.normal(size=s) for s in ((5, 4), (6, 4), (6,), (3, 6), (3,)))
    yield Case("activations", "two linear layers", J.stacked_linear, T.stacked_linear, layers)
    yield Case("activations", "collapsed to one", J.collapse, T.collapse, layers[1:])


def _losses(rng: np.random.Generator) -> Iterator[Case]:
    from jaxtut import losses as J
    from torch_ref import losses as T

    scores, labels = rng.normal(size=(16, 5)) * 4, rng.integers(0, 5, 16)
    for name in ("cross_entropy", "cross_entropy_by_notes", "cross_entropy_gradient"):
        yield Case("losses", name, getattr(J, name), getattr(T, name), (scores, labels))
    yield Case("losses", "softmax", J.softmax, T.softmax, (scores * 100,))
    p, t = rng.uniform(0.01, 0.99, 32), rng.integers(0, 2, 32).astype(float)
    yield Case("losses", "binary_cross_entropy", J.binary_cross_entropy, T.binary_cross_entropy, (p, t))
    saturated = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
    yield Case(
        "losses", "binary_cross_entropy, saturated", J.binary_cross_entropy, T.binary_cross_entropy, saturated, (0,)
    )
    z = np.concatenate([rng.normal(size=28) * 5, [-200.0, 200.0, -200.0, 200.0]])
    name = "binary_cross_entropy_with_logits"
    yield Case("losses", name, getattr(J, name), getattr(T, name), (z, t))


def _regression(rng: np.random.Generator) -> Iterator[Case]:
    from jaxtut import data
    from jaxtut import regression as J
    from torch_ref import regression as T

    wine, _ = data.wine()
    features = (wine - wine.mean(0)) / wine.std(0)
    yield Case(
        "regression",
        "linear regression on wine",
        J.loss,
        T.loss,
        (_parameters(J, 12), features[:64, 1:], features[:64, :1]),
    )
    X, y = data.breast_cancer()
    X, y = (X - X.mean(0)) / X.std(0), y[:, None].astype(float)
    for name in ("logistic_loss", "logistic_loss_with_logits"):
        yield Case(
            "regression",
            f"{name} on breast cancer",
            getattr(J, name),
            getattr(T, name),
            (_parameters(J, 30), X[:64], y[:64]),
            (0, 1),
        )


def _ffn(rng: np.random.Generator) -> Iterator[Case]:
    from jaxtut import data
    from jaxtut import ffn as J
    from torch_ref import ffn as T

    yield _initial_parameters("ffn", J, T)
    X, y = data.mnist()
    rows = rng.choice(len(X), 16, replace=False)
    yield Case("ffn", "784-500-10 on digits", J.loss, T.loss, (_parameters(J), X[rows], y[rows]))
    yield Case("ffn", "scores", J.apply, T.apply, (_parameters(J, 784, 32), X[rows]))
    binary, positive = _parameters(J, 784, 32, 1), (y[rows] > 4)[:, None].astype(float)
    yield Case(
        "ffn", "binary: is the digit above 4?", J.binary_loss, T.binary_loss, (binary, X[rows], positive), (0, 1)
    )


def _cnn(rng: np.random.Generator) -> Iterator[Case]:
    from jaxtut import cnn as J
    from jaxtut import data
    from torch_ref import cnn as T

    yield _initial_parameters("cnn", J, T)
    X, y = data.mnist()
    rows = rng.choice(len(X), 4, replace=False)
    yield Case(
        "cnn",
        "1×28×28 on digits",
        J.loss,
        T.loss,
        (_parameters(J, (1, 28, 28)), X[rows].reshape(-1, 1, 28, 28), y[rows]),
    )
    yield Case(
        "cnn", "3×32×32, scores", J.apply, T.apply, (_parameters(J), rng.normal(size=(2, 3, 32, 32))), modes=("jit",)
    )


def _data(rng: np.random.Generator) -> Iterator[Case]:
    import torch

    import jaxtut.data as J
    import torch_ref.data as T
    from jaxtut import torch_random

    def batches(module: Any, generator: Any) -> Callable:
        def f():
            X, y = module.wine()
            loader = module.DataLoader(
                module.ArrayDataset(X.astype("float32"), y), batch_size=32, shuffle=True, generator=generator(7)
            )
            found = {f"batch {i}": {"X": X, "y": y} for i, (X, y) in enumerate(loader)}
            return found | {"iterations": np.asarray(module.iterations_per_epoch(len(X), 32), "int32")}

        return f

    jax, torch_ = batches(J, torch_random.Generator), batches(T, lambda seed: torch.Generator().manual_seed(seed))
    yield Case("data", "wine, 178 samples in shuffled batches of 32", jax, torch_, dtypes=("float32",))


def _transforms(rng: np.random.Generator) -> Iterator[Case]:
    import torch
    from PIL import Image
    from sklearn.datasets import load_sample_image

    import jaxtut.transforms as J
    import torch_ref.transforms as T
    from jaxtut import torch_random

    photograph = Image.fromarray(load_sample_image("china.jpg"))

    def crop(module: Any, seed: Callable) -> Callable:
        def f():
            seed(11)
            pipeline = module.Compose(
                [module.Rescale(256), module.RandomCrop(224), module.RandomHorizontalFlip(), module.ToTensor()]
            )
            return pipeline(photograph)

        return f

    title = "Compose([Rescale(256), RandomCrop(224), RandomHorizontalFlip(), ToTensor()]) on a photograph"
    yield Case("transforms", title, crop(J, torch_random.manual_seed), crop(T, torch.manual_seed), dtypes=("float32",))


def _training(rng: np.random.Generator) -> Iterator[Case]:
    from .optimizer_steps import jax_steps, torch_steps

    X, y = rng.normal(size=(8, 6)), rng.integers(0, 3, 8)
    from jaxtut import ffn

    start = _parameters(ffn, 6, 5, 3)
    for name, options in (("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.1, "momentum": 0.9}), ("Adam", {"lr": 0.01})):
        title = f"50 steps of {name}({', '.join(f'{k}={v}' for k, v in options.items())})"
        yield Case(
            "training",
            title,
            jax_steps(name, options, 50),
            torch_steps(name, options, 50),
            (start, X, y),
            (),
            modes=("jit",),
        )


def _parameters(module: Any, *sizes: Any) -> dict[str, np.ndarray]:
    from jaxtut.torch_random import Generator

    return {name: np.asarray(value) for name, value in module.init(Generator(0), *sizes).items()}


def _initial_parameters(lesson: str, J: Any, T: Any) -> Case:
    import torch

    from jaxtut.torch_random import Generator

    def jax():
        return J.init(Generator(42))

    return Case(
        lesson,
        "initial parameters from seed 42",
        jax,
        lambda: T.init(torch.Generator().manual_seed(42)),
        dtypes=("float32",),
    )


_CASES: dict[str, Callable[[np.random.Generator], Iterator[Case]]] = {
    "jacobian": _jacobian,
    "chain_rule": _chain_rule,
    "backprop": _backprop,
    "activations": _activations,
    "losses": _losses,
    "regression": _regression,
    "ffn": _ffn,
    "cnn": _cnn,
    "data": _data,
    "transforms": _transforms,
    "training": _training,
}
