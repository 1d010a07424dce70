"""Floating-point arithmetic with the roundings of PyTorch's CPU kernels: fused multiply-add, logarithm, sine and cosine."""

import math
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

BLOCK = 16  # PyTorch makes normal numbers in blocks: eight radii, then eight angles


def fused_multiply_add(a: NDArray[Any], b: Any, c: Any) -> Float[np.ndarray, "..."]:
    """a * b + c with one rounding, in the dtype of `a`."""
    if a.dtype == np.float64:
        return _fused_double(a, b, c)
    product = a.astype(np.float64)
    product *= b  # exact: 24 bits by 24 bits
    total = product + c
    half_way = (total.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    if half_way.any():  # half-way between two float32 numbers: where the sum too was rounded, what it lost decides
        near = total[half_way]
        lost = _two_sum(product[half_way], np.broadcast_to(np.asarray(c, np.float64), total.shape)[half_way])[1]
        total[half_way] = np.where(lost == 0, near, np.nextafter(near, np.copysign(np.inf, lost)))
    return total.astype(np.float32)


def _fused_double(a: NDArray[Any], b: float, c: float) -> Float[np.ndarray, "..."]:
    """a * b + c rounded once: sums and products with their errors, one rounding to odd (Boldo and Melquiond 2008)."""
    if not (math.isfinite(b) and math.isfinite(c)):
        return a * b + c
    if abs(b) > 2.0**900:  # the splitting below would overflow
        return _fused_double(a, b * 2.0**-200, c * 2.0**-200) * 2.0**200
    product = a * b
    a_high, b_high = (x * 134217729.0 - (x * 134217729.0 - x) for x in (a, b))  # the upper 26 bits (Dekker 1971)
    a_low, b_low = a - a_high, b - b_high
    product_error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    upper, lower = _two_sum(product_error, c)
    total, error = _two_sum(product, upper)
    rest, lost = _two_sum(lower, error)
    bits = rest.view(np.int64)
    even = (lost != 0) & (bits & 1 == 0)
    return total + np.where(even, bits + np.where((lost > 0) == (rest > 0), 1, -1), bits).view(np.float64)


def _two_sum(a: NDArray[Any], b: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """a + b, and what its rounding lost (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def normal_blocks(u: NDArray[Any], mean: Any, std: Any) -> Float[np.ndarray, "n"]:
    """Normal numbers from uniform ones, in blocks of eight radii and eight angles."""
    blocks = u.reshape(-1, 2, BLOCK // 2)
    logarithm, sine_cosine = (_log, _sin_cos) if u.dtype == np.float32 else (np.log, lambda x: (np.sin(x), np.cos(x)))
    radius = np.sqrt(u.dtype.type(-2) * logarithm(1 - blocks[:, 0]))
    sine, cosine = sine_cosine(u.dtype.type(2 * np.pi) * blocks[:, 1])
    return fused_multiply_add(np.stack([radius * cosine, radius * sine], axis=1).reshape(-1), std, mean)


# log, sin and cos in float32 as the Cephes library has them (Moshier 1989), with the roundings of PyTorch's AVX2
# kernel: a fused multiply-add where its compiler puts one. NumPy's own functions are as accurate, but differ from it
# by up to 4 ulp in one of seven numbers.
_LOG = np.array(
    [
        *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
        *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
    ],
    np.float32,
)
_LOG_2 = np.array([-2.12194440e-4, 0.693359375], np.float32)  # ln 2 in two parts, the second of few bits
_SINE = np.array([-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1], np.float32)
_COSINE = np.array([2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2], np.float32)
_QUARTER_PI = np.array([0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8], np.float32)  # in three parts


def _polynomial(coefficients: NDArray[Any], x: NDArray[Any]) -> Float[np.ndarray, "..."]:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = fused_multiply_add(value, x, coefficient)
    return value


def _log(x: NDArray[Any]) -> Float[np.ndarray, "..."]:
    mantissa, exponent = np.frexp(x)
    low = mantissa < np.float32(math.sqrt(0.5))
    mantissa = mantissa * (low + np.float32(1)) - np.float32(1)
    exponent = (exponent - low).astype(np.float32)
    square = mantissa * mantissa
    tail = fused_multiply_add(_polynomial(_LOG, mantissa) * mantissa, square, exponent * _LOG_2[0])
    return (mantissa + (tail - square * np.float32(0.5))) + exponent * _LOG_2[1]


def _sin_cos(x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    octant = ((x * np.float32(4 / np.pi)).astype(np.int32) + 1) & ~1
    turns = octant.astype(np.float32)
    x = x - turns * _QUARTER_PI[0] - turns * _QUARTER_PI[1]  # these two products are exact
    x = fused_multiply_add(turns, -_QUARTER_PI[2], x)
    square = x * x
    cosine = _polynomial(_COSINE, square) * square
    cosine = fused_multiply_add(cosine, square, square * np.float32(-0.5)) + np.float32(1)
    sine = fused_multiply_add(_polynomial(_SINE, square) * square, x, x)
    # In every second quarter turn the two change places, in every second half turn their signs: exclusive or on the
    # bits, without branches.
    sine_bits, cosine_bits = sine.view(np.int32), cosine.view(np.int32)
    exchange = (sine_bits ^ cosine_bits) & -((octant >> 1) & 1)
    sine_bits ^= exchange ^ ((octant & 4) << 29)
    cosine_bits ^= exchange ^ (((octant + 2) & 4) << 29)
    return sine, cosine
