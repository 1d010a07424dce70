"""Calls of distances between vectors, and of the lookup of vectors in a table."""

import numpy as np

from ..drawing import Draw
from .call import Call, Calls

ORDERS = (2.0, 1.0, float("inf"), 0.0, 3.0, 1.5, 0.5)
PROFILES = ("normal", "integers", "zeros", "ties", "scaled")


def cdist(draw: Draw) -> Call:
    """Draw two sets of vectors, equal ones among them."""
    a, b = draw.choice((((3, 4), (5, 4)), ((2, 3, 4), (1, 2, 4)), ((1, 1), (3, 1)), ((2, 3, 4), (5, 4))))
    x, y = draw.array(a, PROFILES, least=1e-3, most=1e3), draw.array(b, PROFILES, least=1e-3, most=1e3)
    return Call((x, y.astype(x.dtype), draw.choice(ORDERS)))


def pdist(draw: Draw) -> Call:
    """Draw a set of vectors."""
    shape = draw.choice(((4, 3), (2, 5), (3, 1), (1, 3)))
    return Call((draw.array(shape, PROFILES, least=1e-3, most=1e3), draw.choice(ORDERS)))


def pairwise_distance(draw: Draw) -> Call:
    """Draw vectors and their counterparts, which broadcast."""
    a, b = draw.choice((((3, 4), (3, 4)), ((3, 4), (4,)), ((4,), (3, 4)), ((5,), (5,)), ((2, 3, 4), (1, 3, 4))))
    arrays = (draw.array(shape, PROFILES, least=1e-3, most=1e3) for shape in (a, b))
    return Call((*arrays, draw.choice(ORDERS), draw.choice((1e-6, 0.0)), draw.choice((False, True))))


def cosine_similarity(draw: Draw) -> Call:
    """Draw vectors and others, the zero vector among them."""
    a, b, dim = draw.choice((((3, 4), (3, 4), 1), ((3, 4), (4,), -1), ((2, 3, 4), (1, 3, 4), 1), ((5,), (5,), 0)))
    arrays = (draw.array(shape, PROFILES, least=1e-3, most=1e3) for shape in (a, b))
    return Call((*arrays, dim, draw.choice((1e-8, 0.5))))


def embedding(draw: Draw) -> Call:
    """Draw row numbers and a table, and which row learns nothing."""
    rows: np.ndarray = draw.labels(draw.choice(((5,), (2, 3), ())), 4)
    options = {"padding_idx": draw.choice((None, 0, -1, 2)), "scale_grad_by_freq": draw.choice((False, True))}
    return Call((rows, draw.array((4, 3), most=1e4)), options=options)


CALLS: dict[str, Calls] = {
    "cdist": cdist,
    "pdist": pdist,
    "pairwise_distance": pairwise_distance,
    "cosine_similarity": cosine_similarity,
    "embedding": embedding,
}
