"""Elements in order: sorted, the first few of them, the middle one, and the largest so far."""

from functools import partial

import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Shaped

from . import checks, selection
from .dimensions import integer, not_empty
from .dtypes import integers
from .selection import ValuesIndices

AnyNumbers = Shaped[ArrayLike, "..."]


def sort(input: AnyNumbers, dim: int = -1, descending: bool = False, *, stable: bool | None = None) -> ValuesIndices:
    """Sort along a dimension.

    Args:
        input: an array.
        dim: the dimension.
        descending: from the largest down.
        stable: keep the order of equal elements; here it always is kept.

    Returns:
        A named tuple of the sorted values and of the places they had. NaN counts as largest, zeros of both signs as equal.

    Example:
        >>> import numpy as np
        >>> sort(np.array([3.0, 1.0, 2.0], "float32"))
        ValuesIndices(values=Array([1., 2., 3.], dtype=float32), indices=Array([1, 2, 0], dtype=int32))

    Raises:
        TypeError: `input` is not an array, or `dim` no integer.
        ValueError: `dim` is out of range.

    Slope: 1, **from each place back to where the element stood**, among equal ones too.
    PyTorch's counterpart: `torch.sort`, which without `stable=True` may return equal elements in another order.
    Plain JAX: `jnp.sort` is the same, without the places.
    """
    x = checks.numeric("sort", "input", input, booleans=True)
    return selection.select(x, checks.axis("sort", dim, x.ndim), partial(_order, descending=descending))


