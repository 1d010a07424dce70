"""Sums of products of windows with kernels: an output of a convolution, or a gradient in its input.

result[image, group, o, place] = Σ over c, t of source[image, group, c, place + t] · kernel[group, o, c, t]

A tile of results is kept in registers: some outputs by some vectors of neighbouring places. Each number of the kernel that is read serves all its
vectors, each vector of the source all its outputs. Where results of several parts alternate, it has as many vectors of each part, which are put in
order when they are written. Every result is summed in one order, channel by channel and tap by tap, wherever it stands, so
equal windows give equal bits, and what is not finite is seen only by the windows that hold it.
"""

import math
from collections.abc import Sequence
from functools import partial
from itertools import product, zip_longest
from typing import Any

from .code import Code, integer
from .loops import Axis, Phase, Sums, Taps
from .machine import BYTES, Machine
from .runtime import Stage
from .tiles import LINE, STACK, cut_of_sums, pieces


def write(module: Any, dtype: str, sums: Sums, machine: Machine, arrays: tuple[int, int, int]) -> list[Stage]:
    """Write the functions that compute a piece of each phase; `arrays` are the positions of source, kernel and result."""
    return [
        _Phase(module, f"sums.{i}", dtype, sums, phase, machine, arrays).stage() for i, phase in enumerate(sums.phases)
    ]


