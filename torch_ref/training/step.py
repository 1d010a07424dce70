"""One training step: forward, backward, update."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import Optimizer

from torch_ref.parameters import Params

Apply = Callable[[Params, Tensor], Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]
MakeOptimizer = Callable[[list[Tensor]], Optimizer]
Step = Callable[[Params, Optimizer | None, Tensor, Tensor], tuple[Params, Optimizer, Tensor]]


def make_train_step(apply: Apply, loss: Loss, optimizer: MakeOptimizer) -> Step:
    """Return one step: the loss of a batch, its gradients, and the optimizer's update.

    Args:
        apply: the model, apply(params, x) -> scores.
        loss: loss(scores, y) -> a single number.
        optimizer: makes an optimizer of a list of parameters: `partial(torch.optim.SGD, lr=0.1)`. A scheduler goes in
            here too: `optimizer.register_step_post_hook(lambda *_: scheduler.step())`.

    Returns:
        step(params, opt_state, x, y) -> (params, opt_state, loss). The state is the optimizer itself, which holds on to
        the
        parameters: None in the first step makes it. Parameters and state are changed in place.

    Example:
        >>> from functools import partial
        >>> step = make_train_step(
        ...     lambda params, x: x * params["w"], torch.nn.functional.mse_loss, partial(torch.optim.SGD, lr=0.1)
        ... )
        >>> x = torch.tensor([1.0, 2.0])
        >>> params, state, loss = step({"w": torch.tensor(0.0)}, None, x, 2 * x)
        >>> params["w"].item(), loss.item()
        (1.0, 10.0)

    The counterpart in JAX is `jaxtut.training.make_train_step`, whose state comes from `optimizer.init(params)`.
    """

    def step(params: Params, opt_state: Optimizer | None, x: Tensor, y: Tensor) -> tuple[Params, Optimizer, Tensor]:
        state = start(optimizer, params) if opt_state is None else opt_state
        state.zero_grad()
        value = loss(apply(params, x), y)
        if value.ndim:
            raise ValueError(f"make_train_step: loss must give a single number, but shape {tuple(value.shape)} came")
        value.backward()
        state.step()
        return params, state, value.detach()

    return step


def start(optimizer: MakeOptimizer, params: Params) -> Optimizer:
    """Make the optimizer of these parameters, which are marked as such in place."""
    return optimizer([p.requires_grad_() for p in params.values()])


def copy(params: Params) -> Params:
    """Return parameters of the same values that share no memory with the given ones."""
    return {name: torch.clone(value.detach()) for name, value in params.items()}
