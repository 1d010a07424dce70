"""Initial values of weights under `torch.nn.init`'s names, and those that PyTorch's layers start with.

The arithmetic is that of `torch.nn.init`, in its order. Each function takes the shape of a tensor instead of the
tensor and returns a NumPy array. Drawn numbers agree with PyTorch's as the table in `jaxtut.torch_random` says: bit
for bit for everything uniform (on x86 with AVX2), so for `linear` and `conv`.
"""

import math
import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import DTypeLike

from jaxtut import torch_random
from jaxtut.torch_random import Generator, Real, Shape

Array = Float[np.ndarray, "..."]


def calculate_gain(nonlinearity: str, param: Real | None = None) -> float:
    """Return the factor that keeps the variance of a signal through a nonlinearity.

    1 for "linear", "sigmoid" and the convolutions ("conv1d" … "conv_transpose3d"), 5/3 for "tanh", √2 for "relu",
    3/4 for "selu" and √(2 / (1 + param²)) for "leaky_relu", whose slope `param` is (None: 0.01). The others do not look
    at `param`.

    Raises: `ValueError` for another name, or a slope that is no number.

    Example:
        >>> calculate_gain("leaky_relu", 1.0)
        1.0

    PyTorch's counterpart: `torch.nn.init.calculate_gain`.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"calculate_gain: param must be a number, but {param!r} was given")
        return math.sqrt(2.0 / (1 + slope**2))
    convolutions = {f"conv{transposed}{n}d" for transposed in ("", "_transpose") for n in (1, 2, 3)}
    gains = dict.fromkeys(convolutions | {"linear", "sigmoid"}, 1.0)
    gains |= {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}
    if nonlinearity not in gains:
        known = ", ".join(sorted([*gains, "leaky_relu"]))
        raise ValueError(f"calculate_gain: nonlinearity must be one of {known}, but {nonlinearity!r} was given")
    return gains[nonlinearity]


def uniform(
    shape: Shape, a: Real = 0.0, b: Real = 1.0, generator: Generator | None = None, dtype: DTypeLike = "float32"
) -> Array:
    """Draw from the uniform distribution on [a, b); `torch.nn.init.uniform_`."""
    return torch_random.uniform(a, b, shape, generator=generator, dtype=dtype)


def normal(
    shape: Shape, mean: Real = 0.0, std: Real = 1.0, generator: Generator | None = None, dtype: DTypeLike = "float32"
) -> Array:
    """Draw from the normal distribution; `torch.nn.init.normal_`."""
    return torch_random.normal(mean, std, shape, generator=generator, dtype=dtype)


def constant(shape: Shape, val: Real, generator: Generator | None = None, dtype: DTypeLike = "float32") -> Array:
    """Fill with `val`; `torch.nn.init.constant_`. Nothing is drawn: `generator` makes initializers exchangeable."""
    return np.full(shape, val, np.dtype(dtype))


def zeros(shape: Shape, generator: Generator | None = None, dtype: DTypeLike = "float32") -> Array:
    """Fill with 0; `torch.nn.init.zeros_`. Nothing is drawn."""
    return constant(shape, 0.0, generator, dtype)


def ones(shape: Shape, generator: Generator | None = None, dtype: DTypeLike = "float32") -> Array:
    """Fill with 1; `torch.nn.init.ones_`. Nothing is drawn."""
    return constant(shape, 1.0, generator, dtype)


def xavier_uniform(
    shape: Shape, gain: Real = 1.0, generator: Generator | None = None, dtype: DTypeLike = "float32"
) -> Array:
    """Draw from [-a, a) with `a = gain * √(6 / (fan_in + fan_out))` (Glorot and Bengio 2010).

    fan_in is the product of all sizes of `shape` but the first, fan_out of all but the second. Raises `ValueError`
    where shape has fewer than two sizes. PyTorch's counterpart: `torch.nn.init.xavier_uniform_`.
    """
    a = math.sqrt(3.0) * _xavier_std("xavier_uniform", shape, gain)
    return uniform(shape, -a, a, generator, dtype)


def xavier_normal(
    shape: Shape, gain: Real = 1.0, generator: Generator | None = None, dtype: DTypeLike = "float32"
) -> Array:
    """Draw normal numbers with `std = gain * √(2 / (fan_in + fan_out))`, fans as in `xavier_uniform`.

    PyTorch's counterpart: `torch.nn.init.xavier_normal_`.
    """
    return normal(shape, 0.0, _xavier_std("xavier_normal", shape, gain), generator, dtype)


def kaiming_uniform(
    shape: Shape,
    a: Real = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
    dtype: DTypeLike = "float32",
) -> Array:
    """Draw from [-bound, bound) with `bound = √3 * gain / √fan` (He et al. 2015).

    Args:
        shape: of the result, two sizes or more.
        a: the slope of the leaky ReLU that follows; used for that nonlinearity only.
        mode: "fan_in" (the product of all sizes but the first) or "fan_out" (of all but the second).
        nonlinearity: as in `calculate_gain`.
        generator: None: the default generator.
        dtype: float32 or float64; the two draw different numbers.

    A shape without elements gives a warning, as in PyTorch, and draws nothing.

    Raises: `ValueError` where shape has fewer than two sizes, or mode or nonlinearity is unknown.

    Example:
        >>> weight = kaiming_uniform((2, 3), nonlinearity="relu", generator=Generator(0))
        >>> bool((abs(weight) <= 2**0.5).all())
        True

    PyTorch's counterpart: `torch.nn.init.kaiming_uniform_`.
    """
    if _is_empty("kaiming_uniform", shape):
        return np.empty(shape, np.dtype(dtype))
    bound = math.sqrt(3.0) * _kaiming_std("kaiming_uniform", shape, a, mode, nonlinearity)
    return uniform(shape, -bound, bound, generator, dtype)


def kaiming_normal(
    shape: Shape,
    a: Real = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
    dtype: DTypeLike = "float32",
) -> Array:
    """Draw normal numbers with `std = gain / √fan`; otherwise as `kaiming_uniform`; `torch.nn.init.kaiming_normal_`."""
    if _is_empty("kaiming_normal", shape):
        return np.empty(shape, np.dtype(dtype))
    return normal(shape, 0.0, _kaiming_std("kaiming_normal", shape, a, mode, nonlinearity), generator, dtype)


def orthogonal(
    shape: Shape, gain: Real = 1.0, generator: Generator | None = None, dtype: DTypeLike = "float32"
) -> Array:
    """Return `gain` times a random matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2013).

    Sizes after the first are taken together. It is the Q of a QR factorisation of normal numbers, with the signs that
    make the diagonal of R positive; equal to PyTorch's to rounding, since the factorisation is another library's.

    Raises: `ValueError` where shape has fewer than two sizes. PyTorch's counterpart: `torch.nn.init.orthogonal_`.
    """
    sizes = _sizes("orthogonal", shape)
    rows, columns = sizes[0], math.prod(sizes[1:])
    if rows * columns == 0:
        return np.empty(sizes, np.dtype(dtype))
    drawn = normal((rows, columns), 0.0, 1.0, generator, dtype)
    q, r = np.linalg.qr(drawn.T if rows < columns else drawn)
    q = q * np.sign(np.diag(r))
    return np.ascontiguousarray(q.T if rows < columns else q).reshape(sizes) * drawn.dtype.type(gain)


def trunc_normal(
    shape: Shape,
    mean: Real = 0.0,
    std: Real = 1.0,
    a: Real = -2.0,
    b: Real = 2.0,
    generator: Generator | None = None,
    dtype: DTypeLike = "float32",
) -> Array:
    """Draw normal numbers until each lies in [a, b].

    While some do not, a whole array is drawn again and fills their places. Where fewer than 0.3 of normal numbers
    would do, candidates are drawn from the uniform distribution on [a, b) and accepted with the probability of the
    normal density there over its maximum in [a, b].

    The mean more than two std outside [a, b] gives a warning, as in PyTorch.

    Raises: `ValueError` where std is not above 0 (`ZeroDivisionError` or `RuntimeError` in PyTorch), or `a > b`.

    PyTorch's counterpart: `torch.nn.init.trunc_normal_` as of torch 2.13; earlier ones may invert the distribution
    function instead.
    """
    if not std > 0:
        raise ValueError(f"trunc_normal: std must be above 0, but {std} was given")
    if a > b:
        raise ValueError(f"trunc_normal: a must not be above b, but a={a} and b={b} were given")
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn("trunc_normal: mean is more than 2 std from [a, b], and the result may be wrong", stacklevel=2)
    share = _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std)
    if share > 0.3:
        return _truncate_by_normal(shape, mean, std, a, b, generator, dtype)
    return _truncate_by_uniform(shape, mean, std, a, b, generator, dtype)


def linear(
    in_features: int,
    out_features: int,
    bias: bool = True,
    generator: Generator | None = None,
    dtype: DTypeLike = "float32",
) -> tuple[Float[np.ndarray, "out_features in_features"], Float[np.ndarray, "out_features"] | None]:
    """Return the weight and the bias that `torch.nn.Linear(in_features, out_features)` starts with, bit for bit.

    Both are uniform on [-1/√in_features, 1/√in_features), the weight drawn first. Without bias the second is None.

    Example: the same numbers as after `torch.manual_seed(0)`.
        >>> weight, bias = linear(3, 1, generator=Generator(0))
        >>> weight
        array([[-0.00432252,  0.30971584, -0.47518533]], dtype=float32)
        >>> bias
        array([-0.4248946], dtype=float32)
    """
    return _weight_and_bias((out_features, in_features), bias, generator, dtype)


def conv(
    in_channels: int,
    out_channels: int,
    kernel_size: Sequence[int],
    groups: int = 1,
    bias: bool = True,
    generator: Generator | None = None,
    dtype: DTypeLike = "float32",
) -> tuple[Float[np.ndarray, "out_channels channels *kernel"], Float[np.ndarray, "out_channels"] | None]:
    """Return the weight and the bias that `torch.nn.Conv1d`, `Conv2d` or `Conv3d` starts with, bit for bit.

    The number of kernel sizes says which. Both are uniform on [-1/√fan_in, 1/√fan_in), where fan_in is `in_channels /
    groups` times the kernel sizes, the weight drawn first. Without bias the second is None.

    Raises: `ValueError` where groups does not divide both numbers of channels.
    """
    if groups < 1 or in_channels % groups or out_channels % groups:
        channels = f"in_channels={in_channels} and out_channels={out_channels}"
        raise ValueError(
            f"conv: groups must divide both numbers of channels, but groups={groups}, {channels} were given"
        )
    if isinstance(kernel_size, int):
        raise TypeError(f"conv: kernel_size must be a tuple of ints, one a dimension, but {kernel_size!r} was given")
    return _weight_and_bias((out_channels, in_channels // groups, *kernel_size), bias, generator, dtype)


def embedding(
    num: int,
    dim: int,
    padding_idx: int | None = None,
    generator: Generator | None = None,
    dtype: DTypeLike = "float32",
) -> Float[np.ndarray, "num dim"]:
    """Return the weight that `torch.nn.Embedding(num, dim, padding_idx)` starts with: standard normal numbers.

    Row `padding_idx`, if given, is 0.

    Raises: `ValueError` where padding_idx is outside [-num, num).
    """
    if padding_idx is not None and not -num <= padding_idx < num:
        raise ValueError(f"embedding: padding_idx must be in [{-num}, {num}), but {padding_idx} was given")
    weight = normal((num, dim), 0.0, 1.0, generator, dtype)
    if padding_idx is not None:
        weight[padding_idx] = 0
    return weight


def _weight_and_bias(
    shape: tuple[int, ...], bias: bool, generator: Generator | None, dtype: DTypeLike
) -> tuple[Array, Array | None]:
    weight = kaiming_uniform(shape, a=math.sqrt(5), generator=generator, dtype=dtype)
    if not bias:
        return weight, None
    fan_in = math.prod(shape[1:])
    bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
    return weight, uniform(shape[0], -bound, bound, generator, dtype)


def _sizes(caller: str, shape: Shape) -> tuple[int, ...]:
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if len(sizes) < 2:
        raise ValueError(f"{caller}: shape must have two sizes or more, but {shape} was given")
    return sizes


def _fans(caller: str, shape: Shape) -> tuple[int, int]:
    sizes = _sizes(caller, shape)
    return math.prod(sizes[1:]), sizes[0] * math.prod(sizes[2:])


def _is_empty(caller: str, shape: Shape) -> bool:
    empty = 0 in ((shape,) if isinstance(shape, int) else tuple(shape))
    if empty:
        warnings.warn(f"{caller}: shape {shape} has no elements, and nothing is drawn", stacklevel=3)
    return empty


def _xavier_std(caller: str, shape: Shape, gain: Real) -> float:
    # In PyTorch's order of operations, here and below: another order would move the last bit.
    return gain * math.sqrt(2.0 / float(sum(_fans(caller, shape))))


def _kaiming_std(caller: str, shape: Shape, a: Real, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f'{caller}: mode must be "fan_in" or "fan_out", but {mode!r} was given')
    fan = _fans(caller, shape)[0 if mode == "fan_in" else 1]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _normal_cdf(x: float) -> float:
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def _truncate_by_normal(
    shape: Shape, mean: Real, std: Real, a: Real, b: Real, generator: Generator | None, dtype: DTypeLike
) -> Array:
    result = normal(shape, mean, std, generator, dtype)
    low, high = result.dtype.type(a), result.dtype.type(b)
    while (outside := (result < low) | (result > high)).any():
        result = np.where(outside, normal(shape, mean, std, generator, dtype), result)
    return result


def _truncate_by_uniform(
    shape: Shape, mean: Real, std: Real, a: Real, b: Real, generator: Generator | None, dtype: DTypeLike
) -> Array:
    result = uniform(shape, a, b, generator, dtype)
    number = result.dtype.type
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    candidates, pending = result, np.ones(result.shape, bool)
    while True:
        log_density = ((candidates - number(mean)) / number(std)) ** 2 * number(-0.5) - number(peak)
        with np.errstate(divide="ignore"):  # log 0 is -inf: accepted
            pending &= np.log(uniform(shape, 0.0, 1.0, generator, dtype)) > log_density
        if not pending.any():
            return result
        candidates = uniform(shape, a, b, generator, dtype)
        result = np.where(pending, candidates, result)
