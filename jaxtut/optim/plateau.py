"""A learning rate that falls when a metric stops getting better."""

import math
from typing import Any

from . import arguments


class ReduceLROnPlateau:
    """Multiply the learning rate by `factor` when the metric has not got better for more than `patience` calls of `step`.

    It looks at a number that the last epoch gave, so it runs on the host, between compiled steps, and is no function of
    the step as the schedules are.

    Args:
        base_lr: the learning rate to begin with.
        mode: 'min' where less is better (a loss), 'max' where more is (an accuracy).
        factor: what the rate is multiplied by, below 1.
        patience: how many calls without getting better are let pass.
        threshold: by how much a metric must beat the best one to count as better.
        threshold_mode: 'rel': by this share of the best one, best · (1 ∓ threshold); 'abs': by this much.
        cooldown: for how many calls after a reduction nothing is counted.
        min_lr: the rate does not fall below.
        eps: a change of the rate by no more than this is not made.

    Attributes:
        lr: the learning rate of the moment.

    Example: `optax.inject_hyperparams` keeps the rate in the optimizer's state, where it can be set.
        >>> import jax.numpy as jnp, optax
        >>> from jaxtut import optim
        >>> plateau = ReduceLROnPlateau(0.1, patience=1)
        >>> optimizer = optax.inject_hyperparams(lambda lr: optim.SGD(lr, momentum=0.9))(lr=plateau.lr)
        >>> state = optimizer.init(jnp.zeros(3))
        >>> for loss in (2.0, 1.0, 1.0, 1.0):
        ...     state.hyperparams["lr"] = jnp.asarray(plateau.step(loss))
        >>> round(float(state.hyperparams["lr"]), 6)
        0.01

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a factor of 1 or more, a negative number, an unknown mode; a metric that is NaN counts as not better,
            as in PyTorch.

    PyTorch's counterpart: `torch.optim.lr_scheduler.ReduceLROnPlateau`, which changes its optimizer by itself.
    """

    def __init__(
        self,
        base_lr: float,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        for name, given, known in (("mode", mode, ("min", "max")), ("threshold_mode", threshold_mode, ("rel", "abs"))):
            if given not in known:
                raise ValueError(
                    f"ReduceLROnPlateau: {name} must be '{known[0]}' or '{known[1]}', but {given!r} was given"
                )
        arguments.not_negative(
            "ReduceLROnPlateau",
            base_lr=base_lr,
            factor=factor,
            patience=patience,
            cooldown=cooldown,
            min_lr=min_lr,
            eps=eps,
        )
        arguments.number("ReduceLROnPlateau", "threshold", threshold)
        if factor >= 1:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1, but {factor} was given")
        self.lr = float(base_lr)
        self.mode, self.factor, self.patience = mode, factor, patience
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.cooldown, self.min_lr, self.eps = cooldown, min_lr, eps
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0

    def step(self, metric: Any) -> float:
        """Take in the metric of an epoch, and return the learning rate of the next."""
        value = float(metric)
        if self._is_better(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            lower = max(self.lr * self.factor, self.min_lr)
            self.lr = lower if self.lr - lower > self.eps else self.lr
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        return self.lr

    def _is_better(self, value: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        relative = self.threshold_mode == "rel"
        mark = self.best * (1 - sign * self.threshold) if relative else self.best - sign * self.threshold
        return value < mark if self.mode == "min" else value > mark

    def state_dict(self) -> dict[str, Any]:
        """Return everything that `load_state_dict` needs to go on."""
        return dict(self.__dict__)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        if state.keys() != self.__dict__.keys():
            raise ValueError(
                f"ReduceLROnPlateau: the state must have the keys {sorted(self.__dict__)}, but {sorted(state)} were given"
            )
        self.__dict__.update(state)
