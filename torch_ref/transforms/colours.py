"""Brightness, contrast, saturation, hue: a tensor blended with a duller one, or turned around the circle of colours."""

from __future__ import annotations

import torch

from .base import largest


def gray(tensor: torch.Tensor) -> torch.Tensor:
    """Return the brightness of three channels as one, cut off to integers for tensors of integers."""
    red, green, blue = tensor.split(1, dim=-3)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).to(tensor.dtype)


def blended(tensor: torch.Tensor, other: torch.Tensor, ratio: float) -> torch.Tensor:
    """Return ratio · tensor + (1 - ratio) · other, clipped to the range of the dtype."""
    share = float(ratio)  # an int would keep tensors of integers in integers
    return (share * tensor + (1.0 - share) * other).clamp(0, largest(tensor.dtype)).to(tensor.dtype)


def with_brightness(tensor: torch.Tensor, factor: float) -> torch.Tensor:
    """Blend with black."""
    return blended(tensor, torch.zeros_like(tensor), factor)


def with_contrast(tensor: torch.Tensor, factor: float) -> torch.Tensor:
    """Blend with the mean of the brightness."""
    brightness = gray(tensor) if tensor.shape[-3] == 3 else tensor
    wide = brightness if tensor.is_floating_point() else brightness.float()
    return blended(tensor, wide.mean((-3, -2, -1), keepdim=True), factor)


def with_saturation(tensor: torch.Tensor, factor: float) -> torch.Tensor:
    """Blend with the brightness; one channel has no colour and stays as it is."""
    return blended(tensor, gray(tensor), factor) if tensor.shape[-3] == 3 else tensor


def with_hue(tensor: torch.Tensor, turn: float) -> torch.Tensor:
    """Turn the hue by a part of the whole circle, in float32; one channel has no hue and stays as it is."""
    if tensor.shape[-3] == 1:
        return tensor
    bound = largest(tensor.dtype)
    hue, saturation, value = _to_hsv(tensor.float() / bound if bound > 1 else tensor.float())
    colours = _from_hsv((hue + turn) % 1.0, saturation, value)
    # As in ConvertImageDtype, each integer gets an equal part.
    return (colours * (bound + 1 - 1e-3) if bound > 1 else colours).to(tensor.dtype)


def _to_hsv(tensor: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return hue, saturation and value, each in [0, 1]: Smith, "Color gamut transform pairs" (1978)."""
    red, green, blue = tensor.split(1, dim=-3)
    high, low = tensor.amax(-3, keepdim=True), tensor.amin(-3, keepdim=True)
    flat, one = high == low, torch.ones_like(high)
    span = torch.where(flat, one, high - low)
    saturation = (high - low) / torch.where(flat, one, high)
    r, g, b = ((high - colour) / span for colour in (red, green, blue))
    sixths = torch.where(high == red, b - g, torch.where(high == green, 2.0 + r - b, 4.0 + g - r))
    return torch.fmod(sixths / 6.0 + 1.0, 1.0), saturation, high


def _from_hsv(hue: torch.Tensor, saturation: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    sector = torch.floor(hue * 6.0)
    share = hue * 6.0 - sector
    low = (value * (1.0 - saturation)).clamp(0, 1)
    falling = (value * (1.0 - saturation * share)).clamp(0, 1)
    rising = (value * (1.0 - saturation * (1.0 - share))).clamp(0, 1)
    # In each sector of the circle, which of the four stands for which colour.
    candidates = torch.cat([value, falling, low, rising], dim=-3)
    choices = torch.tensor([[0, 1, 2, 2, 3, 0], [3, 0, 0, 1, 2, 2], [2, 2, 3, 0, 0, 1]])
    index = torch.cat([row[sector.long() % 6] for row in choices], dim=-3)
    return candidates.gather(-3, index)
