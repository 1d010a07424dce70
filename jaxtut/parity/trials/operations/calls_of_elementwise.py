"""Calls of elementwise functions of one array, of two, and of an array and numbers."""

import numpy as np

from ..drawing import Draw
from .call import Call, Calls

SHAPES = ((7,), (3, 5), (), (0,), (2, 3, 4))
# Shapes that broadcast.
TWO = (((7,), (7,)), ((3, 5), (5,)), ((3, 1), (1, 5)), ((), (4,)), ((0,), (1,)), ((2, 3, 4), (3, 1)))


def one(draw: Draw) -> Call:
    """Draw an array."""
    return Call((draw.array(draw.choice(SHAPES), most=1e4),))


def two(draw: Draw) -> Call:
    """Draw two arrays, often with equal elements."""
    first, second = draw.choice(TWO)
    profiles = draw.choice((("integers",), ("zeros",), ("normal", "scaled", "spread", "ties")))
    return Call(tuple(draw.array(shape, profiles, least=1e-4, most=1e4) for shape in (first, second)))


def root(draw: Draw) -> Call:
    """Draw an array of numbers above 0; at 0 the slope is infinite, which the convention table has."""
    return Call((draw.array(draw.choice(SHAPES), most=1e4, domain=lambda x: np.asarray(np.abs(x) + 1e-3)),))


def pow(draw: Draw) -> Call:
    """Draw a base and an exponent, one of them perhaps a number."""

    def positive(x: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(x) + 0.1)

    first, second = draw.choice(TWO)
    kind = draw.integer(0, 3)
    if kind == 0:
        return Call((draw.array(first, least=1e-2, most=1e2), draw.choice((0, 1, 2, 3, 4))))
    if kind == 1:
        x = draw.array(first, least=1e-2, most=1e2, domain=positive)
        return Call((x, draw.choice((0.5, -0.5, -1, 1.5, -2, 2.5, 0.0))))
    e = draw.array(second, least=1e-2, most=4.0)
    if kind == 2:
        return Call((draw.choice((0.5, 2, 3.0, 1)), e))
    return Call((draw.array(first, least=1e-2, most=1e2, domain=positive), e))


def clamp(draw: Draw) -> Call:
    """Draw an array, often at its bounds, and bounds: numbers or arrays, one or both."""
    first, second = draw.choice(TWO)
    x = draw.array(first, ("integers", "normal", "ties"), most=1e4)
    bounds = draw.choice(((-1, 2), (-0.5, None), (None, 1.0), (2.0, -1.0), (0, 0)))
    if draw.integer(0, 1):
        return Call((x, *bounds))
    lower = draw.array(second, ("integers", "normal"), most=1e4)
    upper = draw.array(second, ("integers", "normal"), most=1e4)
    return draw.choice((Call((x, lower, upper)), Call((x, lower)), Call((x,), {"max": upper})))


def where(draw: Draw) -> Call:
    """Draw a condition, and arrays or a number."""
    first, second = draw.choice(TWO)
    mask = np.asarray(draw.mask(first))
    x, y = draw.array(first, most=1e4), draw.array(second, most=1e4)
    return draw.choice((Call((mask, x, y)), Call((mask, x, 0.5)), Call((mask, 2, y))))


def atan2(draw: Draw) -> Call:
    """Draw two arrays, zeros of both signs among them."""
    first, second = draw.choice(TWO)
    profiles = draw.choice((("zeros",), ("normal", "scaled", "integers")))
    return Call(tuple(draw.array(shape, profiles, least=1e-4, most=1e4) for shape in (first, second)))


def xlogy(draw: Draw) -> Call:
    """Draw a factor, zeros among them, and numbers to take the logarithm of; now and then one is no array."""
    first, second = draw.choice(TWO)
    x = draw.array(first, least=1e-4, most=1e4)
    y = draw.array(second, least=1e-4, most=1e4, domain=lambda y: np.asarray(np.abs(y) + 1e-4))
    return draw.choice((Call((x, y)), Call((x, 2.5)), Call((2, y))))


CALLS: dict[str, Calls] = {
    "maximum": two,
    "minimum": two,
    "clamp": clamp,
    "abs": one,
    "sqrt": root,
    "pow": pow,
    "where": where,
    "atan2": atan2,
    "hypot": two,
    "xlogy": xlogy,
}
