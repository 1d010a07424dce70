"""Learning rates that change with the number of steps taken: by steps, exponentially, along a cosine, linearly."""

import math
from collections.abc import Callable, Iterable

import jax.numpy as jnp
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from . import arguments, parts

Schedule = Callable[[ArrayLike], Float[Array, ""]]


def steps_taken(function: str, step: ArrayLike) -> Int[Array, ""]:
    """Return `step` as an integer array of shape (), or refuse it; its value is looked at where it can be."""
    array = jnp.asarray(step)
    if not jnp.issubdtype(array.dtype, jnp.integer):
        raise TypeError(f"{function}: step must be an integer, but {array.dtype} was given")
    if array.ndim:
        raise ValueError(f"{function}: step must have shape (), but {array.shape} was given")
    if not isinstance(array, Tracer) and array < 0:
        raise ValueError(f"{function}: step must not be negative, but {array} was given")
    return array


def StepLR(base_lr: float, step_size: int, gamma: float = 0.1) -> Schedule:
    """Multiply the learning rate by `gamma` every `step_size` steps.

    f(step) = base_lr · gamma^⌊step / step_size⌋

    Args:
        base_lr: the learning rate of step 0.
        step_size: steps of one learning rate.
        gamma: the factor.

    Returns:
        f(step), for an optimizer's `lr`; step is the number of steps already taken.

    Example:
        >>> f = StepLR(1.0, step_size=30, gamma=0.5)
        >>> float(f(29)), float(f(30)), float(f(60))
        (1.0, 0.5, 0.25)

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: step_size below 1, or a negative number.

    PyTorch's counterpart: `torch.optim.lr_scheduler.StepLR`, an object that changes its optimizer when it is stepped;
    where PyTorch steps it once an epoch, count `step_size` in steps: epochs · steps per epoch.
    `optax.exponential_decay` needs staircase=True.
    """
    arguments.positive_int("StepLR", step_size=step_size)
    arguments.not_negative("StepLR", base_lr=base_lr, gamma=gamma)
    return lambda step: base_lr * parts.power(gamma, steps_taken("StepLR", step) // int(step_size))


def MultiStepLR(base_lr: float, milestones: Iterable[int], gamma: float = 0.1) -> Schedule:
    """Multiply the learning rate by `gamma` at each milestone.

    f(step) = base_lr · gamma^(number of milestones ≤ step)

    Args:
        base_lr: the learning rate before the first milestone.
        milestones: numbers of steps, in any order; one that is given twice counts twice.
        gamma: the factor.

    Returns:
        f(step), for an optimizer's `lr`.

    Example:
        >>> f = MultiStepLR(1.0, milestones=[30, 80], gamma=0.5)
        >>> float(f(29)), float(f(30)), float(f(80))
        (1.0, 0.5, 0.25)

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a negative number.

    PyTorch's counterpart: `torch.optim.lr_scheduler.MultiStepLR`, which takes milestones below 0 and never reaches
    them.
    """
    given = list(milestones)
    if any(isinstance(m, bool) or not isinstance(m, int) for m in given):
        raise TypeError(f"MultiStepLR: milestones must be ints, but {given} was given")
    arguments.not_negative(
        "MultiStepLR", base_lr=base_lr, gamma=gamma, **{f"milestones[{i}]": m for i, m in enumerate(given)}
    )

    def schedule(step: ArrayLike) -> Float[Array, ""]:
        taken = steps_taken("MultiStepLR", step)
        return base_lr * parts.power(gamma, jnp.sum(jnp.asarray([taken >= m for m in given], dtype=jnp.int32)))

    return schedule


def ExponentialLR(base_lr: float, gamma: float) -> Schedule:
    """Multiply the learning rate by `gamma` at every step.

    f(step) = base_lr · gamma^step

    Args:
        base_lr: the learning rate of step 0.
        gamma: the factor.

    Returns:
        f(step), for an optimizer's `lr`.

    Example:
        >>> round(float(ExponentialLR(1.0, gamma=0.9)(2)), 4)
        0.81

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a negative number.

    PyTorch's counterpart: `torch.optim.lr_scheduler.ExponentialLR`.
    """
    arguments.not_negative("ExponentialLR", base_lr=base_lr, gamma=gamma)
    return lambda step: base_lr * parts.power(gamma, steps_taken("ExponentialLR", step))


def CosineAnnealingLR(base_lr: float, T_max: int, eta_min: float = 0.0) -> Schedule:
    """Let the learning rate fall along half a cosine, and rise again.

    f(step) = eta_min + (base_lr − eta_min) · (1 + cos(π · step / T_max)) / 2

    Args:
        base_lr: the learning rate of step 0.
        T_max: steps until `eta_min`; after 2 · T_max steps the rate is back at base_lr.
        eta_min: the smallest learning rate.

    Returns:
        f(step), for an optimizer's `lr`.

    Example:
        >>> f = CosineAnnealingLR(1.0, T_max=10)
        >>> [round(float(f(step)), 3) for step in (0, 5, 10, 15)]
        [1.0, 0.5, 0.0, 0.5]

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: T_max below 1, or a negative number.

    PyTorch's counterpart: `torch.optim.lr_scheduler.CosineAnnealingLR`, which computes each rate from the one before;
    its rounding errors add up, to a relative 1e-10 or so at T_max = 1000. `optax.cosine_decay_schedule` stays at its
    smallest value instead of rising again.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.
    """
    arguments.positive_int("CosineAnnealingLR", T_max=T_max)
    arguments.not_negative("CosineAnnealingLR", base_lr=base_lr, eta_min=eta_min)

    def schedule(step: ArrayLike) -> Float[Array, ""]:
        left = parts.real(T_max - steps_taken("CosineAnnealingLR", step) % (2 * int(T_max))) / T_max
        return eta_min + (base_lr - eta_min) * half_cosine(left)

    return schedule


def half_cosine(left: Float[Array, ""]) -> Float[Array, ""]:
    """Compute (1 + cos(π · (1 − left))) / 2, which falls from 1 to 0 with `left`."""
    # As the square of a sine: near 0 the sum would cancel.
    return jnp.sin(left * (math.pi / 2)) ** 2


def LinearLR(base_lr: float, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5) -> Schedule:
    """Let the learning rate go in a straight line from one factor to another, and stay there.

    f(step) = base_lr · (start_factor + (end_factor − start_factor) · min(step, total_iters) / total_iters)

    Args:
        base_lr: the learning rate that the factors are of.
        start_factor: the factor of step 0, in (0, 1].
        end_factor: the factor from step `total_iters` on, in [0, 1].
        total_iters: steps of the line; with 0 the factor stays at `start_factor`, as in PyTorch.

    Returns:
        f(step), for an optimizer's `lr`.

    Example:
        >>> f = LinearLR(1.0, start_factor=0.5, total_iters=4)
        >>> float(f(0)), float(f(2)), float(f(4)), float(f(9))
        (0.5, 0.75, 1.0, 1.0)

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a factor outside its range, or a negative number.

    PyTorch's counterpart: `torch.optim.lr_scheduler.LinearLR`.
    """
    arguments.not_negative("LinearLR", base_lr=base_lr, total_iters=total_iters)
    if not 0 < arguments.number("LinearLR", "start_factor", start_factor) <= 1:
        raise ValueError(f"LinearLR: start_factor must lie in (0, 1], but {start_factor} was given")
    if not 0 <= arguments.number("LinearLR", "end_factor", end_factor) <= 1:
        raise ValueError(f"LinearLR: end_factor must lie in [0, 1], but {end_factor} was given")

    def schedule(step: ArrayLike) -> Float[Array, ""]:
        gone = parts.real(jnp.minimum(steps_taken("LinearLR", step), total_iters)) / max(total_iters, 1)
        return base_lr * (start_factor + (end_factor - start_factor) * gone)

    return schedule
