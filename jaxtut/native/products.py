"""Products of two arrays summed over all places: the gradient in the kernel of a convolution.

result[part, group, o, c, t] = Σ over places of other[group, o, place] · source[group, c, place + t]

A tile of results is kept in registers, each as a vector whose numbers are added up at the end. Where a line of places is no whole number of
vectors, its last vector has places that were there before: they are zeros in both arrays, so that nothing is counted twice, and what is not finite
not at all. The places are cut into parts, whose number depends on the shapes alone, so that the sums do too.
"""

import math
from functools import partial
from itertools import product
from typing import Any

from .code import Code, integer
from .loops import Axis, Products
from .machine import BYTES, Machine
from .runtime import Stage
from .tiles import STACK, cut_of_products, pieces


def write(module: Any, dtype: str, products: Products, machine: Machine, arrays: tuple[int, int, int]) -> list[Stage]:
    """Write the function that computes a piece; `arrays` are the positions of source, other array and result."""
    return [_Writer(module, dtype, products, machine, arrays).stage()]


class _Writer:
    """The function; a piece of it is a part, a group, a share of the channels, and a tile of outputs."""

    def __init__(
        self, module: Any, dtype: str, products: Products, machine: Machine, arrays: tuple[int, int, int]
    ) -> None:
        self.products, self.arrays = products, arrays
        self.code = Code(module, "products", dtype)
        self.width = products.width(machine, dtype)
        self.by_channel = products.by_channel
        self.tile = cut_of_products(products, dtype, machine)
        self.tap_pieces = pieces(products.inputs if self.by_channel else len(products.last), self.tile[1])
        lines = math.ceil(self._lines() / products.parts)
        self.block = max(1, min(lines, machine.places // products.run))
        # Channels share no numbers, as taps do: of a single tap, a tile's lines are so few that the first cache holds them, and its sums wait.
        self.unfinished: Any = None
        if self.by_channel and not products.taps:
            near = max(1, min(lines, 2 * machine.near // (sum(self.tile) * BYTES[dtype] * products.run)))
            waiting = self._waiting()
            if near < lines and waiting * self.width * BYTES[dtype] <= STACK:
                self.block, self.unfinished = near, self.code.local(waiting * self.width)

    def _waiting(self) -> int:
        """Return how many sums a piece has."""
        return self.tile[0] * sum(math.ceil(many / self.products.shares) * size for _, many, size in self.tap_pieces)

    def stage(self) -> Stage:
        code, p = self.code, self.products
        builder = code.builder
        outputs = pieces(p.outputs, self.tile[0])
        tiles = sum(many for _, many, _ in outputs)
        rest, tile = code.divided(code.index, tiles)
        rest, self.share = code.divided(rest, p.shares)
        part, group = code.divided(rest, p.groups)
        source, other, result = (code.array(i) for i in self.arrays)
        source = code.at(source, code.times(group, p.inputs * p.source_channel))
        other = code.at(other, code.times(group, p.outputs * p.other_channel))
        result = code.at(result, code.times(part, p.numbers), code.times(group, p.numbers // p.groups))
        for first, many, size in outputs:
            begin = sum(m for f, m, _ in outputs if f < first)
            inside = builder.sub(tile, integer(begin))
            with builder.if_then(builder.icmp_unsigned("<", inside, integer(many))):
                output = builder.add(code.times(inside, size), integer(first))
                own = code.at(result, code.times(output, p.inputs * p.kernel))
                self._blocks(part, source, code.at(other, code.times(output, p.other_channel)), own, size)
        builder.ret_void()
        count = p.parts * p.groups * p.shares * tiles
        return Stage("products", count, p.numbers * self._lines() * p.run // count)

    def _even(self, part: Any, parts: int, total: int) -> tuple[Any, Any]:
        """Return where one of so many parts of a whole begins, which are as equal as can be, and how many it has."""
        code = self.code
        first, end = (code.divided(code.times(i, total), parts)[0] for i in (part, code.builder.add(part, integer(1))))
        return first, code.builder.sub(end, first)

    def _lines(self) -> int:
        return math.prod(axis.number for axis in self.products.lines)

    def _blocks(self, part: Any, source: Any, other: Any, result: Any, size: int) -> None:
        """Sum over the lines of a part, some at a time."""
        code, p = self.code, self.products
        lines = self._lines()
        begin, own = self._even(part, p.parts, lines)
        block = self.block
        repeats = code.builder.udiv(code.builder.add(own, integer(block - 1)), integer(block))
        with code.loop(repeats) as loop:
            self.is_first = code.builder.icmp_signed("==", loop.index, integer(0))
            self.is_last = code.builder.icmp_signed("==", code.builder.add(loop.index, integer(1)), repeats)
            start = code.times(loop.index, block)
            count = code.least(integer(block), code.builder.sub(own, start))
            self._tiles(code.builder.add(begin, start), count, source, other, result, size)

    def _tiles(self, begin: Any, count: Any, source: Any, other: Any, result: Any, size: int) -> None:
        """Go over the share's channels, and all taps."""
        code, p, before = self.code, self.products, 0
        for first, many, channels in self.tap_pieces if self.by_channel else [(0, p.inputs, 1)]:
            own_first, own_many = self._even(self.share, p.shares, many)
            with code.loop(own_many, perhaps_none=many < p.shares) as loop:
                tile = code.builder.add(own_first, loop.index)
                channel = code.builder.add(code.times(tile, channels), integer(first))
                seen = code.at(source, code.times(channel, p.source_channel))
                own = code.at(result, code.times(channel, p.kernel))
                if self.unfinished is not None:
                    each = size * channels * self.width
                    self.waiting = code.at(self.unfinished, before, code.times(loop.index, each))
                self._taps(p.taps, channels, begin, count, seen, other, own, size)
            before += math.ceil(many / p.shares) * channels * size * self.width

    def _taps(
        self, axes: tuple[Axis, ...], channels: int, begin: Any, count: Any, seen: Any, other: Any, own: Any, size: int
    ) -> None:
        code, p = self.code, self.products
        if axes:
            with code.loop(axes[0].number) as loop:
                further = code.at(seen, code.times(loop.index, axes[0].source))
                result = code.at(own, code.times(loop.index, axes[0].other))
                self._taps(axes[1:], channels, begin, count, further, other, result, size)
            return
        if self.by_channel:
            offsets = [p.last[0] + i * p.source_channel for i in range(channels)]
            self._tile(begin, count, seen, other, own, size, offsets)
            return
        for first, many, taps in self.tap_pieces:
            for start in range(first, first + many * taps, taps):
                self._tile(begin, count, seen, other, code.at(own, start), size, list(p.last[start : start + taps]))

    def _tile(self, begin: Any, count: Any, source: Any, other: Any, result: Any, size: int, taps: list[int]) -> None:
        """Add the sums over some lines to a tile of the result."""
        code, p = self.code, self.products
        totals = [code.zeros(self.width)] * (size * len(taps))
        if self.unfinished is not None:
            totals = code.unfinished(self.waiting, size * len(taps), self.width, self.is_first)
        with code.loop(count, totals) as loop:
            rest = code.builder.add(begin, loop.index)
            seen, own = source, other
            for axis in reversed(p.lines):
                rest, position = code.divided(rest, axis.number)
                seen = code.at(seen, code.times(position, axis.source))
                own = code.at(own, code.times(position, axis.other))
            loop.values[:] = self._line(seen, own, size, taps, loop.values)
        if self.unfinished is None:
            self._add_up(loop.values, result, size, self.is_first)
            return
        with code.builder.if_else(self.is_last) as (then, otherwise):
            with then:
                self._add_up(loop.values, result, size, None)
            with otherwise:
                code.wait(self.waiting, loop.values)

    def _add_up(self, totals: list[Any], result: Any, size: int, is_first: Any) -> None:
        """Add the numbers of each vector to its result, where there is one before."""
        code, p = self.code, self.products
        for (output, tap), total in zip(product(range(size), range(len(totals) // size)), totals, strict=True):
            place = code.at(result, output * p.inputs * p.kernel + tap * (p.kernel if self.by_channel else 1))
            if is_first is None:
                code.write_number(code.total(total), place)
            else:
                code.add_to(place, code.total(total), is_first)

    def _line(self, source: Any, other: Any, size: int, taps: list[int], totals: list[Any]) -> list[Any]:
        code, width, run = self.code, self.width, self.products.run
        whole, rest = divmod(run, width)
        if whole > 1:
            with code.loop(whole, totals) as loop:
                start = code.times(loop.index, width)
                loop.values[:] = self._vector(
                    code.at(source, start), code.at(other, start), size, taps, loop.values, (0, width)
                )
            totals = loop.values
        elif whole:
            totals = self._vector(source, other, size, taps, totals, (0, width))
        if rest and whole:
            seen, own = code.at(source, run - width), code.at(other, run - width)
            totals = self._vector(seen, own, size, taps, totals, (width - rest, width))
        elif rest:
            totals = self._vector(source, other, size, taps, totals, (0, rest))
        return totals

    def _vector(
        self, source: Any, other: Any, size: int, taps: list[int], totals: list[Any], kept: tuple[int, int]
    ) -> list[Any]:
        code, first_of_all = self.code, kept[0] == 0

        def other_at(output: int) -> Any:
            place = code.at(other, output * self.products.other_channel)
            if first_of_all:
                return code.load_first(place, self.width, kept[1])
            return code.only(code.load(place, self.width), *kept)

        def source_at(tap: int) -> Any:
            vector = code.load(code.at(source, tap), self.width)
            return vector if kept == (0, self.width) else code.only(vector, *kept)

        factors = [partial(other_at, output) for output in range(size)]
        return code.outer_product(factors, [partial(source_at, tap) for tap in taps], totals)
