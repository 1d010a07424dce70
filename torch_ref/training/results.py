"""What a training run leaves behind, and the error that ends one early."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from torch.optim import Optimizer

from torch_ref.parameters import Params


@dataclass
class History:
    """The numbers of a run: the loss of each step, their mean in each epoch, and the accuracy after it, if asked for."""

    losses: list[float] = field(default_factory=list)
    epoch_losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)


class FitResult(NamedTuple):
    """Where a run arrived: parameters, the optimizer, and the history."""

    params: Params
    opt_state: Optimizer
    history: History


class NonFiniteLossError(FloatingPointError):
    """The loss became NaN or infinite; says in which epoch and step, counted from 0, and on which samples."""

    def __init__(self, epoch: int, step: int, indices: np.ndarray, loss: float):
        self.epoch, self.step, self.indices, self.loss = epoch, step, indices, loss
        super().__init__(
            f"the loss became {loss} in epoch {epoch}, step {step} (both counted from 0), on the samples {indices.tolist()}; "
            "look for a learning rate that is too high, labels out of range, or NaN among the samples"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.epoch, self.step, self.indices, self.loss)
