"""The whole run: epochs of shuffled batches, the history, and a stop where the loss is no number."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxtut.torch_random import Generator

from .batches import epoch_indices
from .epoch import make_epoch
from .evaluation import Correct, correct_class, evaluate
from .results import FitResult, History, NonFiniteLossError
from .step import Apply, Loss, OptState, Params, make_train_step

OnStep = Callable[[int, int, float], object]
OnEpoch = Callable[[int, FitResult], object]
Batches = list[np.ndarray]
Run = Callable[[int, Params, OptState, Batches], tuple[Params, OptState, list[float]]]


def fit(
    apply: Apply,
    loss: Loss,
    optimizer: optax.GradientTransformation,
    params: Params,
    X: Any,
    Y: Any,
    *,
    epochs: int,
    batch_size: int,
    shuffle: bool = True,
    generator: Generator | None = None,
    opt_state: OptState = None,
    evaluate_on: tuple[Any, Any] | None = None,
    correct: Correct = correct_class,
    on_step: OnStep | None = None,
    on_epoch: OnEpoch | None = None,
) -> FitResult:
    """Train a model.

    Args:
        apply: the model, apply(params, x) -> scores.
        loss: loss(scores, y) -> a single number.
        optimizer: an Optax gradient transformation.
        params: initial parameters; they stay usable.
        X: all samples, shape (n, ...); they are put on the device once.
        Y: their labels or targets, shape (n, ...).
        epochs: passes over all samples.
        batch_size: samples in a step; the last batch of an epoch may be shorter.
        shuffle: a new random order in every epoch.
        generator: where the order comes from; None is the default generator.
        opt_state: where the optimizer goes on from; None starts anew. It stays usable.
        evaluate_on: (X, Y), on which the accuracy is computed after each epoch.
        correct: what counts as right there; see `evaluate`.
        on_step: on_step(epoch, step, loss) is called after each step; the steps are then run one by one instead of in
            one program.
        on_epoch: on_epoch(epoch, result) is called after each epoch, and ends the run if it returns True. The
            parameters of the result live until the next epoch: copy what is to be kept.

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
        NonFiniteLossError: the loss became NaN or infinite. It is a `FloatingPointError`, and names epoch, step and
            samples.
        TypeError: apply or loss cannot be called, or the optimizer is none.
        ValueError: X and Y of different lengths, no sample, or an argument below its range.

    PyTorch's counterpart: the loop over `DataLoader(dataset, batch_size, shuffle=True, generator=generator)`; the same
    seed gives the same batches in the same order. JAX rounds float64 data to float32 unless its 64-bit mode is on.
    """
    X, Y = jnp.asarray(X), jnp.asarray(Y)
    if X.shape[:1] != Y.shape[:1]:
        raise ValueError(f"fit: X and Y must hold the same number of samples, but {X.shape} and {Y.shape} were given")
    if isinstance(epochs, bool) or not isinstance(epochs, int):
        raise TypeError(f"fit: epochs must be an int, but {epochs!r} was given")
    if epochs < 0:
        raise ValueError(f"fit: epochs must not be negative, but {epochs} was given")
    run = _scanned(apply, loss, optimizer, X, Y) if on_step is None else _stepped(apply, loss, optimizer, X, Y, on_step)
    # The steps take over the memory of what they are given; the caller's arrays are not theirs to take.
    params = _copy(params)
    opt_state = _copy(optimizer.init(params) if opt_state is None else opt_state)
    held_out = None if evaluate_on is None else jax.tree.map(jnp.asarray, evaluate_on)
    result = FitResult(params, opt_state, History())
    for epoch in range(epochs):
        batches = epoch_indices(len(X), batch_size, generator, shuffle)
        params, opt_state, losses = run(epoch, *result[:2], batches)
        result = FitResult(params, opt_state, result.history)
        result.history.losses += losses
        result.history.epoch_losses.append(float(np.mean(losses)))
        if held_out is not None:
            result.history.accuracies.append(evaluate(apply, params, *held_out, correct=correct))
        if on_epoch is not None and on_epoch(epoch, result) is True:
            break
    return result


def _copy(tree: Any) -> Any:
    return jax.tree.map(lambda x: jnp.array(x, copy=True), tree)


def _scanned(apply: Apply, loss: Loss, optimizer: optax.GradientTransformation, X: Any, Y: Any) -> Run:
    """All full batches in one program, and the shorter last one in another."""
    whole, single = make_epoch(apply, loss, optimizer), make_train_step(apply, loss, optimizer)

    def run(epoch: int, params: Params, opt_state: OptState, batches: Batches) -> tuple[Params, OptState, list[float]]:
        full = [batch for batch in batches if len(batch) == len(batches[0])]
        params, opt_state, losses = whole(params, opt_state, X, Y, np.stack(full))
        values = np.asarray(losses).tolist()
        _require_finite(epoch, 0, values, batches)
        for rest in batches[len(full) :]:
            params, opt_state, value = single(params, opt_state, X[rest], Y[rest])
            values.append(float(value))
        _require_finite(epoch, len(full), values[len(full) :], batches)
        return params, opt_state, values

    return run


def _stepped(apply: Apply, loss: Loss, optimizer: optax.GradientTransformation, X: Any, Y: Any, on_step: OnStep) -> Run:
    """One batch after the other, with a word to the caller in between."""
    single = make_train_step(apply, loss, optimizer)

    def run(epoch: int, params: Params, opt_state: OptState, batches: Batches) -> tuple[Params, OptState, list[float]]:
        values = []
        for step, batch in enumerate(batches):
            params, opt_state, value = single(params, opt_state, X[batch], Y[batch])
            values.append(float(value))
            _require_finite(epoch, step, values[step:], batches)
            on_step(epoch, step, values[-1])
        return params, opt_state, values

    return run


def _require_finite(epoch: int, first: int, losses: list[float], batches: Batches) -> None:
    for step, value in enumerate(losses, start=first):
        if not np.isfinite(value):
            raise NonFiniteLossError(epoch, step, batches[step], value)
