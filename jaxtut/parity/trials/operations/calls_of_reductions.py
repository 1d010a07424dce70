"""Calls of functions along dimensions: extrema, orders, statistics, products and norms."""

from collections.abc import Sequence
from typing import Any

from ..drawing import PROFILES, Draw
from .call import Call, Calls

SHAPES = ((7,), (3, 5), (2, 3, 4), (1,), (4, 1), ())
# Which of equal elements `topk` returns is nobody's promise.
DISTINCT = ("normal", "scaled", "spread")
ORDERS = (2, 1, 0, float("inf"), -float("inf"), 3, 0.5, 1.5, -1, 2.5)


def _dim(draw: Draw, rank: int) -> int:
    return draw.integer(-max(rank, 1), max(rank, 1) - 1)


def _dims(draw: Draw, rank: int) -> Any:
    """Draw one dimension, or two as a tuple."""
    return (0, rank - 1) if rank > 1 and draw.integer(0, 2) == 0 else _dim(draw, rank)


def _array(draw: Draw, profiles: Sequence[str] = PROFILES, most: float = 1e4) -> Any:
    return draw.array(draw.choice(SHAPES), profiles, least=1e-4, most=most)


def whole_or_along(draw: Draw) -> Call:
    """Draw an array, and now and then a dimension."""
    x = _array(draw)
    if draw.integer(0, 2) == 0:
        return Call((x,))
    return Call((x,), options={"dim": _dim(draw, x.ndim), "keepdim": draw.choice((False, True))})


def one_or_two(draw: Draw) -> Call:
    """Draw an array with a dimension, or two arrays that broadcast, or an array alone."""
    if draw.integer(0, 3) == 0:
        return Call((draw.array((3, 5), most=1e4), draw.array(draw.choice(((3, 5), (5,), (3, 1), ())), most=1e4)))
    return whole_or_along(draw)


def over(draw: Draw) -> Call:
    """Draw an array and the dimensions to reduce."""
    x = _array(draw)
    dim = draw.choice(((), None)) if draw.integer(0, 3) == 0 else _dims(draw, x.ndim)
    return Call((x,), options={"dim": dim, "keepdim": draw.choice((False, True))})


def along(draw: Draw) -> Call:
    """Draw an array and a dimension."""
    x = _array(draw)
    return Call((x, _dim(draw, x.ndim)))


def sort(draw: Draw) -> Call:
    """Draw an array to sort; without `stable`, PyTorch orders equal elements as it likes."""
    x = _array(draw)
    options = {"dim": _dim(draw, x.ndim), "descending": draw.choice((False, True)), "stable": True}
    return Call((x,), options=options)


def topk(draw: Draw) -> Call:
    """Draw an array without equal elements, and a count."""
    x = _array(draw, DISTINCT)
    dim = _dim(draw, x.ndim)
    k = draw.integer(0, x.shape[dim]) if x.ndim else 1
    return Call((x, k), options={"dim": dim, "largest": draw.choice((True, False))})


def spread(draw: Draw) -> Call:
    """Draw an array, dimensions and a correction for `std` and `var`; where no degree of freedom is left, PyTorch warns."""
    x = draw.array(draw.choice(((7,), (3, 5), (2, 3, 4))), least=1e-4, most=1e4)
    options: dict[str, Any] = draw.choice(({}, {"unbiased": False}, {"correction": 0}, {"correction": 0.5}))
    if draw.integer(0, 2):
        options = options | {"dim": _dims(draw, x.ndim), "keepdim": draw.choice((False, True))}
    return Call((x,), options=options)


def logsumexp(draw: Draw) -> Call:
    """Draw scores and dimensions."""
    x = draw.array(draw.choice(SHAPES), most=1e3)
    return Call((x, _dims(draw, x.ndim), draw.choice((False, True))))


def prod(draw: Draw) -> Call:
    """Draw factors, zeros among them, and now and then a dimension."""
    x = draw.array(draw.choice(SHAPES), least=1e-2, most=1e2)
    return Call((x,)) if draw.integer(0, 2) == 0 else Call((x, _dim(draw, x.ndim), draw.choice((False, True))))


def cumprod(draw: Draw) -> Call:
    """Draw factors, zeros among them, and a dimension."""
    x = draw.array(draw.choice(SHAPES), least=1e-2, most=1e2)
    return Call((x, _dim(draw, x.ndim)))


def vector_norm(draw: Draw) -> Call:
    """Draw an array, an order and dimensions."""
    x = _array(draw, most=1e3)
    dim = None if draw.integer(0, 2) == 0 else _dims(draw, x.ndim)
    return Call((x, draw.choice(ORDERS), dim, draw.choice((False, True))))


def norm(draw: Draw) -> Call:
    """Draw an array, an order, 'fro' too, and dimensions."""
    x = _array(draw, most=1e3)
    dim = None if draw.integer(0, 2) == 0 else _dims(draw, x.ndim)
    return Call((x, draw.choice((*ORDERS, "fro", "fro")), dim, draw.choice((False, True))))


def normalize(draw: Draw) -> Call:
    """Draw vectors, the zero vector among them."""
    x = _array(draw, most=1e3)
    return Call((x, draw.choice((2.0, 1.0, float("inf"), 3.0)), _dim(draw, x.ndim), draw.choice((1e-12, 0.5))))


CALLS: dict[str, Calls] = {
    "max": one_or_two,
    "min": one_or_two,
    "amax": over,
    "amin": over,
    "sort": sort,
    "topk": topk,
    "median": whole_or_along,
    "cummax": along,
    "cummin": along,
    "std": spread,
    "var": spread,
    "logsumexp": logsumexp,
    "prod": prod,
    "cumprod": cumprod,
    "norm": norm,
    "vector_norm": vector_norm,
    "normalize": normalize,
}
