"""Put samples together into a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def default_collate(batch: Sequence[Any]) -> Any:
    """Stack equal samples along a new first dimension, whatever containers they are in.

    Arrays and numbers become arrays: Python floats float64, ints int64, bools bool, as in PyTorch. Tuples and lists
    become lists of batches, one for each part; named tuples and dicts keep their kind; strings stay as they are.

    Args:
        batch: samples of one structure.

    Returns:
        The same structure, every leaf with a first dimension of `len(batch)`.

    Example:
        >>> default_collate([(np.array([1.0, 2.0]), 0), (np.array([3.0, 4.0]), 1)])
        [array([[1., 2.], [3., 4.]]), array([0, 1])]

    Raises:
        ValueError: an empty batch, arrays of different shapes, or containers of different lengths or keys.
        TypeError: samples of a kind that cannot be stacked.

    PyTorch's counterpart: `torch.utils.data.default_collate`, which gives tensors and raises `RuntimeError` when shapes
    differ.
    """
    if not len(batch):
        raise ValueError("default_collate: the batch is empty")
    first = batch[0]
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        return _collate_mappings(batch)
    if isinstance(first, Sequence):
        return _collate_sequences(batch)
    return _stack(batch)


def _collate_mappings(batch: Sequence[Any]) -> Any:
    first = batch[0]
    if any(sample.keys() != first.keys() for sample in batch):
        raise ValueError(f"default_collate: every sample must have the keys {list(first)}, but they differ")
    return {key: default_collate([sample[key] for sample in batch]) for key in first}


def _collate_sequences(batch: Sequence[Any]) -> Any:
    first = batch[0]
    lengths = {len(sample) for sample in batch}
    if len(lengths) > 1:
        raise ValueError(
            f"default_collate: every sample must have the same number of parts, but lengths {sorted(lengths)} were "
            "given"
        )
    columns = [default_collate(column) for column in zip(*batch, strict=True)]
    return type(first)(*columns) if hasattr(first, "_fields") else columns


def _stack(batch: Sequence[Any]) -> np.ndarray:
    arrays = [np.asarray(sample) for sample in batch]
    if arrays[0].dtype == object:
        raise TypeError(
            "default_collate: samples must be arrays, numbers, strings or containers of them, not "
            f"{type(batch[0]).__name__}"
        )
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise ValueError(
            f"default_collate: samples of one batch must have the same shape, but shapes {shapes} were given"
        )
    return np.stack(arrays)
