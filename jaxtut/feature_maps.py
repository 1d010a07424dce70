"""Layers of a convolutional network in a row, with their arrays in the order that is fast.

Convolutions and poolings of small networks are bound by how their numbers lie in memory. Where the batch is the last axis, a window of a whole
batch is one run of memory, and nothing has to be rearranged between the layers. `apply` plans this for a sequence of layers: from the first
convolution on, arrays are (channels, height, width, batch); before a layer that is not known to work on each number alone, and at the end,
they are in PyTorch's order again. Names are given to values in PyTorch's order, and cost nothing: compilation removes a transposition with its
inverse. On a GPU, XLA lays out its arrays as it likes, whatever the order of their axes.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import functional as F
from .naming import tap
from .ops import convolution, max_pooling, windows
from .ops.correlation import convolve
from .ops.windows import Sizes

ELEMENTWISE = (
    *(F.celu, F.elu, F.gelu, F.hardshrink, F.hardsigmoid, F.hardswish, F.hardtanh, F.leaky_relu, F.logsigmoid, F.mish),
    *(F.relu, F.relu6, F.selu, F.sigmoid, F.silu, F.softplus, F.softshrink, F.softsign, F.tanh, F.tanhshrink),
)
"""Functions that work on each number alone, in whatever order they lie."""


class Convolution(NamedTuple):
    """A convolution over one, two or three axes, as its kernel says: `F.conv1d`, `F.conv2d` or `F.conv3d`.

    Args:
        weight: shape (channels_out, channels / groups, *kernel).
        bias: shape (channels_out,).
        stride: as in `F.conv2d`.
        padding: as in `F.conv2d`.
        dilation: as in `F.conv2d`.
        groups: as in `F.conv2d`.
        name: what to call the result, in parity reports and graphs.
    """

    weight: ArrayLike
    bias: ArrayLike | None = None
    stride: Sizes = 1
    padding: Sizes | str = 0
    dilation: Sizes = 1
    groups: int = 1
    name: str | None = None


class MaxPooling(NamedTuple):
    """Max-pooling over all axes behind the channels: `F.max_pool1d`, `F.max_pool2d` or `F.max_pool3d`.

    Args:
        kernel_size: as in `F.max_pool2d`.
        stride: as in `F.max_pool2d`.
        padding: as in `F.max_pool2d`.
        dilation: as in `F.max_pool2d`.
        ceil_mode: as in `F.max_pool2d`.
        name: what to call the result, in parity reports and graphs.
    """

    kernel_size: Sizes
    stride: Sizes | None = None
    padding: Sizes = 0
    dilation: Sizes = 1
    ceil_mode: bool = False
    name: str | None = None


Layer = Convolution | MaxPooling | Callable[[Array], Array]


def apply(
    layers: Sequence[Layer], images: Float[ArrayLike, "batch channels *size"]
) -> Float[Array, "batch channels_out *size_out"]:
    """Compute the layers one after another, with the values and gradients of `F.conv2d`, `F.max_pool2d` and so on.

    Args:
        layers: convolutions, max-poolings, and functions of an array in PyTorch's order; those in `ELEMENTWISE` need not wait for it.
        images: sequences, images or volumes in PyTorch's order, with a batch.

    Returns:
        The result of the last layer, in PyTorch's order.

    Example:
        >>> import numpy as np
        >>> edges = Convolution(np.array([[[[-1.0, 1.0]]]], "float32"))
        >>> apply([edges, F.relu, MaxPooling(2)], np.eye(4, dtype="float32")[None, None])
        Array([[[[1.],
                 [1.]]]], dtype=float32)

    Raises:
        TypeError: a layer that is none, wrong dtypes.
        ValueError: no batch, or shapes that do not belong together.

    PyTorch's counterpart: `torch.nn.Sequential`, with `channels_last` memory.
    """
    x = jnp.asarray(images)
    if x.ndim not in (3, 4, 5):
        raise ValueError(f"feature_maps: images must have shape (batch, channels, *size), but {x.shape} was given")
    last = False
    for layer in layers:
        if isinstance(layer, Convolution):
            x, last = convolution_layer(layer, x if last else _batch_last(x)), True
        elif isinstance(layer, MaxPooling):
            x = max_pooling_layer(layer, x, last)
        elif callable(layer):
            if last and layer not in ELEMENTWISE:
                x, last = _batch_first(x), False
            x = layer(x)
        else:
            raise TypeError(
                f"feature_maps: a layer must be a Convolution, a MaxPooling or a function, but {type(layer).__name__} was given"
            )
        if isinstance(layer, (Convolution, MaxPooling)) and layer.name is not None:
            x = _batch_last(tap(layer.name, _batch_first(x))) if last else tap(layer.name, x)
    return _batch_first(x) if last else x


def _batch_last(x: Array) -> Array:
    return jnp.moveaxis(x, 0, -1)


def _batch_first(x: Array) -> Array:
    return jnp.moveaxis(x, -1, 0)


def convolution_layer(layer: Convolution, x: Array) -> Array:
    """Compute a convolution over an array with the batch last."""
    axes = x.ndim - 2
    function = f"conv{axes}d"
    x, w = convolution.arguments(function, axes, x, layer.weight)
    options: Any = (layer.stride, layer.padding, layer.dilation, layer.groups)
    shape = (x.shape[-1], *x.shape[:-1])
    where = convolution.geometry(function, shape, w, *options, batch_last=True)
    return convolution.with_bias(function, convolve(x, w, where), x, layer.bias, w.shape[0], channel_axis=0)


def max_pooling_layer(layer: MaxPooling, x: Array, last: bool) -> Array:
    """Compute max-pooling over an array, perhaps with the batch last."""
    axes = x.ndim - 2
    shape = (x.shape[-1], *x.shape[:-1]) if last else x.shape
    options: Any = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.ceil_mode)
    where = windows.geometry(f"max_pool{axes}d", shape, axes, *options)
    return max_pooling.largest_of_windows(x, where, batch_last=last)
