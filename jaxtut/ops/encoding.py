"""Class labels and indices as vectors."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Int, Integer, Shaped

from jaxtut.errors import LabelError

from . import checks
from .checked import checked
from .dimensions import integer
from .dtypes import number
from .norms import p_norm
from .shapes import Labels

OUT_OF_RANGE = "embedding: a row number is out of range"


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
    return checked(jnp.where(bad[..., None], -1, rows), bad, "one_hot: a label is out of range")


def embedding(
    input: Integer[ArrayLike, "*batch"],
    weight: Shaped[ArrayLike, "rows size"],
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Shaped[Array, "*batch size"]:
    """Look up rows of a table.

    y[i] = weight[input[i]]

    Args:
        input: row numbers, int32 or int64.
        weight: the table.
        padding_idx: a row that learns nothing; −1 is the last.
        max_norm: rows that are longer come out scaled to this length. PyTorch changes them in `weight` too; here the table stays as it is.
        norm_type: p of that length.
        scale_grad_by_freq: divide the gradient of a row by how often it is looked up.
        sparse: not taken.

    Returns:
        The rows.

    Example:
        >>> import jax, numpy as np
        >>> table = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
        >>> embedding(np.array([1, 1]), table)
        Array([[3., 4.],
               [3., 4.]], dtype=float32)
        >>> jax.grad(lambda w: embedding(np.array([0, 1, 1]), w, padding_idx=0).sum())(table)
        Array([[0., 0.],
               [2., 2.]], dtype=float32)

    Raises:
        TypeError: `input` is not of int32 or int64, or `weight` is not an array, or one of booleans or unsigned integers under `jit`.
        LabelError: a row number is negative or too large.
        ValueError: `weight` has not two dimensions, `padding_idx` is out of range, or `sparse` is set.

    Slope: 1 to the row, **0 to the padding row**; through the scaling by `max_norm` it is 1 as well, since PyTorch does that outside the gradient.
    Under `jit` a row number out of range gives NaN, and NaN in the gradient of the nearest row (−1 in a table of integers).
    PyTorch's counterpart: `torch.nn.functional.embedding`. Plain JAX: `weight[input]` takes the last row for −1 and for what is too large.
    """
    rows = checks.array("embedding", "input", input)
    if rows.dtype not in (jnp.int32, jnp.int64):
        raise TypeError(f"embedding: input must have dtype int32 or int64, but {rows.dtype} was given")
    rows = rows.astype(jax.dtypes.canonicalize_dtype(rows.dtype))  # a constant under jit may still have 64 bits
    table = checks.numeric("embedding", "weight", weight, booleans=True)
    checks.shape("embedding", "weight", table, (None, None))
    if sparse:
        raise ValueError("embedding: sparse=True is not taken; gradients are dense arrays here")
    size = table.shape[0]
    if padding_idx is not None and not -size <= integer("embedding", "padding_idx", padding_idx) < size:
        raise ValueError(f"embedding: padding_idx must lie in [{-size}, {size - 1}], but {padding_idx} was given")
    bad = (rows < 0) | (rows >= size)
    if checks.concrete(bad) and bool(bad.any()):
        raise LabelError(f"embedding: row numbers must lie in [0, {size - 1}], but {int(rows[bad][0])} was given")
    if not checks.concrete(bad) and (table.dtype == jnp.bool_ or jnp.issubdtype(table.dtype, jnp.unsignedinteger)):
        raise TypeError(
            f"embedding: a table of {table.dtype} has no number that marks a row out of range, so under jit and vmap weight must be of another dtype"
        )
    if size == 0:
        return _marked(jnp.zeros((*rows.shape, table.shape[1]), table.dtype), bad[..., None])
    inside = jnp.clip(rows, 0, size - 1)
    if max_norm is not None:
        longest = float(number("embedding", "max_norm", max_norm))
        table = _held(table, longest, float(number("embedding", "norm_type", norm_type)))
    found = _weighed(_looked_up(table, inside, bad, padding_idx), inside, size, scale_grad_by_freq)
    return _marked(found, bad[..., None])


def _looked_up(table: Array, rows: Array, bad: Array, padding: int | None) -> Array:
    found = jnp.take(table, rows, axis=0, mode="clip")
    if padding is None:
        return found
    # A row number out of range is moved to the nearest row, whose gradient must become NaN also where it is the padding.
    still = (rows == padding % table.shape[0]) & ~bad
    return jnp.where(still[..., None], jax.lax.stop_gradient(found), found)


def _weighed(found: Array, rows: Array, size: int, by_frequency: bool) -> Array:
    if not by_frequency or not jnp.issubdtype(found.dtype, jnp.floating):
        return found
    counts = jnp.zeros(size, found.dtype).at[rows.reshape(-1)].add(jnp.ones((), found.dtype))
    return _slope_divided(found, counts[rows][..., None])


@jax.custom_jvp
def _slope_divided(x: Array, by: Array) -> Array:
    return x


@_slope_divided.defjvp
def _slope_divided_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    return primals[0], tangents[0] / primals[1]


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _held(table: Array, longest: float, order: float) -> Array:
    lengths = p_norm(table, order, (1,))
    scale = longest / (lengths + 1e-7)  # PyTorch's own distance from a division by zero
    return jnp.where(lengths > longest, table * scale.astype(table.dtype), table)


@_held.defjvp
def _held_jvp(longest: float, order: float, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    return _held(primals[0], longest, order), tangents[0]


def _marked(found: Array, bad: Array) -> Array:
    if jnp.issubdtype(found.dtype, jnp.floating):
        return checks.poison(found, bad, OUT_OF_RANGE)
    return checked(jnp.where(bad, jnp.asarray(-1).astype(found.dtype), found), bad, OUT_OF_RANGE)
