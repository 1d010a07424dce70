"""What runs the steps of an epoch: over arrays on the device, many steps in one program; or over a loader, batch by batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NoReturn, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxtut.data import iterations_per_epoch
from jaxtut.torch_random import Generator

from .batches import epoch_indices
from .checkpoints import Progress
from .epoch import Epoch, make_epoch
from .nonfinite import first_nonfinite
from .results import NonFiniteLossError
from .step import Apply, Loss, OptState, Params, Step, make_train_step

OnStep = Callable[[int, int, float], object]
Model = tuple[Apply, Loss, optax.GradientTransformation]
Piece = tuple[Params, OptState, list[float]]


class Runner(Protocol):
    """Runs the epochs of one data set.

    Attributes:
        steps: batches in an epoch.
        generator: where their order comes from; None is the default generator.
        samples: what tells these samples and their batches from others, for checkpoints.
    """

    steps: int
    generator: Generator | None

    @property
    def samples(self) -> str: ...

    def epoch(self, start: Progress) -> Iterator[Piece]:
        """Run what is left of an epoch in pieces; after each, yield parameters, optimizer state, and the losses of its steps."""
        ...


class ArrayRunner:
    """Steps over arrays on the device; those between two checkpoints are one program, unless somebody listens to each or it would be slow."""

    def __init__(
        self,
        model: Model,
        X: Any,
        Y: Any,
        batch_size: int | None,
        generator: Generator | None,
        shuffle: bool,
        on_step: OnStep | None,
        every: int | None,
    ) -> None:
        if Y is None or batch_size is None:
            raise ValueError(
                f"fit: arrays need Y and batch_size, but {'Y=None' if Y is None else 'batch_size=None'} was given"
            )
        self.X, self.Y = jnp.asarray(X), jnp.asarray(Y)
        if self.X.shape[:1] != self.Y.shape[:1]:
            raise ValueError(
                f"fit: X and Y must hold the same number of samples, but {self.X.shape} and {self.Y.shape} were given"
            )
        self.batch_size, self.generator, self.shuffle = batch_size, generator, shuffle
        if not len(self.X):
            raise ValueError("fit: the data set is empty")
        self.steps = iterations_per_epoch(len(self.X), batch_size)
        self.on_step, self.every = on_step, every
        self._model = model
        self._many, self._one = _programs(model)
        self._one_by_one: bool | None = None if on_step is None else True

    @property
    def samples(self) -> str:
        digest = hashlib.sha256(repr((self.batch_size, self.shuffle, self.X.shape, self.Y.shape)).encode())
        for array in (self.X, self.Y):
            digest.update(np.ascontiguousarray(array).view(np.uint8).data)
        return digest.hexdigest()

    def epoch(self, start: Progress) -> Iterator[Piece]:
        batches = epoch_indices(len(self.X), self.batch_size, self.generator, self.shuffle)
        params, opt_state, done = start.params, start.opt_state, start.step
        if self._one_by_one is None:
            self._one_by_one = self._is_slow_in_a_loop(params, opt_state, batches[-1])
        while done < self.steps:
            piece = self._piece(batches, done)
            if len(piece) > 1:
                params, opt_state, losses = self._scan(start.epoch, done, params, opt_state, piece)
            else:
                params, opt_state, losses = self._step(start.epoch, done, params, opt_state, piece[0])
            yield params, opt_state, losses
            done += len(piece)

    def _is_slow_in_a_loop(self, params: Params, opt_state: OptState, last: np.ndarray) -> bool:
        """Say whether XLA would run the step several times slower inside a loop: with `lax.conv_general_dilated`, on CPU."""
        if jax.default_backend() != "cpu":
            return False
        # The trace is kept, and is the one that the step of the last batch is compiled from.
        step: Any = self._one
        return "conv_general_dilated" in str(step.trace(params, opt_state, self.X[last], self.Y[last]).jaxpr)

    def _piece(self, batches: Sequence[np.ndarray], done: int) -> Sequence[np.ndarray]:
        """Return the batches up to the next checkpoint, or up to the shorter last batch; it does not depend on where a run began."""
        if self._one_by_one or len(batches[done]) < self.batch_size:
            return batches[done : done + 1]
        full = self.steps - (len(batches[-1]) < self.batch_size)
        end = full if self.every is None else min(full, (done // self.every + 1) * self.every)
        return batches[done:end]

    def _scan(
        self, epoch: int, done: int, params: Params, opt_state: OptState, piece: Sequence[np.ndarray]
    ) -> tuple[Params, OptState, list[float]]:
        before = jax.tree.map(jnp.copy, (params, opt_state))  # the program takes the memory of what it is given
        params, opt_state, losses = self._many(params, opt_state, self.X, self.Y, np.stack(piece))
        values = np.asarray(losses).tolist()
        bad = next((i for i, value in enumerate(values) if not np.isfinite(value)), None)
        if bad is not None:
            params, opt_state = before
            for batch in piece[:bad]:
                params, opt_state, _ = self._one(params, opt_state, self.X[batch], self.Y[batch])
            self._stop(epoch, done + bad, params, opt_state, piece[bad], values[bad])
        return params, opt_state, values

    def _step(
        self, epoch: int, done: int, params: Params, opt_state: OptState, batch: np.ndarray
    ) -> tuple[Params, OptState, list[float]]:
        new_params, new_state, value = self._one(params, opt_state, self.X[batch], self.Y[batch])
        loss = float(value)
        if not np.isfinite(loss):
            self._stop(epoch, done, params, opt_state, batch, loss)
        if self.on_step is not None:
            self.on_step(epoch, done, loss)
        return new_params, new_state, [loss]

    def _stop(
        self, epoch: int, step: int, params: Params, opt_state: OptState, batch: np.ndarray, loss: float
    ) -> NoReturn:
        stop(self._model, epoch, step, (params, opt_state), (self.X[batch], self.Y[batch]), batch, loss)


class LoaderRunner:
    """Steps over the batches of a loader, which may read files, transform pictures and have workers."""

    def __init__(
        self,
        model: Model,
        loader: Any,
        Y: Any,
        batch_size: int | None,
        generator: Generator | None,
        on_step: OnStep | None,
    ) -> None:
        given = {"Y": Y, "batch_size": batch_size, "generator": generator}
        if wrong := [name for name, value in given.items() if value is not None]:
            raise ValueError(f"fit: a loader has its own {', '.join(wrong)}; give none beside it")
        self.loader, self.generator = loader, loader.generator
        self.steps = len(loader)
        if self.steps < 1:
            raise ValueError("fit: the loader has no batch: its data set is empty, or drop_last leaves nothing")
        self.on_step = on_step
        self._model = model
        _, self._one = _programs(model)

    @property
    def samples(self) -> str:
        return f"a loader of {self.steps} batches"  # its samples are not read twice to know them

    def epoch(self, start: Progress) -> Iterator[Piece]:
        params, opt_state = start.params, start.opt_state
        # What a transform draws at random is drawn when its sample is read: so steps that were done before are read again, not skipped.
        for step, (x, y) in enumerate(islice(self.loader, start.step, None), start.step):
            new_params, new_state, value = self._one(params, opt_state, x, y)
            loss = float(value)
            if not np.isfinite(loss):
                stop(self._model, start.epoch, step, (params, opt_state), (x, y), np.arange(len(y)), loss)
            params, opt_state = new_params, new_state
            if self.on_step is not None:
                self.on_step(start.epoch, step, loss)
            yield params, opt_state, [loss]


def _programs(model: Model) -> tuple[Epoch, Step]:
    """Return the program of many steps and that of one; a run that goes on in the same process does not compile them again."""
    try:
        return _cached_programs(*model)
    except TypeError:  # a part that cannot be hashed, or that is refused
        return _cached_programs.__wrapped__(*model)


@lru_cache(maxsize=8)
def _cached_programs(apply: Apply, loss: Loss, optimizer: optax.GradientTransformation) -> tuple[Epoch, Step]:
    return make_epoch(apply, loss, optimizer), make_train_step(apply, loss, optimizer, donate=False)


def stop(
    model: Model,
    epoch: int,
    step: int,
    state: tuple[Params, OptState],
    batch: tuple[Any, Any],
    indices: Any,
    loss: float,
) -> NoReturn:
    """Raise what says where the loss became no number, and why."""
    apply, loss_function, _ = model
    quantity = first_nonfinite(lambda params, x, y: loss_function(apply(params, x), y), state[0], *batch, indices)
    raise NonFiniteLossError(epoch, step, np.asarray(indices), loss, quantity, state)
