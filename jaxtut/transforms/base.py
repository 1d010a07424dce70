"""What all transforms share: their two forms, how they print, and what a picture is."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeAlias

import jax
import numpy as np
from PIL import Image

# A PIL image, or an array (..., channels, height, width), which is what torchvision calls a tensor image.
Picture: TypeAlias = "Image.Image | np.ndarray | jax.Array"
# Channels, height, width.
Shape: TypeAlias = tuple[int, int, int]


class InterpolationMode(Enum):
    """How the pixels of a resized or rotated picture come from those of the original.

    PyTorch's counterpart: `torchvision.transforms.InterpolationMode`.
    """

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"

    @property
    def pillow(self) -> Image.Resampling:
        """Pillow's filter of that name; its nearest is exact."""
        return Image.Resampling["NEAREST" if self is InterpolationMode.NEAREST_EXACT else self.name]


class Transform:
    """A picture in, a picture out; prints as the call that makes it.

    It has two forms. On the host, `transform(img)` takes a PIL image or an array, draws what is random, and applies it.
    For batches the two steps stand apart: `params = transform.draw(shape)` draws the same numbers, and
    `transform.apply(image, params)` is a pure function for `jax.jit` and `jax.vmap`; see `draw_batch` and `apply_batch`.

    A transform of your own overrides `apply`; `draw` if it is random; `output_shape` if it changes the shape; `pillow`
    if it takes PIL images. One for the host alone may override `__call__` instead.
    """

    shown: tuple[str, ...] = ()

    def __call__(self, img: Any) -> Any:
        img = self.picture(img)
        params = self.draw(dimensions(img))
        return self.pillow(img, params) if isinstance(img, Image.Image) else self.apply(img, params)

    def draw(self, shape: Shape) -> Any:
        """Draw the parameters for one picture (channels, height, width): a tree of NumPy numbers of fixed dtypes."""
        return ()

    def apply(self, image: Any, params: Any) -> Any:
        """Transform one image (channels, height, width), of NumPy or of JAX, with parameters that may be traced."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say what it does to arrays of a batch: write apply(self, image, params)"
        )

    def pillow(self, image: Image.Image, params: Any) -> Any:
        """Transform one PIL image."""
        raise TypeError(f"{type(self).__name__}: img must be an array, but a {type(image).__name__} was given")

    def output_shape(self, shape: Shape) -> Any:
        """Return the shape of what becomes of a picture of this shape."""
        return shape

    def picture(self, img: Any) -> Picture:
        """Return what was given as a PIL image or an array, or refuse it."""
        return picture(type(self).__name__, img)

    def __repr__(self) -> str:
        values = ((name, getattr(self, name)) for name in self.shown)
        parts = (f"{name}={value.value if isinstance(value, Enum) else value}" for name, value in values)
        return f"{type(self).__name__}({', '.join(parts)})"


def picture(caller: str, img: Any) -> Picture:
    """Return a PIL image as it is, and anything with numbers in it as an array with rows and columns at least."""
    if isinstance(img, Image.Image):
        return img
    return array_image(caller, img, "a PIL image or an array (..., channels, height, width)", 2)


def pil_image(caller: str, img: Any) -> Image.Image:
    """Return `img` if it is a PIL image."""
    if not isinstance(img, Image.Image):
        raise TypeError(f"{caller}: img must be a PIL image, but a {type(img).__name__} was given")
    return img


def array_image(caller: str, img: Any, expected: str = "an array (..., channels, height, width)", rank: int = 3) -> Any:
    """Return `img` as an array of NumPy or of JAX, of rank `rank` at least; a PIL image is none."""
    if isinstance(img, Image.Image) or not hasattr(img, "__array__"):
        raise TypeError(f"{caller}: img must be {expected}, but a {type(img).__name__} was given")
    array = img if isinstance(img, jax.Array) else np.asarray(img)
    if array.ndim < rank:
        raise ValueError(f"{caller}: img must be {expected}, but shape {array.shape} was given")
    return array


def channels(caller: str, image: Any) -> Any:
    """Return an array if it has one channel or three."""
    if image.ndim < 3 or image.shape[-3] not in (1, 3):
        raise ValueError(f"{caller}: img must have 1 or 3 channels, but shape {image.shape} was given")
    return image


def pillow_mode(caller: str, image: Image.Image, modes: tuple[str, ...]) -> Image.Image:
    """Return a PIL image if its mode is one of these."""
    if image.mode not in modes:
        raise ValueError(f"{caller}: the mode of img must be {' or '.join(modes)}, but {image.mode} was given")
    return image


def dimensions(img: Picture) -> Shape:
    """Return channels, height and width."""
    if isinstance(img, Image.Image):
        return len(img.getbands()), img.height, img.width
    return (img.shape[-3] if img.ndim > 2 else 1), img.shape[-2], img.shape[-1]
