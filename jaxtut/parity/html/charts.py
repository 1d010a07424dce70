"""Drawings of a report as inline SVG: how many elements are how many ulp apart, and where in a leaf the sides part."""

import math
from collections.abc import Sequence
from html import escape

from ..heat_map import ULP, UNEQUAL, HeatMap, block_of
from ..rows import HISTOGRAM_BINS

# Below this power of two an axis is not shorter, so that drawings of nearly equal leaves look alike.
_FEWEST_BINS = 12
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

# Upper ends of the colours in log10, and what they mean; −inf is 'equal' and inf the last.
_ROUNDING_STEPS = (
    (-2.0, "below a hundredth of what rounding explains"),
    (-1.0, "below a tenth"),
    (0.0, "explained by rounding"),
    (1.0, "up to 10 times what rounding explains"),
    (4.0, "up to 10⁴ times"),
    (math.nextafter(math.inf, 0), "more than 10⁴ times"),
)
_ULP_STEPS = (
    (0.0, "up to 1 ulp"),
    (math.log10(4), "up to 4 ulp"),
    (math.log10(32), "up to 32 ulp"),
    (3.0, "up to 1,000 ulp"),
    (6.0, "up to 10⁶ ulp"),
    (math.nextafter(math.inf, 0), "more than 10⁶ ulp"),
)


def power(exponent: int) -> str:
    """Write a power of two as people read it: 1 to 512 in full, larger ones as 2¹⁰."""
    return str(2**exponent) if exponent < 10 else f"2{str(exponent).translate(_SUPERSCRIPTS)}"


def bin_label(i: int) -> str:
    """Say which distances the i-th count of a histogram holds."""
    return f"up to {power(i - 1)} ulp" if i else "equal"


def in_words(counts: Sequence[int]) -> str:
    """Say a histogram: '3 equal, 5 up to 1 ulp'."""
    return ", ".join(f"{n:,} {bin_label(i)}" for i, n in enumerate(counts) if n) or "no elements"


def quantiles(counts: Sequence[int]) -> str:
    """Say how far apart the elements are: how many are equal, and what half of them, nearly all and all stay within.

    Example:
        >>> quantiles((10, 980, 0, 10)), quantiles((0, 1))
        ('1,000 elements, 10 equal, 99% up to 1 ulp, all up to 4 ulp', '1 element, 0 equal, all up to 1 ulp')
    """
    total = sum(counts)
    within: dict[int, str] = {}
    for share, name in ((0.5, "half"), (0.99, "99%"), (1.0, "all")):
        within[next(i for i in range(len(counts)) if sum(counts[: i + 1]) >= share * total)] = name
    words = [f"{total:,} element{'' if total == 1 else 's'}", f"{counts[0]:,} equal"]
    return ", ".join([*words, *(f"{name} {bin_label(i)}" for i, name in within.items() if i)])


def spark(counts: Sequence[int]) -> str:
    """Draw a histogram as large as a word; the same place means the same distance in every row, and heights are logarithmic."""
    if not any(counts):
        return ""
    most = math.log1p(max(counts))
    bars = "".join(_bar(2 * i, 19, 1.6, 2 + 16 * math.log1p(n) / most) for i, n in enumerate(counts) if n)
    words = escape(in_words(counts))
    width = 2 * HISTOGRAM_BINS
    axis = f'<path class="base" d="M0 19.5h{width}"/>'
    return (
        f'<svg class="spark" width="{width}" height="20" viewBox="0 0 {width} 20" role="img" aria-label="{words}"><title>{words}</title>'
        f'{axis}<path d="{bars}"/></svg>'
    )


def histogram(counts: Sequence[int]) -> str:
    """Draw a histogram with its axes: distance in powers of two to the right, the number of elements upward, logarithmic."""
    width, height, left, bottom = 360, 170, 38, 36
    bins = max(_FEWEST_BINS, max((i + 1 for i, n in enumerate(counts) if n), default=0))
    step, top = (width - left - 6) / bins, max(1, math.ceil(math.log10(max(max(counts, default=1), 1) + 1)))
    room = height - bottom - 8

    def up(n: float) -> float:
        return room * math.log10(n + 1) / math.log10(10**top + 1)

    grid = "".join(_tick(10**k, height - bottom - up(10**k), left, width) for k in range(top + 1))
    bars = "".join(
        f'<path d="{_bar(left + i * step + 1, height - bottom, step - 2, max(2.0, up(n)))}"><title>{n:,} {bin_label(i)}</title></path>'
        for i, n in enumerate(counts)
        if n
    )
    every = next(n for n in (1, 2, 4, 8, 16) if n * step > 26 or n == 16)
    labels = "".join(
        f'<text x="{left + (i + 0.5) * step:.1f}" y="{height - bottom + 14}" text-anchor="middle">{power(i - 1) if i else 0}</text>'
        for i in range(bins)
        if i == 0 or ((i - 1) % every == 0 and i >= every)
    )
    axis = f'<text x="{(left + width) / 2}" y="{height - 4}" text-anchor="middle">ulp apart, at most</text>'
    base = f'<path class="grid" d="M{left} {height - bottom}H{width}"/>'
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(in_words(counts))}">'
        f'{grid}{base}<g class="bars">{bars}</g>{labels}{axis}</svg>'
    )


