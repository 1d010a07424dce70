"""Transposed convolution: the gradient of a convolution in its input, as a layer."""

import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import windows
from .convolution import arguments, check_groups, with_bias
from .convolution_geometry import layout
from .shapes import ImagesIn, ImagesOut, SequencesIn, SequencesOut, Vector, VolumesIn, VolumesOut
from .windows import Sizes


def conv_transpose1d(
    input: SequencesIn,
    weight: Float[ArrayLike, "channels_in channels_out_group kernel"],
    bias: Vector | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> SequencesOut:
    """One-dimensional transposed convolution.

    Each x[n, c, i] adds x · w[c, o, k] to y[n, o, i·stride + k·dilation − padding]

    Args:
        input: x, shape (batch, channels, length) or (channels, length).
        weight: w, shape (channels, channels_out / groups, kernel).
        bias: b, shape (channels_out,).
        stride: positions between what neighbouring elements write.
        padding: positions cut off on both sides of the result.
        output_padding: positions added on the right of the result; smaller than stride or dilation.
        groups: blocks of channels that are convolved apart.
        dilation: positions between the taps of the kernel.

    Returns:
        y, shape (batch, channels_out, (length − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1).

    Example:
        >>> import numpy as np
        >>> conv_transpose1d(np.array([[[1.0, 2.0]]], "float32"), np.array([[[1.0, 10.0]]], "float32"), stride=2)
        Array([[[ 1., 10.,  2., 20.]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, a result without elements, an output padding as large as stride and dilation.

    PyTorch's counterpart: `torch.nn.functional.conv_transpose1d`. Plain JAX: `lax.conv_transpose` does not flip the kernel, and pads otherwise.
    """
    return _transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: ImagesIn,
    weight: Float[ArrayLike, "channels_in channels_out_group kernel_height kernel_width"],
    bias: Vector | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> ImagesOut:
    """Two-dimensional transposed convolution.

    Each x[n, c, i, j] adds x · w[c, o, k, l] to y[n, o, i·stride + k·dilation − padding, j·stride + l·dilation − padding]

    Args:
        input: x, shape (batch, channels, height, width) or (channels, height, width).
        weight: w, shape (channels, channels_out / groups, kernel height, kernel width).
        bias: b, shape (channels_out,).
        stride: pixels between what neighbouring elements write; an integer or one for each axis.
        padding: pixels cut off on both sides of the result.
        output_padding: pixels added below and on the right of the result; smaller than stride or dilation.
        groups: blocks of channels that are convolved apart.
        dilation: pixels between the taps of the kernel.

    Returns:
        y, shape (batch, channels_out, (height − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1, ...).

    Example:
        >>> import numpy as np
        >>> conv_transpose2d(np.ones((1, 1, 1, 1), "float32"), np.array([[[[1.0, 2.0], [3.0, 4.0]]]], "float32"))
        Array([[[[1., 2.],
                 [3., 4.]]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, a result without elements, an output padding as large as stride and dilation.

    PyTorch's counterpart: `torch.nn.functional.conv_transpose2d`. Plain JAX: `lax.conv_transpose` does not flip the kernel, and pads otherwise.
    """
    return _transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: VolumesIn,
    weight: Float[ArrayLike, "channels_in channels_out_group kernel_depth kernel_height kernel_width"],
    bias: Vector | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> VolumesOut:
    """Three-dimensional transposed convolution.

    As `conv_transpose2d`, with one more spatial axis in front.

    Args:
        input: x, shape (batch, channels, depth, height, width) or (channels, depth, height, width).
        weight: w, shape (channels, channels_out / groups, kernel depth, kernel height, kernel width).
        bias: b, shape (channels_out,).
        stride: voxels between what neighbouring elements write; an integer or one for each axis.
        padding: voxels cut off on both sides of the result.
        output_padding: voxels added at the end of each axis of the result; smaller than stride or dilation.
        groups: blocks of channels that are convolved apart.
        dilation: voxels between the taps of the kernel.

    Returns:
        y, shape (batch, channels_out, depth_out, height_out, width_out).

    Example:
        >>> import numpy as np
        >>> conv_transpose3d(np.ones((1, 1, 1, 1, 1), "float32"), np.ones((1, 1, 2, 2, 2), "float32")).shape
        (1, 1, 2, 2, 2)

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, a result without elements, an output padding as large as stride and dilation.

    PyTorch's counterpart: `torch.nn.functional.conv_transpose3d`.
    """
    return _transposed("conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation)


def _transposed(
    function: str,
    axes: int,
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> Array:
    x, w = arguments(function, axes, input, weight)
    batched = x if x.ndim == axes + 2 else x[None]
    check_groups(function, groups)
    if batched.shape[1] != w.shape[0] or w.shape[0] % groups:
        raise ValueError(
            f"{function}: weight of shape {w.shape} with groups={groups} expects {w.shape[0]} input channels, divisible by groups, "
            f"but input of shape {x.shape} has {batched.shape[1]}"
        )
    strides = windows.per_axis(function, "stride", stride, axes, 1)
    pads = windows.per_axis(function, "padding", padding, axes, 0)
    extra = windows.per_axis(function, "output_padding", output_padding, axes, 0)
    dilations = windows.per_axis(function, "dilation", dilation, axes, 1)
    if any(e >= s and e >= d for e, s, d in zip(extra, strides, dilations, strict=True)):
        raise ValueError(
            f"{function}: output_padding must be smaller than stride or dilation, but {extra} with {strides} and {dilations} was given"
        )
    spans = [d * (k - 1) for k, d in zip(w.shape[2:], dilations, strict=True)]
    sizes = [
        (n - 1) * s - 2 * p + span + e + 1
        for n, s, p, span, e in zip(batched.shape[2:], strides, pads, spans, extra, strict=True)
    ]
    if min(sizes) < 1:
        raise ValueError(f"{function}: the result would have the size {tuple(sizes)} for input of shape {x.shape}")
    y = lax.conv_general_dilated(
        batched,
        _as_kernel(w, groups),
        window_strides=(1,) * axes,
        padding=[(span - p, span - p + e) for span, p, e in zip(spans, pads, extra, strict=True)],
        lhs_dilation=strides,
        rhs_dilation=dilations,
        dimension_numbers=layout(axes),
        feature_group_count=groups,
    )
    y = with_bias(function, y, x, bias, w.shape[1] * groups)
    return y if x.ndim == axes + 2 else y[0]


def _as_kernel(w: Array, groups: int) -> Array:
    """Return the kernel (in, out / groups, ...) of the transposed convolution as that of a convolution, (out, in / groups, ...), flipped."""
    inputs, outputs, *sizes = w.shape
    grouped = jnp.swapaxes(w.reshape(groups, inputs // groups, outputs, *sizes), 1, 2)
    return jnp.flip(grouped.reshape(groups * outputs, inputs // groups, *sizes), range(2, w.ndim))
