"""Bring every feature to mean 0 and standard deviation 1."""

import numpy as np
from jaxtyping import Float


def standardize(
    X: Float[np.ndarray, "samples *features"],
    mean: Float[np.ndarray, "*features"] | None = None,
    std: Float[np.ndarray, "*features"] | None = None,
) -> tuple[Float[np.ndarray, "samples *features"], Float[np.ndarray, "*features"], Float[np.ndarray, "*features"]]:
    """Subtract the mean of each feature and divide by its standard deviation.

    Z = (X - mean) / std, where std divides by n, not n - 1. A feature that does not vary is divided by 1.

    Args:
        X: samples, of shape (n, ...).
        mean: what to subtract; None: the mean of X.
        std: what to divide by; None: the standard deviation of X.

    Returns:
        `(Z, mean, std)`. Give the mean and std of the training samples when you scale the test samples.

    Example:
        >>> Z, mean, std = standardize(np.array([[1.0, 5.0], [3.0, 5.0]]))
        >>> Z.tolist(), mean.tolist(), std.tolist()
        ([[-1.0, 0.0], [1.0, 0.0]], [2.0, 5.0], [1.0, 1.0])

    Raises:
        TypeError: X is not of a floating dtype.
        ValueError: no sample, or a mean or std whose shape is not that of one sample.

    PyTorch has no counterpart; scikit-learn's is `StandardScaler`.
    """
    if not np.issubdtype(X.dtype, np.floating):
        raise TypeError(f"standardize: X must have a floating dtype, but {X.dtype} was given")
    if not len(X):
        raise ValueError("standardize: X has no sample")
    center = X.mean(axis=0) if mean is None else np.asarray(mean, dtype=X.dtype)
    spread = _spread(X) if std is None else np.asarray(std, dtype=X.dtype)
    for name, value in (("mean", center), ("std", spread)):
        if value.shape != X.shape[1:]:
            raise ValueError(
                f"standardize: {name} must have the shape {X.shape[1:]} of one sample, but {value.shape} was given"
            )
    return (X - center) / spread, center, spread


def _spread(X: np.ndarray) -> np.ndarray:
    # Asked of the values themselves: the rounded mean of a constant feature may leave a std of 1e-17 instead of 0.
    varies = X.min(axis=0) != X.max(axis=0)
    return np.where(varies, X.std(axis=0), np.ones((), X.dtype))
