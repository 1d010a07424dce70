"""Blur or sharpen a picture at random."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from .arguments import number, positive_interval, probability, size_pair
from .base import Shape, Transform, array_image, channels
from .conversion import PILToTensor, ToPILImage
from .drawing import exact_chance, uniform
from .pixels.arrays import either
from .pixels.blurring import gaussian_blurred, sharpened


class GaussianBlur(Transform):
    """Blur by a Gaussian kernel whose standard deviation is drawn uniformly.

    out = Σ w(i) w(j) img[y + i, x + j], with w(i) = exp(-i² / 2σ²) scaled to a sum of 1, and borders mirrored without the last
    pixel

    Args:
        kernel_size: (columns, rows) of the kernel, odd; or an int for both. Half of it must be less than the picture's side.
        sigma: (min, max) of the standard deviation σ in pixels, or one number.

    Example:
        >>> GaussianBlur(3, sigma=1.0)(np.array([[[0, 100, 0], [0, 100, 0]]], np.uint8)).tolist()
        [[[55, 45, 55], [55, 45, 55]]]

    Raises:
        TypeError: neither PIL image nor array, or an argument of the wrong type.
        ValueError: an even size, a range that is none, a σ of 0 or below, or a picture too small for the kernel.

    PyTorch's counterpart: `torchvision.transforms.GaussianBlur`. The same seed gives the same σ. PIL images are blurred as arrays
    are, there and here; sums are taken in float32, there of the two-dimensional kernel, here one axis after the other, so that
    integers differ by 1 at most.
    """

    shown = ("kernel_size", "sigma")

    def __init__(self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)) -> None:
        self.kernel_size = size_pair("GaussianBlur", "kernel_size", kernel_size)
        if not all(size % 2 for size in self.kernel_size):
            raise ValueError(f"GaussianBlur: kernel_size must be odd, but {kernel_size!r} was given")
        sigmas = (sigma, sigma) if isinstance(sigma, Real) else sigma
        self.sigma = positive_interval("GaussianBlur", "sigma", sigmas)

    def picture(self, img: Any) -> Any:
        expected = "a PIL image or an array (..., channels, height, width)"
        return img if isinstance(img, Image.Image) else array_image("GaussianBlur", img, expected)

    def draw(self, shape: Shape) -> np.float32:
        return uniform(self.sigma[0], self.sigma[1])

    def apply(self, image: Any, params: Any) -> Any:
        columns, rows = self.kernel_size
        if rows // 2 >= image.shape[-2] or columns // 2 >= image.shape[-1]:
            raise ValueError(
                f"GaussianBlur: half a kernel of {(columns, rows)} (columns, rows) must be less than the picture's sides, but "
                f"shape {image.shape} was given"
            )
        return gaussian_blurred(image, self.kernel_size, params)

    def pillow(self, image: Image.Image, params: Any) -> Image.Image:
        return ToPILImage(image.mode, layout="CHW")(self.apply(PILToTensor()(image), params))

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """Draw the standard deviation, in float32."""
        return float(uniform(sigma_min, sigma_max))


class RandomAdjustSharpness(Transform):
    """Blend a picture with a smoothed one with probability `p`: factor · picture + (1 - factor) · smoothed.

    The smoothed picture has the means of three by three pixels, the middle one counted five times, and the outermost pixels of
    the picture itself.

    Args:
        sharpness_factor: 0 gives the smoothed picture, 1 the picture, 2 one twice as sharp.
        p: the probability.

    Example:
        >>> RandomAdjustSharpness(2, p=1.0)(np.array([[[0, 0, 0], [0, 130, 0], [0, 0, 0]]], np.uint8))[0, 1].tolist()
        [0, 210, 0]

    Raises:
        TypeError: neither PIL image nor array, or an argument of the wrong type.
        ValueError: a factor below 0, p outside [0, 1], or an array that has neither one channel nor three.

    PyTorch's counterpart: `torchvision.transforms.RandomAdjustSharpness`: on PIL images to the same pixels; on arrays as on tensors,
    to the rounding of float32, so that integers differ by the factor or 1 at most.
    """

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        self.sharpness_factor = number("RandomAdjustSharpness", "sharpness_factor", sharpness_factor, 0)
        self.p = probability("RandomAdjustSharpness", p)

    def draw(self, shape: Shape) -> np.bool_:
        return exact_chance(self.p)

    def apply(self, image: Any, params: Any) -> Any:
        image = channels("RandomAdjustSharpness", image)
        return either(params, lambda x: sharpened(x, self.sharpness_factor), image)

    def pillow(self, image: Image.Image, params: Any) -> Image.Image:
        return ImageEnhance.Sharpness(image).enhance(self.sharpness_factor) if params else image

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sharpness_factor={self.sharpness_factor},p={self.p})"
