"""Sizes of sliding windows: what convolution and pooling share."""

from collections.abc import Sequence
from typing import SupportsIndex

import numpy as np

Sizes = SupportsIndex | Sequence[SupportsIndex]


def per_axis(function: str, argument: str, value: Sizes, axes: int, least: int) -> tuple[int, ...]:
    """Return one integer for each spatial axis; a single integer stands for all of them."""
    given = tuple(value) if isinstance(value, Sequence) else (value,)
    if any(isinstance(s, bool) or not isinstance(s, (int, np.integer)) for s in given):
        raise TypeError(f"{function}: {argument} must be an integer or {axes} of them, but {value!r} was given")
    sizes = tuple(int(s) for s in given) * (axes if len(given) == 1 else 1)
    if len(sizes) != axes:
        raise ValueError(f"{function}: {argument} must be an integer or {axes} of them, but {value!r} was given")
    if any(s < least for s in sizes):
        raise ValueError(f"{function}: {argument} must be at least {least}, but {value!r} was given")
    return sizes


def count(size: int, window: int, stride: int, padding: int, dilation: int, ceil_mode: bool = False) -> int:
    """Return how many windows fit: ⌊(size + 2·padding − dilation·(window − 1) − 1) / stride⌋ + 1.

    With `ceil_mode` the last window may hang over the right edge, if it starts inside the input or its left padding.
    """
    room = size + 2 * padding - dilation * (window - 1) - 1
    windows = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (windows - 1) * stride >= size + padding:
        windows -= 1
    return windows
