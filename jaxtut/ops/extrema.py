"""The larger and the smaller of two arrays, and the largest and smallest elements of one."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Shaped

from . import checks, selection
from .dimensions import Dims, axes, not_empty
from .dtypes import integers, is_array
from .selection import ValuesIndices

AnyNumbers = Shaped[ArrayLike, "..."]
Numbers = Shaped[Array, "..."]


def maximum(input: AnyNumbers, other: AnyNumbers) -> Numbers:
    """Larger of two arrays, elementwise.

    maximum(x, y) = x for x >= y, y otherwise; NaN where either is NaN

    Args:
        input: x.
        other: y; both shapes broadcast.

    Returns:
        An array in the dtype of both together.

    Example:
        >>> import jax, numpy as np
        >>> maximum(np.array([1.0, 5.0], "float32"), np.array([3.0, 3.0], "float32"))
        Array([3., 5.], dtype=float32)
        >>> float(jax.grad(maximum)(np.float32(2.0), np.float32(2.0)))
        0.5

    Raises:
        TypeError: an argument is not an array; a Python number is none, as in PyTorch.
        ValueError: shapes that do not broadcast.

    Slope: 1 in the larger, 0 in the smaller, **1/2 in each where they are equal**, and 1 in both where either is NaN.
    PyTorch's counterpart: `torch.maximum`. Plain JAX: `jnp.maximum` is the same at a tie; at NaN it gives 1/2 or 0.
    """
    return larger(*_two("maximum", input, other))


def minimum(input: AnyNumbers, other: AnyNumbers) -> Numbers:
    """Smaller of two arrays, elementwise.

    minimum(x, y) = x for x <= y, y otherwise; NaN where either is NaN

    Args:
        input: x.
        other: y; both shapes broadcast.

    Returns:
        An array in the dtype of both together.

    Example:
        >>> import numpy as np
        >>> minimum(np.array([1.0, 5.0], "float32"), np.array([3.0, 3.0], "float32"))
        Array([1., 3.], dtype=float32)

    Raises:
        TypeError: an argument is not an array; a Python number is none, as in PyTorch.
        ValueError: shapes that do not broadcast.

    Slope: 1 in the smaller, 0 in the larger, **1/2 in each where they are equal**, and 1 in both where either is NaN.
    PyTorch's counterpart: `torch.minimum`. Plain JAX: `jnp.minimum` is the same at a tie; at NaN it gives 1/2 or 0.
    """
    return smaller(*_two("minimum", input, other))


def max(
    input: AnyNumbers,
    dim: int | AnyNumbers | None = None,
    keepdim: bool = False,
    *,
    other: AnyNumbers | None = None,
) -> Numbers | ValuesIndices:
    """Largest element: of the whole array, along a dimension, or of two arrays.

    max(x) = max_i x_i; NaN wins

    Args:
        input: x.
        dim: the dimension to search; None: all of them. An array here is `other`.
        keepdim: keep the dimension with size 1.
        other: with it, `maximum(input, other)` is returned.

    Returns:
        The element; with `dim`, a named tuple of values and indices.

    Example:
        >>> import jax, numpy as np
        >>> x = np.array([[1.0, 7.0, 7.0]], "float32")
        >>> max(x, 1)
        ValuesIndices(values=Array([7.], dtype=float32), indices=Array([1], dtype=int32))
        >>> jax.grad(lambda x: max(x, 1).values.sum())(x), jax.grad(max)(x)
        (Array([[0., 1., 0.]], dtype=float32), Array([[0. , 0.5, 0.5]], dtype=float32))

    Raises:
        TypeError: `input` is not an array, `dim` neither an integer nor an array, or `keepdim` comes without `dim`.
        ValueError: `dim` is out of range, or there is no element to choose.

    Slope: with `dim`, **all of it goes to the first of the equal**, and to the first NaN; of the whole array, **the equal share it evenly**,
    and so do the NaN. PyTorch's counterpart: `torch.max`.
    Plain JAX: `jnp.max` shares evenly along a dimension too, and at NaN every element's slope is NaN.
    """
    return _extremum("max", input, dim, keepdim, other)


def min(
    input: AnyNumbers,
    dim: int | AnyNumbers | None = None,
    keepdim: bool = False,
    *,
    other: AnyNumbers | None = None,
) -> Numbers | ValuesIndices:
    """Smallest element: of the whole array, along a dimension, or of two arrays.

    min(x) = min_i x_i; NaN wins

    Args:
        input: x.
        dim: the dimension to search; None: all of them. An array here is `other`.
        keepdim: keep the dimension with size 1.
        other: with it, `minimum(input, other)` is returned.

    Returns:
        The element; with `dim`, a named tuple of values and indices.

    Example:
        >>> import numpy as np
        >>> min(np.array([[3.0, 2.0, 2.0]], "float32"), 1)
        ValuesIndices(values=Array([2.], dtype=float32), indices=Array([1], dtype=int32))

    Raises:
        TypeError: `input` is not an array, `dim` neither an integer nor an array, or `keepdim` comes without `dim`.
        ValueError: `dim` is out of range, or there is no element to choose.

    Slope: with `dim`, **all of it goes to the first of the equal**, and to the first NaN; of the whole array, **the equal share it evenly**,
    and so do the NaN. PyTorch's counterpart: `torch.min`.
    Plain JAX: `jnp.min` shares evenly along a dimension too, and at NaN every element's slope is NaN.
    """
    return _extremum("min", input, dim, keepdim, other)


def amax(input: AnyNumbers, dim: Dims | None = (), keepdim: bool = False) -> Numbers:
    """Largest element over one or more dimensions.

    Args:
        input: an array.
        dim: a dimension or a tuple of them; () and None: all.
        keepdim: keep the dimensions with size 1.

    Returns:
        An array of the largest elements; NaN wins.

    Example:
        >>> import jax, numpy as np
        >>> x = np.array([[1.0, 7.0, 7.0]], "float32")
        >>> amax(x, 1), jax.grad(amax)(x)
        (Array([7.], dtype=float32), Array([[0. , 0.5, 0.5]], dtype=float32))

    Raises:
        TypeError: `input` is not an array, or `dim` no integers.
        ValueError: `dim` is out of range or named twice, or there is no element to choose.

    Slope: **the equal share it evenly**, where `max(input, dim)` gives all to the first; every slope is NaN where the result is.
    PyTorch's counterpart: `torch.amax`. Plain JAX: `jnp.max` is the same.
    """
    return _extent("amax", input, dim, keepdim)


def amin(input: AnyNumbers, dim: Dims | None = (), keepdim: bool = False) -> Numbers:
    """Smallest element over one or more dimensions.

    Args:
        input: an array.
        dim: a dimension or a tuple of them; () and None: all.
        keepdim: keep the dimensions with size 1.

    Returns:
        An array of the smallest elements; NaN wins.

    Example:
        >>> import numpy as np
        >>> amin(np.array([[3.0, 2.0], [1.0, 5.0]], "float32"), 1, keepdim=True)
        Array([[2.],
               [1.]], dtype=float32)

    Raises:
        TypeError: `input` is not an array, or `dim` no integers.
        ValueError: `dim` is out of range or named twice, or there is no element to choose.

    Slope: **the equal share it evenly**, where `min(input, dim)` gives all to the first; every slope is NaN where the result is.
    PyTorch's counterpart: `torch.amin`. Plain JAX: `jnp.min` is the same.
    """
    return _extent("amin", input, dim, keepdim)


def _two(function: str, input: AnyNumbers, other: AnyNumbers) -> tuple[Array, ...]:
    x = checks.numeric(function, "input", input, booleans=True)
    y = checks.numeric(function, "other", other, booleans=True)
    x, y = checks.promoted(x, y)
    return checks.broadcast(function, input=x, other=y)


@jax.custom_jvp
def larger(x: Array, y: Array) -> Array:
    """Return the larger of two arrays of one shape and dtype, with the slopes of `maximum`."""
    return jnp.where((x >= y) | jnp.isnan(x), x, y)  # of two zeros the first, whatever its sign


@larger.defjvp
def _larger_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    x, y = primals
    return larger(x, y), _of_two(tangents, x == y, x < y, x > y)


@jax.custom_jvp
def smaller(x: Array, y: Array) -> Array:
    """Return the smaller of two arrays of one shape and dtype, with the slopes of `minimum`."""
    return jnp.where((x <= y) | jnp.isnan(x), x, y)


@smaller.defjvp
def _smaller_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    x, y = primals
    return smaller(x, y), _of_two(tangents, x == y, x > y, x < y)


def _of_two(tangents: tuple[Array, Array], tie: Array, not_x: Array, not_y: Array) -> Array:
    """Return the tangent of the winner; beside NaN no comparison is true, and both count."""
    halves = [jnp.where(tie, t / 2, t) for t in tangents]
    dx, dy = (jnp.where(out, jnp.zeros_like(t), t) for out, t in zip((not_x, not_y), halves, strict=True))
    return dx + dy


def _extremum(
    function: str, input: AnyNumbers, dim: int | AnyNumbers | None, keepdim: bool, other: AnyNumbers | None
) -> Numbers | ValuesIndices:
    largest = function == "max"
    if is_array(dim):
        dim, other = None, dim
    if dim is None and keepdim:
        raise TypeError(f"{function}: keepdim needs dim")
    if other is not None:
        return (larger if largest else smaller)(*_two(function, input, other))
    x = checks.numeric(function, "input", input, booleans=True)
    if dim is None:
        not_empty(function, x.shape, tuple(range(x.ndim)))
        return selection.evenly(x, jnp.max if largest else jnp.min)
    axis = checks.axis(function, dim, x.ndim)  # pyright: ignore[reportArgumentType]
    not_empty(function, x.shape, (axis,) if x.ndim else ())
    return selection.select(x, axis, _first_largest if largest else _first_smallest, keepdim)


def _first_largest(x: Array, axis: int) -> Array:
    return jnp.argmax(x, axis, keepdims=True).astype(integers())


def _first_smallest(x: Array, axis: int) -> Array:
    return jnp.argmin(x, axis, keepdims=True).astype(integers())


def _extent(function: str, input: AnyNumbers, dim: Dims | None, keepdim: bool) -> Numbers:
    x = checks.numeric(function, "input", input, booleans=True)
    over = axes(function, dim, x.ndim)
    not_empty(function, x.shape, over)
    found = _amax(x, over) if function == "amax" else _amin(x, over)
    return found if keepdim else found.squeeze(over)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _amax(x: Array, over: tuple[int, ...]) -> Array:
    return jnp.max(x, over, keepdims=True)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _amin(x: Array, over: tuple[int, ...]) -> Array:
    return jnp.min(x, over, keepdims=True)


def _shared(x: Array, value: Array, t: Array, over: tuple[int, ...]) -> Array:
    # A product, as in PyTorch: NaN is equal to nothing, and 0 / 0 makes every slope NaN there.
    tie = (x == value).astype(t.dtype)
    return jnp.sum(t * tie / jnp.sum(tie, over, keepdims=True), over, keepdims=True)


@_amax.defjvp
def _amax_jvp(over: tuple[int, ...], primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    value = _amax(primals[0], over)
    return value, _shared(primals[0], value, tangents[0], over)


@_amin.defjvp
def _amin_jvp(over: tuple[int, ...], primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    value = _amin(primals[0], over)
    return value, _shared(primals[0], value, tangents[0], over)
