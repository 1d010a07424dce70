"""The order of the samples in an epoch, which is that of PyTorch's loader."""

import numpy as np
from jaxtyping import Int64

from jaxtut import data
from jaxtut.torch_random import Generator


def epoch_indices(
    n: int, batch_size: int, generator: Generator | None = None, shuffle: bool = True
) -> list[Int64[np.ndarray, " batch"]]:
    """Draw which samples each batch of one epoch consists of.

    Args:
        n: samples in the data set.
        batch_size: samples in one batch; the last batch may be shorter.
        generator: where the order comes from; None is the default generator.
        shuffle: False gives 0, 1, ..., n − 1; the generator moves on all the same, as in PyTorch.

    Returns:
        The indices of each batch.

    Example:
        >>> epoch_indices(5, 2, Generator(0))
        [array([3, 1]), array([0, 4]), array([2])]

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: n or batch_size below 1.

    PyTorch's counterpart: the indices of `DataLoader(dataset, batch_size, shuffle, generator=generator)`, epoch after
    epoch.
    """
    loader = data.DataLoader(data.ArrayDataset(np.arange(n)), batch_size, shuffle, generator=generator)
    return [indices for (indices,) in loader]
