"""Class labels as vectors."""

import jax.numpy as jnp
from jaxtyping import Array, Int

from jaxtut.errors import LabelError

from . import checks
from .shapes import Labels


def one_hot(tensor: Labels, num_classes: int = -1) -> Int[Array, "*batch classes"]:
    """Turn labels into rows with a single 1.

    Args:
        tensor: labels, integers from 0 to num_classes − 1.
        num_classes: the length of a row; −1 takes the largest label plus one, which `jit` cannot see.

    Returns:
        Integers 0 and 1, with one more dimension at the end.

    Example:
        >>> import numpy as np
        >>> one_hot(np.array([0, 2]), 3)
        Array([[1, 0, 0],
               [0, 0, 1]], dtype=int32)

    Raises:
        TypeError: the labels are not integers.
        LabelError: a label is negative or at least `num_classes`.
        ValueError: `num_classes` is left to be inferred where values cannot be seen, or from no labels.

    Under `jit` a label out of range gives a row of −1.
    PyTorch's counterpart: `torch.nn.functional.one_hot`, which takes and returns int64.
    """
    labels = checks.integral("one_hot", "tensor", tensor)
    visible = checks.concrete(labels)
    if num_classes == -1:
        if not visible:
            raise ValueError(
                "one_hot: num_classes must be given under jit and vmap, where the labels' values cannot be seen"
            )
        if labels.size == 0:
            raise ValueError("one_hot: num_classes must be given when there are no labels")
        num_classes = int(labels.max()) + 1
    if num_classes < 1 and not (num_classes == 0 and labels.size == 0):
        raise ValueError(f"one_hot: num_classes must be positive, but {num_classes} was given")
    bad = (labels < 0) | (labels >= num_classes)
    if visible and bool(bad.any()):
        raise LabelError(f"one_hot: labels must lie in [0, {num_classes - 1}], but {int(labels[bad][0])} was given")
    rows = (
        labels[..., None] == jnp.arange(num_classes, dtype=labels.dtype).reshape((1,) * labels.ndim + (-1,))
    ).astype(labels.dtype)
    return jnp.where(bad[..., None], -1, rows)
