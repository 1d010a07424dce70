"""Softmax of rows of numbers, and the product of its Jacobian and a vector: each row is read and written while it is near.

y_i = e^(x_i − m) / Σ_j e^(x_j − m),  m = max_j x_j        and        u_i = y_i · (v_i − Σ_j y_j · v_j)
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from .code import Code, integer
from .exponential import exponential
from .machine import Machine
from .program import Rows
from .runtime import Stage

# Vectors that are read at a time; their sums do not wait for each other.
TOGETHER = 4
# What a number of a row costs, in multiplications of a convolution.
WORK = 8

# Takes the totals of a block's vectors, where it begins in the row, and how many numbers each of its vectors has; returns new totals.
_Block = Callable[[list[Any], Any, int], Sequence[Any]]


def write(module: Any, dtype: str, rows: Rows, machine: Machine) -> Stage:
    """Write the function that computes a row."""
    code, row = Code(module, "row", dtype), _Row(rows.length, machine.width(dtype))
    arrays = [code.at(code.array(i), code.times(code.index, rows.length)) for i in range(3 if rows.is_product else 2)]
    (_product if rows.is_product else _softmax)(code, row, *arrays)
    code.builder.ret_void()
    return Stage("row", rows.number, WORK * rows.length)


class _Row:
    """How a row is gone through: blocks of whole vectors, single ones, and the rest."""

    def __init__(self, length: int, width: int) -> None:
        self.length, self.width = length, width
        self.together = max(1, min(TOGETHER, length // width))

    def each(self, code: Code, totals: Sequence[Any], block: _Block) -> list[Any]:
        """Call `block` for the code of each part of the row."""
        values = list(totals)
        whole, start = self.length // self.width, 0
        for vectors in dict.fromkeys((self.together, 1)):
            many, whole = divmod(whole, vectors)
            if many:
                size = vectors * self.width
                with code.loop(many, values) as loop:
                    first = code.builder.add(code.times(loop.index, size), integer(start))
                    for i in range(vectors):
                        place = code.builder.add(first, integer(i * self.width))
                        loop.values[i : i + 1] = block(loop.values[i : i + 1], place, self.width)
                values = loop.values
                start += many * size
        if start < self.length:
            values[:1] = block(values[:1], integer(start), self.length - start)
        return values


def _softmax(code: Code, row: _Row, source: Any, result: Any) -> None:
    width, builder = row.width, code.builder

    def larger(totals: list[Any], place: Any, count: int) -> list[Any]:
        x = code.load_first(code.at(source, place), width, count)
        return [code.larger(total, code.only(x, 0, count, -math.inf)) for total in totals]

    largest = row.each(code, [code.constant(-math.inf, width)] * row.together, larger)
    # A NaN may be lost here; below, it makes the sum NaN.
    most = code.everywhere(code.largest(_of_all(largest, code.larger)), width)

    def exponentials(totals: list[Any], place: Any, count: int) -> list[Any]:
        x = code.load_first(code.at(source, place), width, count)
        e = exponential(code, builder.fsub(x, most))
        code.store_first(e, code.at(result, place), count)
        return [builder.fadd(total, code.only(e, 0, count)) for total in totals]

    sums = row.each(code, [code.zeros(width)] * row.together, exponentials)
    total = code.everywhere(code.total(_of_all(sums, builder.fadd)), width)

    def shares(totals: list[Any], place: Any, count: int) -> list[Any]:
        e = code.load_first(code.at(result, place), width, count)
        code.store_first(builder.fdiv(e, total), code.at(result, place), count)
        return totals

    row.each(code, [], shares)


def _product(code: Code, row: _Row, y: Any, v: Any, result: Any) -> None:
    width, builder = row.width, code.builder

    def read(place: Any, count: int) -> list[Any]:
        return [code.load_first(code.at(array, place), width, count) for array in (y, v)]

    def products(totals: list[Any], place: Any, count: int) -> list[Any]:
        share, value = read(place, count)
        return [code.multiply_add(share, value, total) for total in totals]

    sums = row.each(code, [code.zeros(width)] * row.together, products)
    mean = code.everywhere(code.total(_of_all(sums, builder.fadd)), width)

    def results(totals: list[Any], place: Any, count: int) -> list[Any]:
        share, value = read(place, count)
        code.store_first(builder.fmul(share, builder.fsub(value, mean)), code.at(result, place), count)
        return totals

    row.each(code, [], results)


def _of_all(values: list[Any], both: Callable[[Any, Any], Any]) -> Any:
    while len(values) > 1:
        values = [both(*values[i : i + 2]) if i + 1 < len(values) else values[i] for i in range(0, len(values), 2)]
    return values[0]