def heat_map(drawn: HeatMap) -> str:
    """Draw a heat map with its legend; cells of one colour and one row are one shape, so that the page stays small."""
    rows, columns = len(drawn.cells), max(map(len, drawn.cells), default=0)
    if not rows or not columns:
        return ""
    wide, high = max(6, min(36, 640 // columns)), max(6, min(24, 420 // rows))
    paths: dict[int, list[str]] = {}
    for y, line in enumerate(drawn.cells):
        for level, x, length in _runs([colour_of(drawn, value) for value in line]):
            paths.setdefault(level, []).append(f"M{x * wide} {y * high}h{length * wide}v{high}h{-length * wide}z")
    shapes = "".join(f'<path class="h{level}" d="{"".join(d)}"/>' for level, d in sorted(paths.items()))
    width, height = columns * wide, rows * high
    words = escape(f"heat map of {drawn.name}, {rows} by {columns} cells; {_worst_cell(drawn)}")
    return (
        f'<svg class="map" width="{width}" viewBox="0 0 {width} {height}" shape-rendering="crispEdges" role="img"'
        f' aria-label="{words}"><title>{words}</title>{shapes}</svg>{_legend(drawn, sorted(paths))}'
    )


def colour_of(drawn: HeatMap, value: float) -> int:
    """Return which of the eight colours a cell has: 0 for equal, 7 for not finite on one side."""
    if value == -math.inf:
        return 0
    if value == math.inf or math.isnan(value):
        return 7
    if drawn.unit == UNEQUAL:
        return 6
    return next(i for i, (end, _) in enumerate(_steps(drawn), start=1) if value <= end)


def axes_in_words(drawn: HeatMap) -> str:
    """Say which axes of the leaf a map shows, and how many elements share a cell."""
    columns = drawn.shape[-1] if drawn.shape else 1
    rows = math.prod(drawn.shape[:-1])
    words = "to the right the last axis" if len(drawn.shape) > 1 else "to the right the elements"
    if len(drawn.shape) > 1:
        words += ", downward " + ("the first" if len(drawn.shape) == 2 else "all others, the first one slowest")
    block = (block_of(rows), block_of(columns))
    return words + (f"; a cell is the worst of {block[0]}×{block[1]} elements" if max(block) > 1 else "")


def _steps(drawn: HeatMap) -> tuple[tuple[float, str], ...]:
    return _ULP_STEPS if drawn.unit == ULP else _ROUNDING_STEPS


def _legend(drawn: HeatMap, levels: Sequence[int]) -> str:
    words = ["equal", *(text for _, text in _steps(drawn)), "not finite on one side"]
    if drawn.unit == UNEQUAL:
        words[6] = "not equal"
    return '<ul class="legend">' + "".join(f'<li><i class="h{i}"></i>{words[i]}</li>' for i in levels) + "</ul>"


def _worst_cell(drawn: HeatMap) -> str:
    value, y, x = max((value, y, x) for y, line in enumerate(drawn.cells) for x, value in enumerate(line))
    return f"the worst is in row {y}, column {x}" if value > -math.inf else "all equal"


def _runs(levels: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return (level, start, length) of every stretch of one colour."""
    starts = [i for i, level in enumerate(levels) if i == 0 or level != levels[i - 1]]
    return [(levels[i], i, j - i) for i, j in zip(starts, [*starts[1:], len(levels)], strict=True)]


def _bar(x: float, base: float, width: float, height: float) -> str:
    return f"M{x:.4g} {base:g}v-{height:.3g}h{width:.3g}v{height:.3g}z"


def _tick(n: int, y: float, left: int, width: int) -> str:
    label = f"{n:,}" if n < 10_000 else f"10{str(len(str(n)) - 1).translate(_SUPERSCRIPTS)}"
    return f'<path class="grid" d="M{left} {y:.1f}H{width}"/><text x="{left - 4}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
