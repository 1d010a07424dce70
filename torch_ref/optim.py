"""Optimizers, learning-rate schedules and gradient clipping: PyTorch's own, the schedules as functions of the step."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim import SGD as SGD
from torch.optim import Adadelta as Adadelta
from torch.optim import Adagrad as Adagrad
from torch.optim import Adam as Adam
from torch.optim import Adamax as Adamax
from torch.optim import AdamW as AdamW
from torch.optim import NAdam as NAdam
from torch.optim import Optimizer, lr_scheduler
from torch.optim import RAdam as RAdam
from torch.optim import RMSprop as RMSprop

Schedule = Callable[[int], float]


def StepLR(base_lr: float, step_size: int, gamma: float = 0.1) -> Schedule:
    """Multiply the learning rate by `gamma` every `step_size` steps.

    Example:
        >>> f = StepLR(1.0, step_size=30, gamma=0.5)
        >>> f(29), f(30), f(60)
        (1.0, 0.5, 0.25)
    """
    return _by_stepping(base_lr, lambda optimizer: lr_scheduler.StepLR(optimizer, step_size, gamma))


def MultiStepLR(base_lr: float, milestones: Iterable[int], gamma: float = 0.1) -> Schedule:
    """Multiply the learning rate by `gamma` at each milestone."""
    return _by_stepping(base_lr, lambda optimizer: lr_scheduler.MultiStepLR(optimizer, milestones, gamma))


def ExponentialLR(base_lr: float, gamma: float) -> Schedule:
    """Multiply the learning rate by `gamma` at every step."""
    return _by_stepping(base_lr, lambda optimizer: lr_scheduler.ExponentialLR(optimizer, gamma))


def CosineAnnealingLR(base_lr: float, T_max: int, eta_min: float = 0.0) -> Schedule:
    """Let the learning rate fall along half a cosine, and rise again."""
    return _by_stepping(base_lr, lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max, eta_min))


def LinearLR(base_lr: float, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5) -> Schedule:
    """Let the learning rate go in a straight line from one factor to another, and stay there."""
    return _by_stepping(base_lr, lambda o: lr_scheduler.LinearLR(o, start_factor, end_factor, total_iters))


def OneCycleLR(
    max_lr: float,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
) -> Schedule:
    """Raise the learning rate from max_lr / div_factor to max_lr, then lower it to a fraction of the first."""
    return _by_stepping(
        max_lr,
        lambda optimizer: lr_scheduler.OneCycleLR(
            optimizer,
            max_lr,
            total_steps,
            epochs,
            steps_per_epoch,
            pct_start,
            anneal_strategy,  # pyright: ignore[reportArgumentType]  # the scheduler refuses what is neither 'cos' nor 'linear'
            cycle_momentum=False,
            div_factor=div_factor,
            final_div_factor=final_div_factor,
            three_phase=three_phase,
        ),
    )


class ReduceLROnPlateau:
    """Multiply the learning rate by `factor` when the metric has not got better for more than `patience` calls of `step`.

    Attributes:
        lr: the learning rate of the moment.
    """

    def __init__(
        self,
        base_lr: float,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        optimizer = SGD([torch.zeros(())], lr=base_lr)
        self._scheduler = lr_scheduler.ReduceLROnPlateau(
            optimizer, mode, factor, patience, threshold, threshold_mode, cooldown, min_lr, eps
        )
        self.lr = float(base_lr)

    def step(self, metric: float) -> float:
        """Take in the metric of an epoch, and return the learning rate of the next."""
        self._scheduler.step(metric)
        self.lr = float(self._scheduler.get_last_lr()[0])
        return self.lr

    def state_dict(self) -> dict[str, Any]:
        """Return everything that `load_state_dict` needs to go on."""
        return {"lr": self.lr, "scheduler": self._scheduler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self.lr = state["lr"]
        self._scheduler.load_state_dict(state["scheduler"])
        self._scheduler.optimizer.param_groups[0]["lr"] = self.lr


def _by_stepping(base_lr: float, scheduler_of: Callable[[Optimizer], lr_scheduler.LRScheduler]) -> Schedule:
    # A scheduler only moves forward, so the rates it has passed are kept.
    optimizer = SGD([torch.zeros(())], lr=base_lr)
    scheduler = scheduler_of(optimizer)
    rates = [float(scheduler.get_last_lr()[0])]

    def schedule(step: int) -> float:
        if step < 0:
            raise ValueError(f"step must not be negative, but {step} was given")
        while len(rates) <= step:
            optimizer.step()
            scheduler.step()
            rates.append(float(scheduler.get_last_lr()[0]))
        return rates[step]

    return schedule


def clip_grad_norm(max_norm: float, norm_type: float = 2.0) -> Callable[[Sequence[Tensor]], None]:
    """Return what scales the gradients of parameters down together where the norm of all of them is above `max_norm`.

    Call it between `backward` and `step`, or once and for all: `optimizer.register_step_pre_hook(lambda *_:
    clip(parameters))`.
    """

    def clip(parameters: Sequence[Tensor]) -> None:
        clip_grad_norm_(parameters, max_norm, norm_type)

    return clip


def clip_grad_value(clip_value: float) -> Callable[[Sequence[Tensor]], None]:
    """Return what clips every entry of the parameters' gradients to [−clip_value, clip_value]."""

    def clip(parameters: Sequence[Tensor]) -> None:
        clip_grad_value_(parameters, clip_value)

    return clip
