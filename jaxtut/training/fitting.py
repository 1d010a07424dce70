"""The whole run: epochs of shuffled batches, the history, callbacks, checkpoints, and a stop where the loss is no number."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxtut.data import DataLoader
from jaxtut.errors import CheckpointError
from jaxtut.torch_random import Generator

from . import random_state
from .callbacks import Callback, OnEpoch
from .checkpoints import Checkpoints, Progress
from .evaluation import Correct, correct_class, evaluate
from .results import FitResult, History
from .runners import ArrayRunner, LoaderRunner, OnStep, Runner
from .step import Apply, Loss, OptState, Params


def fit(
    apply: Apply,
    loss: Loss,
    optimizer: optax.GradientTransformation,
    params: Params,
    X: Any,
    Y: Any = None,
    *,
    epochs: int,
    batch_size: int | None = None,
    shuffle: bool = True,
    generator: Generator | None = None,
    opt_state: OptState = None,
    evaluate_on: tuple[Any, Any] | None = None,
    correct: Correct = correct_class,
    on_step: OnStep | None = None,
    on_epoch: Callable[[int, FitResult], object] | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
) -> FitResult:
    """Train a model.

    Args:
        apply: the model, apply(params, x) -> scores.
        loss: loss(scores, y) -> a single number.
        optimizer: an Optax gradient transformation.
        params: initial parameters; they stay usable.
        X: all samples, shape (n, ...); they are put on the device once. Or a `data.DataLoader` of pairs, which has its own batches,
            order and generator; each batch is put on the device when its turn comes.
        Y: their labels or targets, shape (n, ...); None with a loader.
        epochs: passes over all samples.
        batch_size: samples in a step; the last batch of an epoch may be shorter. None with a loader.
        shuffle: a new random order in every epoch.
        generator: where the order comes from; None is the default generator.
        opt_state: where the optimizer goes on from; None starts anew. It stays usable.
        evaluate_on: (X, Y), on which the accuracy is computed after each epoch.
        correct: what counts as right there; see `evaluate`.
        on_step: on_step(epoch, step, loss) is called after each step; the steps are then run one by one instead of in
            one program.
        on_epoch: on_epoch(epoch, result) is called after each epoch, and ends the run if it returns True. The
            parameters of the result live until the next epoch: copy what is to be kept.
        callbacks: such as `EarlyStopping`, `ProgressBar`, `CSVLogger`.
        checkpoints: where the last and the best state of the run are kept; None: nowhere.
        resume: go on from the last checkpoint, if there is one. Parameters, optimizer, generators, epoch and step are as they were, so
            the run ends bit for bit where an uninterrupted one ends. What is given as `params`, `opt_state` and `generator` says what a
            checkpoint must look like.

    Returns:
        The parameters, the optimizer's state, and the history.

    Example:
        >>> from jaxtut import optim, regression
        >>> import jaxtut.functional as F
        >>> X = jnp.array([[1.0], [2.0], [3.0], [4.0]])
        >>> params = regression.init(Generator(0), input_size=1)
        >>> result = fit(regression.apply, F.mse_loss, optim.SGD(lr=0.1), params, X, 2 * X, epochs=60, batch_size=2)
        >>> round(float(regression.apply(result.params, jnp.array([[5.0]]))[0, 0]), 1)
        10.0

    Raises:
        NonFiniteLossError: the loss became NaN or infinite. It is a `FloatingPointError`, names epoch, step, samples and the first
            quantity that is no number, and has the last good state as `state`.
        CheckpointError: a checkpoint cannot be written or read, or one is there and `resume` is False.
        TypeError: apply or loss cannot be called, or the optimizer is none.
        ValueError: X and Y of different lengths, no sample, an argument below its range, or labels outside the classes.

    PyTorch's counterpart: the loop over `DataLoader(dataset, batch_size, shuffle=True, generator=generator)`; the same
    seed gives the same batches in the same order. JAX rounds float64 data to float32 unless its 64-bit mode is on.
    """
    if isinstance(epochs, bool) or not isinstance(epochs, int):
        raise TypeError(f"fit: epochs must be an int, but {epochs!r} was given")
    if epochs < 0:
        raise ValueError(f"fit: epochs must not be negative, but {epochs} was given")
    monitors = {getattr(each, "monitor", None) for each in (*callbacks, checkpoints)}
    if "accuracy" in monitors and evaluate_on is None:
        raise ValueError("fit: monitor='accuracy' needs evaluate_on")
    every = None if checkpoints is None else checkpoints.every
    model = (apply, loss, optimizer)
    if isinstance(X, DataLoader):
        runner: Runner = LoaderRunner(model, X, Y, batch_size, generator, on_step)
    else:
        runner = ArrayRunner(model, X, Y, batch_size, generator, shuffle, on_step, every)
    # The steps take over the memory of what they are given; the caller's arrays are not theirs to take.
    params = _copy(params)
    opt_state = _copy(optimizer.init(params) if opt_state is None else opt_state)
    samples = "" if checkpoints is None else runner.samples
    now = Progress(params, opt_state, random_state.capture(runner.generator), 0, 0, History(), samples)
    if checkpoints is not None:
        now = _begin(checkpoints, now, resume, runner)
    held_out = None if evaluate_on is None else jax.tree.map(jnp.asarray, evaluate_on)
    listeners = [*callbacks, *([] if on_epoch is None else [OnEpoch(on_epoch)])]
    try:
        for each in listeners:
            each.on_start(epochs, runner.steps, now.history)
        while now.epoch < epochs and not now.finished:
            now = _epoch(runner, now, listeners, checkpoints)
            if held_out is not None:
                now.history.accuracies.append(evaluate(apply, now.params, *held_out, correct=correct))
            over = [each.on_epoch(now.epoch, now.result) is True for each in listeners]
            now = now._replace(
                epoch=now.epoch + 1, step=0, finished=any(over), random=random_state.capture(runner.generator)
            )
            if checkpoints is not None:
                checkpoints.save(now)
    finally:
        for each in listeners:
            each.on_end()
    return now.result


def _begin(checkpoints: Checkpoints, fresh: Progress, resume: bool, runner: Runner) -> Progress:
    """Return where the run begins: at its last checkpoint, or afresh."""
    if checkpoints.last is None:
        return fresh
    if not resume:
        raise CheckpointError(
            f"fit: {checkpoints.folder} holds the checkpoint of a run ({checkpoints.last.name}); go on from it with resume=True (--resume), "
            "or choose another folder"
        )
    found = checkpoints.restore(fresh)
    if found.samples != fresh.samples:
        raise CheckpointError(
            f"fit: {checkpoints.last} is of a run on other samples, or with another batch_size or shuffle; give what it was given"
        )
    done = found.epoch * runner.steps + found.step
    if len(found.history.losses) != done or not 0 <= found.step < runner.steps:
        raise CheckpointError(
            f"fit: {checkpoints.last} is of a run with other batches: it says epoch {found.epoch}, step {found.step} after "
            f"{len(found.history.losses)} steps, where this run has {runner.steps} steps an epoch"
        )
    random_state.bring_back(found.random, runner.generator)
    return found


def _epoch(runner: Runner, now: Progress, listeners: Sequence[Callback], checkpoints: Checkpoints | None) -> Progress:
    """Run an epoch, or what is left of it."""
    for params, opt_state, losses in runner.epoch(now):
        now.history.losses.extend(losses)
        now = now._replace(params=params, opt_state=opt_state, step=now.step + len(losses))
        for each in listeners:
            each.on_steps(now.epoch, now.step, losses)
        if (
            checkpoints is not None
            and checkpoints.every
            and now.step % checkpoints.every == 0
            and now.step < runner.steps
        ):
            checkpoints.save(now)
    now.history.epoch_losses.append(float(np.mean(now.history.losses[-runner.steps :])))
    return now


def _copy(tree: Any) -> Any:
    return jax.tree.map(lambda x: jnp.array(x, copy=True), tree)
