"""How many batches a pass takes."""

import math


def iterations_per_epoch(total_samples: int, batch_size: int) -> int:
    """How many batches one pass over all samples takes: ceil(total_samples / batch_size).

    Example:
        >>> iterations_per_epoch(178, 4)
        45

    The counterpart in JAX is `jaxtut.data.iterations_per_epoch`.
    """
    for name, value in (("total_samples", total_samples), ("batch_size", batch_size)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"iterations_per_epoch: {name} must be an int, but {value!r} was given")
        if value < 1:
            raise ValueError(f"iterations_per_epoch: {name} must be at least 1, but {value} was given")
    return math.ceil(total_samples / batch_size)
