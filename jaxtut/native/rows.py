"""Softmax of rows of numbers, what follows from it, and the losses of labels: each row is read and written while it is near.

With m = max_j x_j and s = Σ_j e^(x_j − m), of each row:

    softmax             y_i = e^(x_i − m) / s
    jacobian product    u_i = y_i · (v_i − Σ_j y_j · v_j)
    log softmax         y_i = (x_i − m) − log s
    log gradient        u_i = c_i − e^(y_i) · Σ_j c_j
    label loss          log s − (x_l − m), of a label l
    label gradient      u_i = c · e^(x_i − m) / s, and c less at the label

Of a label that no number of the row has, the loss is NaN, and the gradient has nothing less.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from .code import Code, integer
from .exponential import exponential, logarithm
from .machine import Machine
from .program import ROW_WORK, Rows
from .runtime import Stage

# Vectors that are read at a time; their sums do not wait for each other.
TOGETHER = 4

# Takes the totals of a block's vectors, where it begins in the row, and how many numbers each of its vectors has; returns new totals.
_Block = Callable[[list[Any], Any, int], Sequence[Any]]


def write(module: Any, dtype: str, rows: Rows, machine: Machine) -> Stage:
    """Write the function that computes a row."""
    code = Code(module, "row", dtype)
    _WRITERS[rows.function](code, _Row(rows.length, machine.width(dtype)))
    code.builder.ret_void()
    return Stage("row", rows.number, ROW_WORK * rows.length)


class _Row:
    """How a row is gone through: blocks of whole vectors, single ones, and the rest."""

    def __init__(self, length: int, width: int) -> None:
        self.length, self.width = length, width
        self.together = max(1, min(TOGETHER, length // width))

    def of(self, code: Code, position: int) -> Any:
        """Return where the row begins in an array."""
        return code.at(code.array(position), code.times(code.index, self.length))

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


def _largest(code: Code, row: _Row, source: Any) -> Any:
    def larger(totals: list[Any], place: Any, count: int) -> list[Any]:
        x = code.load_first(code.at(source, place), row.width, count)
        return [code.larger(total, code.only(x, 0, count, -math.inf)) for total in totals]

    found = row.each(code, [code.constant(-math.inf, row.width)] * row.together, larger)
    # A NaN may be lost here; where exponentials are added, it makes the sum NaN.
    return code.largest(_of_all(found, code.larger))


def _exponentials(code: Code, row: _Row, source: Any, largest: Any, result: Any = None) -> Any:
    """Return the sum of e^(x − largest), and write each to `result`, if there is one."""
    width, builder = row.width, code.builder
    most = code.everywhere(largest, width)

    def add(totals: list[Any], place: Any, count: int) -> list[Any]:
        x = code.load_first(code.at(source, place), width, count)
        e = exponential(code, builder.fsub(x, most))
        if result is not None:
            code.store_first(e, code.at(result, place), count)
        return [builder.fadd(total, code.only(e, 0, count)) for total in totals]

    sums = row.each(code, [code.zeros(width)] * row.together, add)
    return code.total(_of_all(sums, builder.fadd))


def _map(code: Code, row: _Row, sources: Sequence[Any], result: Any, function: Callable[..., Any]) -> None:
    """Write a function of the numbers of one or more arrays."""

    def block(totals: list[Any], place: Any, count: int) -> list[Any]:
        code.store_first(function(*_read(code, row, sources, place, count)), code.at(result, place), count)
        return totals

    row.each(code, [], block)


def _sum(code: Code, row: _Row, sources: Sequence[Any], add: Callable[..., Any]) -> Any:
    """Return the sum over a row, in all of a vector; `add` takes a total and the numbers of the arrays."""

    def block(totals: list[Any], place: Any, count: int) -> list[Any]:
        values = _read(code, row, sources, place, count)
        return [add(total, *values) for total in totals]

    sums = row.each(code, [code.zeros(row.width)] * row.together, block)
    return code.everywhere(code.total(_of_all(sums, code.builder.fadd)), row.width)


def _read(code: Code, row: _Row, sources: Sequence[Any], place: Any, count: int) -> list[Any]:
    return [code.load_first(code.at(source, place), row.width, count) for source in sources]


def _softmax(code: Code, row: _Row) -> None:
    source, result = row.of(code, 0), row.of(code, 1)
    total = code.everywhere(_exponentials(code, row, source, _largest(code, row, source), result), row.width)
    _map(code, row, [result], result, lambda e: code.builder.fdiv(e, total))


def _jacobian_product(code: Code, row: _Row) -> None:
    y, v, result = (row.of(code, position) for position in range(3))
    mean = _sum(code, row, [y, v], lambda total, share, value: code.multiply_add(share, value, total))
    builder = code.builder
    _map(code, row, [y, v], result, lambda share, value: builder.fmul(share, builder.fsub(value, mean)))


def _log_softmax(code: Code, row: _Row) -> None:
    builder, source = code.builder, row.of(code, 0)
    largest = _largest(code, row, source)
    log = _logarithm(code, row, _exponentials(code, row, source, largest))
    most, log = (code.everywhere(number, row.width) for number in (largest, log))
    _map(code, row, [source], row.of(code, 1), lambda x: builder.fsub(builder.fsub(x, most), log))


def _log_gradient(code: Code, row: _Row) -> None:
    y, c, result = (row.of(code, position) for position in range(3))
    less = code.builder.fneg(_sum(code, row, [c], code.builder.fadd))
    _map(code, row, [y, c], result, lambda log, value: code.multiply_add(exponential(code, log), less, value))


def _logarithm(code: Code, row: _Row, number: Any) -> Any:
    return code.first(logarithm(code, code.everywhere(number, row.width)))


def _label_loss(code: Code, row: _Row) -> None:
    builder, source = code.builder, row.of(code, 0)
    is_there, place = _label(code, row)
    largest = _largest(code, row, source)
    log = _logarithm(code, row, _exponentials(code, row, source, largest))
    loss = builder.fsub(log, builder.fsub(code.number_at(code.at(source, place)), largest))
    result = code.at(code.array(2), code.index)
    code.write_number(builder.select(is_there, loss, code.scalar(math.nan)), result)


def _label_gradient(code: Code, row: _Row) -> None:
    builder, source, result = code.builder, row.of(code, 0), row.of(code, 3)
    is_there, place = _label(code, row)
    cotangent = code.number_at(code.at(code.array(2), code.index))
    total = _exponentials(code, row, source, _largest(code, row, source), result)
    scale = code.everywhere(builder.fdiv(cotangent, total), row.width)
    _map(code, row, [result], result, lambda e: builder.fmul(e, scale))
    code.add_to(code.at(result, place), builder.select(is_there, builder.fneg(cotangent), code.scalar(0.0)))


def _label(code: Code, row: _Row) -> tuple[Any, Any]:
    """Return whether the row has its label, and where; 0, where it has not."""
    label = code.label_at(code.array(1), code.index)
    is_there = code.builder.icmp_unsigned("<", label, integer(row.length))
    return is_there, code.builder.select(is_there, label, integer(0))


def _of_all(values: list[Any], both: Callable[[Any, Any], Any]) -> Any:
    while len(values) > 1:
        values = [both(*values[i : i + 2]) if i + 1 < len(values) else values[i] for i in range(0, len(values), 2)]
    return values[0]


_WRITERS: dict[str, Callable[[Code, _Row], None]] = {
    "softmax": _softmax,
    "jacobian product": _jacobian_product,
    "log softmax": _log_softmax,
    "log gradient": _log_gradient,
    "label loss": _label_loss,
    "label gradient": _label_gradient,
}
