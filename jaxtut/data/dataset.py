"""Map-style data sets: a length, and a sample for every index."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from jaxtut.errors import LabelError


class Dataset:
    """What has a length and gives one sample for one index; subclasses write `__getitem__` and `__len__`.

    `a + b` is `ConcatDataset([a, b])`.

    Example:
        >>> class Squares(Dataset):
        ...     def __getitem__(self, index):
        ...         return index, index**2
        ...
        ...     def __len__(self):
        ...         return 5
        >>> Squares()[3]
        (3, 9)

    PyTorch's counterpart: `torch.utils.data.Dataset`. That one leaves `__len__` out of its base class; here both
    methods are named.
    """

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} does not say what its samples are: write __getitem__(self, index)"
        )

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} does not say how many samples it has: write __len__(self)")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class ArrayDataset(Dataset):
    """Arrays with one row a sample: sample `i` is the tuple of all their rows `i`.

    The arrays are kept as they are, without a copy. `DataLoader` reads a whole batch from them by one fancy index.

    Args:
        *arrays: arrays of one length n, for instance X of shape (n, features) and y of shape (n,).

    Example:
        >>> data = ArrayDataset(np.arange(6.0).reshape(3, 2), np.array([0, 1, 0]))
        >>> x, y = data[1]
        >>> x, int(y), len(data)
        (array([2., 3.]), 1, 3)

    Raises:
        ValueError: no array, an array without rows to index, or arrays of different lengths.

    PyTorch's counterpart: `torch.utils.data.TensorDataset`, which raises `AssertionError` when lengths differ.
    """

    def __init__(self, *arrays: Any) -> None:
        self.arrays = tuple(np.asarray(array) for array in arrays)
        shapes = [array.shape for array in self.arrays]
        if not shapes:
            raise ValueError("ArrayDataset: at least one array is needed, but none was given")
        if () in shapes:
            raise ValueError(
                f"ArrayDataset: every array needs a first dimension that counts samples, but shapes {shapes} were given"
            )
        if len({shape[0] for shape in shapes}) > 1:
            raise ValueError(f"ArrayDataset: all arrays must have the same length, but shapes {shapes} were given")

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(array[index] for array in self.arrays)

    def __len__(self) -> int:
        return len(self.arrays[0])


class Subset(Dataset):
    """Some samples of a data set, in the order of `indices`.

    Args:
        dataset: any data set.
        indices: which of its samples; sample `i` of the subset is `dataset[indices[i]]`.

    Example:
        >>> Subset("abcdef", [4, 0])[0]
        'e'

    PyTorch's counterpart: `torch.utils.data.Subset`.
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset):
    """Several data sets, one after the other.

    Args:
        datasets: at least one data set.

    Example:
        >>> both = ConcatDataset(["ab", "cde"])
        >>> both[1], both[2], both[-1], len(both)
        ('b', 'c', 'e', 5)

    Raises:
        ValueError: no data set was given.
        LabelError: an index outside `[-n, n)`.

    PyTorch's counterpart: `torch.utils.data.ConcatDataset`, which raises `AssertionError`, `IndexError` or `ValueError`
    in these cases.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: at least one data set is needed, but an empty list was given")
        self.cumulative_sizes = list(accumulate(len(dataset) for dataset in self.datasets))

    def __getitem__(self, index: int) -> Any:
        n = len(self)
        if not -n <= index < n:
            raise LabelError(f"ConcatDataset: index {index} is outside [-{n}, {n})")
        index %= n
        which = bisect_right(self.cumulative_sizes, index)
        before = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][index - before]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]
