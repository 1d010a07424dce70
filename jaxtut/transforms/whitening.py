"""Remove the correlations between pixels by a linear map."""

from typing import Any

import numpy as np
from jaxtyping import Float

from .base import Transform, array_image
from .pixels.arrays import is_integer, namespace, product


class LinearTransformation(Transform):
    """Flatten a picture, subtract a mean, multiply by a square matrix, and give it its shape back.

    out = (flat - mean_vector) @ transformation_matrix, where flat has D = channels · height · width numbers.

    Args:
        transformation_matrix: of shape (D, D).
        mean_vector: of shape (D,), of the same dtype.

    Example:
        >>> double = LinearTransformation(2 * np.eye(2), np.zeros(2))
        >>> double(np.array([[[1.0, 3.0]]]))
        array([[[2., 6.]]])

    Raises:
        TypeError: no array, or matrix and mean of different dtypes.
        ValueError: a matrix that is not square, or shapes that do not fit.

    PyTorch's counterpart: `torchvision.transforms.LinearTransformation`, which raises `ValueError` for dtypes too.
    """

    def __init__(
        self,
        transformation_matrix: Float[np.ndarray, "D D"],
        mean_vector: Float[np.ndarray, "D"],
    ) -> None:
        self.transformation_matrix = np.asarray(transformation_matrix)
        self.mean_vector = np.asarray(mean_vector)
        shape, length = self.transformation_matrix.shape, self.mean_vector.shape
        if len(shape) != 2 or shape[0] != shape[1] or length != shape[:1]:
            raise ValueError(
                f"LinearTransformation: a matrix (D, D) and a mean (D,) are needed, but {shape} and {length} were given"
            )
        if self.transformation_matrix.dtype != self.mean_vector.dtype:
            raise TypeError(
                "LinearTransformation: matrix and mean must have one dtype, but "
                f"{self.transformation_matrix.dtype} and {self.mean_vector.dtype} were given"
            )

    def picture(self, img: Any) -> Any:
        return array_image("LinearTransformation", img)

    def apply(self, image: Any, params: Any) -> Any:
        size = len(self.mean_vector)
        if np.prod(image.shape[-3:]) != size:
            raise ValueError(
                f"LinearTransformation: the matrix takes {size} numbers, but the shape of a picture is {image.shape[-3:]}"
            )
        wide = image.astype(self.mean_vector.dtype) if is_integer(image.dtype) else image
        xp = namespace(wide)
        flat = wide.reshape(-1, size) - xp.asarray(self.mean_vector[None])
        return product(flat, xp.asarray(self.transformation_matrix, dtype=flat.dtype)).reshape(image.shape)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(transformation_matrix={self.transformation_matrix.tolist()}, "
            f"mean_vector={self.mean_vector.tolist()})"
        )


def whitening_matrix(
    X: Float[np.ndarray, "samples ..."], eps: float = 1e-5
) -> tuple[Float[np.ndarray, "D D"], Float[np.ndarray, "D"]]:
    """The matrix and the mean that make pixels uncorrelated, each of variance 1, and change pictures least (ZCA).

    With the covariance C = U diag(λ) Uᵀ of the pixels (divided by n - 1), the matrix is U diag(1 / √(λ + eps)) Uᵀ.

    Args:
        X: n pictures, of shape (n, ...); each is flattened to D numbers.
        eps: added to every variance, so that pixels that never vary are not divided by 0.

    Returns:
        `(matrix, mean)` for `LinearTransformation`, in X's dtype; computed in float64.

    Example:
        >>> matrix, mean = whitening_matrix(np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0], [4.0, 2.0]]), eps=0.0)
        >>> np.round(matrix, 3).tolist(), mean.tolist()
        ([[0.433, 0.0], [0.0, 0.866]], [2.0, 1.0])

    Raises:
        TypeError: X is not of a floating dtype.
        ValueError: fewer than two samples, a negative eps, or an eps of 0 where a variance is 0.

    PyTorch has no counterpart: torchvision's `LinearTransformation` describes the computation in words.
    Source: "The 'independent components' of natural scenes are edge filters" (Bell and Sejnowski, 1997).
    """
    X = np.asarray(X)
    if not np.issubdtype(X.dtype, np.floating):
        raise TypeError(f"whitening_matrix: X must have a floating dtype, but {X.dtype} was given")
    if X.ndim < 2 or len(X) < 2 or eps < 0:
        raise ValueError(
            f"whitening_matrix: X needs two samples at least and eps must not be negative, but {X.shape}, {eps} were given"
        )
    flat = X.reshape(len(X), -1).astype(np.float64)
    mean = flat.mean(axis=0)
    centered = flat - mean
    variances, axes = np.linalg.eigh(centered.T @ centered / (len(X) - 1))
    # Rounding leaves some of the variances that are 0 a little below it.
    scales = np.sqrt(np.maximum(variances, 0) + eps)
    if not scales.all():
        raise ValueError("whitening_matrix: a combination of pixels never varies, so eps must be positive, but got 0")
    matrix = (axes / scales) @ axes.T
    return matrix.astype(X.dtype), mean.astype(X.dtype)
