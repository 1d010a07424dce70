"""A shuffle from a list of swaps: a compiled loop where numba is installed, else without a loop over them."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import numpy as np
from jaxtyping import Int64, UInt32

# From this many swaps on, loading numba once is soon earned back.
COMPILED_FROM = 2**17


def apply_swaps(targets: UInt32[np.ndarray, "steps"]) -> Int64[np.ndarray, "steps+1"]:
    """Swap positions i and targets[i] >= i of 0 … steps, for i in order."""
    if targets.size >= COMPILED_FROM and find_spec("numba") is not None:
        return _compiled()(targets)
    return follow_chains(targets)


@cache
def _compiled() -> Callable:
    import numba

    @numba.njit(cache=True)
    def loop(targets):
        out = np.arange(targets.size + 1)
        for i in range(targets.size):
            target = targets[i]
            out[i], out[target] = out[target], out[i]
        return out

    return loop


def follow_chains(targets: UInt32[np.ndarray, "steps"]) -> Int64[np.ndarray, "steps+1"]:
    """Do the swaps in NumPy, without a loop over i.

    Step i leaves at position i what stood at its target. That was put there by the last earlier step with the same
    target, which took it from its own position; where there is none, it is the target itself. So what stands at
    position j when step j comes is the end of a chain of ever earlier positions, found for all j at once by following
    links that double in length (a few rounds: chains are about log n long).
    """
    keys = targets.astype(np.int64)
    keys <<= 32
    keys |= np.arange(targets.size)
    keys.sort()  # equal targets come together, their steps in order
    step, target = keys & 0xFFFFFFFF, keys >> 32
    moved = np.flatnonzero(step != target)
    standing = np.arange(targets.size + 1)
    standing[target[moved]] = step[moved]  # of equal targets the last step stays
    further = standing.take(standing)
    open_ends, standing = np.flatnonzero(further != standing), further
    while open_ends.size:
        here = standing[open_ends]
        there = standing[here]
        standing[open_ends] = there
        open_ends = open_ends[there != here]
    again = np.flatnonzero(target[1:] == target[:-1])
    target[again + 1] = standing[step[again]]
    out = np.empty(targets.size + 1, np.int64)
    out[step], out[-1] = target, standing[-1]
    return out
