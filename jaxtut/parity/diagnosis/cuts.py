"""Zeros on one whole side: a gradient that does not flow."""

import numpy as np

from .difference import Difference, loose_tolerance, within
from .traps import Cause, Trap


def cut_graph(difference: Difference) -> Cause | None:
    """One side has zeros only, the other has not."""
    jax, torch = difference.a.any(), difference.b.any()
    if jax == torch:
        return None
    if difference.own_size < 2 and not difference.of_gradient:
        return None
    if not difference.of_gradient:
        side = "PyTorch" if jax else "JAX"
        return Trap.CUT.cause(f"{side} has zeros only: a result that was never written, or a mask over everything")
    if jax and not difference.inputs.get(difference.name, np.ones(1)).any():
        return None  # at 0 everywhere a slope may be 0 for other reasons
    if jax:
        return Trap.CUT.cause(
            "PyTorch's gradient has zeros only: a detach, a no_grad or an argument it never uses; JAX differentiates through"
        )
    return Trap.CUT.cause(
        f"{_which(difference)} in JAX: a stop_gradient, a constant in its place, an integer or a rounding between"
    )


def _which(difference: Difference) -> str:
    bias = " of the bias" if "bias" in difference.name.lower() else ""
    others = [_state(difference, jax, torch) for jax, torch in difference.gradients.values()]
    if others and all(state == "cut" for state in others):
        return "every gradient is cut off"
    alone = " alone, while the other gradients agree," if others and all(state == "same" for state in others) else ""
    return (
        f"the gradient{bias} {difference.name}{alone} is cut off"
        if bias
        else f"the gradient of {difference.name}{alone} is cut off"
    )


def _state(difference: Difference, jax: np.ndarray, torch: np.ndarray) -> str:
    if jax.shape != torch.shape or not np.isfinite(jax).all() or not np.isfinite(torch).all():
        return "different"
    if torch.any() and not jax.any():
        return "cut"
    return "same" if within(jax, torch, loose_tolerance(jax, torch, difference.eps)) else "different"
