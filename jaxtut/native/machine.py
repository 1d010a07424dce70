"""What the processor at hand can do, and whether programs can be compiled for it."""

import platform
import sys
from functools import cache
from typing import NamedTuple

BYTES = {"float32": 4, "float64": 8}


class Machine(NamedTuple):
    """A processor, and what suits it; where a number is not known of each processor, it was measured on one of AMD's (Zen 3, the halves on Zen 4).

    Attributes:
        cpu: LLVM's name of it.
        features: what it can do, in LLVM's words.
        vector_bytes: how long its vectors are.
        accumulators: how many vectors a loop may keep its sums in, so that there are registers left for what it multiplies.
        near: bytes that a loop may come back to, so that it finds them in the first cache.
        places: numbers of a channel that are read for one tile of results after another, so that these find them in a cache.
        block: bytes of factors that are used for all places before the next ones, so that they stay in the second cache.
        grain: multiplications for which it is worth to have another thread help, about ten microseconds.
        halves: whether it computes a vector of 64 bytes as two halves, one after the other: two of 32 bytes take no longer then.
    """

    cpu: str
    features: str
    vector_bytes: int
    accumulators: int
    near: int = 10_000
    places: int = 4096
    block: int = 1 << 19
    grain: int = 400_000
    halves: bool = False

    def width(self, dtype: str, run: int | None = None, within: bool = False) -> int:
        """Return how many numbers a vector holds: half as many for lines where that is as fast and leaves fewer unused.

        Args:
            dtype: of the numbers.
            run: the length of the lines.
            within: prefer vectors that are no longer than a line, too.
        """
        width = self.vector_bytes // BYTES[dtype]
        if run is None or not self.halves or width < 4:
            return width
        return min(width // 2, width, key=lambda w: (within and w > run, -(-run // w) * w, -w))

    def parts(self, width: int, dtype: str) -> int:
        """Return in how many parts, one after the other, vectors of so many numbers are computed."""
        return 2 if self.halves and width * BYTES[dtype] == self.vector_bytes else 1


@cache
def host() -> Machine | None:
    """Return the processor at hand, or None where programs cannot be compiled for it.

    LLVM must be there, and the processor must multiply and add in one instruction. (On Windows there is no `sched_yield`.)
    """
    if sys.platform not in ("linux", "darwin"):
        return None
    try:
        import llvmlite.binding as llvm
    except (ImportError, OSError):  # there is no build of it for every system
        return None
    features = llvm.get_host_cpu_features()
    words, cpu = features.flatten(), llvm.get_host_cpu_name()
    if platform.machine().lower() in ("arm64", "aarch64"):
        return Machine(cpu, words, 16, 24)
    if features.get("avx512f"):
        return Machine(cpu, words, 64, 24, halves=cpu == "znver4")
    return Machine(cpu, words, 32, 12) if features.get("avx2") and features.get("fma") else None
