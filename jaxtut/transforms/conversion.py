"""From pictures to arrays and back, and between the dtypes of pictures."""

from __future__ import annotations

import sys
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike
from PIL import Image

from .base import Transform, array_image, pil_image
from .pixels.arrays import cut_off

_SHORT_MODE = "I;16" if sys.byteorder == "little" else "I;16B"
_MODE_DTYPES = {"I": np.int32, _SHORT_MODE: np.int16, "F": np.float32}
_ONE_CHANNEL = {"uint8": ("L",), "int16": (_SHORT_MODE,), "int32": ("I",), "float32": ("F",)}
_MODES_OF_CHANNELS = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}
_IMAGE_DTYPES = ("uint8", "int8", "int16", "int32", "int64", "float32", "float64")


class _OnHost(Transform):
    def apply(self, image: Any, params: Any) -> Any:
        raise TypeError(
            f"{type(self).__name__}: the images of a batch are arrays (channels, height, width) already; "
            "ConvertImageDtype changes their dtype"
        )


class ToTensor(_OnHost):
    """Make an array (channels, height, width) of a PIL image or of an array (height, width[, channels]).

    Bytes become float32 between 0 and 1, divided by 255; other dtypes stay as they are.

    Example:
        >>> ToTensor()(Image.new("RGB", (2, 1), (255, 0, 51)))[:, 0, 0]
        array([1. , 0. , 0.2], dtype=float32)

    Raises:
        TypeError: neither PIL image nor array.
        ValueError: an array that has not 2 or 3 dimensions.

    PyTorch's counterpart: `torchvision.transforms.ToTensor`, to the same numbers, as a tensor.
    """

    def __call__(self, pic: Any) -> np.ndarray:
        if isinstance(pic, Image.Image):
            array = np.array(pic, _MODE_DTYPES.get(pic.mode, np.uint8))
            array = array * np.uint8(255) if pic.mode == "1" else array
        else:
            array = np.asarray(array_image("ToTensor", pic, "a PIL image or an array (height, width[, channels])", 2))
        if array.ndim not in (2, 3):
            raise ValueError(f"ToTensor: pic must have 2 or 3 dimensions, but shape {array.shape} was given")
        array = np.ascontiguousarray(np.moveaxis(np.atleast_3d(array), -1, 0))
        return array.astype(np.float32) / 255 if array.dtype == np.uint8 else array


class PILToTensor(_OnHost):
    """Make an array (channels, height, width) of a PIL image, in the image's own dtype.

    Example:
        >>> PILToTensor()(Image.new("RGB", (2, 1), (255, 0, 51)))[:, 0, 0]
        array([255,   0,  51], dtype=uint8)

    Raises:
        TypeError: no PIL image.

    PyTorch's counterpart: `torchvision.transforms.PILToTensor`, to the same numbers, as a tensor.
    """

    def __call__(self, pic: Any) -> np.ndarray:
        array = np.array(pil_image("PILToTensor", pic))
        return np.ascontiguousarray(np.moveaxis(np.atleast_3d(array), -1, 0))


class ToPILImage(_OnHost):
    """Make a PIL image of an array.

    Floating numbers are multiplied by 255 and cut off, except in mode "F"; they should lie between 0 and 1.

    Args:
        mode: Pillow's mode; None: by the number of channels L (I;16, I, F for the dtypes int16, int32, float32), LA,
            RGB or RGBA.
        layout: what the dimensions of an array are, "CHW" (channels, height, width) or "HWC". None: that of the two
            that gives 1 to 4 channels. An array of two dimensions has one channel.

    Example:
        >>> ToPILImage()(np.zeros((3, 20, 30), np.uint8))
        <PIL.Image.Image image mode=RGB size=30x20 at ...>

    Raises:
        TypeError: no array, or one of a dtype that no mode has.
        ValueError: a mode that does not fit, more than 4 channels, or a `layout` that cannot be told from the shape.

    PyTorch's counterpart: `torchvision.transforms.ToPILImage`, which reads tensors as CHW and NumPy arrays as HWC.
    Here a NumPy array may be either, and the shape or `layout` says which; other arrays, as JAX's, are read as CHW.
    """

    def __init__(self, mode: str | None = None, layout: Literal["CHW", "HWC"] | None = None) -> None:
        if layout not in ("CHW", "HWC", None):
            raise ValueError(f"ToPILImage: layout must be 'CHW', 'HWC' or None, but {layout!r} was given")
        self.mode = mode
        self.layout = layout

    def __call__(self, pic: Any) -> Image.Image:
        array = np.asarray(array_image("ToPILImage", pic, "an array of 2 or 3 dimensions", 2))
        if array.ndim > 3:
            raise ValueError(f"ToPILImage: pic must have 2 or 3 dimensions, but shape {array.shape} was given")
        layout = self.layout or ("CHW" if not isinstance(pic, np.ndarray) else _layout(array.shape))
        array = np.moveaxis(array, 0, -1) if array.ndim == 3 and layout == "CHW" else np.atleast_3d(array)
        if np.issubdtype(array.dtype, np.floating) and self.mode != "F":
            array = (array * 255).astype(np.uint8)
        mode = _pillow_mode(self.mode, array)
        return Image.frombytes(mode, (array.shape[1], array.shape[0]), np.ascontiguousarray(array).tobytes())

    def __repr__(self) -> str:
        given = [
            f"{name}={value}" for name, value in (("mode", self.mode), ("layout", self.layout)) if value is not None
        ]
        return f"{type(self).__name__}({', '.join(given)})"


