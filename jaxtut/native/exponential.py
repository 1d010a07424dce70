"""Of vectors: e^x and e^x − 1 of numbers that are at most 0, log(1 + u) of numbers from 0 to 1, and log x of numbers from 1 on."""

import math
from typing import Any, NamedTuple

from llvmlite import ir

from .code import Code


class _Format(NamedTuple):
    """A floating type.

    Attributes:
        fraction: bits of the fraction.
        bias: of the exponent.
        terms: of the exponential's series, which there are digits for.
        odd_terms: of the series of the inverse hyperbolic tangent for numbers up to 1/3.
        near: a number next to ln 2 with so few bits that its products with whole exponents are exact.
        rest: that number less ln 2.
        root_half: the bits of 1/√2.
    """

    fraction: int
    bias: int
    terms: int
    odd_terms: int
    near: float
    rest: float
    root_half: int


_FORMATS = {
    4: _Format(23, 127, 8, 8, 710 / 2**10, 2.1219444005469057e-4, 0x3F3504F3),
    8: _Format(52, 1023, 14, 17, 2977044472 / 2**32, 4.2009150726810843e-11, 0x3FE6A09E667F3BCD),
}


def exponential(code: Code, x: Any) -> Any:
    """Return e^x for x ≤ 0: 0 where that is below 2^−126.5 (in float64 2^−1022.5), NaN at NaN.

    e^x = 2^k · e^r with k the whole number next to x / ln 2, and e^r by its series, |r| ≤ ln 2 / 2.
    """
    r, scale = _reduced(code, x)
    return code.builder.fmul(code.polynomial(r, _series(code, 0)), scale)


def exponential_less_one(code: Code, x: Any) -> Any:
    """Return e^x − 1 for x ≤ 0, with all digits near 0, −0 at −0, NaN at NaN: 2^k · (e^r − 1) + (2^k − 1)."""
    builder, width = code.builder, x.type.count
    r, scale = _reduced(code, x)
    near = builder.fmul(r, code.polynomial(r, _series(code, 1)))
    less_one = code.multiply_add(scale, near, builder.fsub(scale, code.constant(1.0, width)))
    return builder.select(builder.fcmp_ordered("==", x, code.zeros(width)), x, less_one)


def logarithm_of_one_more(code: Code, u: Any) -> Any:
    """Return log(1 + u) for u from 0 to 1, with all digits where u / 2 is no subnormal number: 2 · artanh(s) with s = u / (2 + u), by its series."""
    return _of_difference(code, u, code.builder.fadd(u, code.constant(2.0, u.type.count)))


def logarithm(code: Code, x: Any) -> Any:
    """Return log x for 1 ≤ x < ∞; NaN at NaN: k · log 2 + log m with x = 2^k · m and 1/√2 ≤ m < √2."""
    width, kind, builder = x.type.count, _FORMATS[code.bytes], code.builder
    whole = ir.VectorType(ir.IntType(8 * code.bytes), width)

    def bits(value: int) -> Any:
        return ir.Constant(whole, [value] * width)

    # The bits of 1/√2 less, so that the exponent's bits are k.
    moved = builder.sub(builder.bitcast(x, whole), bits(kind.root_half))
    k = builder.ashr(moved, bits(kind.fraction))
    m = builder.bitcast(builder.sub(builder.bitcast(x, whole), builder.shl(k, bits(kind.fraction))), code.vector(width))
    one = code.constant(1.0, width)
    log_m = _of_difference(code, builder.fsub(m, one), builder.fadd(m, one))
    exponent = builder.sitofp(k, code.vector(width))
    rest = code.multiply_add(exponent, code.constant(-kind.rest, width), log_m)
    found = code.multiply_add(exponent, code.constant(kind.near, width), rest)
    return builder.select(builder.fcmp_unordered("uno", x, x), x, found)


def _of_difference(code: Code, difference: Any, total: Any) -> Any:
    """Return log(a / b), of a − b and a + b, where the first is at most a third of the second."""
    builder = code.builder
    s = builder.fdiv(difference, total)
    odd = [2 / (2 * i + 1) for i in range(_FORMATS[code.bytes].odd_terms)]
    return builder.fmul(s, code.polynomial(builder.fmul(s, s), odd))


def _series(code: Code, first: int) -> list[float]:
    return [1 / math.factorial(i) for i in range(first, _FORMATS[code.bytes].terms)]


def _reduced(code: Code, x: Any) -> tuple[Any, Any]:
    """Return r and 2^k."""
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
    whole = ir.VectorType(ir.IntType(8 * code.bytes), width)
    bits = builder.add(builder.bitcast(shifted, whole), ir.Constant(whole, [kind.bias] * width))
    scale = builder.shl(bits, ir.Constant(whole, [kind.fraction] * width))
    return r, builder.bitcast(scale, code.vector(width))
