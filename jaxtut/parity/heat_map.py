"""Where in a leaf two sides part: one number for every block of elements, few enough to draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import definition
from .definition import BIT_IDENTICAL
from .noise import REFUSALS
from .quantities import TAP, TAP_GRADIENT, is_floating

if TYPE_CHECKING:
    from .judge import Pair
    from .rows import Row

# A map has at most this many rows and as many columns of cells.
CELLS = 64

ROUNDING = "what rounding explains"
ULP = "an ulp"
UNEQUAL = "unequal"


@dataclass(frozen=True)
class HeatMap:
    """The differences in one leaf, reduced to cells.

    Attributes:
        name, kind, dtype, mode: of the row that is drawn.
        shape: of the array, with the axis of cotangents where they are stacked.
        unit: what the differences are divided by: 'what rounding explains' or 'an ulp'; 'unequal' where they are only equal or not.
        cells: log10 of the largest |difference| of each block in that unit; −inf where all are equal, inf where one side is not finite.
    """

    name: str
    kind: str
    dtype: str
    mode: str
    shape: tuple[int, ...]
    unit: str
    cells: tuple[tuple[float, ...], ...]


def heat_map(row: "Row", a: np.ndarray, b: np.ndarray, bound: np.ndarray | None = None) -> HeatMap | None:
    """Draw where two arrays part: the last axis runs to the right, all others are stacked downward, and blocks keep their largest difference.

    Args:
        row: the row of the two arrays.
        a: the JAX side's result.
        b: PyTorch's.
        bound: how far apart rounding may have put them, element by element; None counts in ulp.

    Returns:
        The map; None where there is nothing to draw: other shapes or dtypes, no elements.

    Example:
        >>> from jaxtut.parity import Row
        >>> row = Row("x", "value", (1, 100), "float64", "different", 1.0, 0.0, 0.0, 0.0)
        >>> x = np.ones((1, 100))
        >>> drawn = heat_map(row, np.where(np.arange(100) == 70, 1 + 1e-6, x), x)
        >>> len(drawn.cells[0]), drawn.cells[0][34:37], drawn.unit
        (50, (-inf, 9.654, -inf), 'an ulp')
    """
    if a.shape != b.shape or a.size == 0:
        return None
    measured = _measured(a, b, bound)
    if measured is None:
        return None
    values, unit = measured
    with np.errstate(divide="ignore"):
        logs = np.log10(values).reshape(-1, a.shape[-1] if a.ndim else 1)
    cells = tuple(tuple(round(float(x), 3) for x in line) for line in _reduced(logs))
    return HeatMap(row.name, row.kind, row.dtype, row.mode, tuple(a.shape), unit, cells)


def worst_leaf(pairs: Sequence["Pair"], rows: Sequence["Row"], first: "Row | None" = None) -> HeatMap | None:
    """Return the map of the first divergence; where it has none, of the first row that differs, or else of the one with the largest ulp.

    Args:
        pairs: the two sides, in each mode of the JAX side.
        rows: the rows of the report.
        first: its first divergence.
    """
    differing = [row for row in rows if not row.same]
    rounded = sorted((r for r in rows if r.same and r.verdict != BIT_IDENTICAL), key=lambda r: r.max_ulp, reverse=True)
    candidates = [*([] if first is None else [first]), *differing, *rounded]
    drawn = (_of_row(pair, row) for row in candidates for pair in pairs if pair.jax.mode == row.mode)
    return next((found for found in drawn if found is not None), None)


def block_of(length: int) -> int:
    """Return how many elements along an axis share a cell."""
    return -(-length // CELLS)


def _of_row(pair: "Pair", row: "Row") -> HeatMap | None:
    of, key = pair.of_taps if row.kind in (TAP, TAP_GRADIENT) else pair, (row.kind, row.name)
    if row.dtype in ("bfloat16", "float16"):
        return None
    try:
        a, b = (of.jax.singles[0], of.torch.singles[0]) if row.dtype == "float32" else (of.jax.exact, of.torch.exact)
        if key not in a or key not in b:
            return None
        return heat_map(row, a[key], b[key], of.bound(key) if row.dtype == "float64" and not row.same else None)
    except (*REFUSALS, TypeError):
        return None


def _measured(a: np.ndarray, b: np.ndarray, bound: np.ndarray | None) -> tuple[np.ndarray, str] | None:
    if not is_floating(a) or not is_floating(b):
        return np.asarray(a != b).astype(float), UNEQUAL
    if a.dtype != b.dtype or a.dtype not in (np.float32, np.float64):
        return None
    difference, ulp, _ = definition.differences(a, b)
    values = ulp.astype(np.float64) if bound is None else difference / bound
    alike = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.isfinite(a) & np.isfinite(b))
    return np.where(alike, values, np.inf), ULP if bound is None else ROUNDING


def _reduced(image: np.ndarray) -> np.ndarray:
    for axis in (0, 1):
        starts = np.arange(0, image.shape[axis], block_of(image.shape[axis]))
        image = np.maximum.reduceat(image, starts, axis=axis)
    return image
