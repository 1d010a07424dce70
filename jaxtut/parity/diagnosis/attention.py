"""Attention of three arrays, evaluated again: normalized along another axis, with another scale or another mask."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from .difference import Difference, by_far, within
from .traps import Cause, Trap

# Arrangements of three arrays that are tried, and the largest table of scores.
MOST, LARGEST = 24, 1 << 22
# A softmax and two products round, in spacings for each term.
OWN_ROUNDING = 8


def another_attention(difference: Difference) -> Cause | None:
    """PyTorch is the attention of three arrays, JAX another one."""
    if difference.of_gradient or difference.b.ndim < 2 or difference.torch.dtype.kind != "f":
        return None
    for names, (q, k, v) in _triples(difference):
        reach = difference.tolerance + OWN_ROUNDING * difference.eps * k.shape[-2] * float(np.abs(v).max(initial=0))
        found = [(words, attended) for words, attended in _forms(q, k, v) if attended.shape == difference.b.shape]
        there = [words for words, attended in found if within(difference.b, attended, reach)]
        if not there:
            continue
        for words, attended in found:
            residual = difference.a - attended
            if within(residual, 0, reach) and by_far(residual, difference.gap):
                differing = [i for i, (one, other) in enumerate(zip(words, there[0], strict=True)) if one != other]
                trap = (Trap.SOFTMAX_AXIS, Trap.SQRT_D, Trap.MASK)[differing[0]]
                jax, torch = (" and ".join(w[i] for i in differing) for w in (words, there[0]))
                return trap.cause(f"attention of {', '.join(names)}: {jax} in JAX, {torch} in PyTorch")
    return None


def _triples(difference: Difference) -> Iterator[tuple[tuple[str, ...], tuple[np.ndarray, ...]]]:
    there = {n: x for n, x in {**difference.values, **difference.inputs}.items() if n != difference.name}
    usable = {
        n: x.astype(np.float64)
        for n, x in there.items()
        if x.ndim == difference.b.ndim and x.dtype.kind == "f" and np.isfinite(x).all()
    }
    tried = 0
    for names in permutations(usable, 3):
        q, k, v = (usable[n] for n in names)
        fits = (
            q.shape[:-2] == k.shape[:-2] == v.shape[:-2] and q.shape[-1] == k.shape[-1] and k.shape[-2] == v.shape[-2]
        )
        shape = (*q.shape[:-1], v.shape[-1])
        if fits and shape == difference.own_shape and q[..., 0].size * k.shape[-2] <= LARGEST and tried < MOST:
            tried += 1
            yield names, (q, k, v)


def _forms(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> Iterator[tuple[tuple[str, str, str], np.ndarray]]:
    """Yield every form with its words: the axis of the softmax, the scale, the mask."""
    scores = q @ np.swapaxes(k, -1, -2)
    below = np.tril(np.ones(scores.shape[-2:], bool))
    masks = (
        ("no mask", np.ones_like(below)),
        ("a causal mask", below),
        ("a causal mask without the diagonal", np.tril(below, -1)),
    )
    scales = (("scores over √d", np.sqrt(q.shape[-1])), ("scores as they are", 1.0), ("scores over d", q.shape[-1]))
    for mask, kept in masks:
        for scale, divisor in scales:
            for axis, along in (
                ("a softmax along the axis of the keys", -1),
                ("a softmax along the axis of the queries", -2),
            ):
                x = np.where(kept, scores / divisor, -np.inf)
                largest = x.max(axis=along, keepdims=True)
                e = np.exp(x - np.where(np.isfinite(largest), largest, 0))
                total = e.sum(axis=along, keepdims=True)
                yield (axis, scale, mask), np.where(total > 0, e / np.where(total > 0, total, 1), 0) @ v
