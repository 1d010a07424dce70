"""Normalization by mean and variance, computed in two passes: a small spread around a large mean keeps its digits."""

import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array

from . import checks
from .precision import accumulated, at_least_single
from .shapes import AnyFloats, Floats, Vector


def layer_norm(
    input: AnyFloats,
    normalized_shape: Sequence[int],
    weight: AnyFloats | None = None,
    bias: AnyFloats | None = None,
    eps: float = 1e-5,
) -> Floats:
    """Normalize over the last dimensions.

    y = (x − mean) / √(variance + eps) · weight + bias, with the biased variance over the dimensions of `normalized_shape`

    Args:
        input: x, shape (..., *normalized_shape).
        normalized_shape: the shape of what is normalized together.
        weight: a factor for each element, of this shape.
        bias: what is added to each element, of this shape.
        eps: added to the variance.

    Returns:
        y, of the shape and dtype of x.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(layer_norm(np.array([[1.0, 2.0, 3.0]], "float32"), (3,))).round(4))
        [[-1.2247  0.      1.2247]]

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, or no dimension to normalize.

    PyTorch's counterpart: `torch.nn.functional.layer_norm`. Flax: `nnx.LayerNorm` has eps 1e-6 and takes the variance in one pass unless told
    otherwise: at mean 1,000 and deviation 0.01 its float32 result is noise.
    """
    name = "layer_norm"
    x = checks.floating(name, "input", input)
    axes = _normalized(name, x, normalized_shape)
    w, b = (_parameter(name, n, p, x, x.shape[axes[0] :]) for n, p in (("weight", weight), ("bias", bias)))
    y = _normalize(x, axes, eps)
    return _affine(y, w, b).astype(x.dtype)


def rms_norm(
    input: AnyFloats, normalized_shape: Sequence[int], weight: AnyFloats | None = None, eps: float | None = None
) -> Floats:
    """Divide by the root of the mean square over the last dimensions.

    y = x / √(mean of x² + eps) · weight

    Args:
        input: x, shape (..., *normalized_shape).
        normalized_shape: the shape of what is normalized together.
        weight: a factor for each element, of this shape.
        eps: added to the mean square; None is the spacing of numbers at 1, of float32 for 16-bit arrays.

    Returns:
        y, of the shape and dtype of x.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(rms_norm(np.array([[3.0, 4.0]], "float32"), (2,))).round(4))
        [[0.8485 1.1314]]

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, or no dimension to normalize.

    PyTorch's counterpart: `torch.nn.functional.rms_norm`. Flax: `nnx.RMSNorm` has eps 1e-6.
    """
    x = checks.floating("rms_norm", "input", input)
    axes = _normalized("rms_norm", x, normalized_shape)
    w = _parameter("rms_norm", "weight", weight, x, x.shape[axes[0] :])
    wide = accumulated(x)
    small = float(jnp.finfo(wide.dtype).eps) if eps is None else eps
    y = wide * lax.rsqrt(jnp.mean(jnp.square(wide), axes, keepdims=True) + jnp.asarray(small, wide.dtype))
    return _affine(y, w, None).astype(x.dtype)


