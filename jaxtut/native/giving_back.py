"""The gradient of a largest member: what came for each window is added at the place of the member that won it.

result[plane, position of window i + distance of member place[plane, i]] += given[plane, i], windows in order
"""

import math
from typing import Any

from .code import Code, integer
from .loops import steps_of
from .machine import Machine
from .program import GivingBack
from .runtime import Stage

# What a window costs, in multiplications of a convolution.
WORK = 64


def write(module: Any, dtype: str, main: GivingBack, _: Machine) -> Stage:
    """Write the function that does a plane; its arrays are the places, 32-bit integers, what is given, and the result."""
    code = Code(module, "giving_back", dtype)
    size, windows = math.prod(main.size), math.prod(main.counts)
    steps = steps_of(main.size)
    places, given, result = (code.array(i) for i in range(3))
    target = code.at(result, code.times(code.index, size))
    code.clear(target, size)
    first = code.times(code.index, windows)

    def along(axis: int, window: Any, position: Any) -> None:
        if axis < len(main.counts):
            with code.loop(main.counts[axis]) as loop:
                inside = code.builder.add(code.times(window, main.counts[axis]), loop.index)
                start = code.builder.sub(code.times(loop.index, main.strides[axis]), integer(main.pads[axis]))
                along(axis + 1, inside, code.builder.add(position, code.times(start, steps[axis])))
            return
        number = code.builder.add(first, window)
        rest = code.label_at(places, number)
        for kernel, dilation, step in reversed(list(zip(main.kernel, main.dilations, steps, strict=True))):
            rest, member = code.divided(rest, kernel)
            position = code.builder.add(position, code.times(member, dilation * step))
        code.add_to(code.at(target, position), code.number_at(code.at(given, number)))

    along(0, integer(0), integer(0))
    code.builder.ret_void()
    return Stage("giving_back", main.planes, WORK * windows + size)
