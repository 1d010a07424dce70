"""Copying an array into one with zeros around it, in the order in which a loop over windows reads it."""

import math
from typing import Any, NamedTuple

from .code import Code, integer
from .runtime import Stage


class Padding(NamedTuple):
    """Planes with zeros around them.

    Attributes:
        planes: how many.
        size: of each, along each axis.
        pads: zeros before and after, along each axis.
        inner: neighbouring numbers that stand at one position of the last axis.
        split: the last axis is cut into so many, each of which has every `split`th position; `inner` is 1 then.
    """

    planes: int
    size: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    inner: int = 1
    split: int = 1

    @property
    def padded(self) -> tuple[int, ...]:
        """The size with zeros, the last axis filled up to whole parts."""
        whole = [n + low + high for n, (low, high) in zip(self.size, self.pads, strict=True)]
        return (*whole[:-1], math.ceil(whole[-1] / self.split) * self.split)

    @property
    def steps(self) -> tuple[int, ...]:
        """The distance between neighbours along each axis; along the last, between neighbours of one part."""
        return tuple(math.prod(self.padded[i + 1 :]) * self.inner for i in range(len(self.size)))

    @property
    def plane(self) -> int:
        """The distance between planes."""
        return math.prod(self.padded) * self.inner

    @property
    def numbers(self) -> int:
        return self.planes * self.plane

    @property
    def changes(self) -> bool:
        """Whether the result is another array."""
        return self.split > 1 or any(pad != (0, 0) for pad in self.pads)

    def place(self, positions: tuple[int, ...]) -> int:
        """Return where in a plane a position of the padded array stands."""
        *outer, last = positions
        part = last % self.split * (self.padded[-1] // self.split) + last // self.split
        return sum(i * step for i, step in zip(outer, self.steps, strict=False)) + part * self.inner


def write(module: Any, name: str, dtype: str, padding: Padding, source: int, target: int) -> Stage:
    """Write the function that copies a row, that is, a position of a plane's first axis (of a line, all)."""
    code, axes = Code(module, name, dtype), len(padding.size)
    rows = padding.padded[0] if axes > 1 else 1
    row = padding.plane // rows
    plane, position = code.divided(code.index, rows)
    to = code.at(code.array(target), code.times(code.index, row))
    code.clear(to, row)
    if axes == 1:
        _copy_line(code, padding, code.at(code.array(source), code.times(plane, padding.size[0] * padding.inner)), to)
    else:
        taken = code.builder.sub(position, integer(padding.pads[0][0]))
        with code.builder.if_then(code.builder.icmp_unsigned("<", taken, integer(padding.size[0]))):
            number = code.builder.add(code.times(plane, padding.size[0]), taken)
            start = code.at(
                code.array(source), code.times(number, math.prod(padding.size[1:]) * padding.inner)
            )
            _copy_rows(code, padding, 1, start, to)
    code.builder.ret_void()
    return Stage(name, padding.planes * rows, row)


def _copy_rows(code: Code, padding: Padding, axis: int, start: Any, to: Any) -> None:
    if axis == len(padding.size) - 1:
        _copy_line(code, padding, start, to)
        return
    step = math.prod(padding.size[axis + 1 :]) * padding.inner
    with code.loop(padding.size[axis]) as loop:
        position = code.builder.add(loop.index, integer(padding.pads[axis][0]))
        target = code.at(to, code.times(position, padding.steps[axis]))
        _copy_rows(code, padding, axis + 1, code.at(start, code.times(loop.index, step)), target)


def _copy_line(code: Code, padding: Padding, start: Any, to: Any) -> None:
    size, low, split = padding.size[-1], padding.pads[-1][0], padding.split
    if split == 1:
        code.copy(code.at(to, low * padding.inner), start, size * padding.inner)
        return
    for part in range(split):
        first = (part - low) % split  # the first position of the source that belongs to this part
        if first < size:
            target = code.at(to, part * (padding.padded[-1] // split) + (first + low) // split)
            with code.loop(math.ceil((size - first) / split)) as loop:
                number = code.load(code.at(start, first, code.times(loop.index, split)), 1)
                code.store(number, code.at(target, loop.index))
