"""Copying an array into one with zeros around it, in the order in which a loop over windows reads it."""

import math
from typing import Any

from .code import Code, integer
from .program import Padding
from .runtime import Stage


def write(module: Any, name: str, dtype: str, padding: Padding, source: int, target: int) -> Stage:
    """Write the function that copies a row, that is, a position of a plane's first axis (of a line, all)."""
    code, axes = Code(module, name, dtype), len(padding.size)
    rows = padding.padded[0] if axes > 1 else 1
    row = padding.plane // rows
    plane, position = code.divided(code.index, rows)
    to = code.at(code.array(target), code.times(code.index, row))
    code.clear(to, row)
    if axes == 1:
        _copy_line(code, padding, code.at(code.array(source), code.times(plane, padding.size[0] * padding.inner)), to)
    else:
        taken = code.builder.sub(position, integer(padding.pads[0][0]))
        with code.builder.if_then(code.builder.icmp_unsigned("<", taken, integer(padding.size[0]))):
            number = code.builder.add(code.times(plane, padding.size[0]), taken)
            start = code.at(code.array(source), code.times(number, math.prod(padding.size[1:]) * padding.inner))
            _copy_rows(code, padding, 1, start, to)
    code.builder.ret_void()
    return Stage(name, padding.planes * rows, row)


def _copy_rows(code: Code, padding: Padding, axis: int, start: Any, to: Any) -> None:
    if axis == len(padding.size) - 1:
        _copy_line(code, padding, start, to)
        return
    step = math.prod(padding.size[axis + 1 :]) * padding.inner
    with code.loop(padding.size[axis]) as loop:
        position = code.builder.add(loop.index, integer(padding.pads[axis][0]))
        target = code.at(to, code.times(position, padding.steps[axis]))
        _copy_rows(code, padding, axis + 1, code.at(start, code.times(loop.index, step)), target)


def _copy_line(code: Code, padding: Padding, start: Any, to: Any) -> None:
    size, low, split = padding.size[-1], padding.pads[-1][0], padding.split
    if split == 1:
        code.copy(code.at(to, low * padding.inner), start, size * padding.inner)
        return
    for part in range(split):
        first = (part - low) % split  # the first position of the source that belongs to this part
        if first < size:
            target = code.at(to, part * (padding.padded[-1] // split) + (first + low) // split)
            with code.loop(math.ceil((size - first) / split)) as loop:
                number = code.load(code.at(start, first, code.times(loop.index, split)), 1)
                code.store(number, code.at(target, loop.index))