class ConvertImageDtype(Transform):
    """Change the dtype of an array and scale its numbers to the range of the new one.

    Floating numbers lie in [0, 1], integers from 0 to the largest of their dtype, max. From floating to integers:
    floor(x · (max + 1 - 0.001)), so that each integer gets an equal part; from integers to floating: x / max; between
    integers: by the ratio of max + 1.

    Args:
        dtype: uint8, int8, int16, int32, int64, float32 or float64.

    Example:
        >>> ConvertImageDtype(np.uint8)(np.array([[[0.0, 0.5, 1.0]]], dtype=np.float32))
        array([[[  0, 127, 255]]], dtype=uint8)

    Raises:
        TypeError: no array, or a conversion that loses numbers: float32 to int32 or int64, float64 to int64.

    PyTorch's counterpart: `torchvision.transforms.ConvertImageDtype`, which raises `RuntimeError` for the latter.
    """

    shown = ("dtype",)

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = _image_dtype(dtype)

    def picture(self, img: Any) -> Any:
        return array_image("ConvertImageDtype", img, "an array (..., height, width)", 2)

    def apply(self, image: Any, params: Any) -> Any:
        source, target = _image_dtype(image.dtype), self.dtype
        if source == target or (source.kind == target.kind == "f"):
            return image.astype(target)
        if source.kind == "f":
            return _float_to_int(image, target)
        if target.kind == "f":
            return image.astype(target) / target.type(np.iinfo(source).max)
        return _int_to_int(image, target)


def _float_to_int(array: Any, target: np.dtype) -> Any:
    if target.itemsize >= array.dtype.itemsize:
        raise TypeError(f"ConvertImageDtype: {array.dtype} cannot hold all numbers of {target}")
    return cut_off(array * (np.iinfo(target).max + 1.0 - 1e-3), target)


def _int_to_int(array: Any, target: np.dtype) -> Any:
    before, after = np.iinfo(array.dtype).max + 1, np.iinfo(target).max + 1
    if before > after:
        return (array // (before // after)).astype(target)
    return array.astype(target) * target.type(after // before)


def _image_dtype(dtype: DTypeLike) -> np.dtype:
    kind = np.dtype(dtype)
    if kind.name not in _IMAGE_DTYPES:
        raise TypeError(f"ConvertImageDtype: the dtype must be one of {', '.join(_IMAGE_DTYPES)}, but {kind} was given")
    return kind


def _layout(shape: tuple[int, ...]) -> str:
    if len(shape) == 2:
        return "HWC"
    first, last = shape[0] in range(1, 5), shape[-1] in range(1, 5)
    if first == last:
        which = "either CHW or HWC" if first else "neither CHW nor HWC with 1 to 4 channels"
        raise ValueError(
            f"ToPILImage: an array of shape {shape} may be {which}; choose by layout='CHW' or layout='HWC'"
        )
    return "CHW" if first else "HWC"


def _pillow_mode(mode: str | None, array: np.ndarray) -> str:
    channels, dtype = array.shape[-1], array.dtype.name
    if channels not in (1, 2, 3, 4):
        raise ValueError(f"ToPILImage: a picture has 1 to 4 channels, but shape {array.shape} (HWC) was given")
    fitting = _ONE_CHANNEL.get(dtype, ()) if channels == 1 else _MODES_OF_CHANNELS[channels]
    if not fitting or (channels > 1 and dtype != "uint8"):
        raise TypeError(f"ToPILImage: no mode of Pillow has {channels} channels of {dtype}")
    if mode is not None and mode not in fitting:
        raise ValueError(
            f"ToPILImage: mode {mode!r} does not fit {channels} channels of {dtype}; one of {fitting} does"
        )
    return fitting[0] if mode is None else mode
