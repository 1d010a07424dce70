"""A step of Adam in one pass over parameters, gradients and both running means: XLA makes three.

g ← sign · g [+ decay · θ];  m ← m + (1 − β₁)(g − m);  v ← β₂ v + (1 − β₂) g²;  θ ← θ + rate · (m / c₁ / (√v / c₂ + eps) [+ decay · θ])
"""

from typing import Any

from .blocks import BLOCK, each_vector
from .code import Code
from .machine import Machine
from .program import AdamStep
from .runtime import Stage

# What a number costs, in multiplications of a convolution.
WORK = 32


def write(module: Any, dtype: str, step: AdamStep, machine: Machine) -> Stage:
    """Write the function that does a block of numbers.

    Its arrays are parameters, both means, the gradient, and rate, c₁ and c₂; then the new parameters and means.
    """
    code, width = Code(module, "adam", dtype), machine.width(dtype)
    builder, size = code.builder, min(step.number, BLOCK)
    pieces = -(-step.number // size)
    constant = lambda value: code.constant(value, width)  # noqa: E731
    rate, c1, c2 = (code.load_number(code.at(code.array(4), i), width) for i in range(3))
    # Blocks must not overlap: what is read is written.
    start = code.times(code.index, size)
    places = [code.at(code.array(i), start) for i in (0, 1, 2, 3, 5, 6, 7)]

    def compute(place: Any, count: int) -> None:
        theta, m, v, g = (code.load_first(code.at(array, place), width, count) for array in places[:4])
        if step.maximize:
            g = builder.fneg(g)
        decay = builder.fmul(constant(step.weight_decay), theta) if step.weight_decay else None
        if decay is not None and not step.decoupled:
            g = builder.fadd(g, decay)
        change = builder.fsub(g, m)
        if 1 - step.b1 < 0.5:
            m = builder.fadd(m, builder.fmul(constant(1 - step.b1), change))
        else:
            m = builder.fsub(g, builder.fmul(change, constant(1 - (1 - step.b1))))
        square = builder.fmul(constant(1 - step.b2), builder.fmul(g, g))
        v = builder.fadd(builder.fmul(constant(step.b2), v), square)
        root = builder.fadd(builder.fdiv(code.square_root(v), c2), constant(step.eps))
        direction = builder.fdiv(builder.fdiv(m, c1), root)
        if decay is not None and step.decoupled:
            direction = builder.fadd(direction, decay)
        theta = builder.fadd(theta, builder.fmul(rate, direction))
        for value, target in zip((theta, m, v), places[4:], strict=True):
            code.store_first(value, code.at(target, place), count)

    each_vector(code, step.number, width, pieces, compute)
    builder.ret_void()
    return Stage("adam", pieces, WORK * size)
