"""Writing LLVM's intermediate representation: loops that carry values, places in memory, vectors."""

import struct
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from llvmlite import ir

from .machine import BYTES

INTEGER = ir.IntType(64)
POINTER = ir.PointerType()
VOID = ir.VoidType()
_INDEX = ir.IntType(32)


def integer(value: int) -> Any:
    """Return a constant."""
    return ir.Constant(INTEGER, int(value))


class Loop(NamedTuple):
    """The inside of a loop: its counter, and the carried values, which the body replaces."""

    index: Any
    values: list[Any]


class Code:
    """A function that is being written, over numbers of one type.

    Args:
        module: where the function goes.
        name: of the function, which takes a pointer to the arrays' addresses, and an index.
        dtype: 'float32' or 'float64'.
    """

    def __init__(self, module: Any, name: str, dtype: str) -> None:
        self.function = ir.Function(module, ir.FunctionType(VOID, [POINTER, INTEGER]), name)
        self.function.linkage = "internal"
        self.builder: Any = ir.IRBuilder(self.function.append_basic_block())
        self.bytes = BYTES[dtype]
        self.number = ir.FloatType() if self.bytes == 4 else ir.DoubleType()
        self.arrays, self.index = self.function.args

    def array(self, position: int) -> Any:
        """Return the address of an array."""
        place = self.builder.gep(self.arrays, [integer(position)], source_etype=POINTER)
        return self.builder.load(place, typ=POINTER)

    def at(self, place: Any, *distances: Any) -> Any:
        """Return the place so many numbers further; integers are constants."""
        for distance in distances:
            if isinstance(distance, int):
                if distance == 0:
                    continue
                distance = integer(distance)
            place = self.builder.gep(place, [distance], source_etype=self.number)
        return place

    def times(self, value: Any, factor: int) -> Any:
        """Return a multiple of an integer."""
        return self.builder.mul(value, integer(factor))

    def divided(self, value: Any, by: int) -> tuple[Any, Any]:
        """Return quotient and remainder."""
        if by == 1:
            return value, integer(0)
        return self.builder.udiv(value, integer(by)), self.builder.urem(value, integer(by))

    def least(self, a: Any, b: Any) -> Any:
        """Return the smaller one."""
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def most(self, a: Any, b: Any) -> Any:
        """Return the larger one."""
        return self.builder.select(self.builder.icmp_signed(">", a, b), a, b)

    def tile_start(self, tile: Any, tiles: int, each: int, total: int) -> Any:
        """Return where a tile begins; the last one begins so early that it ends with the whole."""
        start = self.times(tile, each)
        return self.least(start, integer(total - each)) if tiles * each > total else start

    @contextmanager
    def loop(self, count: Any, values: Sequence[Any] = (), perhaps_none: bool = False) -> Generator[Loop, None, None]:
        """Repeat the body; afterwards, `values` of what was yielded are the last ones.

        Args:
            count: how often, at least once unless `perhaps_none`.
            values: what the body has and replaces.
            perhaps_none: whether the count may be 0 or less.
        """
        builder, count = self.builder, integer(count) if isinstance(count, int) else count
        before, body, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
        if perhaps_none:
            builder.cbranch(builder.icmp_signed("<", integer(0), count), body, after)
        else:
            builder.branch(body)
        builder.position_at_end(body)
        index = builder.phi(INTEGER)
        index.add_incoming(integer(0), before)
        carried = [builder.phi(value.type) for value in values]
        for phi, value in zip(carried, values, strict=True):
            phi.add_incoming(value, before)
        inside = Loop(index, list(carried))
        yield inside
        following = builder.add(index, integer(1))
        last = builder.block
        index.add_incoming(following, last)
        for phi, value in zip(carried, inside.values, strict=True):
            phi.add_incoming(value, last)
        builder.cbranch(builder.icmp_signed("<", following, count), body, after)
        builder.position_at_end(after)
        if perhaps_none:
            found = [builder.phi(value.type) for value in values]
            for phi, value, result in zip(found, values, inside.values, strict=True):
                phi.add_incoming(value, before)
                phi.add_incoming(result, last)
            inside.values[:] = found

    def each_vector(self, size: int, width: int, body: Callable[[Any, int], None]) -> None:
        """Write `body` for the places of so many numbers, a vector at a time, and how many of it there are; none is met twice."""
        if size >= width:
            with self.loop(size // width) as loop:
                body(self.times(loop.index, width), width)
        if size % width:
            body(integer(size - size % width), size % width)

    def vector(self, width: int) -> Any:
        """Return the type of a vector."""
        return ir.VectorType(self.number, width)

    def zeros(self, width: int) -> Any:
        """Return a vector of zeros."""
        return self.constant(0.0, width)

    def scalar(self, value: float) -> Any:
        """Return a number, which is rounded to the type."""
        return ir.Constant(self.number, self._rounded(value))

    def constant(self, value: float, width: int) -> Any:
        """Return a vector of a number, which is rounded to the type."""
        return ir.Constant(self.vector(width), [self._rounded(value)] * width)

    def _rounded(self, value: float) -> float:
        return value if self.bytes > 4 else struct.unpack("f", struct.pack("f", value))[0]

    def load(self, place: Any, width: int) -> Any:
        """Return the vector at a place, which need not be aligned."""
        return self.builder.load(place, align=self.bytes, typ=self.vector(width))

    def load_first(self, place: Any, width: int, count: int) -> Any:
        """Return a vector whose first numbers are read, and the others 0, without touching their places."""
        if count == width:
            return self.load(place, width)
        piece = 1 << (count.bit_length() - 1)
        low, high = self.load(place, piece), self.load(self.at(place, count - piece), piece)
        lanes = [i if i < piece else 2 * piece - count + i for i in range(count)] + [0] * (width - count)
        return self.only(self.builder.shuffle_vector(low, high, _lanes(lanes)), 0, count)

    def load_number(self, place: Any, width: int) -> Any:
        """Return the number at a place in all of a vector."""
        return self.everywhere(self.number_at(place), width)

    def number_at(self, place: Any) -> Any:
        """Return the number at a place."""
        return self.builder.load(place, align=self.bytes, typ=self.number)

    def label_at(self, labels: Any, index: Any) -> Any:
        """Return an integer of an array of 32-bit ones."""
        place = self.builder.gep(labels, [index], source_etype=_INDEX)
        return self.builder.sext(self.builder.load(place, align=4, typ=_INDEX), INTEGER)

    def write_number(self, number: Any, place: Any) -> None:
        """Write a number."""
        self.builder.store(number, place, align=self.bytes)

    def everywhere(self, number: Any, width: int) -> Any:
        """Return a number in all of a vector."""
        vector = ir.Constant(self.vector(width), ir.Undefined)
        one = self.builder.insert_element(vector, number, ir.Constant(_INDEX, 0))
        return self._picked(one, [0] * width)

    def store(self, value: Any, place: Any) -> None:
        """Write a vector."""
        self.builder.store(value, place, align=self.bytes)

    def store_first(self, value: Any, place: Any, count: int) -> None:
        """Write the first numbers of a vector, in pieces that may overlap."""
        width = value.type.count
        if count == width:
            self.store(value, place)
            return
        piece = 1 << (count.bit_length() - 1)
        for start in {0, count - piece}:
            self.store(self._picked(value, list(range(start, start + piece))), self.at(place, start))

    def only(self, value: Any, first: int, end: int, other: float = 0.0) -> Any:
        """Keep the numbers of a vector from `first` to before `end`; the others become `other`."""
        width = value.type.count
        kept = ir.Constant(_mask(width), [int(first <= i < end) for i in range(width)])
        return self.builder.select(kept, value, self.constant(other, width))

    def absolute(self, a: Any) -> Any:
        """Return |a|."""
        fabs = self._intrinsic(f"llvm.fabs.{self._suffix(a.type.count)}", a.type, [a.type])
        return self.builder.call(fabs, [a])

    def square_root(self, a: Any) -> Any:
        """Return √a."""
        root = self._intrinsic(f"llvm.sqrt.{self._suffix(a.type.count)}", a.type, [a.type])
        return self.builder.call(root, [a])

    def polynomial(self, x: Any, coefficients: Sequence[float]) -> Any:
        """Return Σ_i coefficients[i] · xⁱ."""
        *lower, highest = (self.constant(c, x.type.count) for c in coefficients)
        for coefficient in reversed(lower):
            highest = self.multiply_add(highest, x, coefficient)
        return highest

    def larger(self, a: Any, b: Any) -> Any:
        """Return the larger numbers of two vectors; b's, where one is NaN."""
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """Return a · b + c, rounded once."""
        fma = self._intrinsic(f"llvm.fma.{self._suffix(a.type.count)}", a.type, [a.type] * 3)
        return self.builder.call(fma, [a, b, c])

    def outer_product(
        self, a: Sequence[Callable[[], Any]], b: Sequence[Callable[[], Any]], totals: Sequence[Any]
    ) -> list[Any]:
        """Return totals[i, j] + a[i] · b[j]; the fewer factors are read first and kept, of the others there is one at a time."""
        totals, swapped = list(totals), len(a) > len(b)
        few, many = (b, a) if swapped else (a, b)
        kept = [read() for read in few]
        for i, read in enumerate(many):
            factor = read()
            for j, other in enumerate(kept):
                place = i * len(b) + j if swapped else j * len(b) + i
                totals[place] = self.multiply_add(other, factor, totals[place])
        return totals

    def unfinished(self, place: Any, many: int, width: int, is_first: Any) -> list[Any]:
        """Return the sums that wait at a place; at first there are none yet, and what is read is not taken."""
        waiting = (self.load(self.at(place, i * width), width) for i in range(many))
        return [self.builder.select(is_first, self.zeros(width), vector) for vector in waiting]

    def wait(self, place: Any, sums: Sequence[Any]) -> None:
        """Write sums for `unfinished`."""
        for i, vector in enumerate(sums):
            self.store(vector, self.at(place, i * vector.type.count))

    def first(self, value: Any) -> Any:
        """Return the first number of a vector."""
        return self.builder.extract_element(value, ir.Constant(_INDEX, 0))

    def total(self, value: Any) -> Any:
        """Return the sum of a vector's numbers, halves added to each other."""
        return self._folded(value, self.builder.fadd)

    def largest(self, value: Any) -> Any:
        """Return the largest of a vector's numbers."""
        return self._folded(value, self.larger)

    def _folded(self, value: Any, both: Callable[[Any, Any], Any]) -> Any:
        width = value.type.count
        while width > 1:
            width //= 2
            low, high = (self._picked(value, list(range(i, i + width))) for i in (0, width))
            value = both(low, high)
        return self.first(value)

    def add_to(self, place: Any, number: Any, is_first: Any | None = None) -> None:
        """Add a number to the one at a place, where there is none yet if `is_first`."""
        before = self.number_at(place)
        if is_first is not None:
            before = self.builder.select(is_first, self.scalar(0.0), before)
        self.write_number(self.builder.fadd(before, number), place)

    def copy(self, target: Any, source: Any, count: int) -> None:
        """Copy numbers."""
        self._memory("llvm.memcpy.p0.p0.i64", POINTER, target, source, count)

    def clear(self, target: Any, count: int) -> None:
        """Write zeros."""
        self._memory("llvm.memset.p0.i64", ir.IntType(8), target, ir.Constant(ir.IntType(8), 0), count)

    def _memory(self, name: str, second: Any, target: Any, value: Any, count: int) -> None:
        function = self._intrinsic(name, VOID, [POINTER, second, INTEGER, ir.IntType(1)])
        self.builder.call(function, [target, value, integer(count * self.bytes), ir.Constant(ir.IntType(1), 0)])

    def local(self, count: int) -> Any:
        """Return the place of so many numbers on the stack, aligned for vectors."""
        with self.builder.goto_entry_block():
            place = self.builder.alloca(self.number, count)
            place.align = 64
            # A pointer like all others: llvmlite gives this one a type of its own.
            return self.builder.inttoptr(self.builder.ptrtoint(place, INTEGER), POINTER)

    def picked(self, vectors: Sequence[Any], lanes: Sequence[int]) -> Any:
        """Return a vector of the numbers that stand at these lanes of several vectors, one behind the other."""
        width, found = vectors[0].type.count, vectors[0]
        places = [min(lane, width - 1) for lane in lanes]
        for number, vector in enumerate(vectors[1:], 1):
            chosen = [
                lane - (number - 1) * width if lane // width == number else place
                for lane, place in zip(lanes, places, strict=True)
            ]
            found, places = self.builder.shuffle_vector(found, vector, _lanes(chosen)), list(range(width))
        return found

    def alternated(self, vectors: Sequence[Any]) -> list[Any]:
        """Return vectors of the first number of each vector, the second of each, …, in that order."""
        many, width = len(vectors), vectors[0].type.count
        starts = range(0, many * width, width)
        lanes = ([lane % many * width + lane // many for lane in range(i, i + width)] for i in starts)
        return [self.picked(vectors, each) for each in lanes]

    def transposed(self, vectors: Sequence[Any]) -> list[Any]:
        """Return vectors of the first, second, … numbers of as many vectors as each has numbers."""
        found, width, step = list(vectors), len(vectors), 1
        while step < width:
            # Of each square of 2 × 2 blocks, the two off the diagonal change places.
            low = [lane if lane & step == 0 else width + lane - step for lane in range(width)]
            high = [lane + step if lane & step == 0 else width + lane for lane in range(width)]
            for i in range(width):
                if i & step == 0:
                    pair = found[i], found[i + step]
                    found[i] = self.builder.shuffle_vector(*pair, _lanes(low))
                    found[i + step] = self.builder.shuffle_vector(*pair, _lanes(high))
            step *= 2
        return found

    def _picked(self, value: Any, lanes: list[int]) -> Any:
        if len(lanes) == 1:
            return self.builder.bitcast(
                self.builder.extract_element(value, ir.Constant(_INDEX, lanes[0])), self.vector(1)
            )
        return self.builder.shuffle_vector(value, value, _lanes(lanes))

    def _suffix(self, width: int) -> str:
        return f"v{width}f{8 * self.bytes}"

    def _intrinsic(self, name: str, result: Any, arguments: list[Any]) -> Any:
        module: Any = self.function.module
        return module.globals.get(name) or ir.Function(module, ir.FunctionType(result, arguments), name)


def _mask(width: int) -> Any:
    return ir.VectorType(ir.IntType(1), width)


def _lanes(lanes: list[int]) -> Any:
    return ir.Constant(ir.VectorType(_INDEX, len(lanes)), lanes)
