"""Bring every feature to mean 0 and standard deviation 1."""

import numpy as np


def standardize(
    X: np.ndarray, mean: np.ndarray | None = None, std: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Subtract the mean of each feature and divide by its standard deviation, Z = (X - mean) / std.

    std divides by n, not n - 1; a feature that does not vary is divided by 1.

    Args:
        X: samples, of shape (n, ...).
        mean: what to subtract; None: the mean of X.
        std: what to divide by; None: the standard deviation of X.

    Returns:
        `(Z, mean, std)`. Give the mean and std of the training samples when you scale the test samples.

    Example:
        >>> Z, mean, std = standardize(np.array([[1.0, 5.0], [3.0, 5.0]]))
        >>> Z.tolist()
        [[-1.0, 0.0], [1.0, 0.0]]

    Raises:
        TypeError: X is not of a floating dtype.
        ValueError: no sample, or a mean or std whose shape is not that of one sample.

    The counterpart in JAX is `jaxtut.data.standardize`.
    """
    if not np.issubdtype(X.dtype, np.floating):
        raise TypeError(f"standardize: X must have a floating dtype, but {X.dtype} was given")
    if not len(X):
        raise ValueError("standardize: X has no sample")
    varies = X.min(axis=0) != X.max(axis=0)
    center = X.mean(axis=0) if mean is None else np.asarray(mean, dtype=X.dtype)
    spread = np.where(varies, X.std(axis=0), np.ones((), X.dtype)) if std is None else np.asarray(std, dtype=X.dtype)
    for name, value in (("mean", center), ("std", spread)):
        if value.shape != X.shape[1:]:
            raise ValueError(
                f"standardize: {name} must have the shape {X.shape[1:]} of one sample, but {value.shape} was given"
            )
    return (X - center) / spread, center, spread
