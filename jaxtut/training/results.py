"""What a training run leaves behind, and the error that ends one early."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


@dataclass
class History:
    """The numbers of a run: the loss of each step, their mean in each epoch, and the accuracy after it, if asked for."""

    losses: list[float] = field(default_factory=list)
    epoch_losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)


class FitResult(NamedTuple):
    """Where a run arrived: parameters, the optimizer's state, and the history."""

    params: Any
    opt_state: Any
    history: History


class NonFiniteLossError(FloatingPointError):
    """The loss became NaN or infinite; says in which epoch and step, counted from 0, on which samples, and what was it first.

    Attributes:
        epoch: the epoch.
        step: the step in it.
        indices: the samples of the batch; of a loader, whose samples are not known, their places in the batch.
        loss: the loss.
        quantity: the first quantity that is NaN or infinite.
        state: parameters and optimizer state before this step: the last good ones, unless `quantity` is a parameter.
    """

    def __init__(self, epoch: int, step: int, indices: np.ndarray, loss: float, quantity: str = "", state: Any = None):
        self.epoch, self.step, self.indices, self.loss, self.quantity, self.state = (
            epoch,
            step,
            indices,
            loss,
            quantity,
            state,
        )
        super().__init__(
            f"the loss became {loss} in epoch {epoch}, step {step} (both counted from 0), on the samples {indices.tolist()}; "
            f"the first that is no number is {quantity or 'not known'}. "
            "Look for a learning rate that is too high, labels out of range, or NaN among the samples"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.epoch, self.step, self.indices, self.loss, self.quantity)
