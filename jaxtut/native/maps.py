"""The same function of each number of an array, or the product of its slope and the numbers of another one."""

from typing import Any

from .code import Code
from .functions import FUNCTIONS
from .machine import Machine
from .program import BLOCK, Map
from .runtime import Stage

# What a number costs, in multiplications of a convolution.
WORK = 24


def write(module: Any, dtype: str, map: Map, machine: Machine) -> Stage:
    """Write the function that computes a block of numbers; the last block begins so early that it ends with the array."""
    code, function = Code(module, "map", dtype), FUNCTIONS[map.function]
    width, size = machine.width(dtype), min(map.number, BLOCK)
    pieces = -(-map.number // size)
    start = code.tile_start(code.index, pieces, size, map.number)
    arrays = [code.at(code.array(i), start) for i in range(3 if map.is_product else 2)]

    def compute(place: Any, count: int) -> None:
        x, *others = (code.load_first(code.at(array, place), width, count) for array in arrays[:-1])
        result = (function.slope if map.is_product else function.value)(code, x, map.parameters)
        for v in others:
            result = code.builder.fmul(v, result)
        code.store_first(result, code.at(arrays[-1], place), count)

    code.each_vector(size, width, compute)
    code.builder.ret_void()
    return Stage("map", pieces, WORK * size)
