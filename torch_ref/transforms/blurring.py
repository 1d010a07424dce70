"""Blur or sharpen a picture at random."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import torch
from PIL import Image, ImageEnhance
from torch.nn import functional as F

from .arguments import number, positive_interval, probability, size_pair
from .base import Picture, Transform, batched, channels, picture, restored, tensor_image
from .colours import blended
from .conversion import PILToTensor, ToPILImage


class GaussianBlur(Transform):
    """Blur by a Gaussian kernel whose standard deviation is drawn uniformly.

    out = Σ w(i) w(j) img[y + i, x + j], with w(i) = exp(-i² / 2σ²) scaled to a sum of 1, and borders mirrored without the last
    pixel

    Args:
        kernel_size: (columns, rows) of the kernel, odd; or an int for both. Half of it must be less than the picture's side.
        sigma: (min, max) of the standard deviation σ in pixels, or one number.

    Example:
        >>> GaussianBlur(3, sigma=1.0)(torch.tensor([[[0, 100, 0], [0, 100, 0]]], dtype=torch.uint8)).tolist()
        [[[55, 45, 55], [55, 45, 55]]]

    Raises:
        TypeError: neither PIL image nor tensor, or an argument of the wrong type.
        ValueError: an even size, a range that is none, a σ of 0 or below, or a picture too small for the kernel.

    The counterpart in JAX is `jaxtut.transforms.GaussianBlur`.
    """

    shown = ("kernel_size", "sigma")

    def __init__(self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)) -> None:
        self.kernel_size = size_pair("GaussianBlur", "kernel_size", kernel_size)
        if not all(size % 2 for size in self.kernel_size):
            raise ValueError(f"GaussianBlur: kernel_size must be odd, but {kernel_size!r} was given")
        sigmas = (sigma, sigma) if isinstance(sigma, Real) else sigma
        self.sigma = positive_interval("GaussianBlur", "sigma", sigmas)

    def __call__(self, img: Any) -> Picture:
        tensor = PILToTensor()(img) if isinstance(img, Image.Image) else _image("GaussianBlur", img)
        columns, rows = self.kernel_size
        if rows // 2 >= tensor.shape[-2] or columns // 2 >= tensor.shape[-1]:
            raise ValueError(
                f"GaussianBlur: half a kernel of {(columns, rows)} (columns, rows) must be less than the picture's sides, but "
                f"shape {tuple(tensor.shape)} was given"
            )
        blurred = _blurred(tensor, columns, rows, self.get_params(self.sigma[0], self.sigma[1]))
        return ToPILImage(img.mode)(blurred) if isinstance(img, Image.Image) else blurred

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """Draw the standard deviation, in float32."""
        return torch.empty(1).uniform_(sigma_min, sigma_max).item()


class RandomAdjustSharpness(Transform):
    """Blend a picture with a smoothed one with probability `p`: factor · picture + (1 - factor) · smoothed.

    The smoothed picture has the means of three by three pixels, the middle one counted five times, and the outermost pixels of
    the picture itself.

    Args:
        sharpness_factor: 0 gives the smoothed picture, 1 the picture, 2 one twice as sharp.
        p: the probability.

    Example:
        >>> RandomAdjustSharpness(2, p=1.0)(torch.tensor([[[0, 0, 0], [0, 130, 0], [0, 0, 0]]], dtype=torch.uint8))[0, 1].tolist()
        [0, 210, 0]

    Raises:
        TypeError: neither PIL image nor tensor, or an argument of the wrong type.
        ValueError: a factor below 0, p outside [0, 1], or a tensor that has neither one channel nor three.

    The counterpart in JAX is `jaxtut.transforms.RandomAdjustSharpness`.
    """

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        self.sharpness_factor = number("RandomAdjustSharpness", "sharpness_factor", sharpness_factor, 0)
        self.p = probability("RandomAdjustSharpness", p)

    def __call__(self, img: Any) -> Picture:
        img = picture("RandomAdjustSharpness", img)
        if isinstance(img, torch.Tensor):
            channels("RandomAdjustSharpness", img)
        if not torch.rand(1).item() < self.p:
            return img
        if isinstance(img, Image.Image):
            return ImageEnhance.Sharpness(img).enhance(self.sharpness_factor)
        return img if min(img.shape[-2:]) < 3 else blended(img, _smoothed(img), self.sharpness_factor)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sharpness_factor={self.sharpness_factor},p={self.p})"


def _image(caller: str, img: Any) -> torch.Tensor:
    return tensor_image(caller, img, "a PIL image or a tensor (..., channels, height, width)")


def _blurred(tensor: torch.Tensor, columns: int, rows: int, sigma: float) -> torch.Tensor:
    images = batched(tensor)
    across, down = (_gaussian(size, sigma, images.dtype) for size in (columns, rows))
    padded = F.pad(images, (columns // 2, columns // 2, rows // 2, rows // 2), mode="reflect")
    return restored(_filtered(padded, torch.mm(down[:, None], across[None, :])), tensor)


def _gaussian(size: int, sigma: float, dtype: torch.dtype) -> torch.Tensor:
    """Return exp(-x² / 2σ²) at whole x around 0, of sum 1."""
    x = torch.arange(size, dtype=dtype) - (size - 1) / 2
    density = torch.exp(-0.5 * (x / sigma).pow(2))
    return density / density.sum()


def _smoothed(tensor: torch.Tensor) -> torch.Tensor:
    images = batched(tensor)
    kernel = torch.ones(3, 3, dtype=images.dtype)
    kernel[1, 1] = 5.0
    smooth = tensor.clone()
    inner = smooth[..., 1:-1, 1:-1]
    inner.copy_(restored(_filtered(images, kernel / kernel.sum()), tensor))
    return smooth


def _filtered(images: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    count = images.shape[1]
    return F.conv2d(images, kernel.expand(count, 1, *kernel.shape), groups=count)
