"""Functions of one number and their slopes, of a vector of numbers at a time."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .code import Code
from .exponential import exponential, exponential_less_one, logarithm_of_one_more


class Function(NamedTuple):
    """Value and slope; each takes the code, a vector and the parameters."""

    value: Callable[[Code, Any, Sequence[float]], Any]
    slope: Callable[[Code, Any, Sequence[float]], Any]


class _Sigmoid:
    """σ(x) and σ(−x), of one exponential: e = e^−|x|, 1 / (1 + e) and e / (1 + e)."""

    def __init__(self, code: Code, x: Any) -> None:
        builder, width = code.builder, x.type.count
        one = code.constant(1.0, width)
        e = exponential(code, builder.fneg(code.absolute(x)))
        large = builder.fdiv(one, builder.fadd(one, e))
        small = builder.fmul(e, large)
        is_negative = builder.fcmp_ordered("<", x, code.zeros(width))
        self.here = builder.select(is_negative, small, large)
        self.opposite = builder.select(is_negative, large, small)
        self.product = builder.fmul(small, large)


def _sigmoid(code: Code, x: Any, _: Sequence[float]) -> Any:
    return _Sigmoid(code, x).here


def _slope_of_sigmoid(code: Code, x: Any, _: Sequence[float]) -> Any:
    return _Sigmoid(code, x).product


def _silu(code: Code, x: Any, _: Sequence[float]) -> Any:
    return code.builder.fmul(x, _Sigmoid(code, x).here)


def _slope_of_silu(code: Code, x: Any, _: Sequence[float]) -> Any:
    """σ(x) · (1 + x · σ(−x))."""
    sigmoid = _Sigmoid(code, x)
    rise = code.multiply_add(x, sigmoid.opposite, code.constant(1.0, x.type.count))
    return code.builder.fmul(sigmoid.here, rise)


def _logsigmoid(code: Code, x: Any, _: Sequence[float]) -> Any:
    """min(x, 0) − log(1 + e^−|x|)."""
    zeros = code.zeros(x.type.count)
    least = code.builder.select(code.builder.fcmp_ordered(">", x, zeros), zeros, x)
    return code.builder.fsub(least, _log_of_sum(code, x))


def _slope_of_logsigmoid(code: Code, x: Any, _: Sequence[float]) -> Any:
    return _Sigmoid(code, x).opposite


def _log_of_sum(code: Code, x: Any) -> Any:
    """Return log(1 + e^−|x|)."""
    return logarithm_of_one_more(code, exponential(code, code.builder.fneg(code.absolute(x))))


def _softplus(code: Code, x: Any, parameters: Sequence[float]) -> Any:
    """Of beta, which is positive, and threshold: (max(s, 0) + log(1 + e^−|s|)) / beta with s = beta · x; x where s > threshold."""
    builder, width, beta = code.builder, x.type.count, parameters[0]
    scaled = builder.fmul(x, code.constant(beta, width))
    bend = builder.fadd(code.larger(code.zeros(width), scaled), _log_of_sum(code, scaled))
    return builder.select(_is_beyond(code, scaled, parameters), x, builder.fdiv(bend, code.constant(beta, width)))


def _slope_of_softplus(code: Code, x: Any, parameters: Sequence[float]) -> Any:
    scaled = code.builder.fmul(x, code.constant(parameters[0], x.type.count))
    one = code.constant(1.0, x.type.count)
    return code.builder.select(_is_beyond(code, scaled, parameters), one, _Sigmoid(code, scaled).here)


def _is_beyond(code: Code, scaled: Any, parameters: Sequence[float]) -> Any:
    return code.builder.fcmp_ordered(">", scaled, code.constant(parameters[1], scaled.type.count))


def _exponential_unit(code: Code, x: Any, parameters: Sequence[float]) -> Any:
    """Of left, scale and rate, which is positive, and of two more for the slope: scale · x, or left · (e^(rate · x) − 1) where x ≤ 0."""
    left, scale, rate = (code.constant(p, x.type.count) for p in parameters[:3])
    is_left, x_there = _left(code, x)
    bend = code.builder.fmul(left, exponential_less_one(code, code.builder.fmul(x_there, rate)))
    return code.builder.select(is_left, bend, code.builder.fmul(scale, x))


def _slope_of_exponential_unit(code: Code, x: Any, parameters: Sequence[float]) -> Any:
    scale, left, rate = (code.constant(parameters[i], x.type.count) for i in (1, 3, 4))
    is_left, x_there = _left(code, x)
    return code.builder.select(
        is_left, code.builder.fmul(left, exponential(code, code.builder.fmul(x_there, rate))), scale
    )


def _left(code: Code, x: Any) -> tuple[Any, Any]:
    """Return where x ≤ 0, and x there and 0 elsewhere."""
    zeros = code.zeros(x.type.count)
    is_left = code.builder.fcmp_ordered("<=", x, zeros)
    return is_left, code.builder.select(is_left, x, zeros)


class _Normal:
    """Φ(x) and φ(x) · √(2π), of a scale and the coefficients of a polynomial: Φ(−|x|) = e^(−x²/2) · p(1 / (1 + scale · |x|))."""

    def __init__(self, code: Code, x: Any, parameters: Sequence[float]) -> None:
        builder, width = code.builder, x.type.count
        scale, *coefficients = parameters
        one = code.constant(1.0, width)
        self.bell = exponential(code, builder.fmul(builder.fmul(x, x), code.constant(-0.5, width)))
        t = builder.fdiv(one, code.multiply_add(code.absolute(x), code.constant(scale, width), one))
        tail = builder.fmul(self.bell, code.polynomial(t, coefficients))
        is_negative = builder.fcmp_ordered("<", x, code.zeros(width))
        self.probability = builder.select(is_negative, tail, builder.fsub(one, tail))


def _gelu(code: Code, x: Any, parameters: Sequence[float]) -> Any:
    return code.builder.fmul(x, _Normal(code, x, parameters).probability)


def _slope_of_gelu(code: Code, x: Any, parameters: Sequence[float]) -> Any:
    """Φ(x) + x · φ(x)."""
    normal = _Normal(code, x, parameters)
    density = code.builder.fmul(normal.bell, code.constant(1 / math.sqrt(2 * math.pi), x.type.count))
    return code.multiply_add(x, density, normal.probability)


FUNCTIONS = {
    "gelu": Function(_gelu, _slope_of_gelu),
    "sigmoid": Function(_sigmoid, _slope_of_sigmoid),
    "silu": Function(_silu, _slope_of_silu),
    "logsigmoid": Function(_logsigmoid, _slope_of_logsigmoid),
    "softplus": Function(_softplus, _slope_of_softplus),
    "exponential_unit": Function(_exponential_unit, _slope_of_exponential_unit),
}
