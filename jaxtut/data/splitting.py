"""Split a data set at random."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from jaxtut import torch_random

from .checks import generator_or_default
from .dataset import Subset


def random_split(
    dataset: Any, lengths: Sequence[int | float], generator: torch_random.Generator | None = None
) -> list[Subset]:
    """Split a data set into parts that share no sample.

    Args:
        dataset: anything with a length n and samples by index.
        lengths: the sizes of the parts, which add up to n; or fractions that add up to 1. Of fractions each part gets
            floor(fraction · n) samples, and what is left goes one by one to the first parts.
        generator: where the random order comes from; None: the default generator.

    Returns:
        A `Subset` for each length.

    Example:
        >>> first, second = random_split("abcdefgh", [6, 2], generator=torch_random.Generator(0))
        >>> len(first), second.indices
        (6, [1, 6])

    Raises:
        ValueError: negative lengths, or lengths that do not add up.

    PyTorch's counterpart: `torch.utils.data.random_split`; the same seed gives the same indices. A part that gets no
    sample is an empty `Subset` without the warning that PyTorch gives; `DataLoader` refuses it.
    """
    sizes = _sizes(len(dataset), lengths)
    order = generator_or_default("random_split", generator).randperm(len(dataset)).tolist()
    return [Subset(dataset, order[end - size : end]) for end, size in zip(accumulate(sizes), sizes, strict=True)]


def _sizes(n: int, lengths: Sequence[int | float]) -> list[int]:
    if any(length < 0 for length in lengths):
        raise ValueError(f"random_split: lengths must not be negative, but {list(lengths)} were given")
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        sizes = [math.floor(n * fraction) for fraction in lengths]
        for position in range(n - sum(sizes)):
            sizes[position % len(sizes)] += 1
        return sizes
    if sum(lengths) != n:
        raise ValueError(
            f"random_split: lengths must add up to the {n} samples of the data set, or to 1 as fractions, "
            f"but {list(lengths)} add up to {sum(lengths)}"
        )
    return [int(length) for length in lengths]


def train_test_split(
    X: np.ndarray,
    y: np.ndarray,
    test_size: float | int = 0.25,
    generator: torch_random.Generator | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Split samples and labels at random into a part to train on and a part to test on.

    Args:
        X: samples, of shape (n, ...).
        y: labels, of shape (n, ...).
        test_size: how many samples to test on; a float in (0, 1) is a fraction, rounded up.
        generator: where the random order comes from; None: the default generator.

    Returns:
        `(X_train, X_test, y_train, y_test)`, as scikit-learn's function of this name, all copies.

    Example:
        >>> parts = train_test_split(np.arange(6), np.arange(6) * 10, test_size=2, generator=torch_random.Generator(0))
        >>> [part.tolist() for part in parts]
        [[3, 0, 1, 4], [2, 5], [30, 0, 10, 40], [20, 50]]

    Raises:
        ValueError: X and y of different length, or a test size that leaves one of the parts empty.

    PyTorch has no counterpart; `torch_ref.data.train_test_split` makes the same split for the same seed.
    """
    n = len(X)
    if len(y) != n:
        raise ValueError(f"train_test_split: X and y must have the same length, but {n} and {len(y)} were given")
    tested = math.ceil(test_size * n) if isinstance(test_size, float) else test_size
    if not 0 < tested < n:
        raise ValueError(
            f"train_test_split: test_size {test_size} puts {tested} of {n} samples into the test part; each part needs "
            "one"
        )
    order = generator_or_default("train_test_split", generator).randperm(n)
    test, train = order[:tested], order[tested:]
    return X[train], X[test], y[train], y[test]
