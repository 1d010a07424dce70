"""Calls of the activation functions."""

from dataclasses import replace

from ..drawing import Draw
from .call import Call, Calls

SHAPES = ((7,), (3, 5), (), (0,), (2, 3, 5))


def elementwise(draw: Draw) -> Call:
    """Draw an array, and nothing else."""
    return Call((draw.array(draw.choice(SHAPES), most=1e4),))


CALLS: dict[str, Calls] = {
    "relu": elementwise,
    "tanh": elementwise,
    "sigmoid": elementwise,
    "logsigmoid": elementwise,
    "leaky_relu": lambda draw: replace(elementwise(draw), options={"negative_slope": draw.choice((0.01, 0.0, 0.3))}),
}
