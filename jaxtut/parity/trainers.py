"""One side of a training run, from a seed alone: its own generator, split, initial weights, batches, optimizer."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxtut import data, optim, training
from jaxtut.training.start import start
from jaxtut.training.tasks import Task


class JaxTrainer:
    """The JAX side; PyTorch has no part in any of its numbers."""

    def __init__(self, task: Task, seed: int, dtype: str):
        self.task = task
        begun = start(task, seed, dtype)
        self.apply, loss = getattr(begun.module, task.apply), getattr(begun.module, task.loss)
        self.params, self.X_test, self.y_test = begun.params, begun.X_test, begun.y_test
        optimizer = getattr(optim, task.optimizer)(lr=task.lr)
        self.state = optimizer.init(self.params)
        self.X, self.y = jnp.asarray(begun.X), jnp.asarray(begun.y)
        rows = data.ArrayDataset(np.arange(len(begun.X)))
        self.loader = data.DataLoader(rows, task.batch_size, True, generator=begun.generator)
        # A step takes scores and labels; the lessons' losses take parameters and samples.
        self._step = training.make_train_step(
            lambda params, x: (params, x), lambda given, y: loss(*given, y), optimizer
        )
        self._predict = jax.jit(self.apply)

    def batches(self) -> Iterator[np.ndarray]:
        """Yield the indices of each batch of the next pass."""
        for (rows,) in self.loader:
            yield rows

    def step(self, rows: np.ndarray) -> Any:
        """Train on these samples, and return the loss before it."""
        self.params, self.state, loss = self._step(self.params, self.state, self.X[rows], self.y[rows])
        return loss

    def predicted(self) -> np.ndarray:
        """Predict the test samples."""
        return np.asarray(self._predict(self.params, self.X_test))

    def parameters(self) -> dict[str, np.ndarray]:
        """Return the parameters of the moment, as arrays of their own."""
        return {n: np.array(v) for n, v in self.params.items()}


class TorchTrainer:
    """The PyTorch side, written as its users write it.

    Two things show what rounding alone does: `threads`, another number of threads, and `nudged`, first weights that are
    moved by about one unit in the last place.
    """

    def __init__(self, task: Task, seed: int, dtype: str, threads: int | None = None, nudged: bool = False):
        import torch

        import torch_ref.data

        self.task, self.torch, self.threads = task, torch, threads
        module = import_module(f"torch_ref.{task.module}")
        self.apply, self.loss = getattr(module, task.apply), getattr(module, task.loss)
        generator = torch.Generator().manual_seed(seed)
        X, X_test, y, self.y_test = torch_ref.data.train_test_split(*task.samples(), task.test_size, generator)
        if task.standardized:
            X, mean, std = torch_ref.data.standardize(X)
            X_test, _, _ = torch_ref.data.standardize(X_test, mean, std)
        start = module.init(generator, *task.arguments, dtype=dtype)
        if nudged:
            start = {n: p * (1 + torch.finfo(p.dtype).eps) for n, p in start.items()}
        self.params = {n: p.requires_grad_() for n, p in start.items()}
        self.optimizer = getattr(torch.optim, task.optimizer)(list(self.params.values()), lr=task.lr)
        kind = getattr(torch, dtype)
        self.X, self.X_test, self.y = (torch.from_numpy(np.ascontiguousarray(a)) for a in (X, X_test, y))
        self.X, self.X_test = self.X.to(kind), self.X_test.to(kind)
        self.y = self.y.to(kind) if self.y.is_floating_point() else self.y
        rows = torch.utils.data.TensorDataset(torch.arange(len(X)))
        self.loader = torch.utils.data.DataLoader(rows, task.batch_size, shuffle=True, generator=generator)

    def batches(self) -> Iterator[np.ndarray]:
        """Yield the indices of each batch of the next pass."""
        for (rows,) in self.loader:
            yield rows.numpy()

    def step(self, rows: np.ndarray) -> float:
        """Train on these samples, and return the loss before it."""
        with self._threads():
            self.optimizer.zero_grad()
            loss = self.loss(self.params, self.X[rows], self.y[rows])
            loss.backward()
            self.optimizer.step()
            return loss.item()

    def predicted(self) -> np.ndarray:
        """Predict the test samples."""
        with self.torch.no_grad():
            return self.apply(self.params, self.X_test).numpy()

    def parameters(self) -> dict[str, np.ndarray]:
        """Return the parameters of the moment, as arrays of their own."""
        return {n: t.detach().numpy().copy() for n, t in self.params.items()}

    @contextmanager
    def _threads(self) -> Iterator[None]:
        before = self.torch.get_num_threads()
        if self.threads is None:
            yield
            return
        self.torch.set_num_threads(self.threads)
        try:
            yield
        finally:
            self.torch.set_num_threads(before)
