"""Images and sequences at another resolution: each axis by itself, as a weighted sum of a few of its elements."""

import math
from collections.abc import Sequence
from functools import partial

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Shaped

from . import checks
from .adaptive_pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from .precision import at_least_single

# How many spatial axes each mode takes.
AXES = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "lanczos": (2,),
    "trilinear": (3,),
}
SMOOTH = ("linear", "bilinear", "bicubic", "lanczos", "trilinear")
# The kernels that can be widened against aliasing, and how many pixels each reaches to either side.
REACH = {"bilinear": 1, "bicubic": 2, "lanczos": 3}
# The cubic kernel's slope at 1: Keys's a. PyTorch takes −3/4, and −1/2 where it filters against aliasing, as Pillow does.
CUBIC, CUBIC_ANTIALIAS = -0.75, -0.5

Taps = tuple[np.ndarray, np.ndarray]


def interpolate(
    input: Shaped[ArrayLike, "..."],
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Shaped[Array, "..."]:
    """Resample to another size.

    Position i of the result looks at (i + ½) · scale − ½ of the input, with scale = size in / size out; with `align_corners` at
    i · (in − 1)/(out − 1)

    Args:
        input: shape (batch, channels, length), (batch, channels, height, width) or (batch, channels, depth, height, width).
        size: the size of the result: one number, or one for each spatial axis.
        scale_factor: in place of `size`, how many times as large: ⌊size · factor⌋; the factor itself is the scale.
        mode: 'nearest' (⌊i · scale⌋), 'nearest-exact' (⌊(i + ½) · scale⌋), 'linear' (3 dimensions), 'bilinear' and 'bicubic' (4), 'trilinear'
            (5), 'lanczos' (4, with `antialias` alone), or 'area', which is adaptive average pooling.
        align_corners: the corners of both images coincide; for the linear and cubic modes alone.
        recompute_scale_factor: take the scale from the sizes also where a factor is given.
        antialias: widen the kernel where the result is smaller, as Pillow does; 'bilinear', 'bicubic' and 'lanczos' alone.

    Returns:
        An array of the same dtype, with other spatial sizes.

    Example:
        >>> import numpy as np
        >>> x = np.array([[[0.0, 1.0]]], "float32")
        >>> interpolate(x, 4), interpolate(x, 4, mode="linear")
        (Array([[[0., 0., 1., 1.]]], dtype=float32), Array([[[0.  , 0.25, 0.75, 1.  ]]], dtype=float32))

    Raises:
        TypeError: wrong dtypes, or a size that is no whole number.
        ValueError: neither or both of `size` and `scale_factor`, a size below 1, an unknown mode, or options that the mode does not take.

    PyTorch's counterpart: `torch.nn.functional.interpolate`. Plain JAX: `jax.image.resize` filters against aliasing by default, its cubic kernel
    has a = −1/2, and its 'nearest' is PyTorch's 'nearest-exact'. Where the result is one column wide, PyTorch 2.13 with `antialias` repeats the
    first row; here it is interpolated. Where ⌊(i + ½) · scale⌋ is a tie, PyTorch's gradient of 'nearest-exact' can go to another pixel than the one
    that its result was taken from; here it goes to the one that was taken.
    """
    x = checks.floating("interpolate", "input", input)
    if mode not in AXES:
        raise ValueError(f"interpolate: mode must be one of {', '.join(map(repr, AXES))}, but {mode!r} was given")
    if x.ndim - 2 not in AXES[mode]:
        wanted = " or ".join(str(n + 2) for n in AXES[mode])
        raise ValueError(f"interpolate: mode {mode!r} takes arrays of {wanted} dimensions, but {x.shape} was given")
    if align_corners is not None and (mode not in SMOOTH or (align_corners and mode == "lanczos")):
        raise ValueError(
            f"interpolate: align_corners is for the linear and cubic modes, but {align_corners!r} was given with mode {mode!r}"
        )
    if antialias and mode not in REACH:
        raise ValueError(f"interpolate: antialias is for {', '.join(map(repr, REACH))}, but mode {mode!r} was given")
    if mode == "lanczos" and not antialias:
        raise ValueError("interpolate: mode 'lanczos' is for antialias=True, but antialias=False was given")
    sizes, factors = _sizes(x, size, scale_factor, recompute_scale_factor)
    if mode == "area":
        pool = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[x.ndim - 3]
        return pool(x, sizes)
    y = x.astype(at_least_single(x.dtype))
    small = len(sizes) == 2 and is_small(sizes)
    for i, (out, factor) in enumerate(zip(sizes, factors, strict=True)):
        size, t = x.shape[i + 2], np.dtype(y.dtype).type
        if mode.startswith("nearest"):
            y = jnp.take(y, nearest(mode, size, out, t, small, factor), axis=i + 2, mode="clip")
        else:
            y = _resampled(y, i + 2, *_taps(mode, size, out, factor, bool(align_corners), antialias, t))
    return y.astype(x.dtype)


def is_small(size: Sequence[int]) -> bool:
    """Return whether PyTorch takes its loop for small images: height and width of the result together are at most 128."""
    return sum(size) <= 128


def _sizes(
    x: Array,
    size: int | Sequence[int] | None,
    scale_factor: float | Sequence[float] | None,
    recompute: bool | None,
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """Return the sizes of the result, and the factors that PyTorch resamples by where they are not the sizes' quotients."""
    axes = x.ndim - 2
    if (size is None) == (scale_factor is None):
        raise ValueError(
            f"interpolate: one of size and scale_factor must be given, but {size!r} and {scale_factor!r} were"
        )
    if size is not None:
        if recompute:
            raise ValueError("interpolate: recompute_scale_factor is for scale_factor, but size was given")
        given = tuple(size) if isinstance(size, Sequence) else (size,) * axes
        if any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) for n in given):
            raise TypeError(f"interpolate: size must be a whole number or {axes} of them, but {size!r} was given")
        sizes, factors = tuple(int(n) for n in given), (None,) * axes
    else:
        given = tuple(scale_factor) if isinstance(scale_factor, Sequence) else (scale_factor,) * axes
        numbers = [float(checks.number("interpolate", "scale_factor", f)) for f in given]
        sizes = tuple(math.floor(n * f) for n, f in zip(x.shape[2:], numbers, strict=False))
        factors = (None,) * axes if recompute else tuple(numbers)
    if len(given) != axes:
        raise ValueError(
            f"interpolate: there must be {axes} sizes or factors for input of shape {x.shape}, but {given} was given"
        )
    if min((*sizes, *x.shape[2:])) < 1:
        raise ValueError(f"interpolate: sizes must be at least 1, but {x.shape[2:]} to {sizes} was asked for")
    return sizes, factors