def topk(input: AnyNumbers, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesIndices:
    """Return the k largest or smallest elements along a dimension.

    Args:
        input: an array.
        k: how many.
        dim: the dimension.
        largest: the largest, or the smallest.
        sorted: in order; here they always are.

    Returns:
        A named tuple of values, from the largest down (the smallest up), and of their places. NaN counts as largest.

    Example:
        >>> import numpy as np
        >>> topk(np.array([3.0, 1.0, 2.0], "float32"), 2)
        ValuesIndices(values=Array([3., 2.], dtype=float32), indices=Array([0, 2], dtype=int32))

    Raises:
        TypeError: `input` is not an array or of booleans, `k` or `dim` no integer.
        ValueError: `dim` is out of range, or k is negative or more than there are.

    Slope: 1 for what is returned, 0 for the rest; **among equal elements those that come first are returned**.
    PyTorch's counterpart: `torch.topk`, which takes any of the equal. Plain JAX: `jax.lax.top_k` is the same along the last dimension.
    """
    x = checks.numeric("topk", "input", input)
    axis, k = checks.axis("topk", dim, x.ndim), integer("topk", "k", k)
    size = x.shape[axis] if x.ndim else 1
    if not 0 <= k <= size:
        raise ValueError(f"topk: k must lie in [0, {size}], but {k} was given")
    if x.ndim == 0:
        k = 1  # PyTorch returns the one element for k = 0 too
    return selection.select(x, axis, partial(_first, count=k, descending=largest))


def median(input: AnyNumbers, dim: int | None = None, keepdim: bool = False) -> Shaped[Array, "..."] | ValuesIndices:
    """Return the middle element, of an even number the lower of the two.

    median(x) = the element at place ⌊(n − 1)/2⌋ of the sorted ones; NaN where there is any

    Args:
        input: an array.
        dim: the dimension; None: of all elements.
        keepdim: keep the dimension with size 1.

    Returns:
        The element; with `dim`, a named tuple of values and indices. Of no elements at all NaN.

    Example:
        >>> import jax, numpy as np
        >>> x = np.array([4.0, 2.0, 2.0, 1.0], "float32")
        >>> float(median(x)), jax.grad(median)(x)
        (2.0, Array([0. , 0.5, 0.5, 0. ], dtype=float32))
        >>> median(x, 0)
        ValuesIndices(values=Array(2., dtype=float32), indices=Array(1, dtype=int32))

    Raises:
        TypeError: `input` is not an array or of booleans, `dim` no integer, or `keepdim` comes without `dim`.
        ValueError: `dim` is out of range, or there is no element along it, or none at all among integers.

    Slope: of the whole array, **the equal share it evenly**, and so do the NaN. With `dim` all of it goes to one of the equal: the one that a
    stable sort puts in the middle, and to the first NaN.
    PyTorch's counterpart: `torch.median`. Plain JAX: `jnp.median` is the mean of the two middle elements.
    """
    x = checks.numeric("median", "input", input)
    if dim is not None:
        axis = checks.axis("median", dim, x.ndim)
        not_empty("median", x.shape, (axis,) if x.ndim else ())
        return selection.select(x, axis, _middle, keepdim)
    if keepdim:
        raise TypeError("median: keepdim needs dim")
    if x.size == 0 and jnp.issubdtype(x.dtype, jnp.floating):
        return jnp.sum(x) * jnp.nan
    not_empty("median", x.shape, tuple(range(x.ndim)))
    return selection.evenly(x, _middle_of_all)


def cummax(input: AnyNumbers, dim: int) -> ValuesIndices:
    """Largest element so far along a dimension.

    y_i = max(x_0, …, x_i); from the first NaN on, NaN

    Args:
        input: x.
        dim: the dimension.

    Returns:
        A named tuple of values and of the places they come from.

    Example:
        >>> import jax, numpy as np
        >>> x = np.array([2.0, 2.0, 1.0], "float32")
        >>> cummax(x, 0).indices, jax.grad(lambda x: cummax(x, 0).values.sum())(x)
        (Array([0, 1, 1], dtype=int32), Array([1., 2., 0.], dtype=float32))

    Raises:
        TypeError: `input` is not an array, or `dim` no integer.
        ValueError: `dim` is out of range.

    Slope: 1 to the place an element comes from: **of equal ones the latest so far**, and the latest NaN.
    PyTorch's counterpart: `torch.cummax`. Plain JAX: `jax.lax.cummax` gives it to the earliest, and has no places.
    """
    return _so_far("cummax", input, dim, True)


def cummin(input: AnyNumbers, dim: int) -> ValuesIndices:
    """Smallest element so far along a dimension.

    y_i = min(x_0, …, x_i); from the first NaN on, NaN

    Args:
        input: x.
        dim: the dimension.

    Returns:
        A named tuple of values and of the places they come from.

    Example:
        >>> import numpy as np
        >>> cummin(np.array([2.0, 2.0, 1.0], "float32"), 0).indices
        Array([0, 1, 2], dtype=int32)

    Raises:
        TypeError: `input` is not an array, or `dim` no integer.
        ValueError: `dim` is out of range.

    Slope: 1 to the place an element comes from: **of equal ones the latest so far**, and the latest NaN.
    PyTorch's counterpart: `torch.cummin`. Plain JAX: `jax.lax.cummin` gives it to the earliest, and has no places.
    """
    return _so_far("cummin", input, dim, False)


def _order(x: Array, axis: int, descending: bool) -> Array:
    return jnp.argsort(x, axis, stable=True, descending=descending).astype(integers())


def _first(x: Array, axis: int, count: int, descending: bool) -> Array:
    return lax.slice_in_dim(_order(x, axis, descending), 0, count, axis=axis)


def _middle(x: Array, axis: int) -> Array:
    place = (x.shape[axis] - 1) // 2
    middle = lax.slice_in_dim(_order(x, axis, False), place, place + 1, axis=axis)
    unknown = jnp.isnan(x)
    first = jnp.argmax(unknown, axis, keepdims=True).astype(middle.dtype)
    return jnp.where(jnp.any(unknown, axis, keepdims=True), first, middle)


def _middle_of_all(x: Array) -> Array:
    flat = x.reshape(-1)
    return flat[_middle(flat, 0)[0]]


def _so_far(function: str, input: AnyNumbers, dim: int, largest: bool) -> ValuesIndices:
    x = checks.numeric(function, "input", input, booleans=True)
    return selection.select(x, checks.axis(function, dim, x.ndim), partial(_leaders, largest=largest))


def _leaders(x: Array, axis: int, largest: bool) -> Array:
    places = lax.broadcasted_iota(integers(), x.shape, axis)

    def later_wins(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
        better = b[0] >= a[0] if largest else b[0] <= a[0]
        better = jnp.isnan(b[0]) | (better & ~jnp.isnan(a[0]))
        return jnp.where(better, b[0], a[0]), jnp.where(better, b[1], a[1])

    return lax.associative_scan(later_wins, (x, places), axis=axis)[1] if x.size else places
