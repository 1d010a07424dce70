"""The exponential function of a vector of numbers that are at most 0."""

import math
from typing import Any, NamedTuple

from llvmlite import ir

from .code import Code


class _Format(NamedTuple):
    """A floating type.

    Attributes:
        fraction: bits of the fraction.
        bias: of the exponent.
        terms: of the series, which there are digits for.
        near: a number next to ln 2 with so few bits that its products with whole exponents are exact.
        rest: that number less ln 2.
    """

    fraction: int
    bias: int
    terms: int
    near: float
    rest: float


_FORMATS = {
    4: _Format(23, 127, 8, 710 / 2**10, 2.1219444005469057e-4),
    8: _Format(52, 1023, 14, 2977044472 / 2**32, 4.2009150726810843e-11),
}


def exponential(code: Code, x: Any) -> Any:
    """Return e^x for x ≤ 0: 0 where that is below 2^−126.5 (in float64 2^−1022.5), NaN at NaN.

    e^x = 2^k · e^r with k the whole number next to x / ln 2, and e^r by its series, |r| ≤ ln 2 / 2.
    """
    width, kind, builder = x.type.count, _FORMATS[code.bytes], code.builder

    def constant(value: float) -> Any:
        return code.constant(value, width)

    # Here and below, 2^k is 0.
    x = code.larger(constant(-kind.bias * math.log(2)), x)
    # A number so large that its last bit is worth 1: what is added to it is rounded to a whole number, which its last bits hold.
    round_up = 1.5 * 2.0**kind.fraction
    shifted = code.multiply_add(x, constant(1 / math.log(2)), constant(round_up))
    k = builder.fsub(shifted, constant(round_up))
    r = code.multiply_add(k, constant(-kind.near), x)
    r = code.multiply_add(k, constant(kind.rest), r)
    power = constant(1 / math.factorial(kind.terms - 1))
    for i in reversed(range(kind.terms - 1)):
        power = code.multiply_add(power, r, constant(1 / math.factorial(i)))
    whole = ir.VectorType(ir.IntType(8 * code.bytes), width)
    bits = builder.add(builder.bitcast(shifted, whole), ir.Constant(whole, [kind.bias] * width))
    scale = builder.shl(bits, ir.Constant(whole, [kind.fraction] * width))
    return builder.fmul(power, builder.bitcast(scale, code.vector(width)))
