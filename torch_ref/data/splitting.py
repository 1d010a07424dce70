"""Split samples and labels at random."""

import math

import numpy as np
import torch


def train_test_split(
    X: np.ndarray, y: np.ndarray, test_size: float | int = 0.25, generator: torch.Generator | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Split samples and labels at random into a part to train on and a part to test on.

    Args:
        X: samples, of shape (n, ...).
        y: labels, of shape (n, ...).
        test_size: how many samples to test on; a float in (0, 1) is a fraction, rounded up.
        generator: where the random order comes from; None: PyTorch's global generator.

    Returns:
        `(X_train, X_test, y_train, y_test)`, all copies.

    Example:
        >>> X, seeded = np.arange(4), torch.Generator().manual_seed(0)
        >>> [part.tolist() for part in train_test_split(X, X * 10, test_size=1, generator=seeded)]
        [[1, 3, 2], [0], [10, 30, 20], [0]]

    Raises:
        ValueError: X and y of different length, or a test size that leaves one of the parts empty.

    The counterpart in JAX is `jaxtut.data.train_test_split`.
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
    order = torch.randperm(n, generator=generator).numpy()
    test, train = order[:tested], order[tested:]
    return X[train], X[test], y[train], y[test]
