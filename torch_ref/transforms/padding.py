"""Add a border to a picture."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from PIL import Image, ImageOps

from .arguments import integers, pillow_fill
from .base import Picture, Transform, picture

PaddingMode: TypeAlias = Literal["constant", "edge", "reflect", "symmetric"]
_MODES = ("constant", "edge", "reflect", "symmetric")


class Pad(Transform):
    """Add a border on all sides.

    Args:
        padding: pixels on each side; or (left and right, top and bottom); or (left, top, right, bottom). A negative
            number takes pixels away.
        fill: the value of the new pixels in mode "constant"; for PIL images also one value a channel.
        padding_mode: "constant"; "edge", which repeats the last pixel; "reflect", which mirrors the picture without
            the last pixel (3 2 | 1 2 3); "symmetric", which mirrors it with the last pixel (2 1 | 1 2 3).

    Example:
        >>> Pad((1, 0), padding_mode="reflect")(torch.tensor([[[1, 2, 3]]]))
        tensor([[[2, 1, 2, 3, 2]]])

    Raises:
        TypeError: neither PIL image nor tensor, or an argument of the wrong type.
        ValueError: an unknown mode, a wrong number of values, or a tensor too small to be mirrored that far.

    The counterpart in JAX is `jaxtut.transforms.Pad`.
    """

    shown = ("padding", "fill", "padding_mode")

    def __init__(
        self, padding: int | Sequence[int], fill: float | Sequence[float] = 0, padding_mode: PaddingMode = "constant"
    ) -> None:
        self._sides = check_padding("Pad", padding, fill, padding_mode)
        self.padding = padding
        self.fill = fill
        self.padding_mode: PaddingMode = padding_mode

    def __call__(self, img: Any) -> Picture:
        return pad("Pad", picture("Pad", img), self._sides, self.fill, self.padding_mode)


def check_padding(caller: str, padding: Any, fill: Any, padding_mode: str) -> tuple[int, int, int, int]:
    """Check the three arguments and return the padding as (left, top, right, bottom)."""
    sides = integers(caller, "padding", padding, (1, 2, 4))
    if not isinstance(fill, Real | tuple | list):
        raise TypeError(f"{caller}: fill must be a number or a sequence of numbers, but {fill!r} was given")
    if padding_mode not in _MODES:
        raise ValueError(f"{caller}: padding_mode must be one of {', '.join(_MODES)}, but {padding_mode!r} was given")
    left, top, right, bottom = sides * (4 // len(sides))
    return left, top, right, bottom


def pad(caller: str, img: Picture, sides: tuple[int, int, int, int], fill: Any, mode: PaddingMode) -> Picture:
    """Add (left, top, right, bottom) pixels."""
    if isinstance(img, Image.Image):
        return _pad_image(caller, img, sides, fill, mode)
    if not isinstance(fill, Real):
        raise TypeError(f"{caller}: fill must be a number where img is a tensor, but {fill!r} was given")
    return _pad_tensor(caller, img, sides, fill, mode)


def _pad_image(caller: str, img: Image.Image, sides: tuple[int, int, int, int], fill: Any, mode: PaddingMode) -> Any:
    left, top, right, bottom = sides
    if mode == "constant":
        out = ImageOps.expand(img, sides, pillow_fill(caller, fill, img))
    else:
        inner = img.crop((max(-left, 0), max(-top, 0), img.width - max(-right, 0), img.height - max(-bottom, 0)))
        pixels = np.asarray(inner)
        widths = [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0)), (0, 0)]
        out = Image.fromarray(np.pad(pixels, widths[: pixels.ndim], mode))
    if img.mode == "P":
        out.putpalette(img.getpalette() or [])
    # Pillow reads three channels as RGB whatever they were.
    return out if out.mode in (img.mode, "P") else Image.merge(img.mode, out.split())


def _pad_tensor(
    caller: str, img: torch.Tensor, sides: tuple[int, int, int, int], fill: Any, mode: PaddingMode
) -> torch.Tensor:
    left, top, right, bottom = sides
    if mode == "constant":
        return torch.nn.functional.pad(img, (left, right, top, bottom), value=float(fill))
    # PyTorch's own reflection takes floating numbers alone and has no symmetric mode; an index has both.
    rows = _index(caller, img.shape[-2], top, bottom, mode)
    columns = _index(caller, img.shape[-1], left, right, mode)
    return img[..., rows[:, None], columns]


def _index(caller: str, n: int, before: int, after: int, mode: PaddingMode) -> torch.Tensor:
    low, high = max(-before, 0), n - max(-after, 0) - 1
    reach = {"reflect": high - low, "symmetric": high - low + 1}.get(mode)
    if reach is not None and max(before, after) > reach:
        kept = high - low + 1
        raise ValueError(
            f"{caller}: mode {mode!r} can add {reach} pixels to a side of {kept}, not {max(before, after)}"
        )
    positions = torch.arange(-before, n + after)
    if mode == "edge":
        return positions.clamp(low, high)
    repeated = 1 if mode == "symmetric" else 0
    positions = torch.where(positions < low, 2 * low - positions - repeated, positions)
    return torch.where(positions > high, 2 * high - positions + repeated, positions)
