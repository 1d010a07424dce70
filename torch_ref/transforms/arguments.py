"""How the arguments of transforms are checked when one is made, each with the name of the transform in front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import torch
from PIL import Image

from .base import InterpolationMode, dimensions


def number(caller: str, name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> Any:
    """Return `value` if it is a number in [low, high]."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{caller}: {name} must be a number, but {value!r} was given")
    if not low <= float(value) <= high:
        raise ValueError(f"{caller}: {name} must be in [{low:g}, {high:g}], but {value} was given")
    return value


def probability(caller: str, p: float) -> float:
    """Return `p` if it is a number in [0, 1]."""
    if not isinstance(p, Real):
        raise TypeError(f"{caller}: p must be a number, but {p!r} was given")
    if not 0 <= p <= 1:
        raise ValueError(f"{caller}: p must be in [0, 1], but {p} was given")
    return p


def interval(caller: str, name: str, values: Any, low: float = -math.inf, high: float = math.inf) -> Sequence[float]:
    """Return `values` if they are (min, max), both in [low, high]."""
    if not isinstance(values, Sequence) or not all(isinstance(value, Real) for value in values):
        raise TypeError(f"{caller}: {name} must be (min, max), but {values!r} was given")
    if len(values) != 2 or not values[0] <= values[1]:
        raise ValueError(f"{caller}: {name} must be (min, max), but {values!r} was given")
    if not low <= values[0] <= values[1] <= high:
        raise ValueError(f"{caller}: {name} must lie in [{low:g}, {high:g}], but {values!r} was given")
    return values


def positive_interval(caller: str, name: str, values: Any) -> Sequence[float]:
    """Return `values` if they are (min, max), both above 0."""
    if interval(caller, name, values)[0] <= 0:
        raise ValueError(f"{caller}: {name} must lie above 0, but {values!r} was given")
    return values


def parts(caller: str, name: str, values: Any) -> Sequence[float]:
    """Return `values` if they are two numbers in [0, 1], a part of the width and one of the height."""
    if not isinstance(values, Sequence) or not all(isinstance(value, Real) for value in values):
        raise TypeError(f"{caller}: {name} must be two numbers, but {values!r} was given")
    if len(values) != 2 or not all(0 <= value <= 1 for value in values):
        raise ValueError(f"{caller}: {name} must be two numbers in [0, 1], but {values!r} was given")
    return values


def angles(caller: str, name: str, degrees: Any, counts: tuple[int, ...] = (2,)) -> list[float]:
    """Return one range of angles (min, max), or two of them; a number d stands for (-d, d)."""
    values = [-degrees, degrees] if isinstance(degrees, Real) else degrees
    if not isinstance(values, Sequence) or not all(isinstance(value, Real) for value in values):
        raise TypeError(f"{caller}: {name} must be a number or (min, max), but {degrees!r} was given")
    if len(values) not in counts or any(values[i] > values[i + 1] for i in range(0, len(values), 2)):
        raise ValueError(f"{caller}: {name} must be a number from 0 on or (min, max), but {degrees!r} was given")
    return [float(value) for value in values]


def point(caller: str, center: Any) -> Sequence[float] | None:
    """Return `center` if it is None or (x, y)."""
    if center is None:
        return None
    if not isinstance(center, Sequence) or not all(isinstance(value, Real) for value in center):
        raise TypeError(f"{caller}: center must be (x, y), but {center!r} was given")
    if len(center) != 2:
        raise ValueError(f"{caller}: center must be (x, y), but {center!r} was given")
    return center


def integers(caller: str, name: str, value: int | Sequence[int], counts: tuple[int, ...]) -> tuple[int, ...]:
    """Return `value` as a tuple of ints; an int alone is a tuple of one."""
    values = (value,) if isinstance(value, int) else value
    if not isinstance(values, Sequence) or not all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        raise TypeError(f"{caller}: {name} must be an int or a sequence of ints, but {value!r} was given")
    if len(values) not in counts:
        raise ValueError(f"{caller}: {name} must be an int or have {_listed(counts)} values, but {value!r} was given")
    return tuple(values)


def size_pair(caller: str, name: str, size: int | Sequence[int]) -> tuple[int, int]:
    """Return (height, width); one int is both."""
    values = integers(caller, name, size, (1, 2))
    if min(values) < 1:
        raise ValueError(f"{caller}: {name} must be positive, but {size!r} was given")
    return values[0], values[-1]


def interpolation_mode(caller: str, value: InterpolationMode | int) -> InterpolationMode:
    """Return the mode; one of Pillow's ints, such as `PIL.Image.BILINEAR`, stands for the mode of that name."""
    if isinstance(value, int) and not isinstance(value, bool) and value in list(Image.Resampling):
        return InterpolationMode[Image.Resampling(value).name]
    if not isinstance(value, InterpolationMode):
        raise TypeError(f"{caller}: interpolation must be an InterpolationMode, but {value!r} was given")
    return value


def tensor_mode(caller: str, mode: InterpolationMode, known: Sequence[str]) -> str:
    """Return the name of a mode if tensors can be read with it."""
    if mode.value not in known:
        raise ValueError(f"{caller}: on tensors interpolation must be {_listed(known)}, but {mode.value} was given")
    return mode.value


def fill_value(caller: str, fill: Any) -> Any:
    """Return `fill` if it is a number or a sequence of numbers; None stands for 0."""
    if fill is not None and not isinstance(fill, Real | tuple | list):
        raise TypeError(f"{caller}: fill must be a number or a sequence of numbers, but {fill!r} was given")
    return 0 if fill is None else fill


def pillow_fill(caller: str, fill: Any, img: Image.Image) -> Any:
    """Return `fill` as Pillow wants it: a number, or for several channels a tuple; ints unless pixels are floats."""
    values, channels = _fill_values(caller, fill, len(img.getbands()))
    if img.mode != "F":
        values = [int(value) for value in values]
    return values[0] if channels == 1 else tuple(values * channels if len(values) == 1 else values)


def tensor_fill(caller: str, fill: Any, tensor: torch.Tensor) -> list[float]:
    """Return `fill` as floats, one for all channels or one a channel, that the dtype of the tensor has."""
    values, _ = _fill_values(caller, fill, dimensions(tensor)[0])
    if not tensor.is_floating_point():
        limits = torch.iinfo(tensor.dtype)
        if min(values) < limits.min or max(values) > limits.max:
            raise ValueError(f"{caller}: fill must be in the range of {tensor.dtype}, but {fill!r} was given")
    return [float(value) for value in values]


def _fill_values(caller: str, fill: Any, channels: int) -> tuple[list[Any], int]:
    values: list[Any] = [fill] if isinstance(fill, Real) else list(fill)
    if len(values) not in (1, channels):
        raise ValueError(f"{caller}: fill must be a number or have {channels} values, one a channel, but got {fill!r}")
    return values, channels


def _listed(values: Sequence[Any]) -> str:
    return " or ".join(str(value) for value in values)
