"""The data set made of arrays, as PyTorch has it."""

from typing import Any

import numpy as np
import torch
from torch.utils.data import TensorDataset


class ArrayDataset(TensorDataset):
    """Arrays or tensors with one row a sample: sample `i` is the tuple of all their rows `i`, as tensors.

    Args:
        *arrays: NumPy arrays or tensors of one length n, for instance X of shape (n, features) and y of shape (n,).

    Example:
        >>> x, y = ArrayDataset([[1.0, 2.0], [3.0, 4.0]], [0, 1])[1]
        >>> x, y
        (tensor([3., 4.]), tensor(1))

    Raises:
        ValueError: no array, an array without rows to index, or arrays of different lengths (`TensorDataset` itself
            raises `AssertionError`).

    The counterpart in JAX is `jaxtut.data.ArrayDataset`.
    """

    def __init__(self, *arrays: Any) -> None:
        tensors = [_tensor(array) for array in arrays]
        shapes = [tuple(tensor.shape) for tensor in tensors]
        if not shapes or () in shapes or len({shape[0] for shape in shapes}) > 1:
            raise ValueError(f"ArrayDataset: arrays of one length are needed, but shapes {shapes} were given")
        super().__init__(*tensors)


def _tensor(array: Any) -> torch.Tensor:
    # Tensors share memory with arrays, and cannot share it where the array is read-only or runs backwards.
    return torch.as_tensor(np.require(array, requirements=["C", "W"]) if isinstance(array, np.ndarray) else array)
