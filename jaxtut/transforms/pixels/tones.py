"""Pictures with other tones: inverted, with fewer bits, solarized, stretched, equalized."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Pixels, cut_off, largest, namespace, widened

LEVELS = 256


def inverted(image: Pixels) -> Any:
    """Return white minus the image."""
    return largest(image.dtype) - image


def posterized(image: Pixels, bits: int) -> Any:
    """Keep the highest `bits` of the eight bits of each number."""
    return image & np.uint8(LEVELS - 2 ** (8 - bits))


def solarized(image: Pixels, threshold: float) -> Any:
    """Invert the numbers from `threshold` on."""
    # Compared in a floating dtype, as a threshold such as 0.5 or -3 is no number of the dtype.
    return namespace(image).where(widened(image) >= threshold, inverted(image), image)


def autocontrasted(image: Pixels) -> Any:
    """Stretch each channel so that its darkest number becomes black and its lightest white; a constant one stays as it is."""
    xp, wide, bound = namespace(image), widened(image), largest(image.dtype)
    low, high = xp.min(wide, axis=(-2, -1), keepdims=True), xp.max(wide, axis=(-2, -1), keepdims=True)
    flat = low == high
    scale = bound / xp.where(flat, bound, high - low)
    return cut_off(xp.clip((wide - xp.where(flat, 0, low)) * scale, 0, bound), image.dtype)


def equalized(image: Pixels) -> Any:
    """Replace the numbers of each channel so that all of the 256 become equally frequent."""
    xp = namespace(image)
    channels = image.reshape(-1, image.shape[-2] * image.shape[-1])
    return xp.stack([_equalized(channel) for channel in channels]).reshape(image.shape)


def _equalized(channel: Any) -> Any:
    xp = namespace(channel)
    ordered = xp.sort(channel)
    # How many numbers are at most 0, 1, …: the histogram's cumulated sum, without the histogram.
    counts = xp.searchsorted(ordered, xp.arange(LEVELS, dtype=np.uint8), side="right")
    step = xp.searchsorted(ordered, ordered[-1:], side="left") // (LEVELS - 1)
    levels = xp.clip((counts + step // 2) // xp.maximum(step, 1), 0, LEVELS - 1)
    shifted = xp.concatenate([xp.zeros_like(levels[:1]), levels[:-1]]).astype(np.uint8)
    return xp.where(step == 0, channel, xp.take(shifted, channel.astype(np.int32), mode="clip"))
