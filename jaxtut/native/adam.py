"""A step of Adam in one pass over parameters, both running means and gradients, which are written where they were read: XLA makes three.

g ← ±g [+ decay · θ];  m ← m + (1 − β₁)(g − m);  v ← β₂ v + (1 − β₂) g²;  θ ← θ + rate · (m / c₁ / (√v / c₂ + eps) [+ decay · θ])
"""

from typing import Any

from .code import Code, integer
from .machine import Machine
from .program import BLOCK, AdamStep
from .runtime import Stage

# What a number costs, in multiplications of a convolution.
WORK = 48


def write(module: Any, dtype: str, step: AdamStep, machine: Machine) -> Stage:
    """Write the function that does a block of numbers.

    Its arrays are θ, m, v, g, and the three numbers rate, c₁ and c₂; then the new θ, m and v, which are at the places of the old ones.
    """
    code, width = Code(module, "adam", dtype), machine.width(dtype)
    whole, rest = divmod(step.number, BLOCK)
    start = code.times(code.index, BLOCK)
    places = [code.at(code.array(i), start) for i in (0, 1, 2, 3, 5, 6, 7)]
    rate, c1, c2 = (code.load_number(code.at(code.array(4), i), width) for i in range(3))

    def compute(place: Any, count: int) -> None:
        theta, m, v, g = (code.load_first(code.at(array, place), width, count) for array in places[:4])
        found = _stepped(code, step, theta, m, v, g, (rate, c1, c2))
        for value, array in zip(found, places[4:], strict=True):
            code.store_first(value, code.at(array, place), count)

    with code.builder.if_else(code.builder.icmp_signed("<", code.index, integer(whole))) as (block, remainder):
        with block:
            code.each_vector(BLOCK, width, compute)
        with remainder:
            code.each_vector(rest, width, compute)
    code.builder.ret_void()
    return Stage("adam", whole + (rest > 0), WORK * min(step.number, BLOCK))


def _stepped(code: Code, step: AdamStep, theta: Any, m: Any, v: Any, g: Any, scalars: Any) -> tuple[Any, Any, Any]:
    """Return new θ, m and v; each operation is rounded, in the order in which `ops.adam_step` has them."""
    builder, (rate, c1, c2) = code.builder, scalars
    constant = lambda value: code.constant(value, theta.type.count)  # noqa: E731
    if step.maximize:
        g = builder.fneg(g)
    decay = builder.fmul(constant(step.weight_decay), theta) if step.weight_decay else None
    if decay is not None and not step.decoupled:
        g = builder.fadd(g, decay)
    m = _lerp(code, m, g, 1 - step.b1)
    square = builder.fmul(constant(1 - step.b2), builder.fmul(g, g))
    v = builder.fadd(builder.fmul(constant(step.b2), v), square)
    root = builder.fadd(builder.fdiv(code.square_root(v), c2), constant(step.eps))
    direction = builder.fdiv(builder.fdiv(m, c1), root)
    if decay is not None and step.decoupled:
        direction = builder.fadd(direction, decay)
    return builder.fadd(theta, builder.fmul(direction, rate)), m, v


def _lerp(code: Code, start: Any, end: Any, weight: float) -> Any:
    builder, change = code.builder, code.builder.fsub(end, start)
    if weight < 0.5:
        return builder.fadd(start, builder.fmul(change, code.constant(weight, start.type.count)))
    return builder.fsub(end, builder.fmul(change, code.constant(1 - weight, start.type.count)))
