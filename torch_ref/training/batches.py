"""The order of the samples in an epoch."""

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset


def epoch_indices(
    n: int, batch_size: int, generator: torch.Generator | None = None, shuffle: bool = True
) -> list[np.ndarray]:
    """Draw which samples each batch of one epoch consists of.

    Example:
        >>> epoch_indices(5, 2, torch.Generator().manual_seed(0))
        [array([3, 1]), array([0, 4]), array([2])]
    """
    loader = DataLoader(TensorDataset(torch.arange(n)), batch_size, shuffle, generator=generator)
    return [indices.numpy() for (indices,) in loader]
