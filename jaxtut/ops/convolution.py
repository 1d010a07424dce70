"""Convolution of images."""

import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import checks, windows
from .shapes import ImagesIn, ImagesOut
from .windows import Sizes


def conv2d(
    input: ImagesIn,
    weight: Float[ArrayLike, "channels_out channels_in_group kernel_height kernel_width"],
    bias: Float[ArrayLike, " channels_out"] | None = None,
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
    x = checks.floating("conv2d", "input", input)
    w = checks.floating("conv2d", "weight", weight)
    checks.same_dtype("conv2d", input=x, weight=w)
    if x.ndim not in (3, 4):
        raise ValueError(
            f"conv2d: input must have shape (batch, channels, height, width) or (channels, height, width), but {x.shape} was given"
        )
    images = x if x.ndim == 4 else x[None]
    _check_channels(images, w, groups)
    strides = windows.per_axis("conv2d", "stride", stride, 2, 1)
    dilations = windows.per_axis("conv2d", "dilation", dilation, 2, 1)
    y = lax.conv_general_dilated(
        images,
        w,
        window_strides=strides,
        padding=_padding(padding, images.shape[2:], w.shape[2:], strides, dilations),
        rhs_dilation=dilations,
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
        feature_group_count=groups,
    )
    if bias is not None:
        b = checks.floating("conv2d", "bias", bias)
        checks.same_dtype("conv2d", input=x, bias=b)
        checks.shape("conv2d", "bias", b, (w.shape[0],))
        y = y + jnp.reshape(b, (1, -1, 1, 1))
    return y if x.ndim == 4 else y[0]


def _check_channels(x: Array, w: Array, groups: int) -> None:
    if w.ndim != 4:
        raise ValueError(
            f"conv2d: weight must have shape (channels_out, channels_in / groups, height, width), but {w.shape} was given"
        )
    if 0 in (w.shape[0], *w.shape[2:]):
        raise ValueError(
            f"conv2d: weight must have at least one output channel and a kernel of at least 1×1, but {w.shape} was given"
        )
    if not isinstance(groups, int) or groups < 1:
        raise ValueError(f"conv2d: groups must be a positive integer, but {groups!r} was given")
    if w.shape[0] % groups:
        raise ValueError(f"conv2d: weight's {w.shape[0]} output channels are not divisible by groups={groups}")
    if x.shape[1] != w.shape[1] * groups:
        raise ValueError(
            f"conv2d: weight of shape {w.shape} with groups={groups} expects {w.shape[1] * groups} input channels, "
            f"but input of shape {x.shape} has {x.shape[1]}"
        )


def _padding(
    padding: Sizes | str,
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> list[tuple[int, int]]:
    spans = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise ValueError(f"conv2d: padding must be 'valid', 'same' or integers, but {padding!r} was given")
        if padding == "same" and any(s != 1 for s in strides):
            raise ValueError(f"conv2d: padding='same' needs stride 1, as in PyTorch, but stride={strides} was given")
        # An odd total leaves the extra zero on the right, as PyTorch does.
        pads = [(span // 2, span - span // 2) if padding == "same" else (0, 0) for span in spans]
    else:
        pads = [(p, p) for p in windows.per_axis("conv2d", "padding", padding, 2, 0)]
    for extent, span, (low, high) in zip(size, spans, pads, strict=True):
        if extent + low + high < span + 1:
            raise ValueError(
                f"conv2d: the kernel of size {kernel} (dilation {dilations}) is larger than the padded image of size {size}"
            )
    return pads
