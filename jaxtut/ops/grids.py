"""Sampling of images at given points, and the points of an affine map."""

from collections.abc import Sequence
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import checks
from .resampling import CUBIC

SAMPLING_MODES = ("bilinear", "nearest", "bicubic")
PADDING_MODES = ("zeros", "border", "reflection")


def affine_grid(
    theta: Float[ArrayLike, "batch axes axes_and_1"], size: Sequence[int], align_corners: bool | None = None
) -> Float[Array, "batch *positions axes"]:
    """Points of an affine map, for `grid_sample`.

    grid[n, i, j] = θ_n · (x_j, y_i, 1), with x and y from −1 to 1 across the image

    Args:
        theta: θ, shape (batch, 2, 3), or (batch, 3, 4) for volumes.
        size: the shape of the images that will be sampled: (batch, channels, height, width) or with a depth.
        align_corners: −1 and 1 are the centres of the corner pixels, not their outer edges.

    Returns:
        Shape (batch, height, width, 2), or (batch, depth, height, width, 3); x stands first.

    Example:
        >>> import numpy as np
        >>> same = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]], "float32")
        >>> affine_grid(same, (1, 1, 1, 2), align_corners=False)
        Array([[[[-0.5,  0. ],
                 [ 0.5,  0. ]]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: a size of another length, without elements, or that does not fit θ.

    PyTorch's counterpart: `torch.nn.functional.affine_grid`.
    """
    name = "affine_grid"
    t = checks.floating(name, "theta", theta)
    sizes = tuple(int(n) for n in size)
    if len(sizes) not in (4, 5) or min(sizes) < 1:
        raise ValueError(f"{name}: size must hold 4 or 5 positive numbers, but {tuple(size)} was given")
    axes = len(sizes) - 2
    checks.shape(name, "theta", t, (sizes[0], axes, axes + 1))
    steps = [_steps(n, bool(align_corners), t.dtype) for n in sizes[2:]]
    grids = jnp.meshgrid(*steps, indexing="ij")
    base = jnp.stack([*reversed(grids), jnp.ones_like(grids[0])], -1)
    points = jnp.matmul(
        jnp.broadcast_to(base.reshape(1, -1, axes + 1), (sizes[0], base.size // (axes + 1), axes + 1)),
        jnp.swapaxes(t, 1, 2),
    )
    return points.reshape(sizes[0], *sizes[2:], axes)


def _steps(n: int, aligned: bool, dtype: np.dtype) -> Array:
    if n == 1:
        return jnp.zeros(1, dtype)
    ends = np.linspace(-1, 1, n)
    return jnp.asarray(ends if aligned else ends * (n - 1) / n, dtype)


def grid_sample(
    input: Float[ArrayLike, "batch channels *sizes"],
    grid: Float[ArrayLike, "batch *positions axes"],
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Float[Array, "batch channels *positions"]:
    """Sample images at given points.

    y[n, c, i, j] = x[n, c] at (grid[n, i, j, 1], grid[n, i, j, 0]), where −1 and 1 are the edges of the image

    Args:
        input: x, shape (batch, channels, height, width) or (batch, channels, depth, height, width).
        grid: shape (batch, height_out, width_out, 2) or (batch, depth_out, height_out, width_out, 3); x stands first.
        mode: 'bilinear', 'nearest' (halves to even) or 'bicubic' (images alone).
        padding_mode: what stands outside: 'zeros', 'border', or 'reflection'.
        align_corners: −1 and 1 are the centres of the corner pixels, not their outer edges.

    Returns:
        y, shape (batch, channels, *positions).

    Example:
        >>> import numpy as np
        >>> image = np.array([[[[0.0, 1.0]]]], "float32")
        >>> grid_sample(image, np.array([[[[0.0, 0.0]]]], "float32"), align_corners=False)
        Array([[[[0.5]]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, empty images, an unknown mode.

    Slope: in the grid, 0 where a point is clipped to the border, and for 'nearest' everywhere. At a pixel's centre the slope is that of the side
    on the right.
    PyTorch's counterpart: `torch.nn.functional.grid_sample`.
    """
    name = "grid_sample"
    if mode not in SAMPLING_MODES:
        raise ValueError(f"{name}: mode must be 'bilinear', 'nearest' or 'bicubic', but {mode!r} was given")
    if padding_mode not in PADDING_MODES:
        raise ValueError(
            f"{name}: padding_mode must be 'zeros', 'border' or 'reflection', but {padding_mode!r} was given"
        )
    x, g = checks.floating(name, "input", input), checks.floating(name, "grid", grid)
    checks.same_dtype(name, input=x, grid=g)
    if x.ndim not in (4, 5):
        raise ValueError(f"{name}: input must have 4 or 5 dimensions, but {x.shape} was given")
    axes = x.ndim - 2
    checks.shape(name, "grid", g, (x.shape[0], *(None,) * axes, axes))
    if 0 in x.shape[2:]:
        raise ValueError(f"{name}: the images must not be empty, but input of shape {x.shape} was given")
    if mode == "bicubic" and axes == 3:
        raise ValueError(f"{name}: 'bicubic' is for images alone, but input of shape {x.shape} was given")
    sample = {"bilinear": _linear, "nearest": _nearest, "bicubic": _cubic}[mode]
    # Points by axis of the image, the last of which stands first in the grid.
    points = [_unnormalized(g[..., axes - 1 - i], n, bool(align_corners)) for i, n in enumerate(x.shape[2:])]
    return sample(x, points, padding_mode, bool(align_corners))


def _unnormalized(g: Array, size: int, aligned: bool) -> Array:
    return (g + 1) / 2 * (size - 1) if aligned else ((g + 1) * size - 1) / 2


def _clipped(p: Array, size: int) -> Array:
    """Return points moved into the image; the slope is 0 at the border and beyond, and NaN goes to 0, as in PyTorch."""
    inside = (p > 0) & (p < size - 1)
    still = jax.lax.stop_gradient(jnp.where(p > 0, jnp.minimum(p, size - 1), 0))
    return jnp.where(inside, p, still)


def _reflected(p: Array, size: int, aligned: bool) -> Array:
    """Return points mirrored at the edges of the image until they are inside."""
    low, high = (0.0, float(size - 1)) if aligned else (-0.5, size - 0.5)
    span = high - low
    if span <= 0:
        return jnp.zeros_like(p)
    moved = jnp.where(p < low, low - p, p - low)
    times = jax.lax.stop_gradient(jnp.floor(moved / span))
    extra = moved - times * span
    even = jnp.mod(times, 2) == 0
    return jnp.where(even, extra + low, span - extra + low)


def _placed(p: Array, size: int, padding_mode: str, aligned: bool) -> Array:
    if padding_mode == "zeros":
        return p
    if padding_mode == "reflection":
        p = _reflected(p, size, aligned)
    return _clipped(p, size)


def _read(x: Array, places: Sequence[Array]) -> Array:
    """Read pixels at whole places, 0 outside; shape (batch, channels, *positions)."""
    inside = jnp.ones(places[0].shape, bool)
    flat = jnp.zeros(places[0].shape, jnp.int32)
    for p, n in zip(places, x.shape[2:], strict=True):
        inside = inside & (p >= 0) & (p <= n - 1)
        flat = flat * n + jnp.clip(jnp.where(jnp.isnan(p), 0, p), 0, n - 1).astype(jnp.int32)
    pixels = x.reshape(*x.shape[:2], -1)
    index = flat.reshape(flat.shape[0], 1, -1)
    taken = jnp.take_along_axis(pixels, jnp.broadcast_to(index, (*x.shape[:2], index.shape[2])), axis=2)
    shape = (*x.shape[:2], *places[0].shape[1:])
    return jnp.where(jnp.broadcast_to(inside[:, None], shape), taken.reshape(shape), 0)


def _linear(x: Array, points: list[Array], padding_mode: str, aligned: bool) -> Array:
    placed = [_placed(p, n, padding_mode, aligned) for p, n in zip(points, x.shape[2:], strict=True)]
    low = [jax.lax.stop_gradient(jnp.floor(p)) for p in placed]
    total = jnp.zeros((*x.shape[:2], *points[0].shape[1:]), x.dtype)
    for corner in product((0, 1), repeat=len(points)):
        weight = jnp.ones(points[0].shape, x.dtype)
        for side, p, q in zip(corner, placed, low, strict=True):
            weight = weight * (p - q if side else q + 1 - p)
        pixels = _read(x, [q + side for side, q in zip(corner, low, strict=True)])
        total = total + pixels * jnp.broadcast_to(weight[:, None], pixels.shape)
    return total


def _nearest(x: Array, points: list[Array], padding_mode: str, aligned: bool) -> Array:
    placed = [_placed(p, n, padding_mode, aligned) for p, n in zip(points, x.shape[2:], strict=True)]
    return _read(x, [jax.lax.stop_gradient(jnp.round(p)) for p in placed])


def _cubic(x: Array, points: list[Array], padding_mode: str, aligned: bool) -> Array:
    """Sum the sixteen pixels around each point; the padding is applied to each of them, not to the point."""
    low = [jax.lax.stop_gradient(jnp.floor(p)) for p in points]
    shares = [p - q for p, q in zip(points, low, strict=True)]
    total = jnp.zeros((*x.shape[:2], *points[0].shape[1:]), x.dtype)
    for corner in product(range(-1, 3), repeat=2):
        weight = _keys(shares[0] - corner[0]) * _keys(shares[1] - corner[1])
        places = [
            jax.lax.stop_gradient(_placed(q + offset, n, padding_mode, aligned))
            for q, offset, n in zip(low, corner, x.shape[2:], strict=True)
        ]
        pixels = _read(x, places)
        total = total + pixels * jnp.broadcast_to(weight[:, None], pixels.shape)
    return total


def _keys(offset: Array) -> Array:
    a, x = CUBIC, jnp.where(offset < 0, -offset, offset)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return jnp.where(x <= 1, near, far)
