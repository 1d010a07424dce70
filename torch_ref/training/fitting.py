"""The whole run: epochs of shuffled batches, the history, and a stop where the loss is no number."""

import math
from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader, TensorDataset

from torch_ref.parameters import Params

from .evaluation import Correct, correct_class, evaluate
from .results import FitResult, History, NonFiniteLossError
from .step import Apply, Loss, MakeOptimizer, copy, make_train_step, start

OnStep = Callable[[int, int, float], object]
OnEpoch = Callable[[int, FitResult], object]


def fit(
    apply: Apply,
    loss: Loss,
    optimizer: MakeOptimizer,
    params: Params,
    X: Tensor,
    Y: Tensor,
    *,
    epochs: int,
    batch_size: int,
    shuffle: bool = True,
    generator: torch.Generator | None = None,
    opt_state: Optimizer | None = None,
    evaluate_on: tuple[Tensor, Tensor] | None = None,
    correct: Correct = correct_class,
    on_step: OnStep | None = None,
    on_epoch: OnEpoch | None = None,
) -> FitResult:
    """Train a model.

    Args:
        apply: the model, apply(params, x) -> scores.
        loss: loss(scores, y) -> a single number.
        optimizer: makes an optimizer of a list of parameters: `partial(torch.optim.SGD, lr=0.1)`.
        params: initial parameters; they stay as they are.
        X: all samples, shape (n, ...).
        Y: their labels or targets, shape (n, ...).
        epochs: passes over all samples.
        batch_size: samples in a step; the last batch of an epoch may be shorter.
        shuffle: a new random order in every epoch.
        generator: where the order comes from; None is PyTorch's global generator.
        opt_state: the optimizer whose state is copied to go on from; None starts anew.
        evaluate_on: (X, Y), on which the accuracy is computed after each epoch.
        correct: what counts as right there; see `evaluate`.
        on_step: on_step(epoch, step, loss) is called after each step.
        on_epoch: on_epoch(epoch, result) is called after each epoch, and ends the run if it returns True.

    Returns:
        The parameters, the optimizer, and the history.

    Example:
        >>> from functools import partial
        >>> from torch_ref import regression
        >>> X = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
        >>> params = regression.init(torch.Generator().manual_seed(0), input_size=1)
        >>> sgd = partial(torch.optim.SGD, lr=0.1)
        >>> result = fit(
        ...     regression.apply, torch.nn.functional.mse_loss, sgd, params, X, 2 * X, epochs=60, batch_size=2
        ... )
        >>> round(regression.apply(result.params, torch.tensor([[5.0]])).item(), 1)
        10.0

    Raises:
        NonFiniteLossError: the loss became NaN or infinite; it names epoch, step and samples.
    """
    if X.shape[:1] != Y.shape[:1]:
        given = f"{tuple(X.shape)} and {tuple(Y.shape)}"
        raise ValueError(f"fit: X and Y must hold the same number of samples, but {given} were given")
    if isinstance(epochs, bool) or not isinstance(epochs, int):
        raise TypeError(f"fit: epochs must be an int, but {epochs!r} was given")
    if epochs < 0:
        raise ValueError(f"fit: epochs must not be negative, but {epochs} was given")
    step_once = make_train_step(apply, loss, optimizer)
    loader = DataLoader(TensorDataset(X, Y, torch.arange(len(X))), batch_size, shuffle, generator=generator)
    params = copy(params)
    result = FitResult(params, _state(optimizer, params, opt_state), History())
    history = result.history
    for epoch in range(epochs):
        for step, (x, y, indices) in enumerate(loader):
            value = float(step_once(*result[:2], x, y)[2])
            if not math.isfinite(value):
                raise NonFiniteLossError(epoch, step, indices.numpy(), value)
            history.losses.append(value)
            if on_step is not None:
                on_step(epoch, step, value)
        history.epoch_losses.append(sum(history.losses[-len(loader) :]) / len(loader))
        if evaluate_on is not None:
            history.accuracies.append(evaluate(apply, params, *evaluate_on, correct=correct))
        if on_epoch is not None and on_epoch(epoch, result) is True:
            break
    return result


def _state(optimizer: MakeOptimizer, params: Params, given: Optimizer | None) -> Optimizer:
    state = start(optimizer, params)
    if given is not None:
        state.load_state_dict(deepcopy(given.state_dict()))
    return state