def group_norm(
    input: AnyFloats, num_groups: int, weight: Vector | None = None, bias: Vector | None = None, eps: float = 1e-5
) -> Floats:
    """Normalize each sample over groups of channels and all positions.

    y = (x − mean) / √(variance + eps) · weight_c + bias_c, with the biased variance over one group of one sample

    Args:
        input: x, shape (batch, channels, ...).
        num_groups: how many groups; divides the channels.
        weight: a factor for each channel.
        bias: what is added to each channel.
        eps: added to the variance.

    Returns:
        y, of the shape and dtype of x.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(group_norm(np.array([[1.0, 2.0, 10.0, 30.0]], "float32"), 2)).round(3))
        [[-1.  1. -1.  1.]]

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, channels that groups do not divide, a single number in a group.

    PyTorch's counterpart: `torch.nn.functional.group_norm`. Flax: `nnx.GroupNorm` has eps 1e-6 and a one-pass variance.
    """
    name = "group_norm"
    x = checks.floating(name, "input", input)
    if x.ndim < 2:
        raise ValueError(f"{name}: input must have shape (batch, channels, ...), but {x.shape} was given")
    if isinstance(num_groups, bool) or not isinstance(num_groups, (int, np.integer)) or num_groups < 1:
        raise ValueError(f"{name}: num_groups must be a positive integer, but {num_groups!r} was given")
    batch, channels, *positions = x.shape
    if channels % num_groups:
        raise ValueError(
            f"{name}: the channels must be divisible by num_groups={num_groups}, but input of shape {x.shape} was given"
        )
    if batch * (channels // num_groups) * math.prod(positions) == 1:
        raise ValueError(f"{name}: a group needs more than one number, but input of shape {x.shape} was given")
    w, b = (_parameter(name, n, p, x, (channels,)) for n, p in (("weight", weight), ("bias", bias)))
    grouped = x.reshape(batch, num_groups, channels // num_groups * math.prod(positions))
    y = _normalize(grouped, (2,), eps).reshape(x.shape)
    return _affine(y, *(_along_channels(p, x.ndim) for p in (w, b))).astype(x.dtype)


def instance_norm(
    input: AnyFloats,
    running_mean: Vector | None = None,
    running_var: Vector | None = None,
    weight: Vector | None = None,
    bias: Vector | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Floats:
    """Normalize each channel of each sample over all positions.

    y = (x − mean) / √(variance + eps) · weight_c + bias_c

    Args:
        input: x, shape (batch, channels, ...), with at least one axis of positions.
        running_mean: a mean for each channel, taken where `use_input_stats` is false.
        running_var: a variance for each channel, likewise.
        weight: a factor for each channel.
        bias: what is added to each channel.
        use_input_stats: normalize by mean and biased variance of the input itself.
        momentum: of no effect here, since no argument is changed; PyTorch updates the running statistics by it.
        eps: added to the variance.

    Returns:
        y, of the shape and dtype of x.

    Example:
        >>> import numpy as np
        >>> print(np.asarray(instance_norm(np.array([[[1.0, 2.0], [10.0, 30.0]]], "float32"))).round(3))
        [[[-1.  1.]
          [-1.  1.]]]

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, a single position, running statistics that are missing or half there.

    PyTorch's counterpart: `torch.nn.functional.instance_norm`.
    """
    name = "instance_norm"
    x = checks.floating(name, "input", input)
    if x.ndim < 2:
        raise ValueError(f"{name}: input must have shape (batch, channels, ...), but {x.shape} was given")
    if (running_mean is None) != (running_var is None):
        raise ValueError(f"{name}: running_mean and running_var must be given both or not at all")
    if not use_input_stats and running_mean is None:
        raise ValueError(f"{name}: running_mean and running_var must be given where use_input_stats is false")
    if use_input_stats and math.prod(x.shape[2:]) == 1:
        raise ValueError(f"{name}: a channel needs more than one position, but input of shape {x.shape} was given")
    w, b = (_channel_parameter(name, n, p, x) for n, p in (("weight", weight), ("bias", bias)))
    mean, variance = (
        _channel_parameter(name, n, p, x) for n, p in (("running_mean", running_mean), ("running_var", running_var))
    )
    if use_input_stats or mean is None or variance is None:
        return _affine(_normalize(x, tuple(range(2, x.ndim)), eps), w, b).astype(x.dtype)
    return _affine(_standardize(x, mean, variance, eps), w, b).astype(x.dtype)


def batch_norm(
    input: AnyFloats,
    running_mean: Vector | None,
    running_var: Vector | None,
    weight: Vector | None = None,
    bias: Vector | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Floats:
    """Normalize each channel over the batch and all positions; in evaluation by running statistics.

    y = (x − mean) / √(variance + eps) · weight_c + bias_c

    Args:
        input: x, shape (batch, channels, ...).
        running_mean: a mean for each channel, taken in evaluation.
        running_var: a variance for each channel, taken in evaluation.
        weight: a factor for each channel.
        bias: what is added to each channel.
        training: normalize by mean and biased variance of the batch itself.
        momentum: of no effect here, since no argument is changed: `batch_norm_with_stats` returns the new running statistics.
        eps: added to the variance.

    Returns:
        y, of the shape and dtype of x.

    Example:
        >>> import numpy as np
        >>> x = np.array([[1.0], [3.0]], "float32")
        >>> print(np.asarray(batch_norm(x, None, None, training=True)).round(3))
        [[-1.]
         [ 1.]]
        >>> print(np.asarray(batch_norm(x, np.ones(1, "float32"), np.ones(1, "float32"))).round(3))
        [[0.]
         [2.]]

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, one number for a channel while training, statistics missing in evaluation.

    PyTorch's counterpart: `torch.nn.functional.batch_norm`, which updates the running statistics in place. Flax: `nnx.BatchNorm` has momentum
    0.99 as the weight of the old statistics (PyTorch's 0.1 is the weight of the new), stores the biased variance, and computes it in one pass.
    """
    return _batch_norm("batch_norm", input, running_mean, running_var, weight, bias, training, eps)[0]


def batch_norm_with_stats(
    input: AnyFloats,
    running_mean: Vector | None,
    running_var: Vector | None,
    weight: Vector | None = None,
    bias: Vector | None = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
    *,
    num_batches_tracked: int | Array | None = None,
) -> tuple[Floats, Floats | None, Floats | None]:
    """Normalize as `batch_norm`, and return the running statistics that PyTorch would have stored.

    running ← (1 − momentum) · running + momentum · batch's, where the batch's variance is the unbiased one

    Args:
        input: as for `batch_norm`.
        running_mean: as for `batch_norm`.
        running_var: as for `batch_norm`.
        weight: as for `batch_norm`.
        bias: as for `batch_norm`.
        training: as for `batch_norm`; in evaluation the running statistics stay as they are.
        momentum: the weight of the batch; None weighs all batches alike, and needs `num_batches_tracked`.
        eps: as for `batch_norm`.
        num_batches_tracked: how many batches the running statistics hold already.

    Returns:
        y, and the new running mean and variance; None for None.

    Example:
        >>> import numpy as np
        >>> x, zero, one = np.array([[1.0], [3.0]], "float32"), np.zeros(1, "float32"), np.ones(1, "float32")
        >>> _, mean, variance = batch_norm_with_stats(x, zero, one, training=True)
        >>> print(np.asarray(mean).round(3), np.asarray(variance).round(3))
        [0.2] [1.1]

    Raises:
        TypeError: wrong dtypes.
        ValueError: as `batch_norm`, or momentum None without `num_batches_tracked`.

    PyTorch's counterpart: `torch.nn.functional.batch_norm`, and for momentum None `torch.nn.BatchNorm1d(momentum=None)`.
    """
    name = "batch_norm_with_stats"
    y, mean, variance, count = _batch_norm(name, input, running_mean, running_var, weight, bias, training, eps)
    if running_mean is None or running_var is None:
        return y, None, None
    old_mean, old_variance = jnp.asarray(running_mean), jnp.asarray(running_var)
    if not training:
        return y, old_mean, old_variance
    if momentum is None:
        if num_batches_tracked is None:
            raise ValueError(f"{name}: momentum=None needs num_batches_tracked, the number of batches so far")
        share = 1 / (jnp.asarray(num_batches_tracked).astype(mean.dtype) + 1)
    else:
        share = jnp.asarray(checks.number(name, "momentum", momentum), mean.dtype)
    unbiased = variance * (count / max(count - 1, 1))
    new = (share * s + (1 - share) * old.astype(s.dtype) for s, old in ((mean, old_mean), (unbiased, old_variance)))
    new_mean, new_variance = (lax.stop_gradient(s) for s in new)
    return y, new_mean.astype(old_mean.dtype), new_variance.astype(old_variance.dtype)


def _batch_norm(
    name: str,
    input: ArrayLike,
    running_mean: ArrayLike | None,
    running_var: ArrayLike | None,
    weight: ArrayLike | None,
    bias: ArrayLike | None,
    training: bool,
    eps: float,
) -> tuple[Array, Array, Array, int]:
    """Return the output, the mean and biased variance by which it was normalized, and how many numbers a channel has."""
    x = checks.floating(name, "input", input)
    if x.ndim < 2:
        raise ValueError(f"{name}: input must have shape (batch, channels, ...), but {x.shape} was given")
    if (running_mean is None) != (running_var is None):
        raise ValueError(f"{name}: running_mean and running_var must be given both or not at all")
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    mean, variance, w, b = (_channel_parameter(name, n, p, x) for n, p in given.items())
    count = x.size // max(x.shape[1], 1)
    if checks.number(name, "eps", eps) < 0 or (training and eps <= 0):
        raise ValueError(f"{name}: eps must be positive (in evaluation at least 0), but {eps} was given")
    if training:
        if count == 1:
            raise ValueError(
                f"{name}: a channel needs more than one number while training, but input of shape {x.shape} was given"
            )
        deviations, mean, variance = _centred(x, (0, *range(2, x.ndim)))
        y = deviations * _inverse_deviation(variance, eps)
    elif mean is None or variance is None:
        raise ValueError(f"{name}: running_mean and running_var must be given where training is false")
    else:
        y = _standardize(x, mean, variance, eps)
    return _affine(y, w, b).astype(x.dtype), mean.reshape(-1), variance.reshape(-1), count


def local_response_norm(input: AnyFloats, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Floats:
    """Divide each number by what its neighbours in the channels have.

    y_c = x_c / (k + alpha / size · Σ x_j²)^beta, over `size` channels around c, with zeros beyond the first and the last

    Args:
        input: x, shape (batch, channels, ...) with at least one axis of positions.
        size: how many channels are summed.
        alpha: the weight of the sum.
        beta: the exponent.
        k: what is added to the sum.

    Returns:
        y, of the shape and dtype of x.

    Example:
        >>> import numpy as np
        >>> local_response_norm(np.array([[[3.0]]], "float32"), 1, alpha=1.0, beta=0.5, k=7.0)
        Array([[[0.75]]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: fewer than three dimensions, or a size below 1.

    PyTorch's counterpart: `torch.nn.functional.local_response_norm`.
    """
    name = "local_response_norm"
    x = checks.floating(name, "input", input)
    if x.ndim < 3:
        raise ValueError(f"{name}: input must have shape (batch, channels, positions, ...), but {x.shape} was given")
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(f"{name}: size must be a positive integer, but {size!r} was given")
    wide = accumulated(x)
    window = [1] * x.ndim
    window[1] = int(size)
    pads = [(0, 0)] * x.ndim
    pads[1] = (int(size) // 2, (int(size) - 1) // 2)
    sums = lax.reduce_window(jnp.square(wide), np.zeros((), wide.dtype), lax.add, window, [1] * x.ndim, pads)
    divisor = jnp.power(sums * (alpha / int(size)) + k, jnp.asarray(beta, wide.dtype))
    return (wide / divisor).astype(x.dtype)


def _normalized(function: str, x: Array, normalized_shape: Sequence[int]) -> tuple[int, ...]:
    """Return the axes of the last dimensions, whose sizes must be these."""
    if not isinstance(normalized_shape, (Sequence, np.ndarray)):
        raise TypeError(f"{function}: normalized_shape must be a tuple of integers, but {normalized_shape!r} was given")
    shape = tuple(int(n) for n in normalized_shape)
    if not shape:
        raise ValueError(
            f"{function}: normalized_shape must name at least one dimension, but {normalized_shape!r} was given"
        )
    if x.shape[-len(shape) :] != shape:
        raise ValueError(
            f"{function}: input must have a shape that ends with {shape}, as normalized_shape says, but {x.shape} was given"
        )
    return tuple(range(x.ndim - len(shape), x.ndim))


def _parameter(function: str, name: str, p: ArrayLike | None, x: Array, shape: tuple[int, ...]) -> Array | None:
    """Return a weight or bias in the dtype of the computation: that of the input, or float32 beside 16-bit numbers."""
    if p is None:
        return None
    given = checks.floating(function, name, p)
    wide = at_least_single(x.dtype)
    if given.dtype not in (x.dtype, wide):
        raise TypeError(
            f"{function}: expected arguments of one dtype, but input {x.dtype}, {name} {given.dtype} were given"
        )
    checks.shape(function, name, given, shape)
    return given.astype(wide)


def _channel_parameter(function: str, name: str, p: ArrayLike | None, x: Array) -> Array | None:
    return _along_channels(_parameter(function, name, p, x, (x.shape[1],)), x.ndim)


def _along_channels(p: Array | None, ndim: int) -> Array | None:
    return None if p is None else p.reshape((1, -1) + (1,) * (ndim - 2))


def _centred(x: Array, axes: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Return the deviations from the mean, the mean, and the biased variance.

    The variance is taken from the deviations: one pass, mean of x² − mean², would cancel. The mean is taken twice: the first is off by its own
    rounding, 6e-5 of a mean of 1,000, and what is left of it in the deviations is seen and removed by the second. The first shifts
    everything alike, so no gradient passes through it.
    """
    wide = accumulated(x)
    shift = lax.stop_gradient(jnp.mean(wide, axes, keepdims=True))
    moved = wide - shift
    rest = jnp.mean(moved, axes, keepdims=True)
    deviations = moved - rest
    return deviations, shift + rest, jnp.mean(jnp.square(deviations), axes, keepdims=True)


def _normalize(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    deviations, _, variance = _centred(x, axes)
    return deviations * _inverse_deviation(variance, eps)


def _standardize(x: Array, mean: Array, variance: Array, eps: float) -> Array:
    return (accumulated(x) - mean) * _inverse_deviation(variance, eps)


def _inverse_deviation(variance: Array, eps: float) -> Array:
    return lax.rsqrt(variance + jnp.asarray(eps, variance.dtype))


def _affine(y: Array, weight: Array | None, bias: Array | None) -> Array:
    if weight is not None:
        y = y * jnp.broadcast_to(weight, y.shape)
    return y if bias is None else y + jnp.broadcast_to(bias, y.shape)
