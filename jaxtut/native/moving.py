"""Exchanging the two axes of an array: a square of vectors at a time, or a few rows or columns as they stand in vectors."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from .code import Code, integer
from .machine import Machine
from .program import Move
from .runtime import Stage

# Vectors of a row that are moved one after another, so that neighbouring lines of the cache are read, or written, together.
TOGETHER = 4
# Rows or columns that lie one behind the other, which are sorted as they stand in vectors, up to so many: that takes the square of it.
FEW = 4
# What a number costs, in multiplications of a convolution.
WORK = 24


def write(module: Any, dtype: str, move: Move, machine: Machine) -> Stage:
    """Write the function that moves the numbers of some rows; the last of them begin so early that they end with the array."""
    code, width = Code(module, "move", dtype), machine.width(dtype)
    # Vectors lie along the rows of each array; a piece is some vectors of the longer ones.
    by_column = move.columns >= move.rows
    each = min(TOGETHER * width, max(move.rows, move.columns))
    total = move.columns if by_column else move.rows
    pieces = -(-total // each)
    start = code.tile_start(code.index, pieces, each, total)
    row, column = (integer(0), start) if by_column else (start, integer(0))
    counts = (move.rows, each) if by_column else (each, move.columns)
    source = code.at(code.array(0), code.times(row, move.columns), column)
    target = code.at(code.array(1), code.times(column, move.rows), row)
    exchange(code, width, source, move.columns, target, move.rows, counts)
    code.builder.ret_void()
    return Stage("move", pieces, WORK * counts[0] * counts[1])


def exchange(
    code: Code, width: int, source: Any, source_step: int, target: Any, target_step: int, counts: tuple[int, int]
) -> None:
    """Move so many rows and columns, whose neighbours are these steps apart.

    target[column · target_step + row] = source[row · source_step + column]
    """
    rows, columns = counts
    if columns == source_step and 1 < columns <= FEW:
        with _vectors(code, width, rows) as (row, size):
            place = code.at(source, code.times(row, columns))
            vectors = [code.load(code.at(place, i * size), size) for i in range(columns)]
            for i in range(columns):
                part = code.picked(vectors, range(i, columns * size, columns))
                code.store(part, code.at(target, i * target_step, row))
    elif rows == target_step and 1 < rows <= FEW:
        with _vectors(code, width, columns) as (column, size):
            vectors = [code.load(code.at(source, i * source_step, column), size) for i in range(rows)]
            place = code.at(target, code.times(column, rows))
            for i, vector in enumerate(code.alternated(vectors)):
                code.store(vector, code.at(place, i * size))
    else:
        _in_squares(code, width, source, source_step, target, target_step, counts)


@contextmanager
def _vectors(code: Code, width: int, count: int) -> Generator[tuple[Any, int], None, None]:
    """Repeat the body for where each vector of so many numbers begins, and how many a vector has; the last one ends with them."""
    while width > count:
        width //= 2
    tiles = -(-count // width)
    with code.loop(tiles) as loop:
        yield code.tile_start(loop.index, tiles, width, count), width


def _in_squares(
    code: Code, width: int, source: Any, source_step: int, target: Any, target_step: int, counts: tuple[int, int]
) -> None:
    sizes = tuple(min(width, count) for count in counts)
    tiles = tuple(-(-count // size) for count, size in zip(counts, sizes, strict=True))
    height, length = sizes
    with code.loop(tiles[0]) as rows, code.loop(tiles[1]) as columns:
        row, column = (
            code.tile_start(loop.index, many, size, count)
            for loop, many, size, count in zip((rows, columns), tiles, sizes, counts, strict=True)
        )
        seen = code.at(source, code.times(row, source_step), column)
        to = code.at(target, code.times(column, target_step), row)
        vectors = [code.load_first(code.at(seen, i * source_step), width, length) for i in range(height)]
        vectors += [code.zeros(width)] * (width - height)
        for i, vector in enumerate(code.transposed(vectors)[:length]):
            code.store_first(vector, code.at(to, i * target_step), height)
