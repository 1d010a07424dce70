"""From pictures to tensors and back, and between the dtypes of pictures."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch
from PIL import Image

from .base import Transform, pil_image, tensor_image

_SHORT_MODE = "I;16" if sys.byteorder == "little" else "I;16B"
_MODE_DTYPES = {"I": np.int32, _SHORT_MODE: np.int16, "F": np.float32}
_ONE_CHANNEL = {"uint8": ("L",), "int16": (_SHORT_MODE,), "int32": ("I",), "float32": ("F",)}
_MODES_OF_CHANNELS = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}
_IMAGE_DTYPES = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float32, torch.float64)


class ToTensor(Transform):
    """Make a tensor (channels, height, width) of a PIL image or of a NumPy array (height, width[, channels]).

    Bytes become floating numbers between 0 and 1, divided by 255; other dtypes stay as they are.

    Example:
        >>> ToTensor()(Image.new("RGB", (2, 1), (255, 0, 51)))[:, 0, 0]
        tensor([1.0000, 0.0000, 0.2000])

    Raises:
        TypeError: neither PIL image nor array.
        ValueError: an array that has not 2 or 3 dimensions.

    The counterpart in JAX is `jaxtut.transforms.ToTensor`.
    """

    def __call__(self, pic: Any) -> torch.Tensor:
        if isinstance(pic, Image.Image):
            array = np.array(pic, _MODE_DTYPES.get(pic.mode, np.uint8))
            array = array * np.uint8(255) if pic.mode == "1" else array
        elif isinstance(pic, np.ndarray):
            array = pic
        else:
            raise TypeError(f"ToTensor: pic must be a PIL image or a NumPy array, but a {type(pic).__name__} was given")
        if array.ndim not in (2, 3):
            raise ValueError(f"ToTensor: pic must have 2 or 3 dimensions, but shape {array.shape} was given")
        tensor = torch.from_numpy(np.atleast_3d(array)).permute(2, 0, 1).contiguous()
        return tensor.to(torch.get_default_dtype()).div(255) if tensor.dtype == torch.uint8 else tensor


class PILToTensor(Transform):
    """Make a tensor (channels, height, width) of a PIL image, in the image's own dtype.

    Example:
        >>> PILToTensor()(Image.new("RGB", (2, 1), (255, 0, 51)))[:, 0, 0]
        tensor([255,   0,  51], dtype=torch.uint8)

    Raises:
        TypeError: no PIL image.

    The counterpart in JAX is `jaxtut.transforms.PILToTensor`.
    """

    def __call__(self, pic: Any) -> torch.Tensor:
        array = np.array(pil_image("PILToTensor", pic))
        return torch.from_numpy(np.atleast_3d(array)).permute(2, 0, 1).contiguous()


class ToPILImage(Transform):
    """Make a PIL image of a tensor (channels, height, width) or of a NumPy array (height, width, channels).

    Floating numbers are multiplied by 255 and cut off, except in mode "F"; they should lie between 0 and 1.

    Args:
        mode: Pillow's mode; None: by the number of channels L (I;16, I, F for the dtypes int16, int32, float32), LA,
            RGB or RGBA.

    Example:
        >>> ToPILImage()(torch.zeros(3, 20, 30))
        <PIL.Image.Image image mode=RGB size=30x20 at ...>

    Raises:
        TypeError: neither tensor nor array, or a dtype that no mode has.
        ValueError: a mode that does not fit, or more than 4 channels.

    The counterpart in JAX is `jaxtut.transforms.ToPILImage`, which has `layout` besides: there both are arrays.
    """

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Image.Image:
        if not isinstance(pic, torch.Tensor | np.ndarray):
            raise TypeError(f"ToPILImage: pic must be a tensor or a NumPy array, but a {type(pic).__name__} was given")
        if pic.ndim not in (2, 3):
            raise ValueError(f"ToPILImage: pic must have 2 or 3 dimensions, but shape {tuple(pic.shape)} was given")
        if isinstance(pic, torch.Tensor):
            pic = (pic.permute(1, 2, 0) if pic.ndim == 3 else pic).numpy(force=True)
        array = np.atleast_3d(pic)
        if np.issubdtype(array.dtype, np.floating) and self.mode != "F":
            array = (array * 255).astype(np.uint8)
        mode = _pillow_mode(self.mode, array)
        return Image.frombytes(mode, (array.shape[1], array.shape[0]), np.ascontiguousarray(array).tobytes())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.mode is None else f'mode={self.mode}'})"


class ConvertImageDtype(Transform):
    """Change the dtype of a tensor and scale its numbers to the range of the new one.

    Floating numbers lie in [0, 1], integers from 0 to the largest of their dtype, max. From floating to integers:
    floor(x · (max + 1 - 0.001)), so that each integer gets an equal part; from integers to floating: x / max; between
    integers: by the ratio of max + 1.

    Args:
        dtype: uint8, int8, int16, int32, int64, float32 or float64.

    Example:
        >>> ConvertImageDtype(torch.uint8)(torch.tensor([[[0.0, 0.5, 1.0]]]))
        tensor([[[  0, 127, 255]]], dtype=torch.uint8)

    Raises:
        TypeError: no tensor, or a conversion that loses numbers: float32 to int32 or int64, float64 to int64.

    The counterpart in JAX is `jaxtut.transforms.ConvertImageDtype`.
    """

    shown = ("dtype",)

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = _image_dtype(dtype)

    def __call__(self, image: Any) -> torch.Tensor:
        tensor = tensor_image("ConvertImageDtype", image, "a tensor (..., height, width)", 2)
        source, target = _image_dtype(tensor.dtype), self.dtype
        if source == target or (source.is_floating_point and target.is_floating_point):
            return tensor.to(target)
        if source.is_floating_point:
            return _float_to_int(tensor, target)
        if target.is_floating_point:
            return tensor.to(target) / float(torch.iinfo(source).max)
        return _int_to_int(tensor, target)


def _float_to_int(tensor: torch.Tensor, target: torch.dtype) -> torch.Tensor:
    if target.itemsize >= tensor.dtype.itemsize:
        raise TypeError(f"ConvertImageDtype: {tensor.dtype} cannot hold all numbers of {target}")
    return tensor.mul(torch.iinfo(target).max + 1.0 - 1e-3).to(target)


def _int_to_int(tensor: torch.Tensor, target: torch.dtype) -> torch.Tensor:
    before, after = torch.iinfo(tensor.dtype).max + 1, torch.iinfo(target).max + 1
    if before > after:
        return tensor.div(before // after, rounding_mode="floor").to(target)
    return tensor.to(target) * (after // before)


def _image_dtype(dtype: torch.dtype) -> torch.dtype:
    if dtype not in _IMAGE_DTYPES:
        known = ", ".join(str(known) for known in _IMAGE_DTYPES)
        raise TypeError(f"ConvertImageDtype: the dtype must be one of {known}, but {dtype} was given")
    return dtype


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
