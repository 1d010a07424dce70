"""Adam and AdamW: a running mean of the gradient, divided by the root of a running mean of its square."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from ..ops.adam_step import adam_direction, adam_step
from . import arguments, parts
from .arguments import Betas, LearningRate
from .stepping import Stepper, in_one_pass, two_calls


class AdamState(NamedTuple):
    """The steps taken and the running means, under PyTorch's names; `max_exp_avg_sq` is None without amsgrad."""

    step: Int[Array, ""]
    exp_avg: Any
    exp_avg_sq: Any
    max_exp_avg_sq: Any


def Adam(
    lr: LearningRate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
    decoupled_weight_decay: bool = False,
) -> optax.GradientTransformation:
    """Scale each step by the size of its own past gradients.

    m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;  θ ← θ − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + eps), with g ← g
    + weight_decay · θ before.

    Args:
        lr: learning rate; or a schedule f(step), asked with 0 in the first step.
        betas: β₁ and β₂, each in [0, 1).
        eps: keeps the division finite; outside the root.
        weight_decay: factor of the parameters that is added to the gradient.
        amsgrad: divide by the largest v so far.
        maximize: climb instead.
        decoupled_weight_decay: shrink the parameters directly instead, as AdamW does.

    Returns:
        An Optax gradient transformation.

    Example:
        >>> optimizer = Adam(lr=0.5)
        >>> params = jnp.array([1.0, -1.0])
        >>> updates, state = optimizer.update(jnp.array([3.0, -0.2]), optimizer.init(params), params)
        >>> optax.apply_updates(params, updates).round(4)
        Array([ 0.5, -0.5], dtype=float32)

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a negative lr, eps or weight_decay; a beta outside [0, 1).

    PyTorch's counterpart: `torch.optim.Adam`. `optax.adam` has the same formula; it computes 1 − βᵗ in float32 with
    cancellation, and does not run under strict dtype promotion. `optax.amsgrad` takes the maximum after the bias
    correction, PyTorch before it.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015; Reddi et al., "On the convergence of Adam
    and beyond", 2018.
    """
    return _adam("Adam", lr, betas, eps, weight_decay, amsgrad, maximize, decoupled_weight_decay)


def AdamW(
    lr: LearningRate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Step as Adam does, and shrink the parameters by lr · weight_decay beside it.

    θ ← θ − lr · (Adam's direction + weight_decay · θ). The arguments are `Adam`'s.

    Example:
        >>> optimizer = AdamW(lr=0.5, weight_decay=0.1)
        >>> params = jnp.array([2.0])
        >>> updates, state = optimizer.update(jnp.array([0.0]), optimizer.init(params), params)
        >>> optax.apply_updates(params, updates)
        Array([1.9], dtype=float32)

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a negative lr, eps or weight_decay; a beta outside [0, 1).

    PyTorch's counterpart: `torch.optim.AdamW`, which multiplies by 1 − lr · weight_decay; in float32 that number is
    rounded, and 1e-5 loses up to a third of a percent. Here the decay is added to the step, as in Optax, and keeps its
    digits. The default weight_decay is PyTorch's 0.01; `optax.adamw` has 0.0001.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
    """
    return _adam("AdamW", lr, betas, eps, weight_decay, amsgrad, maximize, True)


def _adam(
    name: str,
    lr: LearningRate,
    betas: Betas,
    eps: float,
    weight_decay: float,
    amsgrad: bool,
    maximize: bool,
    decoupled: bool,
) -> optax.GradientTransformation:
    arguments.learning_rate(name, lr)
    arguments.betas(name, betas)
    arguments.not_negative(name, eps=eps, weight_decay=weight_decay)
    arguments.flags(name, amsgrad=amsgrad, maximize=maximize, decoupled_weight_decay=decoupled)
    chained = parts.chain(scale_by_adam(betas, eps, amsgrad), lr, weight_decay, maximize, decoupled)
    if amsgrad:
        return chained
    options = {
        "betas": betas,
        "eps": eps,
        "weight_decay": weight_decay,
        "decoupled": decoupled,
        "maximize": maximize,
    }
    return in_one_pass(chained, _stepper(chained, lr, options))


def _stepper(chained: optax.GradientTransformation, lr: LearningRate, options: dict[str, Any]) -> Stepper:
    """Return the step of the chained parts, array by array."""

    def step(params: Any, gradients: Any, state: Any) -> tuple[Any, Any]:
        theta, tree = jax.tree.flatten(params)
        place = next(i for i, part in enumerate(state) if isinstance(part, AdamState))
        adam, g = state[place], tree.flatten_up_to(gradients)
        m, v = tree.flatten_up_to(adam.exp_avg), tree.flatten_up_to(adam.exp_avg_sq)
        arrays = list(zip(theta, m, v, g, strict=True))
        if not arrays or not all(map(_are_alike, arrays)):
            return two_calls(chained, params, gradients, state)
        count = parts.next_step(adam.step)
        rate, last = parts.scale_by_learning_rate(lr).update(parts.real(1.0), state[-1])
        scalars = jnp.asarray(rate), *_corrections(options["betas"], count)
        found = [adam_step(*each, scalars, **options) for each in arrays]
        theta, m, v = (jax.tree.unflatten(tree, list(each)) for each in zip(*found, strict=True))
        return theta, (*state[:place], AdamState(count, m, v, None), *state[place + 1 : -1], last)

    return step


def _are_alike(arrays: tuple[Any, ...]) -> bool:
    return all(
        isinstance(a, jax.Array | np.ndarray) and (a.dtype, a.shape) == (arrays[0].dtype, arrays[0].shape)
        for a in arrays
    )


def _corrections(betas: Betas, step: Int[Array, ""]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return 1 − β₁ᵗ and √(1 − β₂ᵗ), by which the running means, which begin with 0, are too small."""
    b1, b2 = betas
    return parts.one_minus_power(b1, step), jnp.sqrt(parts.one_minus_power(b2, step))


def scale_by_adam(betas: Betas, eps: float, amsgrad: bool = False) -> optax.GradientTransformation:
    """Turn gradients into Adam's direction, without learning rate and weight decay."""
    b1, b2 = betas

    def init(params: Any) -> AdamState:
        peak = parts.zeros_like(params) if amsgrad else None
        return AdamState(parts.no_steps(), parts.zeros_like(params), parts.zeros_like(params), peak)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, AdamState]:
        step = parts.next_step(state.step)
        mean = parts.running_mean(state.exp_avg, updates, b1)
        square = parts.running_mean_of_squares(state.exp_avg_sq, updates, b2)
        peak = jax.tree.map(jnp.maximum, state.max_exp_avg_sq, square) if amsgrad else None
        c1, c2 = _corrections(betas, step)
        direction = jax.tree.map(
            lambda m, v: adam_direction(m, v, c1.astype(m.dtype), c2.astype(v.dtype), eps),
            mean,
            peak if amsgrad else square,
        )
        return direction, AdamState(step, mean, square, peak)

    return optax.GradientTransformation(init, update)
