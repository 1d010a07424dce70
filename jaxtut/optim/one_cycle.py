"""The one-cycle learning rate: up from a small value, and down to a much smaller one."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import arguments, parts
from .schedules import Schedule, half_cosine, steps_taken


class Phase(NamedTuple):
    """One stretch of the cycle: the steps and the learning rates at its two ends."""

    start: float
    end: float
    start_lr: float
    end_lr: float


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
    """Raise the learning rate from max_lr / div_factor to max_lr, then lower it to a final_div_factor-th of the first.

    Args:
        max_lr: the largest learning rate.
        total_steps: steps of the cycle; or `epochs` and `steps_per_epoch`, whose product it is.
        epochs: see `total_steps`.
        steps_per_epoch: see `total_steps`.
        pct_start: the share of the steps in which the rate rises.
        anneal_strategy: 'cos' or 'linear'.
        div_factor: max_lr over the first rate.
        final_div_factor: the first rate over the last.
        three_phase: fall back to the first rate as slowly as it rose, and only then to the last.

    Returns:
        f(step), for an optimizer's `lr`. After `total_steps` it refuses, or gives NaN where the step is hidden by a
        transformation.

    Example:
        >>> f = OneCycleLR(1.0, total_steps=10, anneal_strategy="linear")
        >>> [round(float(f(step)), 3) for step in (0, 1, 2, 9)]
        [0.04, 0.52, 1.0, 0.0]

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: no number of steps, a share outside [0, 1], an unknown strategy, or a rise of one step, which
            PyTorch divides by zero.

    PyTorch's counterpart: `torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr, ..., cycle_momentum=False)`. By
    default PyTorch moves the momentum too, which a function of the learning rate alone cannot do.

    Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates",
    2018.
    """
    steps = _total_steps(total_steps, epochs, steps_per_epoch)
    arguments.not_negative("OneCycleLR", max_lr=max_lr)
    if not isinstance(pct_start, float):
        raise TypeError(f"OneCycleLR: pct_start must be a float, but {pct_start!r} was given")
    if not 0 <= pct_start <= 1:
        raise ValueError(f"OneCycleLR: pct_start must lie in [0, 1], but {pct_start} was given")
    if anneal_strategy not in ("cos", "linear"):
        raise ValueError(f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', but {anneal_strategy!r} was given")
    for name, factor in (("div_factor", div_factor), ("final_div_factor", final_div_factor)):
        if not arguments.number("OneCycleLR", name, factor) > 0:
            raise ValueError(f"OneCycleLR: {name} must be above 0, but {factor} was given")
    arguments.flags("OneCycleLR", three_phase=three_phase)
    first = max_lr / div_factor
    phases = _phases(steps, pct_start, first, max_lr, first / final_div_factor, three_phase)
    if phases[0].end == 0:
        raise ValueError(
            f"OneCycleLR: with total_steps={steps} and pct_start={pct_start} the rate would rise in no time"
        )
    return lambda step: _rate(phases, step, steps, anneal_strategy)


def _total_steps(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        arguments.positive_int("OneCycleLR", total_steps=total_steps)
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ValueError("OneCycleLR: total_steps, or epochs and steps_per_epoch, must be given")
    arguments.positive_int("OneCycleLR", epochs=epochs, steps_per_epoch=steps_per_epoch)
    return epochs * steps_per_epoch


def _phases(steps: int, pct_start: float, first: float, largest: float, last: float, three_phase: bool) -> list[Phase]:
    top = pct_start * steps - 1
    if not three_phase:
        return [Phase(0.0, top, first, largest), Phase(top, steps - 1, largest, last)]
    foot = 2 * pct_start * steps - 2
    return [Phase(0.0, top, first, largest), Phase(top, foot, largest, first), Phase(foot, steps - 1, first, last)]


def _rate(phases: list[Phase], step: ArrayLike, steps: int, anneal_strategy: str) -> Float[Array, ""]:
    taken = steps_taken("OneCycleLR", step)
    if not isinstance(taken, Tracer) and taken > steps:
        raise ValueError(f"OneCycleLR: step {taken} is beyond total_steps={steps}")
    now = parts.real(taken)
    rate = _anneal(phases[-1], now, anneal_strategy)
    for phase in reversed(phases[:-1]):
        rate = jnp.where(now <= phase.end, _anneal(phase, now, anneal_strategy), rate)
    return jnp.where(taken > steps, jnp.nan, rate)


def _anneal(phase: Phase, now: Float[Array, ""], anneal_strategy: str) -> Float[Array, ""]:
    # An empty phase gives NaN here; no step lies in it.
    left = (phase.end - now) / parts.real(phase.end - phase.start)
    return phase.end_lr + (phase.start_lr - phase.end_lr) * (half_cosine(left) if anneal_strategy == "cos" else left)
