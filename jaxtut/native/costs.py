"""Estimates of the cycles that one core takes for a program, to choose among several that compute the same.

They count what the loops do, as `sums` and `products` write them: vectors with numbers that are not needed and taps that meet zeros included. What
a step around the products costs is rough, as on one processor (AMD, Zen 4); `python -m benchmarks.convolutions --random` shows what becomes of it.
"""

import math
from functools import cache

import numpy as np

from .loops import Axis, Padding, Phase, Products, Sums, Taps
from .machine import BYTES, Machine
from .tiles import cut_of_products, cut_of_sums, cycles, pieces

# Cycles of a turn of the innermost loop but for its products; of a tile's result; and of the zeroing and writing of one vector of it.
TURN, TILE, WRITTEN = 1.0, 20.0, 2.0
# Of finding a line; and of adding up the numbers of a vector.
LINE, ADDED_UP = 10.0, 5.0
# What it costs a gradient in the kernel, in vectors, that a line ends with a part of one.
REST = 0.3
# Of writing a number into another place: with zeros around the array, split too, along another axis, as that of a patch; and of adding up parts.
PADDED, SPLIT, MOVED, CUT, SUMMED = 0.5, 1.0, 1.2, 0.5, 1.0
# Of one more call of a program, on all cores that wait for it.
CALL = 10_000.0


def of_main(main: Sums | Products, dtype: str, machine: Machine) -> float:
    """Estimate the cycles of a convolution or one of its gradients."""
    if isinstance(main, Products):
        return _of_products(main, dtype, machine)
    return sum(_of_phase(main, phase, dtype, machine) for phase in main.phases)


def _of_phase(sums: Sums, phase: Phase, dtype: str, machine: Machine) -> float:
    cut, apart = cut_of_sums(sums, phase, dtype, machine), sums.kernel_output * BYTES[dtype]
    places, halves = cut.tile.rows * cut.tile.vectors, machine.parts(cut.width, dtype)
    # Numbers of several parts are put in order by as many steps for each vector.
    written = WRITTEN * halves * places * len(phase.parts) * (1 + len(phase.parts) / 4 if len(phase.parts) > 1 else 1)
    turns = sums.channels * math.prod(_met(taps, phase.rows) for taps in phase.taps)
    tiles = sums.images * sums.groups * math.prod(axis.number for axis in cut.outer) * cut.rows * cut.columns
    each = sum(
        many * (turns * (TURN + len(phase.last) * cycles(size, places, halves, apart)) + TILE + written * size)
        for _, many, size in pieces(sums.outputs, cut.tile.outputs)
    )
    return tiles * each


@cache
def _met(taps: Taps, rows: tuple[Axis, ...]) -> float:
    """Return how many taps of an axis a row goes through on average."""
    reach = taps.reach
    if reach is None:
        return taps.number
    number = rows[reach.rows].number
    return float(
        meetings(reach.start + reach.tap * np.arange(taps.number), number, reach.row, reach.size).sum() / number
    )


def meetings(positions: np.ndarray, rows: int, step: int, size: int) -> np.ndarray:
    """Return in how many rows each tap meets the source, and not the zeros around it; `positions` are those in the first row."""
    before, behind = (np.clip(-((positions - edge) // step), 0, rows) for edge in (0, size))
    return behind - before


def _of_products(p: Products, dtype: str, machine: Machine) -> float:
    width, tile, apart = p.width(machine, dtype), cut_of_products(p, dtype, machine), p.other_channel * BYTES[dtype]
    parts, (whole, rest) = machine.parts(width, dtype), divmod(p.run, width)
    lines, vectors = math.prod(axis.number for axis in p.lines), whole + (1 + REST if rest else 0)
    blocks = math.ceil(lines * p.run / machine.places)
    channels, taps = (1, p.inputs) if p.by_channel else (p.inputs, len(p.last))
    each = sum(
        many
        * other
        * (lines * (LINE + vectors * cycles(size, some, parts, apart, p.by_channel)) + blocks * ADDED_UP * size * some)
        for _, many, size in pieces(p.outputs, tile[0])
        for _, other, some in pieces(taps, tile[1])
    )
    summed = SUMMED * (p.parts - 1) * p.numbers
    return p.groups * channels * math.prod(axis.number for axis in p.taps) * each + summed


def of_padding(padding: Padding) -> float:
    """Estimate the cycles of writing the source anew before the loops."""
    return (SPLIT if padding.split > 1 else PADDED) * padding.numbers


def of_copying(numbers: int) -> float:
    """Estimate the cycles of writing so many numbers of an array into another one."""
    return CALL + PADDED * numbers


def of_cutting(numbers: int) -> float:
    """Estimate the cycles of cutting images of so many numbers into patches."""
    return CALL + CUT * numbers


def of_moving(numbers: int) -> float:
    """Estimate the cycles of exchanging two axes of an array."""
    return CALL + MOVED * numbers
