"""Cutting images into patches that lie side by side, and putting them together again."""

import math
from typing import Any

from .code import Code, integer
from .loops import steps_of
from .machine import Machine
from .moving import exchange
from .program import Patches
from .runtime import Stage

# Numbers of a line that are a piece of work.
BLOCK = 4096
# What a number costs, in multiplications of a convolution.
WORK = 24


def write(module: Any, dtype: str, patches: Patches, machine: Machine) -> Stage:
    """Write the function that does a piece; where patches are done twice by two of them, both write the same."""
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
        # A piece has some patches of a line, or all that lie at one position of the first axis.
        many = max(1, BLOCK // (p.kernel[0] * p.inner)) if len(p.size) == 1 else 1
        pieces = math.ceil(p.counts[0] / many)
        many = math.ceil(p.counts[0] / pieces)  # so that the last one is not done twice
        plane, piece = code.divided(code.index, pieces)
        first = code.tile_start(piece, pieces, many, p.counts[0])
        image, patches = code.array(int(p.is_back)), code.array(int(not p.is_back))
        image = code.at(
            image, code.times(plane, math.prod(p.size) * p.inner), code.times(first, p.kernel[0] * self.image[0])
        )
        patches = code.at(
            patches, code.times(plane, math.prod(p.kernel) * self.number), code.times(first, self.patch[0])
        )
        if p.is_back:
            self._clear(piece, pieces, many, image)
        if len(p.size) == 1:
            self._line(image, patches, many)
        else:
            self._within(0, image, patches)
        code.builder.ret_void()
        return Stage("patches", p.planes * pieces, WORK * math.prod(p.kernel) * self.number // pieces)

    def _clear(self, piece: Any, pieces: int, many: int, image: Any) -> None:
        """Write zeros where something is left behind the patches."""
        code, p = self.code, self.patches
        done = many * p.kernel[0] * self.image[0]
        if any(n % k for n, k in zip(p.size[1:], p.kernel[1:], strict=True)):
            code.clear(image, done)
        if left := p.size[0] % p.kernel[0]:
            with code.builder.if_then(code.builder.icmp_signed("==", piece, integer(pieces - 1))):
                code.clear(code.at(image, done), left * self.image[0])

    def _axis(self, axis: int, image: Any, patches: Any) -> None:
        code, p = self.code, self.patches
        if axis == len(p.size) - 1:
            self._line(image, patches, p.counts[-1])
            return
        with code.loop(p.counts[axis]) as loop:
            place = code.at(image, code.times(loop.index, p.kernel[axis] * self.image[axis]))
            self._within(axis, place, code.at(patches, code.times(loop.index, self.patch[axis])))

    def _within(self, axis: int, image: Any, patches: Any) -> None:
        """Go over the positions of an axis within a patch."""
        code = self.code
        with code.loop(self.patches.kernel[axis]) as loop:
            place = code.at(image, code.times(loop.index, self.image[axis]))
            self._axis(axis + 1, place, code.at(patches, code.times(loop.index, self.within[axis])))

    def _line(self, image: Any, patches: Any, many: int) -> None:
        """Do some patches of a line."""
        code, p, length = self.code, self.patches, self.patches.kernel[-1]
        if length == 1:
            self._copy(image, patches, many * p.inner)
        elif p.inner == 1 and p.is_back:
            exchange(code, self.width, patches, self.number, image, length, (length, many))
        elif p.inner == 1:
            exchange(code, self.width, image, length, patches, self.number, (many, length))
        else:
            with code.loop(many) as patch, code.loop(length) as within:
                place = code.at(image, code.times(patch.index, length * p.inner), code.times(within.index, p.inner))
                other = code.at(patches, code.times(within.index, self.number), code.times(patch.index, p.inner))
                self._copy(place, other, p.inner)

    def _copy(self, image: Any, patches: Any, count: int) -> None:
        target, source = (image, patches) if self.patches.is_back else (patches, image)
        self.code.copy(target, source, count)
