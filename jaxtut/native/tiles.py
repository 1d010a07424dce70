"""How results are cut into tiles that are kept in registers, so that each number that is read is used for several of them."""

import math
from collections import Counter
from functools import cache
from itertools import product
from typing import NamedTuple

from .loops import Axis, Phase, Products, Sums
from .machine import BYTES, Machine

# What share of the time is lost where a tile is one vector wide: less of each line of the cache that it touches is of use.
NARROW = 0.03
# Cycles in which a vector comes from the second cache.
FAR = 1.6
# The first cache: bytes of a line, sets of lines, and how many lines of one set it holds, less one or two for what else is read. Where the outputs
# of a tile read from more lines of one set than that, each of them comes from the second cache every time.
LINE, SETS, WAYS = 64, 64, 6
MISSED = 1.0
# Bytes of unfinished sums that are kept on the stack.
STACK = 1 << 16


class Tile(NamedTuple):
    """What is kept in registers: outputs × (rows × vectors) of places."""

    outputs: int
    rows: int
    vectors: int


class Cut(NamedTuple):
    """How the places of a phase are cut into tiles.

    Attributes:
        width: numbers of a vector.
        outer: the axes of rows but for the innermost.
        inner: that one, along which a tile may have several rows.
        tile: what is kept in registers.
        rows: tiles along the innermost axis of rows.
        columns: tiles along the line.
    """

    width: int
    outer: tuple[Axis, ...]
    inner: Axis
    tile: Tile
    rows: int
    columns: int


def cut_of_sums(sums: Sums, phase: Phase, dtype: str, machine: Machine) -> Cut:
    """Choose the tiles of a phase."""
    width = phase.width(machine, dtype)
    *outer, inner = phase.rows or (Axis(1, 0, 0),)
    vectors = math.ceil(phase.run / width)
    # Which taps are left out is one for all rows of a tile, and must not depend on which rows these are.
    own_taps = any(taps.reach and taps.reach.rows == len(outer) for taps in phase.taps)
    accumulators, apart = max(1, machine.accumulators // len(phase.parts)), sums.kernel_output * BYTES[dtype]
    tile = tile_of_sums(sums.outputs, 1 if own_taps else inner.number, vectors, accumulators, apart)
    rows, columns = math.ceil(inner.number / tile.rows), math.ceil(vectors / tile.vectors)
    return Cut(width, tuple(outer), inner, tile, rows, columns)


def pieces(total: int, most: int) -> list[tuple[int, int, int]]:
    """Cut a whole into as few pieces as `most` allows, as equal as can be: (where the first begins, how many, size), larger ones first.

    Example:
        >>> pieces(16, 6)
        [(0, 1, 6), (6, 2, 5)]
    """
    many = -(-total // most)
    size, larger = divmod(total, many)
    found = [(0, larger, size + 1), (larger * (size + 1), many - larger, size)]
    return [piece for piece in found if piece[1]]


def fits(a: int, b: int, accumulators: int) -> bool:
    """Whether there are registers for the sums of a × b products, the fewer of their factors, and one more."""
    return a * b <= accumulators and a * b + min(a, b) + 1 <= accumulators + 4


def cycles(a: int, b: int, parts: int = 1, apart: int = 0, are_far: bool = False) -> float:
    """Estimate the cycles of a × b products of vectors, each of which is computed in so many parts.

    There are two products a cycle, and two loads, fewer of the b ones, which often lie across lines of the cache, or `are_far`, in the second one;
    a sum waits four cycles for the one before; something for the loop; and the a ones, so many bytes apart, may not find place together.
    """
    missed = MISSED * a if _crowd(a, apart) else 0.0
    return 0.5 + missed + max(parts * a * b / 2, 0.5 * a + 0.8 * parts * b, FAR * parts * b * are_far, 4.0)


@cache
def _crowd(many: int, apart: int) -> bool:
    """Whether so many places, so many bytes apart, are too many for one set of the first cache."""
    lines = {i * apart // LINE for i in range(many)}
    return max(Counter(line % SETS for line in lines).values()) > WAYS


@cache
def tile_of_sums(outputs: int, rows: int, vectors: int, accumulators: int, apart: int) -> Tile:
    """Choose the tile of outputs and places that is estimated to take the fewest cycles for all results; kernels lie so many bytes apart."""

    def cost(tile: Tile) -> tuple[float, int]:
        repeats = math.ceil(rows / tile.rows) * math.ceil(vectors / tile.vectors)
        places = tile.rows * tile.vectors
        each = sum(many * cycles(size, places, 1, apart) for _, many, size in pieces(outputs, tile.outputs))
        return repeats * each * (1 + NARROW / tile.vectors), -tile.vectors

    choices = (
        Tile(o, r, v)
        for o, r, v in product(range(1, min(outputs, accumulators) + 1), range(1, min(rows, 4) + 1), range(1, 13))
        if v <= vectors and fits(o, r * v, accumulators)
    )
    return min(choices, key=cost)


@cache
def tile_of_products(outputs: int, taps: int, accumulators: int, by_channel: bool, apart: int) -> tuple[int, int]:
    """Choose how many outputs and taps a tile has, in the same way; or how many channels, whose numbers come from the second cache.

    The numbers of neighbouring outputs lie so many bytes apart.
    """

    def cost(tile: tuple[int, int]) -> float:
        each = product(pieces(outputs, tile[0]), pieces(taps, tile[1]))
        return sum(many * other * cycles(o, t, 1, apart, by_channel) for (_, many, o), (_, other, t) in each)

    choices = product(range(1, min(outputs, accumulators) + 1), range(1, min(taps, accumulators) + 1))
    return min((tile for tile in choices if fits(*tile, accumulators)), key=cost)


def cut_of_products(products: Products, dtype: str, machine: Machine) -> tuple[int, int]:
    """Choose the tile of a gradient in the kernel: neighbouring taps make one, or where there is one only, channels."""
    taps = products.inputs if products.by_channel else len(products.last)
    apart = products.other_channel * BYTES[dtype]
    return tile_of_products(products.outputs, taps, machine.accumulators, products.by_channel, apart)
