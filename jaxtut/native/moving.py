"""Exchanging the two axes of an array: rows become columns, a square of vectors at a time."""

from typing import Any

from .code import Code, integer
from .machine import Machine
from .program import Move
from .runtime import Stage

# Vectors of a row that are moved one after another, so that neighbouring lines of the cache are read, or written, together.
TOGETHER = 4
# What a number costs, in multiplications of a convolution.
WORK = 24


def write(module: Any, dtype: str, move: Move, machine: Machine) -> Stage:
    """Write the function that moves the numbers of some rows; the last of them begin so early that they end with the array."""
    code, width = Code(module, "move", dtype), machine.width(dtype)
    # Vectors lie along the rows of each array; a piece is some vectors of the longer ones.
    height, length = min(width, move.rows), min(width, move.columns)
    by_column = move.columns >= move.rows
    each = min(TOGETHER * width, max(move.rows, move.columns))
    total = move.columns if by_column else move.rows
    pieces = -(-total // each)
    start = code.tile_start(code.index, pieces, each, total)
    first = (integer(0), start) if by_column else (start, integer(0))
    counts = (move.rows, each) if by_column else (each, move.columns)
    tiles = tuple(-(-count // size) for count, size in zip(counts, (height, length), strict=True))
    with code.loop(tiles[0]) as rows, code.loop(tiles[1]) as columns:
        row, column = (
            code.builder.add(begin, code.tile_start(loop.index, many, size, count))
            for begin, loop, many, size, count in zip(
                first, (rows, columns), tiles, (height, length), counts, strict=True
            )
        )
        source = code.at(code.array(0), code.times(row, move.columns), column)
        target = code.at(code.array(1), code.times(column, move.rows), row)
        vectors = [code.load_first(code.at(source, i * move.columns), width, length) for i in range(height)]
        vectors += [code.zeros(width)] * (width - height)
        for i, vector in enumerate(code.transposed(vectors)[:length]):
            code.store_first(vector, code.at(target, i * move.rows), height)
    code.builder.ret_void()
    return Stage("move", pieces, WORK * counts[0] * counts[1])
