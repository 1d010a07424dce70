"""Remove the correlations between pixels by a linear map."""

import math
from typing import Any

import torch

from .base import Transform, tensor_image


class LinearTransformation(Transform):
    """Flatten a picture, subtract a mean, multiply by a square matrix, and give it its shape back.

    out = (flat - mean_vector) @ transformation_matrix, where flat has D = channels · height · width numbers.

    Args:
        transformation_matrix: of shape (D, D).
        mean_vector: of shape (D,), of the same dtype.

    Example:
        >>> double = LinearTransformation(2 * torch.eye(2), torch.zeros(2))
        >>> double(torch.tensor([[[1.0, 3.0]]]))
        tensor([[[2., 6.]]])

    Raises:
        TypeError: no tensor, or matrix and mean of different dtypes.
        ValueError: a matrix that is not square, or shapes that do not fit.

    The counterpart in JAX is `jaxtut.transforms.LinearTransformation`.
    """

    def __init__(
        self,
        transformation_matrix: torch.Tensor,
        mean_vector: torch.Tensor,
    ) -> None:
        self.transformation_matrix = transformation_matrix
        self.mean_vector = mean_vector
        shape, length = tuple(transformation_matrix.shape), tuple(mean_vector.shape)
        if len(shape) != 2 or shape[0] != shape[1] or length != shape[:1]:
            raise ValueError(
                f"LinearTransformation: a matrix (D, D) and a mean (D,) are needed, but {shape} and {length} were given"
            )
        if self.transformation_matrix.dtype != self.mean_vector.dtype:
            raise TypeError(
                "LinearTransformation: matrix and mean must have one dtype, but "
                f"{self.transformation_matrix.dtype} and {self.mean_vector.dtype} were given"
            )

    def __call__(self, tensor: Any) -> torch.Tensor:
        tensor = tensor_image("LinearTransformation", tensor)
        size = len(self.mean_vector)
        if math.prod(tensor.shape[-3:]) != size:
            raise ValueError(
                f"LinearTransformation: the matrix takes {size} numbers, but the shape of a picture is {tuple(tensor.shape[-3:])}"
            )
        flat = tensor.reshape(-1, size) - self.mean_vector
        return torch.mm(flat, self.transformation_matrix.to(flat.dtype)).reshape(tensor.shape)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(transformation_matrix={self.transformation_matrix.tolist()}, "
            f"mean_vector={self.mean_vector.tolist()})"
        )


def whitening_matrix(X: torch.Tensor, eps: float = 1e-5) -> tuple[torch.Tensor, torch.Tensor]:
    """The matrix and the mean that make pixels uncorrelated, each of variance 1, and change pictures least (ZCA).

    With the covariance C = U diag(λ) Uᵀ of the pixels (divided by n - 1), the matrix is U diag(1 / √(λ + eps)) Uᵀ.

    Args:
        X: n pictures, of shape (n, ...); each is flattened to D numbers.
        eps: added to every variance, so that pixels that never vary are not divided by 0.

    Returns:
        `(matrix, mean)` for `LinearTransformation`, in X's dtype; computed in float64.

    Example:
        >>> matrix, mean = whitening_matrix(torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0], [4.0, 2.0]]), eps=0.0)
        >>> matrix, mean
        (tensor([[0.4330, 0.0000],
                [0.0000, 0.8660]]), tensor([2., 1.]))

    Raises:
        TypeError: X is not of a floating dtype.
        ValueError: fewer than two samples, a negative eps, or an eps of 0 where a variance is 0.

    PyTorch has no counterpart: torchvision's `LinearTransformation` describes the computation in words.
    Source: "The 'independent components' of natural scenes are edge filters" (Bell and Sejnowski, 1997).
    """
    if not X.is_floating_point():
        raise TypeError(f"whitening_matrix: X must have a floating dtype, but {X.dtype} was given")
    if X.ndim < 2 or len(X) < 2 or eps < 0:
        raise ValueError(
            "whitening_matrix: X needs two samples at least and eps must not be negative, "
            f"but {tuple(X.shape)}, {eps} were given"
        )
    flat = X.reshape(len(X), -1).double()
    mean = flat.mean(dim=0)
    centered = flat - mean
    variances, axes = torch.linalg.eigh(centered.T @ centered / (len(X) - 1))
    # Rounding leaves some of the variances that are 0 a little below it.
    scales = (variances.clamp(min=0) + eps).sqrt()
    if not scales.all():
        raise ValueError("whitening_matrix: a combination of pixels never varies, so eps must be positive, but got 0")
    matrix = (axes / scales) @ axes.T
    return matrix.to(X.dtype), mean.to(X.dtype)
