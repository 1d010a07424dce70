"""Where a task begins: its samples, split and scaled, and its first parameters, all from one seed."""

from importlib import import_module
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxtut import data
from jaxtut.parameters import Params
from jaxtut.torch_random import Generator

from .tasks import Task


class Start(NamedTuple):
    """What a run is given.

    Attributes:
        module: the lesson, with the model and its loss.
        generator: the generator, after the split and the first parameters.
        params: the first parameters.
        X: the samples to train on.
        y: their labels or targets.
        X_test: the samples to test on.
        y_test: their labels or targets, in the data set's own dtype.
        mean: what was subtracted from each feature; None: nothing.
        std: what each feature was divided by.
    """

    module: Any
    generator: Generator
    params: Params
    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    mean: np.ndarray | None = None
    std: np.ndarray | None = None


def start(task: Task, seed: int, dtype: str) -> Start:
    """Split the samples, scale them if the task wants it, and draw the first parameters, in this order."""
    generator, mean, std = Generator(seed), None, None
    X, X_test, y, y_test = data.train_test_split(*task.samples(), task.test_size, generator)
    if task.standardized:
        X, mean, std = data.standardize(X)
        X_test, _, _ = data.standardize(X_test, mean, std)
    module = import_module(f"jaxtut.{task.module}")
    params = {name: jnp.array(value) for name, value in module.init(generator, *task.arguments, dtype=dtype).items()}
    y = y.astype(dtype if y.dtype.kind == "f" else "int32")
    return Start(module, generator, params, X.astype(dtype), y, X_test.astype(dtype), y_test, mean, std)
