"""Putting the numbers of lines in order that were written part by part: every second one, every third one, ….

result[line, i] = source[line, i mod parts, i div parts]
"""

from typing import Any

from .code import Code, integer
from .machine import Machine
from .program import Interleave
from .runtime import Stage

# Numbers of the lines that are a piece of work.
BLOCK = 4096
# What a number costs, in multiplications of a convolution.
WORK = 16


def write(module: Any, dtype: str, interleave: Interleave, machine: Machine) -> Stage:
    """Write the function that does some lines; the last of them begin so early that they end with the array."""
    lines, parts, each, kept = interleave
    code = Code(module, "interleave", dtype)
    width = min(machine.width(dtype), each)
    block = max(1, min(lines, BLOCK // (parts * each)))
    pieces = -(-lines // block)
    start = code.tile_start(code.index, pieces, block, lines)
    with code.loop(block) as loop:
        line = code.builder.add(start, loop.index)
        source = code.at(code.array(0), code.times(line, parts * each))
        target = code.at(code.array(1), code.times(line, kept))

        def ordered(first: Any, left: int | None = None) -> None:
            """Do a vector of each part, whose numbers begin at `first`, but for what lies beyond the line, of which so many numbers are left."""
            vectors = [code.load_first(code.at(source, i * each, first), width, width) for i in range(parts)]
            place = code.at(target, code.times(first, parts))
            for i in range(parts):
                lanes = [(j % parts) * width + j // parts for j in range(i * width, (i + 1) * width)]
                count = width if left is None else min(width, left - i * width)
                if count > 0:
                    code.store_first(code.picked(vectors, lanes), code.at(place, i * width), count)

        whole = kept // (parts * width)
        if whole:
            with code.loop(whole) as vector:
                ordered(code.times(vector.index, width))
        if kept > whole * parts * width:
            ordered(integer(each - width), kept - parts * (each - width))
    code.builder.ret_void()
    return Stage("interleave", pieces, WORK * block * kept)
