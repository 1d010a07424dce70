"""Cutting images into patches that lie side by side, and putting them together again."""

import math
from typing import Any

from .code import Code, integer
from .loops import steps_of
from .machine import Machine
from .moving import exchange
from .program import Patches
from .runtime import Stage

# What a number costs, in multiplications of a convolution.
WORK = 24


def write(module: Any, dtype: str, patches: Patches, machine: Machine) -> Stage:
    """Write the function that does the patches of an image that lie at one position of its first axis (of a line, all)."""
    return _Writer(module, dtype, patches, machine).stage()


class _Writer:
    def __init__(self, module: Any, dtype: str, patches: Patches, machine: Machine) -> None:
        self.patches, self.code, self.width = patches, Code(module, "patches", dtype), machine.width(dtype)
        # Distances of neighbours along each axis: in an image, and of patches and of positions in a patch among patches.
        self.image, self.patch = (steps_of(shape, patches.inner) for shape in (patches.size, patches.counts))
        self.number = math.prod(patches.counts) * patches.inner
        self.within = steps_of(patches.kernel, self.number)

    def stage(self) -> Stage:
        code, p = self.code, self.patches
        rows = p.counts[0] if len(p.size) > 1 else 1
        plane, row = code.divided(code.index, rows)
        image, patches = code.array(int(p.is_back)), code.array(int(not p.is_back))
        image = code.at(image, code.times(plane, math.prod(p.size) * p.inner), code.times(row, p.kernel[0] * self.image[0]))
        patches = code.at(patches, code.times(plane, math.prod(p.kernel) * self.number), code.times(row, self.patch[0]))
        if p.is_back:
            self._clear(row, image)
        self._axis(0, image, patches)
        code.builder.ret_void()
        return Stage("patches", p.planes * rows, WORK * math.prod(p.kernel) * self.number // rows)

    def _clear(self, row: Any, image: Any) -> None:
        """Write zeros where something is left behind the patches."""
        code, p = self.code, self.patches
        lines = p.kernel[0] if len(p.size) > 1 else p.size[0]
        inside = p.size[1:] if len(p.size) > 1 else p.size
        if any(n % k for n, k in zip(inside, p.kernel[-len(inside) :], strict=True)):
            code.clear(image, lines * self.image[0])
        left = p.size[0] % p.kernel[0]
        if len(p.size) > 1 and left:
            with code.builder.if_then(code.builder.icmp_signed("==", row, integer(p.counts[0] - 1))):
                code.clear(code.at(image, lines * self.image[0]), left * self.image[0])

    def _axis(self, axis: int, image: Any, patches: Any) -> None:
        code, p = self.code, self.patches
        if axis == len(p.size) - 1:
            self._line(image, patches)
            return
        # The piece is at one position of the first axis.
        with code.loop(p.counts[axis] if axis else 1) as patch, code.loop(p.kernel[axis]) as within:
            place = code.at(image, code.times(patch.index, p.kernel[axis] * self.image[axis]))
            place = code.at(place, code.times(within.index, self.image[axis]))
            other = code.at(patches, code.times(patch.index, self.patch[axis]))
            self._axis(axis + 1, place, code.at(other, code.times(within.index, self.within[axis])))

    def _line(self, image: Any, patches: Any) -> None:
        code, p, number, length = self.code, self.patches, self.patches.counts[-1], self.patches.kernel[-1]
        if p.inner == 1 and p.is_back:
            exchange(code, self.width, patches, self.number, image, length, (length, number))
        elif p.inner == 1:
            exchange(code, self.width, image, length, patches, self.number, (number, length))
        else:
            with code.loop(number) as patch, code.loop(length) as within:
                place = code.at(image, code.times(patch.index, length * p.inner), code.times(within.index, p.inner))
                other = code.at(patches, code.times(within.index, self.number), code.times(patch.index, p.inner))
                target, source = (place, other) if p.is_back else (other, place)
                code.copy(target, source, p.inner)
