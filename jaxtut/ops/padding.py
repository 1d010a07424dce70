"""Padding of the last dimensions."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Shaped

from . import checks

MODES = ("constant", "reflect", "replicate", "circular")


def pad(
    input: Shaped[ArrayLike, "..."], pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Shaped[Array, "..."]:
    """Add elements at both ends of the last dimensions, or cut some off.

    constant: a number. reflect: the mirror image without the edge. replicate: the edge. circular: the other end

    Args:
        input: an array of any dtype; the modes other than 'constant' take 2 or 3 dimensions to pad the last, 3 or 4 to pad two, 4 or 5 to pad
            three of them.
        pad: (left, right) of the last dimension, then (top, bottom) of the last but one, and so on; negative numbers cut off.
        mode: 'constant', 'reflect', 'replicate' or 'circular'.
        value: the number of 'constant', 0 if it is not given.

    Returns:
        An array of the same dtype.

    Example:
        >>> import numpy as np
        >>> x = np.array([[1.0, 2.0, 3.0]], "float32")
        >>> pad(x, (1, 2)), pad(x, (2, 0), "reflect")
        (Array([[0., 1., 2., 3., 0., 0.]], dtype=float32), Array([[3., 2., 1., 2., 3.]], dtype=float32))
        >>> pad(x, (1, 1), "replicate"), pad(x, (1, 0), "circular")
        (Array([[1., 1., 2., 3., 3.]], dtype=float32), Array([[3., 1., 2., 3.]], dtype=float32))

    Raises:
        TypeError: `input` is no array, or `pad` holds no whole numbers.
        ValueError: an odd number of widths, more than there are dimensions, wider than the mode allows, or a value with another mode.

    Slope: each element takes the sum of the gradients of its copies.
    PyTorch's counterpart: `torch.nn.functional.pad`. Plain JAX: `jnp.pad` counts dimensions from the first, and its 'symmetric' repeats the edge.
    """
    x = checks.array("pad", "input", input)
    widths = _widths(x, pad)
    if mode not in MODES:
        raise ValueError(f"pad: mode must be one of {', '.join(map(repr, MODES))}, but {mode!r} was given")
    if mode == "constant":
        return _constant(x, widths, value)
    if value not in (None, 0):
        raise ValueError(f"pad: value={value} is for mode 'constant' alone, but mode {mode!r} was given")
    if x.ndim not in (len(widths) + 1, len(widths) + 2):
        raise ValueError(
            f"pad: mode {mode!r} pads the last {len(widths)} dimensions of an array that has {len(widths) + 1} or {len(widths) + 2}, "
            f"but input of shape {x.shape} was given"
        )
    for axis, (low, high) in widths.items():
        x = jnp.take(x, _positions(mode, x.shape[axis], low, high), axis=axis)
    return x


def _widths(x: Array, pad: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Return the widths at both ends by axis."""
    given = list(pad) if isinstance(pad, Sequence) else [pad]
    if any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) for n in given):
        raise TypeError(f"pad: pad must hold whole numbers, but {pad!r} was given")
    if len(given) % 2 or len(given) > 2 * x.ndim:
        raise ValueError(
            f"pad: pad must hold two numbers for each padded dimension, at most {2 * x.ndim} for input of shape {x.shape}, but {pad!r} was given"
        )
    widths = {x.ndim - 1 - i // 2: (int(given[i]), int(given[i + 1])) for i in range(0, len(given), 2)}
    for axis, (low, high) in widths.items():
        if x.shape[axis] + low + high < 0:
            raise ValueError(f"pad: {pad!r} cuts off more than the dimension {axis} of an input of shape {x.shape} has")
    return widths


def _constant(x: Array, widths: dict[int, tuple[int, int]], value: float | None) -> Array:
    number = 0 if value is None else checks.number("pad", "value", value)
    fill = bool(number) if x.dtype == jnp.bool_ else number
    if jnp.issubdtype(x.dtype, jnp.integer):
        fill = int(number)
    return lax.pad(x, jnp.asarray(fill, x.dtype), [(*widths.get(axis, (0, 0)), 0) for axis in range(x.ndim)])


def _positions(mode: str, size: int, low: int, high: int) -> np.ndarray:
    """Return which element stands at each place of the padded dimension."""
    places = np.arange(-low, size + high)
    if mode == "replicate":
        if size == 0 and len(places):
            raise ValueError("pad: mode 'replicate' needs an edge to repeat, but a dimension is empty")
        return np.clip(places, 0, max(size - 1, 0))
    if mode == "circular":
        # What is cut off at one end is not there to be wrapped around to the other.
        first, last = max(-low, 0), size - max(-high, 0)
        if max(low, high) > last - first:
            raise ValueError(
                f"pad: mode 'circular' wraps around once, so at most {last - first}, but {(low, high)} was given"
            )
        return first + (places - first) % max(last - first, 1)
    if max(low, high) >= max(size, 1):
        raise ValueError(
            f"pad: mode 'reflect' has {size - 1} elements beside the edge to mirror, but {(low, high)} was given"
        )
    places = np.abs(places)
    return np.where(places >= size, 2 * (size - 1) - places, places)
