"""Brightness, contrast, saturation: a picture blended with a duller one."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Pixels, cut_off, largest, namespace, widened


def gray(image: Pixels) -> Any:
    """Return the brightness of three channels as one, 0.2989 R + 0.587 G + 0.114 B, cut off to integers for images of integers."""
    red, green, blue = namespace(image).split(widened(image), 3, axis=-3)
    return cut_off(0.2989 * red + 0.587 * green + 0.114 * blue, image.dtype)


def blended(image: Pixels, other: Any, ratio: Any) -> Any:
    """Return ratio · image + (1 - ratio) · other, clipped to the range of the dtype and cut off to integers for images of integers."""
    first, second = widened(image), widened(other)
    share = namespace(image).asarray(ratio, dtype=first.dtype)
    mixed = share * first + (1 - share) * second
    return cut_off(namespace(image).clip(mixed, 0, largest(image.dtype)), image.dtype)


def with_brightness(image: Pixels, factor: Any) -> Any:
    """Blend with black."""
    return blended(image, namespace(image).zeros_like(image), factor)


def with_contrast(image: Pixels, factor: Any) -> Any:
    """Blend with the mean of the brightness."""
    brightness = gray(image) if image.shape[-3] == 3 else image
    mean = namespace(image).mean(widened(brightness), axis=(-3, -2, -1), keepdims=True)
    return blended(image, mean, factor)


def with_saturation(image: Pixels, factor: Any) -> Any:
    """Blend with the brightness; one channel has no colour and stays as it is."""
    return blended(image, gray(image), factor) if image.shape[-3] == 3 else image


def with_hue(image: Pixels, turn: Any) -> Any:
    """Turn the hue by a part of the whole circle, in float32; one channel has no hue and stays as it is."""
    if image.shape[-3] == 1:
        return image
    xp, bound = namespace(image), largest(image.dtype)
    unit = image.astype(np.float32) / bound if bound > 1 else image.astype(np.float32)
    hue, saturation, value = _to_hsv(unit)
    colours = _from_hsv(xp.mod(hue + xp.asarray(turn, dtype=np.float32), 1.0), saturation, value)
    # As in ConvertImageDtype, each integer gets an equal part.
    return cut_off(colours * (bound + 1 - 1e-3) if bound > 1 else colours, image.dtype)


def _to_hsv(image: Any) -> tuple[Any, Any, Any]:
    """Return hue, saturation and value, each in [0, 1] and of one channel: Smith, "Color gamut transform pairs" (1978)."""
    xp = namespace(image)
    red, green, blue = xp.split(image, 3, axis=-3)
    high, low = xp.max(image, axis=-3, keepdims=True), xp.min(image, axis=-3, keepdims=True)
    flat = high == low
    span = xp.where(flat, 1, high - low)
    saturation = (high - low) / xp.where(flat, 1, high)
    r, g, b = ((high - colour) / span for colour in (red, green, blue))
    sixths = xp.where(high == red, b - g, xp.where(high == green, 2 + r - b, 4 + g - r))
    return xp.mod(sixths / 6 + 1, 1.0), saturation, high


def _from_hsv(hue: Any, saturation: Any, value: Any) -> Any:
    xp = namespace(hue)
    sector = xp.floor(hue * 6)
    share = hue * 6 - sector
    low = xp.clip(value * (1 - saturation), 0, 1)
    falling = xp.clip(value * (1 - saturation * share), 0, 1)
    rising = xp.clip(value * (1 - saturation * (1 - share)), 0, 1)
    conditions = [xp.mod(sector, 6) == i for i in range(6)]
    red = xp.select(conditions, [value, falling, low, low, rising, value])
    green = xp.select(conditions, [rising, value, value, falling, low, low])
    blue = xp.select(conditions, [low, low, rising, value, value, falling])
    return xp.concatenate([red, green, blue], axis=-3)
