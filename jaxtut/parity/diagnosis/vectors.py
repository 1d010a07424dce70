"""Weights, biases and running statistics among the inputs: vectors that belong together, by their names."""

from collections.abc import Iterator

import numpy as np

from .difference import Difference

# Without telling names, as many vectors are tried in pairs.
MOST = 4


def affine(difference: Difference, length: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield weights with their biases, of that length: none, pairs by name, and all pairs where there are few."""
    there = vectors(difference, length)
    yield np.ones(length), np.zeros(length)
    for name, weight in there.items():
        bias = there.get(name.removesuffix("weight") + "bias") if name.endswith("weight") else None
        if bias is not None:
            yield weight, bias
    few = list(there.values()) if len(there) <= MOST else []
    for i, weight in enumerate([*few, np.ones(length)]):
        for j, bias in enumerate([*few, np.zeros(length)]):
            if i != j:
                yield weight, bias


def running_statistics(difference: Difference, length: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield running means with their variances, of that length."""
    there = vectors(difference, length)
    for name, mean in there.items():
        variance = there.get(name.removesuffix("mean") + "var") if name.endswith("running_mean") else None
        if variance is not None and (variance >= 0).all():
            yield mean, variance


def vectors(difference: Difference, length: int) -> dict[str, np.ndarray]:
    """Return the inputs that are vectors of that length."""
    found = {n: v for n, v in difference.inputs.items() if v.shape == (length,) and v.dtype.kind == "f"}
    return {n: v.astype(np.float64) for n, v in found.items() if np.isfinite(v).all()}
