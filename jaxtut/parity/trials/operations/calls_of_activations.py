"""Calls of the activation functions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..drawing import PROFILES, Draw
from .call import Call, Calls

SHAPES = ((7,), (3, 5), (), (0,), (2, 3, 5), (1, 1))
# Kinks of one or the other of them, and their neighbours.
KINKS = np.array([0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0, 20.0, 0.25, 2.0])
LARGEST = 1e4


def numbers(draw: Draw, shape: tuple[int, ...]) -> np.ndarray:
    """Draw an array, half of the time with kinks among its numbers."""
    return draw.sprinkled(draw.array(shape, PROFILES, 1e-20, LARGEST), KINKS)


def elementwise(**options: Callable[[Draw], Any]) -> Calls:
    """Return calls on one array; each option is drawn, and left out now and then."""

    def calls(draw: Draw) -> Call:
        chosen = {name: option(draw) for name, option in options.items() if draw.integer(0, 3)}
        return Call((numbers(draw, draw.choice(SHAPES)),), options=chosen)

    return calls


def one_of(*values: Any) -> Callable[[Draw], Any]:
    """Return an option that is one of these values."""
    return lambda draw: draw.choice(values)


def hardtanh(draw: Draw) -> Call:
    """Draw hardtanh with both bounds, which may be the same."""
    low, high = draw.choice(((-1.0, 1.0), (0.0, 0.5), (1.0, 1.0), (-3, 6), (-0.5, 20.0)))
    return Call((numbers(draw, draw.choice(SHAPES)), low, high))


def threshold(draw: Draw) -> Call:
    """Draw threshold, whose two numbers have no default."""
    limit, value = draw.choice(((0.0, 0.0), (1.0, -7.0), (-0.5, 20.0), (0.25, 3)))
    return Call((numbers(draw, draw.choice(SHAPES)), limit, value))


def prelu(draw: Draw) -> Call:
    """Draw prelu with one weight, or one for each channel."""
    shape = draw.choice(SHAPES)
    each = (shape[1],) if len(shape) > 1 and draw.choice((True, False)) else draw.choice(((1,), ()))
    weight = draw.array(each, ("normal", "integers"), 1e-3, 10)
    return Call((numbers(draw, shape).astype("float32"), weight.astype("float32")))


def glu(draw: Draw) -> Call:
    """Draw glu along any dimension of even size."""
    shape, dim = draw.choice((((4,), 0), ((3, 6), -1), ((2, 3, 5), 0), ((3, 4, 2), -2), ((0, 2), 1)))
    return Call((numbers(draw, shape),), options={"dim": dim} if dim != -1 or draw.choice((True, False)) else {})


def along(draw: Draw) -> Call:
    """Draw a softmax or its kin along any dimension."""
    shape, dim = draw.choice((((7,), 0), ((3, 5), 1), ((3, 5), -2), ((2, 3, 5), 1), ((), -1), ((1, 1), 0), ((0, 3), 1)))
    return Call((numbers(draw, shape), dim))


CALLS: dict[str, Calls] = {
    "threshold": threshold,
    "relu": elementwise(),
    "relu6": elementwise(),
    "hardtanh": hardtanh,
    "hardswish": elementwise(),
    "hardsigmoid": elementwise(),
    "elu": elementwise(alpha=one_of(1.0, 0.3, 2, -0.5, 0.0)),
    "selu": elementwise(),
    "celu": elementwise(alpha=one_of(1.0, 0.3, 2)),
    "leaky_relu": elementwise(negative_slope=one_of(0.01, 0.0, 0.3, -0.5, 2)),
    "prelu": prelu,
    "rrelu": elementwise(lower=one_of(0.125, 0.0), upper=one_of(0.5, 0.25)),
    "glu": glu,
    "gelu": elementwise(approximate=one_of("none", "tanh")),
    "logsigmoid": elementwise(),
    "hardshrink": elementwise(lambd=one_of(0.5, 0.0, 1, 3.0)),
    "softshrink": elementwise(lambd=one_of(0.5, 0.0, 1, 3.0)),
    "tanhshrink": elementwise(),
    "softsign": elementwise(),
    "softplus": elementwise(beta=one_of(1, 0.5, 3.0), threshold=one_of(20, 5.0, 1)),
    "softmin": along,
    "softmax": along,
    "log_softmax": along,
    "tanh": elementwise(),
    "sigmoid": elementwise(),
    "silu": elementwise(),
    "mish": elementwise(),
}