def nearest(mode: str, size: int, out: int, t: type, small: bool, factor: float | None = None) -> np.ndarray:
    """Return which element of an axis each element of the result is: ⌊place⌋ of a float32, as PyTorch's loops compute it.

    Args:
        mode: 'nearest' or 'nearest-exact'.
        size: elements of the axis.
        out: elements of the result.
        t: the type of the array's numbers, float32 for what is no float.
        small: whether it is the loop for small images.
        factor: how many times as large the result is, if that was asked for.
    """
    scale = _scale(size, out, factor, np.float32 if small else t)
    if mode == "nearest":
        places = np.arange(out, dtype=scale.dtype) * scale
        if small and out in (size, 2 * size):  # this loop looks at the sizes, whatever the factor
            places = np.arange(out) * size // out
    elif small or t is not np.float32:
        places = (np.arange(out) + 0.5) * scale
    else:
        # One rounding, of the product less ½: the processor's fused instruction.
        places = ((np.arange(out) + 0.5) * np.float64(scale) - 0.5).astype(np.float32) + 0.5
    return np.minimum(np.floor(places.astype(np.float32)).astype(int), size - 1)


def _taps(mode: str, size: int, out: int, factor: float | None, aligned: bool, antialias: bool, t: type) -> Taps:
    """Return which elements each element of the result is a sum of, shape (out, taps), and with which weights."""
    i = np.arange(out)
    scale = _scale(size, out, factor, t)
    corners = t(size - 1) / t(out - 1) if out > 1 else t(0)
    if antialias:
        return _antialiased(mode, size, out, t(corners if aligned else scale), t)
    centre = i.astype(t) * corners if aligned else (i.astype(t) + t(0.5)) * scale - t(0.5)
    if mode == "bicubic":
        return _cubic(centre, size, t)
    centre = np.maximum(centre, t(0))
    low = np.minimum(np.floor(centre).astype(int), size - 1)
    share = np.clip(centre - low.astype(t), t(0), t(1))
    return np.stack([low, np.minimum(low + 1, size - 1)], 1), np.stack([t(1) - share, share], 1)


def _scale(size: int, out: int, factor: float | None, t: type) -> np.floating:
    """Return how far neighbours of the result are apart in the input, rounded as PyTorch rounds it."""
    return t(1 / factor) if factor is not None and factor > 0 else t(size) / t(out)


def _cubic(centre: np.ndarray, size: int, t: type) -> Taps:
    low = np.floor(centre).astype(int)
    share = centre - low.astype(t)
    offsets = np.arange(-1, 3)
    weights = _keys(np.abs(share[:, None] - offsets.astype(t)), CUBIC)
    return np.clip(low[:, None] + offsets, 0, size - 1), weights.astype(t)


def _antialiased(mode: str, size: int, out: int, scale: np.floating, t: type) -> Taps:
    """Return a kernel as wide as the pixels of the result, with weights that sum to one."""
    reach = REACH[mode] * max(scale, t(1))
    inverse = t(1) / scale if scale >= 1 else t(1)
    centre = scale * (np.arange(out).astype(t) + t(0.5))
    first = np.maximum((centre - reach + t(0.5)).astype(int), 0)
    last = np.minimum((centre + reach + t(0.5)).astype(int), size)
    indices = first[:, None] + np.arange(int((last - first).max()))
    distance = np.abs((indices.astype(t) - centre[:, None] + t(0.5)) * inverse)
    weights = np.where(indices < last[:, None], KERNELS[mode](distance), t(0))
    return np.minimum(indices, size - 1), (weights / weights.sum(1, keepdims=True)).astype(t)


def _keys(x: np.ndarray, a: float) -> np.ndarray:
    """Evaluate the cubic convolution kernel of Keys, "Cubic convolution interpolation for digital image processing" (1981)."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def _lanczos(x: np.ndarray) -> np.ndarray:
    """Evaluate sinc(x) · sinc(x/3), three lobes wide, in float64: Duchon, "Lanczos filtering in one and two dimensions" (1979)."""
    wide = x.astype(np.float64)
    return np.where(wide < 3, np.sinc(wide) * np.sinc(wide / 3), 0)


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(x.dtype.type(1) - x, x.dtype.type(0))


KERNELS = {"bilinear": _triangle, "bicubic": partial(_keys, a=CUBIC_ANTIALIAS), "lanczos": _lanczos}


def _resampled(x: Array, axis: int, indices: np.ndarray, weights: np.ndarray) -> Array:
    moved = jnp.moveaxis(x, axis, -1)
    taken = moved[..., indices]
    factors = jnp.broadcast_to(jnp.asarray(weights, x.dtype), taken.shape)
    return jnp.moveaxis(jnp.sum(taken * factors, -1), -1, axis)
