"""Convolution of sequences, images and volumes."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import checks, windows
from .convolution_geometry import Geometry
from .correlation import convolve
from .shapes import ImagesIn, ImagesOut, SequencesIn, SequencesOut, Vector, VolumesIn, VolumesOut
from .windows import Sizes


def conv1d(
    input: SequencesIn,
    weight: Float[ArrayLike, "channels_out channels_in_group kernel"],
    bias: Vector | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> SequencesOut:
    """One-dimensional convolution (cross-correlation: the kernel is not flipped).

    y[n, o, i] = b[o] + Σ_{c, k} w[o, c, k] · x[n, c, i·stride + k·dilation − padding]

    Args:
        input: x, shape (batch, channels, length) or (channels, length).
        weight: w, shape (channels_out, channels / groups, kernel).
        bias: b, shape (channels_out,).
        stride: positions between neighbouring windows.
        padding: zeros added on both sides, or 'valid' (none), or 'same' (as many as keep the size; stride 1 only).
        dilation: positions between the taps of the kernel.
        groups: blocks of channels that are convolved apart.

    Returns:
        y, shape (batch, channels_out, ⌊(length + 2·padding − dilation·(kernel − 1) − 1)/stride⌋ + 1).

    Example:
        >>> import numpy as np
        >>> conv1d(np.arange(4, dtype="float32").reshape(1, 1, 4), np.array([[[1.0, 10.0]]], "float32"))
        Array([[[10., 21., 32.]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, a kernel larger than the padded sequence, padding='same' with a stride.

    PyTorch's counterpart: `torch.nn.functional.conv1d`. Flax: `nnx.Conv` pads 'SAME' by default and keeps channels last.
    """
    return _convolution("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: ImagesIn,
    weight: Float[ArrayLike, "channels_out channels_in_group kernel_height kernel_width"],
    bias: Vector | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> ImagesOut:
    """Two-dimensional convolution (cross-correlation: the kernel is not flipped).

    y[n, o, i, j] = b[o] + Σ_{c, k, l} w[o, c, k, l] · x[n, c, i·stride + k·dilation − padding, j·stride + l·dilation − padding]

    Args:
        input: x, shape (batch, channels, height, width) or (channels, height, width).
        weight: w, shape (channels_out, channels / groups, kernel height, kernel width).
        bias: b, shape (channels_out,).
        stride: pixels between neighbouring windows; an integer or one for each of height and width.
        padding: zeros added on both sides, or 'valid' (none), or 'same' (as many as keep the size; stride 1 only).
        dilation: pixels between the taps of the kernel.
        groups: blocks of channels that are convolved apart.

    Returns:
        y, shape (batch, channels_out, ⌊(height + 2·padding − dilation·(kernel − 1) − 1)/stride⌋ + 1, ...).

    Example:
        >>> import numpy as np
        >>> image = np.arange(9, dtype="float32").reshape(1, 1, 3, 3)
        >>> conv2d(image, np.ones((1, 1, 2, 2), "float32"))
        Array([[[[ 8., 12.],
                 [20., 24.]]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, a kernel larger than the padded image, padding='same' with a stride.

    PyTorch's counterpart: `torch.nn.functional.conv2d`. Flax: 'SAME' at stride 2 pads an even image by (0, 1), PyTorch's padding=1 by (1, 1).
    """
    return _convolution("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: VolumesIn,
    weight: Float[ArrayLike, "channels_out channels_in_group kernel_depth kernel_height kernel_width"],
    bias: Vector | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> VolumesOut:
    """Three-dimensional convolution (cross-correlation: the kernel is not flipped).

    As `conv2d`, with one more spatial axis in front.

    Args:
        input: x, shape (batch, channels, depth, height, width) or (channels, depth, height, width).
        weight: w, shape (channels_out, channels / groups, kernel depth, kernel height, kernel width).
        bias: b, shape (channels_out,).
        stride: voxels between neighbouring windows; an integer or one for each axis.
        padding: zeros added on both sides, or 'valid' (none), or 'same' (as many as keep the size; stride 1 only).
        dilation: voxels between the taps of the kernel.
        groups: blocks of channels that are convolved apart.

    Returns:
        y, shape (batch, channels_out, depth_out, height_out, width_out).

    Example:
        >>> import numpy as np
        >>> conv3d(np.ones((1, 1, 2, 2, 2), "float32"), np.ones((1, 1, 2, 2, 2), "float32")).item()
        8.0

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, a kernel larger than the padded volume, padding='same' with a stride.

    PyTorch's counterpart: `torch.nn.functional.conv3d`.
    """
    return _convolution("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def _convolution(
    function: str,
    axes: int,
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Sizes,
    padding: Sizes | str,
    dilation: Sizes,
    groups: int,
) -> Array:
    x, w = arguments(function, axes, input, weight)
    batched = x if x.ndim == axes + 2 else x[None]
    where = geometry(function, batched.shape, w, stride, padding, dilation, groups)
    y = with_bias(function, convolve(batched, w, where), x, bias, w.shape[0])
    return y if x.ndim == axes + 2 else y[0]


def geometry(
    function: str,
    shape: tuple[int, ...],
    weight: Array,
    stride: Sizes,
    padding: Sizes | str,
    dilation: Sizes,
    groups: int,
    batch_last: bool = False,
) -> Geometry:
    """Return where the windows lie, or refuse what PyTorch refuses; with the precision that `jax.default_matmul_precision` asks for here.

    Args:
        function: who asks, for messages.
        shape: that of the input in PyTorch's order, with a batch.
        weight: the kernel.
        stride: as it was given, and so the others.
        padding: zeros on both sides, or a word.
        dilation: positions between taps.
        groups: blocks of channels.
        batch_last: how the arrays lie.
    """
    size, kernel = shape[2:], weight.shape[2:]
    axes = len(size)
    _check_channels(function, shape, weight, groups)
    strides = windows.per_axis(function, "stride", stride, axes, 1)
    dilations = windows.per_axis(function, "dilation", dilation, axes, 1)
    pads = tuple(_padding(function, padding, size, kernel, strides, dilations))
    config: Any = jax.config  # its attributes are made when JAX is imported
    return Geometry(size, kernel, strides, pads, dilations, groups, batch_last, config.jax_default_matmul_precision)


def arguments(function: str, axes: int, input: ArrayLike, weight: ArrayLike) -> tuple[Array, Array]:
    """Return input and kernel as arrays of one dtype, the input with or without a batch."""
    x = checks.floating(function, "input", input)
    w = checks.floating(function, "weight", weight)
    checks.same_dtype(function, input=x, weight=w)
    if x.ndim not in (axes + 1, axes + 2):
        names = ", ".join(windows.SPATIAL[axes])
        raise ValueError(
            f"{function}: input must have shape (batch, channels, {names}) or (channels, {names}), but {x.shape} was given"
        )
    if w.ndim != axes + 2:
        raise ValueError(
            f"{function}: weight must have shape (channels_out, channels_in / groups, {', '.join(windows.SPATIAL[axes])}), but {w.shape} was given"
        )
    if 0 in (w.shape[0], *w.shape[2:]):
        raise ValueError(
            f"{function}: weight must have at least one output channel and a kernel of at least {'×'.join('1' * axes)}, but {w.shape} was given"
        )
    return x, w


def with_bias(function: str, y: Array, x: Array, bias: ArrayLike | None, channels: int, channel_axis: int = 1) -> Array:
    """Return the result with one number added to each channel, if there is a bias."""
    if bias is None:
        return y
    b = checks.floating(function, "bias", bias)
    checks.same_dtype(function, input=x, bias=b)
    checks.shape(function, "bias", b, (channels,))
    return y + jnp.reshape(b, [-1 if axis == channel_axis else 1 for axis in range(y.ndim)])


def check_groups(function: str, groups: int) -> None:
    """Refuse what is no number of groups."""
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
        raise ValueError(f"{function}: groups must be a positive integer, but {groups!r} was given")


def _check_channels(function: str, shape: tuple[int, ...], w: Array, groups: int) -> None:
    check_groups(function, groups)
    if w.shape[0] % groups:
        raise ValueError(f"{function}: weight's {w.shape[0]} output channels are not divisible by groups={groups}")
    if shape[1] != w.shape[1] * groups:
        raise ValueError(
            f"{function}: weight of shape {w.shape} with groups={groups} expects {w.shape[1] * groups} input channels, "
            f"but input of shape {shape} has {shape[1]}"
        )


def _padding(
    function: str,
    padding: Sizes | str,
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> list[tuple[int, int]]:
    spans = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise ValueError(f"{function}: padding must be 'valid', 'same' or integers, but {padding!r} was given")
        if padding == "same" and any(s != 1 for s in strides):
            raise ValueError(
                f"{function}: padding='same' needs stride 1, as in PyTorch, but stride={strides} was given"
            )
        # An odd total leaves the extra zero on the right, as PyTorch does.
        pads = [(span // 2, span - span // 2) if padding == "same" else (0, 0) for span in spans]
    else:
        pads = [(p, p) for p in windows.per_axis(function, "padding", padding, len(size), 0)]
    for extent, span, (low, high) in zip(size, spans, pads, strict=True):
        if extent + low + high < span + 1:
            raise ValueError(
                f"{function}: the kernel of size {kernel} (dilation {dilations}) is larger than the padded image of size {size}"
            )
    return pads
