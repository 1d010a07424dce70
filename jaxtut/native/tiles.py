"""How results are cut into tiles that are kept in registers, so that each number that is read is used for several of them."""

import math
from itertools import product
from typing import NamedTuple


class Tile(NamedTuple):
    """What is kept in registers: outputs × (rows × vectors) of places."""

    outputs: int
    rows: int
    vectors: int


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


def cycles(a: int, b: int) -> float:
    """Estimate the cycles of a × b products of vectors.

    There are two products a cycle, and two loads, fewer of the b ones, which often lie across lines of the cache; a sum waits four cycles for the
    one before; and something for the loop.
    """
    return 0.5 + max(a * b / 2, 0.5 * a + 0.8 * b, 4.0)


def tile_of_sums(outputs: int, rows: int, vectors: int, accumulators: int) -> Tile:
    """Choose the tile of outputs and places that is estimated to take the fewest cycles for all results."""

    def cost(tile: Tile) -> tuple[float, int]:
        repeats = math.ceil(rows / tile.rows) * math.ceil(vectors / tile.vectors)
        places = tile.rows * tile.vectors
        each = sum(many * cycles(size, places) for _, many, size in pieces(outputs, tile.outputs))
        return repeats * each, -tile.vectors

    choices = (
        Tile(o, r, v)
        for o, r, v in product(range(1, min(outputs, accumulators) + 1), range(1, min(rows, 4) + 1), range(1, 13))
        if v <= vectors and fits(o, r * v, accumulators)
    )
    return min(choices, key=cost)


def tile_of_products(outputs: int, taps: int, accumulators: int) -> tuple[int, int]:
    """Choose how many outputs and taps a tile has, in the same way."""

    def cost(tile: tuple[int, int]) -> float:
        each = product(pieces(outputs, tile[0]), pieces(taps, tile[1]))
        return sum(many * other * cycles(o, t) for (_, many, o), (_, other, t) in each)

    choices = product(range(1, min(outputs, accumulators) + 1), range(1, min(taps, accumulators) + 1))
    return min((tile for tile in choices if fits(*tile, accumulators)), key=cost)
