"""Pooling by the mean of a window, and by its power mean."""

import math
from functools import partial, reduce
from operator import add

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array

from . import checks, windows
from .elementwise import absolute
from .max_pooling import max_pool1d, max_pool2d, max_pool3d
from .precision import accumulated
from .rectifiers import relu
from .shapes import ImagesIn, ImagesOut, SequencesIn, SequencesOut, VolumesIn, VolumesOut
from .windows import Sizes, Windows

# Members up to which the sums of windows are sums of arrays, which XLA fuses into one loop; it reduces windows one by one.
FEW = 16


def avg_pool1d(
    input: SequencesIn,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> SequencesOut:
    """Mean of each window of a sequence.

    y[n, c, i] = Σ_k x[n, c, i·stride + k − padding] / count; padding counts as 0

    Args:
        input: x, shape (batch, channels, length) or (channels, length).
        kernel_size: the size of the window.
        stride: positions between neighbouring windows; None means `kernel_size`.
        padding: at most half the window.
        ceil_mode: let the last window hang over the edge; what lies beyond the padding is not counted.
        count_include_pad: count the padding too.

    Returns:
        y.

    Example:
        >>> import numpy as np
        >>> avg_pool1d(np.array([[1.0, 3.0, 5.0, 7.0]], "float32"), 2)
        Array([[2., 6.]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: wrong shapes, padding above half the window, a window larger than the padded sequence.

    PyTorch's counterpart: `torch.nn.functional.avg_pool1d`.
    """
    return _average("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: ImagesIn,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> ImagesOut:
    """Mean of each window of an image.

    y[n, c, i, j] = Σ_{k, l} x[n, c, i·stride + k − padding, j·stride + l − padding] / count; padding counts as 0

    Args:
        input: x, shape (batch, channels, height, width) or (channels, height, width).
        kernel_size: height and width of the window.
        stride: pixels between neighbouring windows; None means `kernel_size`.
        padding: at most half the window.
        ceil_mode: let the last window hang over the edge; what lies beyond the padding is not counted.
        count_include_pad: count the padding too.
        divisor_override: what the sum is divided by in place of the count.

    Returns:
        y.

    Example:
        >>> import numpy as np
        >>> avg_pool2d(np.arange(4, dtype="float32").reshape(1, 2, 2), 2)
        Array([[[1.5]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: wrong shapes, padding above half the window, a window larger than the padded image, a divisor of 0.

    PyTorch's counterpart: `torch.nn.functional.avg_pool2d`.
    """
    return _average(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    input: VolumesIn,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> VolumesOut:
    """Mean of each window of a volume.

    As `avg_pool2d`, with one more spatial axis in front.

    Args:
        input: x, shape (batch, channels, depth, height, width) or (channels, depth, height, width).
        kernel_size: depth, height and width of the window.
        stride: voxels between neighbouring windows; None means `kernel_size`.
        padding: at most half the window.
        ceil_mode: let the last window hang over the edge; what lies beyond the padding is not counted.
        count_include_pad: count the padding too.
        divisor_override: what the sum is divided by in place of the count.

    Returns:
        y.

    Example:
        >>> import numpy as np
        >>> avg_pool3d(np.arange(8, dtype="float32").reshape(1, 2, 2, 2), 2)
        Array([[[[3.5]]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: wrong shapes, padding above half the window, a window larger than the padded volume, a divisor of 0.

    PyTorch's counterpart: `torch.nn.functional.avg_pool3d`.
    """
    return _average(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def _average(
    function: str,
    axes: int,
    input: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    x = windows.pooled(function, input, axes)
    where = windows.geometry(function, x.shape, axes, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override is not None and (not isinstance(divisor_override, (int, np.integer)) or divisor_override == 0):
        raise ValueError(
            f"{function}: divisor_override must be a whole number other than 0, but {divisor_override!r} was given"
        )
    sums = _window_sums(accumulated(x), where)
    if divisor_override is not None:
        return (sums / divisor_override).astype(x.dtype)
    counts = jnp.asarray(_counts(where, count_include_pad), sums.dtype)
    return (sums / jnp.broadcast_to(counts, sums.shape)).astype(x.dtype)


def _window_sums(x: Array, where: Windows) -> Array:
    return _sums_of_few_compiled(x, where) if math.prod(where.kernel) <= FEW else _sums_of_many(x, where)


# Compiled as one, so that a call outside `jit` is one kernel and not one for each member of the window.
@partial(jax.jit, static_argnums=1)
def _sums_of_few_compiled(x: Array, where: Windows) -> Array:
    return _sums_of_few(x, where)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _sums_of_few(x: Array, where: Windows) -> Array:
    return reduce(add, windows.members(x, where, jnp.zeros((), x.dtype)))


@_sums_of_few.defjvp
def _sums_of_few_jvp(where: Windows, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    # The gradient of XLA's reduction is one reduction; that of the sum would be an image for each member.
    return _sums_of_few(*primals, where), _sums_of_many(*tangents, where)


def _sums_of_many(x: Array, where: Windows) -> Array:
    lead = (1,) * (x.ndim - len(where.sizes))
    # What no window reaches is not read; a window may hang over the right edge.
    over = [
        max((c - 1) * s + k - n - p, 0)
        for c, s, k, n, p in zip(where.counts, where.strides, where.kernel, where.sizes, where.pads, strict=True)
    ]
    pads = [(0, 0)] * len(lead) + list(zip(where.pads, over, strict=True))
    # A NumPy zero: an array that is traced would hide from JAX that this is a sum, whose gradient it knows.
    zero = np.zeros((), x.dtype)
    return lax.reduce_window(x, zero, lax.add, (*lead, *where.kernel), (*lead, *where.strides), pads)


def _counts(where: Windows, include_pad: bool) -> np.ndarray:
    """Return what each window's sum is divided by: members in the image, or in the image and its padding."""
    counts = np.ones((1,) * len(where.sizes))
    for axis, (size, pad) in enumerate(zip(where.sizes, where.pads, strict=True)):
        positions = where.positions(axis)
        inside = (positions < size + pad) if include_pad else (positions >= 0) & (positions < size)
        shape = tuple(-1 if i == axis else 1 for i in range(len(where.sizes)))
        counts = counts * inside.sum(axis=1).reshape(shape)
    return counts


def lp_pool1d(
    input: SequencesIn, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> SequencesOut:
    """Power sum of each window of a sequence.

    y[n, c, i] = (Σ_k x[n, c, i·stride + k]^p)^(1/p)

    Args:
        input: x, shape (batch, channels, length) or (channels, length).
        norm_type: p; infinite for the largest magnitude, −infinite for the smallest.
        kernel_size: the size of the window.
        stride: positions between neighbouring windows; None means `kernel_size`.
        ceil_mode: let the last window hang over the edge.

    Returns:
        y; NaN where the sum of powers is negative, since PyTorch takes no absolute values before the power.

    Example:
        >>> import numpy as np
        >>> lp_pool1d(np.array([[3.0, 4.0]], "float32"), 2, 2)
        Array([[5.]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: wrong shapes, p = 0, a window larger than the sequence.

    Slope: (x / y)^(p − 1), and **0 in a window of zeros**.
    PyTorch's counterpart: `torch.nn.functional.lp_pool1d`.
    """
    return _power_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: ImagesIn, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> ImagesOut:
    """Power sum of each window of an image.

    y[n, c, i, j] = (Σ_{k, l} x[n, c, i·stride + k, j·stride + l]^p)^(1/p)

    Args:
        input: x, shape (batch, channels, height, width) or (channels, height, width).
        norm_type: p; infinite for the largest magnitude, −infinite for the smallest.
        kernel_size: height and width of the window.
        stride: pixels between neighbouring windows; None means `kernel_size`.
        ceil_mode: let the last window hang over the edge.

    Returns:
        y; NaN where the sum of powers is negative, since PyTorch takes no absolute values before the power.

    Example:
        >>> import numpy as np
        >>> lp_pool2d(np.array([[[3.0, 4.0], [0.0, 0.0]]], "float32"), 2, 2)
        Array([[[5.]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: wrong shapes, p = 0, a window larger than the image.

    Slope: (x / y)^(p − 1), and **0 in a window of zeros**.
    PyTorch's counterpart: `torch.nn.functional.lp_pool2d`.
    """
    return _power_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: VolumesIn, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> VolumesOut:
    """Power sum of each window of a volume.

    As `lp_pool2d`, with one more spatial axis in front.

    Args:
        input: x, shape (batch, channels, depth, height, width) or (channels, depth, height, width).
        norm_type: p; infinite for the largest magnitude, −infinite for the smallest.
        kernel_size: depth, height and width of the window.
        stride: voxels between neighbouring windows; None means `kernel_size`.
        ceil_mode: let the last window hang over the edge.

    Returns:
        y; NaN where the sum of powers is negative.

    Example:
        >>> import numpy as np
        >>> lp_pool3d(np.ones((1, 2, 2, 1), "float32"), 2, (2, 2, 1))
        Array([[[[2.]]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: wrong shapes, p = 0, a window larger than the volume.

    Slope: (x / y)^(p − 1), and **0 in a window of zeros**.
    PyTorch's counterpart: `torch.nn.functional.lp_pool3d`.
    """
    return _power_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _power_pool(
    function: str,
    axes: int,
    input: ArrayLike,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None,
    ceil_mode: bool,
) -> Array:
    p = checks.number(function, "norm_type", norm_type)
    if p == 0:
        raise ValueError(f"{function}: norm_type must not be 0, but {norm_type} was given")
    x = windows.pooled(function, input, axes)
    if np.isinf(p):
        largest = (max_pool1d, max_pool2d, max_pool3d)[axes - 1]
        signed = absolute(x) if p > 0 else -absolute(x)
        extreme = largest(signed, kernel_size, stride, 0, 1, ceil_mode)
        return extreme if p > 0 else -extreme
    kernel = windows.per_axis(function, "kernel_size", kernel_size, axes, 1)
    means = _average(function, axes, jnp.power(x, jnp.asarray(p, x.dtype)), kernel, stride, 0, ceil_mode, True, None)
    # The slope of relu at 0 is a selected 0, which the root's infinite slope there cannot turn into NaN.
    sums = jnp.sign(means) * relu(jnp.abs(means)) * int(np.prod(kernel))
    return jnp.power(sums, jnp.asarray(1 / p, x.dtype))
