"""One epoch: a loop over the steps."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from torch_ref.parameters import Params

from .step import Apply, Loss, MakeOptimizer, make_train_step, start

Epoch = Callable[[Params, Optimizer | None, Tensor, Tensor, Any], tuple[Params, Optimizer, Tensor]]


def make_epoch(apply: Apply, loss: Loss, optimizer: MakeOptimizer) -> Epoch:
    """Return all steps of an epoch as one function.

    Args:
        apply: the model, apply(params, x) -> scores.
        loss: loss(scores, y) -> a single number.
        optimizer: makes an optimizer of a list of parameters.

    Returns:
        epoch(params, opt_state, X, Y, indices) -> (params, opt_state, losses), where `indices` of shape (steps, batch)
        says which samples each step takes.

    Example:
        >>> from functools import partial
        >>> epoch = make_epoch(
        ...     lambda params, x: x * params["w"], torch.nn.functional.mse_loss, partial(torch.optim.SGD, lr=0.1)
        ... )
        >>> X = torch.tensor([1.0, 2.0])
        >>> epoch({"w": torch.tensor(0.0)}, None, X, 2 * X, [[0, 1], [1, 0]])[2]
        tensor([10.0000,  2.5000])
    """
    step = make_train_step(apply, loss, optimizer)

    def epoch(
        params: Params, opt_state: Optimizer | None, X: Tensor, Y: Tensor, indices: Any
    ) -> tuple[Params, Optimizer, Tensor]:
        state = start(optimizer, params) if opt_state is None else opt_state
        losses = []
        for batch in torch.as_tensor(indices):
            params, state, value = step(params, state, X[batch], Y[batch])
            losses.append(value)
        return params, state, torch.stack(losses)

    return epoch