class _Phase:
    """The function of a phase; a piece of it is a block of outputs, a position of the first axis, and a tile of places along the last."""

    def __init__(
        self,
        module: Any,
        name: str,
        dtype: str,
        sums: Sums,
        phase: Phase,
        machine: Machine,
        arrays: tuple[int, int, int],
    ) -> None:
        self.name, self.sums, self.phase, self.arrays = name, sums, phase, arrays
        self.code = Code(module, name, dtype)
        self.width, self.outer, self.inner, self.tile, self.rows, self.columns = cut_of_sums(
            sums, phase, dtype, machine
        )
        self.near, self.parts = machine.near, len(phase.parts)
        # Where the vectors of a tile begin, and how many numbers of each are results.
        self.kept = min(self.width, phase.run)
        span = min(self.tile.vectors * self.width, phase.run)
        self.span = span
        starts = [min(i * self.width, span - self.kept) for i in range(self.tile.vectors)]
        self.places = [
            (row * self.inner.source + start, row * self.inner.other + start * self.parts)
            for row in range(self.tile.rows)
            for start in starts
        ]
        self.channels = self._near_channels(BYTES[dtype])
        self.tiles = pieces(sums.outputs, self.tile.outputs)
        self.blocks = self._blocks(BYTES[dtype], machine.block)
        # Of the block at hand: its first tile of outputs, and the one behind its last.
        self.block: tuple[Any, Any] = (None, None)
        # Of the tile that is being written: its first and last position along each axis of rows; and along each axis of taps, the first
        # one that is not left out, and how many there are from there on.
        self.at_hand: list[tuple[Any, Any]] = []
        self.ranges: list[tuple[Any, Any]] = []
        # Whether it lies at the end of its line.
        self.ends: Any = None

    def _blocks(self, size: int, most: int) -> int:
        """Return into how many blocks the outputs are cut.

        The source is read once for each then, where that is less than all kernels for each piece of the source; and there are more pieces of work.
        """
        sums, phase = self.sums, self.phase
        taps = math.prod(axis.number for axis in phase.taps) * len(phase.last)
        kernels = sums.outputs * sums.channels * taps * size
        blocks = max(1, min(sum(many for _, many, _ in self.tiles), math.ceil(kernels / most)))
        places = sums.images * math.prod(axis.number for axis in self.outer) * self.rows * self.columns
        source = sums.images * sums.channels * sums.source_channel * size
        return blocks if blocks * source < places * kernels else 1

    def _near_channels(self, size: int) -> int:
        """Return how many channels are summed at a time."""
        if not self.phase.last:
            return self.sums.channels
        offsets = [
            sum(i * axis.source for i, axis in zip(taps, self.phase.taps, strict=True)) + last
            for taps in product(*(range(axis.number) for axis in self.phase.taps))
            for last, _ in self.phase.last
        ]
        per_line = LINE // size
        lines = {
            (offset + place + lane) // per_line
            for offset in offsets
            for place, _ in self.places
            for lane in (0, self.width - 1)
        }
        near = max(1, self.near // (LINE * max(len(lines), 1)))
        unfinished = self.sums.outputs * self.parts * len(self.places) * self.width * size
        if near >= self.sums.channels or self.tile.outputs >= self.sums.outputs or unfinished > STACK:
            return self.sums.channels
        return math.ceil(self.sums.channels / math.ceil(self.sums.channels / near))

    def stage(self) -> Stage:
        code, sums, phase = self.code, self.sums, self.phase
        first = self.outer[0] if self.outer else None
        positions = first.number if first else self.rows
        rest, column = code.divided(code.index, self.columns)
        if phase.over and self.columns > 1:
            self.ends = code.builder.icmp_signed("==", column, integer(self.columns - 1))
        rest, position = code.divided(rest, positions)
        rest, group = code.divided(rest, sums.groups)
        if self.blocks > 1:
            block, image = code.divided(rest, sums.images)
            tiles = sum(many for _, many, _ in self.tiles)
            following = code.builder.add(block, integer(1))
            self.block = tuple(code.divided(code.times(i, tiles), self.blocks)[0] for i in (block, following))
        else:
            image = rest
        start = code.tile_start(column, self.columns, self.span, phase.run)
        source, kernel, result = (code.array(i) for i in self.arrays)
        source = code.at(
            source,
            phase.source,
            code.times(image, sums.source_image),
            code.times(group, sums.channels * sums.source_channel),
            start,
        )
        result = code.at(
            result,
            phase.result,
            code.times(image, sums.result_image),
            code.times(group, sums.outputs * sums.result_output),
            code.times(start, self.parts),
        )
        kernel = code.at(kernel, code.times(group, sums.kernel_group))
        if first:
            source = code.at(source, code.times(position, first.source))
            result = code.at(result, code.times(position, first.other))
            self.at_hand.append((position, position))
            self._places(self.outer[1:], source, kernel, result)
        else:
            self._tile_row(position, source, kernel, result)
        code.builder.ret_void()
        taps = math.prod(axis.number for axis in phase.taps) * len(phase.last)
        inside = math.prod(axis.number for axis in self.outer[1:]) * (self.rows if first else 1)
        work = inside * len(self.places) * self.width * sums.outputs * max(sums.channels * taps, self.parts)
        return Stage(self.name, self.blocks * sums.images * sums.groups * positions * self.columns, work // self.blocks)

    def _places(self, axes: Sequence[Axis], source: Any, kernel: Any, result: Any) -> None:
        code = self.code
        if not axes:
            with code.loop(self.rows) as loop:
                self._tile_row(loop.index, source, kernel, result)
            return
        with code.loop(axes[0].number) as loop:
            seen = code.at(source, code.times(loop.index, axes[0].source))
            self.at_hand.append((loop.index, loop.index))
            self._places(axes[1:], seen, kernel, code.at(result, code.times(loop.index, axes[0].other)))

    def _tile_row(self, row: Any, source: Any, kernel: Any, result: Any) -> None:
        """Compute all outputs of a tile of places."""
        code, sums = self.code, self.sums
        start = code.tile_start(row, self.rows, self.tile.rows, self.inner.number)
        source = code.at(source, code.times(start, self.inner.source))
        result = code.at(result, code.times(start, self.inner.other))
        self.at_hand.append((start, code.builder.add(start, integer(self.tile.rows - 1))))
        self.ranges = [self._range(taps) for taps in self.phase.taps]
        parts = math.ceil(sums.channels / self.channels)
        if parts == 1:
            self._outputs(source, kernel, result, sums.channels, None)
            return
        unfinished = code.local(sums.outputs * self.parts * len(self.places) * self.width)
        with code.loop(parts) as loop:
            begin = code.times(loop.index, self.channels)
            count = code.least(integer(self.channels), code.builder.sub(integer(sums.channels), begin))
            source = code.at(source, code.times(begin, sums.source_channel))
            kernel = code.at(kernel, code.times(begin, sums.kernel_channel))
            is_first = code.builder.icmp_signed("==", loop.index, integer(0))
            is_last = code.builder.icmp_signed("==", loop.index, integer(parts - 1))
            self._outputs(source, kernel, result, count, (unfinished, is_first, is_last))

    def _outputs(self, source: Any, kernel: Any, result: Any, channels: Any, kept: Any) -> None:
        code, sums, vectors = self.code, self.sums, self.parts * len(self.places)
        before = 0
        for first, many, size in self.tiles:
            begin, count = self._of_block(before, many)
            before += many
            with code.loop(count, perhaps_none=self.blocks > 1) as loop:
                tile = code.builder.add(begin, loop.index)
                weights = code.at(kernel, code.times(tile, size * sums.kernel_output), first * sums.kernel_output)
                target = code.at(result, code.times(tile, size * sums.result_output), first * sums.result_output)
                if kept is None:
                    totals = [code.zeros(self.width)] * (size * vectors)
                    self._write(self._products(source, weights, channels, size, totals), target, size)
                    continue
                unfinished, is_first, is_last = kept
                area = vectors * self.width
                own = code.at(unfinished, code.times(tile, size * area), first * area)
                totals = code.unfinished(own, size * vectors, self.width, is_first)
                totals = self._products(source, weights, channels, size, totals)
                with code.builder.if_else(is_last) as (then, otherwise):
                    with then:
                        self._write(totals, target, size)
                    with otherwise:
                        code.wait(own, totals)

    def _of_block(self, before: int, many: int) -> tuple[Any, Any]:
        """Return the first of some tiles of outputs that belongs to the block, and how many do; so many tiles are before them."""
        if self.blocks == 1:
            return integer(0), integer(many)
        first, end = (
            self.code.least(self.code.most(self.code.builder.sub(i, integer(before)), integer(0)), integer(many))
            for i in self.block
        )
        return first, self.code.builder.sub(end, first)

    def _write(self, totals: list[Any], target: Any, size: int) -> None:
        over = self.phase.over
        if self.ends is not None:
            with self.code.builder.if_else(self.ends) as (then, otherwise):
                with then:
                    self._store(totals, target, size, over)
                with otherwise:
                    self._store(totals, target, size, 0)
        else:
            self._store(totals, target, size, over)

    def _store(self, totals: list[Any], target: Any, size: int, over: int) -> None:
        """Write the results of a tile, but for those that are too many in the last vectors of a line."""
        code, many = self.code, len(self.places)
        for output, (i, (_, place)) in product(range(size), enumerate(self.places)):
            is_last = (i + 1) % self.tile.vectors == 0
            count = self.kept * self.parts - (over if is_last else 0)
            vectors = totals[output * many + i :: size * many]
            to = code.at(target, output * self.sums.result_output + place)
            # Those of parts that all see nothing are zeros, in any order.
            vectors = code.alternated(vectors) if self.phase.last else vectors
            for first, vector in zip(range(0, count, self.width), vectors, strict=False):
                code.store_first(vector, code.at(to, first), min(self.width, count - first))

    def _products(self, source: Any, weights: Any, channels: Any, size: int, totals: list[Any]) -> list[Any]:
        """Add the products of all channels and taps."""
        if not self.phase.last:
            return totals
        code, sums = self.code, self.sums
        with code.loop(channels, totals) as loop:
            seen = code.at(source, code.times(loop.index, sums.source_channel))
            own = code.at(weights, code.times(loop.index, sums.kernel_channel))
            loop.values[:] = self._taps(0, seen, own, size, loop.values)
        return loop.values

    def _range(self, taps: Taps) -> tuple[Any, Any]:
        """Return the first tap that may meet the source in some row of the tile, and how many there are from there on."""
        code, reach = self.code, taps.reach
        if reach is None:
            return integer(0), integer(taps.number)
        first_row, last_row = self.at_hand[reach.rows]

        def from_tap(position: int, row: Any) -> Any:
            """Return the first tap that stands at a position or behind it, between none and all."""
            many = taps.number + reach.size  # so that what is divided is positive
            far = code.builder.sub(
                integer(position - reach.start + reach.tap * (many + 1) - 1), code.times(row, reach.row)
            )
            far = code.most(far, integer(0))
            tap = code.builder.sub(code.divided(far, reach.tap)[0], integer(many))
            return code.least(code.most(tap, integer(0)), integer(taps.number))

        first = from_tap(0, last_row)
        return first, code.builder.sub(from_tap(reach.size, first_row), first)

    def _taps(self, axis: int, seen: Any, own: Any, size: int, totals: list[Any]) -> list[Any]:
        code = self.code
        if axis < len(self.phase.taps):
            taps, (first, count) = self.phase.taps[axis], self.ranges[axis]
            seen = code.at(seen, code.times(first, taps.source))
            own = code.at(own, code.times(first, taps.kernel))
            with code.loop(count, totals, perhaps_none=taps.reach is not None) as loop:
                further = code.at(seen, code.times(loop.index, taps.source))
                weights = code.at(own, code.times(loop.index, taps.kernel))
                loop.values[:] = self._taps(axis + 1, further, weights, size, loop.values)
            return loop.values
        totals, many = list(totals), size * len(self.places)
        # A tap of each part in turn: their sums do not wait for each other.
        for part, found in (each for taps in zip_longest(*self.phase.parts) for each in enumerate(taps)):
            if found is None:
                continue
            tap, weight = found
            vectors = [partial(code.load, code.at(seen, tap + place), self.width) for place, _ in self.places]
            factors = [
                partial(code.load_number, code.at(own, output * self.sums.kernel_output + weight), self.width)
                for output in range(size)
            ]
            sums = slice(part * many, (part + 1) * many)
            totals[sums] = code.outer_product(factors, vectors, totals[sums])
        return totals
