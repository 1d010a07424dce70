"""Add a border to a picture."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal, TypeAlias

import numpy as np
from PIL import Image, ImageOps

from .arguments import array_fill, integers, pillow_fill
from .base import Picture, Shape, Transform
from .pixels.arrays import namespace

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
        >>> Pad((1, 0), padding_mode="reflect")(np.array([[[1, 2, 3]]]))
        array([[[2, 1, 2, 3, 2]]])

    Raises:
        TypeError: neither PIL image nor array, or an argument of the wrong type.
        ValueError: an unknown mode, a wrong number of values, or an array too small to be mirrored that far.

    PyTorch's counterpart: `torchvision.transforms.Pad`, to the same pixels. In the three modes that repeat pixels that
    one turns CMYK into RGBA and YCbCr into RGB, without converting the pixels; here the PIL mode stays.
    """

    shown = ("padding", "fill", "padding_mode")

    def __init__(
        self, padding: int | Sequence[int], fill: float | Sequence[float] = 0, padding_mode: PaddingMode = "constant"
    ) -> None:
        self._sides = check_padding("Pad", padding, fill, padding_mode)
        self.padding = padding
        self.fill = fill
        self.padding_mode: PaddingMode = padding_mode

    def apply(self, image: Any, params: Any) -> Any:
        return pad("Pad", image, self._sides, self.fill, self.padding_mode)

    def pillow(self, image: Image.Image, params: Any) -> Picture:
        return pad("Pad", image, self._sides, self.fill, self.padding_mode)

    def output_shape(self, shape: Shape) -> Shape:
        return padded_shape(shape, self._sides)


def check_padding(caller: str, padding: Any, fill: Any, padding_mode: str) -> tuple[int, int, int, int]:
    """Check the three arguments and return the padding as (left, top, right, bottom)."""
    sides = integers(caller, "padding", padding, (1, 2, 4))
    if not isinstance(fill, Real | tuple | list):
        raise TypeError(f"{caller}: fill must be a number or a sequence of numbers, but {fill!r} was given")
    if padding_mode not in _MODES:
        raise ValueError(f"{caller}: padding_mode must be one of {', '.join(_MODES)}, but {padding_mode!r} was given")
    left, top, right, bottom = sides * (4 // len(sides))
    return left, top, right, bottom


def padded_shape(shape: Shape, sides: tuple[int, int, int, int]) -> Shape:
    """Return the shape of a picture after (left, top, right, bottom) pixels are added."""
    left, top, right, bottom = sides
    return shape[0], shape[1] + top + bottom, shape[2] + left + right


def pad(caller: str, img: Any, sides: tuple[int, int, int, int], fill: Any, mode: PaddingMode) -> Any:
    """Add (left, top, right, bottom) pixels."""
    if isinstance(img, Image.Image):
        return _pad_image(caller, img, sides, fill, mode)
    if not isinstance(fill, Real):
        raise TypeError(f"{caller}: fill must be a number where img is an array, but {fill!r} was given")
    return _pad_array(caller, img, sides, fill, mode, channels_last=False)


def _pad_image(caller: str, img: Image.Image, sides: tuple[int, int, int, int], fill: Any, mode: PaddingMode) -> Any:
    if mode == "constant":
        out = ImageOps.expand(img, sides, pillow_fill(caller, fill, img))
    else:
        pixels = np.asarray(img)
        out = Image.fromarray(_pad_array(caller, pixels, sides, 0, mode, channels_last=pixels.ndim == 3, far=True))
    if img.mode == "P":
        out.putpalette(img.getpalette() or [])
    # Pillow reads three channels as RGB whatever they were.
    return out if out.mode in (img.mode, "P") else Image.merge(img.mode, out.split())


def _pad_array(
    caller: str,
    array: Any,
    sides: tuple[int, int, int, int],
    fill: Any,
    mode: PaddingMode,
    channels_last: bool,
    far: bool = False,
) -> Any:
    left, top, right, bottom = sides
    rows, columns = (0, 1) if channels_last or array.ndim == 2 else (array.ndim - 2, array.ndim - 1)
    index: list[Any] = [slice(None)] * array.ndim
    widths = [(0, 0)] * array.ndim
    for axis, before, after in ((rows, top, bottom), (columns, left, right)):
        kept = range(array.shape[axis])[max(-before, 0) : array.shape[axis] - max(-after, 0)]
        index[axis] = slice(kept.start, kept.stop)
        widths[axis] = max(before, 0), max(after, 0)
        reach = {"reflect": len(kept) - 1, "symmetric": len(kept)}.get(mode)
        if reach is not None and max(before, after) > reach and not far:
            raise ValueError(
                f"{caller}: mode {mode!r} can add {reach} pixels to a side of {len(kept)}, not {max(before, after)}"
            )
    if mode == "constant":
        (value,) = array_fill(caller, fill, array)
        return namespace(array).pad(array[tuple(index)], widths, constant_values=np.asarray(value).astype(array.dtype))
    return namespace(array).pad(array[tuple(index)], widths, mode)
