"""Data sets: with a length and a sample for every index, or a stream of samples."""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any, Literal

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

    def __add__(self, other: Dataset) -> Dataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """A stream of samples; subclasses write `__iter__`.

    In a `DataLoader` with workers each has its own copy, and gives all of it unless `__iter__` asks `get_worker_info`.
    `a + b` is `ChainDataset([a, b])`.

    Example:
        >>> class Lines(IterableDataset):
        ...     def __iter__(self):
        ...         yield from "abc"
        >>> list(Lines() + Lines())
        ['a', 'b', 'c', 'a', 'b', 'c']

    PyTorch's counterpart: `torch.utils.data.IterableDataset`.
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} does not say what its samples are: write __iter__(self)")

    def __getitem__(self, index: int) -> Any:
        raise TypeError(f"{type(self).__name__} is a stream: its samples have an order, but no index")

    def __len__(self) -> int:
        raise TypeError(f"{type(self).__name__} is a stream that does not say how many samples it has")

    def __add__(self, other: Dataset) -> Dataset:
        return ChainDataset([self, other])


class ChainDataset(IterableDataset):
    """Several streams, one after the other.

    Args:
        datasets: streams; their samples are asked for when they are reached.

    PyTorch's counterpart: `torch.utils.data.ChainDataset`.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if wrong := [d for d in self.datasets if not isinstance(d, IterableDataset)]:
            raise TypeError(f"ChainDataset: every data set must be an IterableDataset, but {wrong[0]!r} was given")

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)


class ArrayDataset(Dataset):
    """Arrays with one row a sample: sample `i` is the tuple of all their rows `i`.

    The arrays are kept as they are, without a copy. `DataLoader` reads a whole batch from them by one fancy index. A
    memory-mapped array (`np.load(path, mmap_mode="r")`) stays on disk, also in worker processes, which map the file.

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
        self.arrays = tuple(a if isinstance(a, np.memmap) else np.asarray(a) for a in arrays)
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

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"arrays": tuple(_Mapped.of(a) for a in self.arrays)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        arrays = tuple(a.opened() if isinstance(a, _Mapped) else a for a in state["arrays"])
        self.__dict__.update(state | {"arrays": arrays})


@dataclass(frozen=True)
class _Mapped:
    """Where a memory-mapped array lies, in place of its contents."""

    filename: str
    dtype: str
    offset: int
    shape: tuple[int, ...]
    order: Literal["C", "F"]

    @staticmethod
    def of(array: np.ndarray) -> np.ndarray | _Mapped:
        # A part of a mapped array does not know where in the file it begins.
        if not (isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and array.filename):
            return np.asarray(array)
        order = "C" if array.flags.c_contiguous else "F"
        return _Mapped(str(array.filename), array.dtype.str, array.offset, array.shape, order)

    def opened(self) -> np.memmap:
        return np.memmap(self.filename, self.dtype, "r", self.offset, self.shape, self.order)


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
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise TypeError("ConcatDataset: streams have no index; ChainDataset puts them one after the other")
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
