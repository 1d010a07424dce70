"""Guess from the shape of a difference which mistake made it."""

import numpy as np

from . import definition


def likely_cause(jax: np.ndarray, torch: np.ndarray) -> str:
    """Return the trap that this difference looks like, or an empty string.

    Args:
        jax: one quantity as the JAX side has it; gradients with the cotangents as first axis.
        torch: the same quantity in PyTorch.
    """
    if jax.shape != torch.shape:
        return _shape_cause(jax, torch)
    if not np.issubdtype(jax.dtype, np.floating) or jax.size == 0:
        return ""
    if np.isnan(jax).any() and not np.isnan(torch).any():
        return "NaN in JAX alone: an overflow, a slope 0 · inf, or a bad label under jit"
    if not np.isfinite(jax).all() or not np.isfinite(torch).all():
        return ""
    if _close(jax, torch):
        return ""
    return _factor(jax, torch) or _arrangement(jax, torch) or _extent(jax, torch)


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    scale = np.abs(b).max(initial=0)
    return bool(np.abs(a - b).max(initial=0) <= 1e3 * np.finfo(a.dtype).eps * scale)


def _shape_cause(jax: np.ndarray, torch: np.ndarray) -> str:
    if jax.size == torch.size and tuple(s for s in jax.shape if s != 1) == tuple(s for s in torch.shape if s != 1):
        return "a dimension of size 1 is kept on one side and dropped on the other"
    return "the axes are in another order" if sorted(jax.shape) == sorted(torch.shape) else ""


def _factor(jax: np.ndarray, torch: np.ndarray) -> str:
    where = np.abs(torch) > 0.1 * np.abs(torch).max(initial=0)
    if not where.any():
        return "PyTorch has zeros only"
    if not jax.any():
        return "JAX has zeros only: a cut graph (stop_gradient, an integer, a rounding)?"
    factor = float(np.median(jax[where] / torch[where]))
    if not _close(jax, factor * torch) or abs(factor - 1) < definition.U32:
        return ""
    if abs(factor + 1) < definition.U32:
        return "the sign is wrong"
    return f"JAX is {factor:.9g} times PyTorch everywhere: a mean for a sum, a missing 1/2 or 1/N, a scale?"


def _arrangement(jax: np.ndarray, torch: np.ndarray) -> str:
    if jax.ndim >= 2 and jax.shape[-1] == jax.shape[-2] and _close(np.swapaxes(jax, -1, -2), torch):
        return "the last two axes are swapped: a transposed weight"
    for axis in range(jax.ndim):
        if jax.shape[axis] > 1 and _close(np.flip(jax, axis), torch):
            return f"axis {axis} is flipped"
    if jax.size > 1 and _close(np.sort(jax, axis=None), np.sort(torch, axis=None)):
        return "the same numbers in another order"
    return ""


def _extent(jax: np.ndarray, torch: np.ndarray) -> str:
    scale = np.maximum(np.abs(jax), np.abs(torch))
    unequal = np.abs(jax - torch) > 1e3 * np.finfo(jax.dtype).eps * np.where(scale == 0, 1, scale)
    share = unequal.sum() / unequal.size
    if 0 < share < 0.1:
        return f"only {int(unequal.sum())} of {unequal.size} elements differ: a kink, a tie, a border, or one index"
    return ""
