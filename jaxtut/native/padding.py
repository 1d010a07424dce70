"""Copying an array into one with zeros around it, in the order in which a loop over windows reads it."""

import math
from typing import Any

from .code import Code, integer
from .loops import Padding
from .machine import Machine
from .moving import exchange
from .runtime import Stage

# What a number costs, in multiplications of a convolution.
WORK = 16


def write(module: Any, name: str, dtype: str, padding: Padding, machine: Machine, source: int, target: int) -> Stage:
    """Write the function that copies a row, that is, a position of a plane's first axis (of a line, all)."""
    code, axes, width = Code(module, name, dtype), len(padding.size), machine.width(dtype)
    rows = padding.padded[0] if axes > 1 else 1
    row = padding.plane // rows
    plane, position = code.divided(code.index, rows)
    to = code.at(code.array(target), code.times(code.index, row))
    code.clear(to, row)
    if axes == 1:
        _copy_line(
            code, padding, width, code.at(code.array(source), code.times(plane, padding.size[0] * padding.inner)), to
        )
    else:
        taken = code.builder.sub(position, integer(padding.pads[0][0]))
        with code.builder.if_then(code.builder.icmp_unsigned("<", taken, integer(padding.size[0]))):
            number = code.builder.add(code.times(plane, padding.size[0]), taken)
            start = code.at(code.array(source), code.times(number, math.prod(padding.size[1:]) * padding.inner))
            _copy_rows(code, padding, width, 1, start, to)
    code.builder.ret_void()
    return Stage(name, padding.planes * rows, WORK * row)


def _copy_rows(code: Code, padding: Padding, width: int, axis: int, start: Any, to: Any) -> None:
    if axis == len(padding.size) - 1:
        _copy_line(code, padding, width, start, to)
        return
    step = math.prod(padding.size[axis + 1 :]) * padding.inner
    with code.loop(padding.size[axis]) as loop:
        position = code.builder.add(loop.index, integer(padding.pads[axis][0]))
        target = code.at(to, code.times(position, padding.steps[axis]))
        _copy_rows(code, padding, width, axis + 1, code.at(start, code.times(loop.index, step)), target)


def _copy_line(code: Code, padding: Padding, width: int, start: Any, to: Any) -> None:
    size, low, split = padding.size[-1], padding.pads[-1][0], padding.split
    if split == 1:
        code.copy(code.at(to, low * padding.inner), start, size * padding.inner)
        return
    # Where the positions of each part, counted from the first of the source, go.
    part = padding.padded[-1] // split
    targets = [code.at(to, (low + i) % split * part + (low + i) // split) for i in range(split)]
    # From the first position on that begins a row of one number for each part, two axes are exchanged.
    head = min(-low % split, size)
    rows = (size - head) // split
    if rows:
        to = code.at(to, (low + head) // split)
        exchange(code, width, code.at(start, head), split, to, part, (rows, split))
    for i in (*range(head), *range(head + rows * split, size)):
        code.store(code.load(code.at(start, i), 1), code.at(targets[i % split], i // split))
