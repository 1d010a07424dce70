"""How a report speaks: numbers, places, sizes of differences, and on what basis it was judged."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import definition
from .quantities import PHRASES, STACKED

if TYPE_CHECKING:
    from .report import Report
    from .rows import Row

FLOAT32_ALONE = "judged in float32 alone"
_KINDS = {
    "value": "values",
    "gradient": "gradients",
    "tap": "named values",
    "tap gradient": "gradients at named values",
    "jacobian": "Jacobians",
    "hvp": "Hessian-vector products",
    "jvp": "Jacobian-vector products",
    "vmap value": "values under vmap",
    "vmap gradient": "gradients under vmap",
}
_MODES = {"jit": "compiled", "eager": "operation by operation"}
_DTYPES = {"float32": np.float32, "float64": np.float64, "float16": np.float32, "bfloat16": np.float32}


def number(x: float) -> str:
    """Format a difference: 0 as 0, whole numbers below 1,000 as they are, the rest with two digits.

    Example:
        >>> number(3.0), number(0.5123), number(0.00123), number(12345.0)
        ('3', '0.51', '1.2e-03', '1.2e+04')
    """
    if x == 0 or math.isnan(x):
        return "0" if x == 0 else "nan"
    if abs(x) < 1000 and x == int(x):
        return str(int(x))
    return f"{x:.2g}" if 0.1 <= abs(x) < 99 else f"{x:.1e}"


def shown(x: float | None, dtype: str) -> str:
    """Write one number with the digits that its dtype has."""
    return str(np.float32(x)) if isinstance(x, float) and dtype != "float64" else repr(x)


def subject(row: "Row") -> str:
    """Say what a row is about: 'gradient of x'."""
    return f"{PHRASES[row.kind]} {row.name}"


def place(row: "Row") -> str:
    """Say where the difference matters most: the index into the quantity itself, and which cotangent, tangent or sample; '' if unknown."""
    if row.index is None:
        return ""
    index, which = row.index, ""
    if row.kind in STACKED and index:
        index, which = index[1:], f"{STACKED[row.kind]} {index[0]}"
    return ", ".join(filter(None, [f"at {list(index)}" if index else "", which]))


def apart(row: "Row") -> tuple[float, float] | None:
    """Return how far the two numbers that a row shows are apart: relative to the larger one, and in ulp; None where that means nothing."""
    if row.dtype not in _DTYPES or row.jax is None or row.torch is None:
        return None
    dtype = _DTYPES[row.dtype]
    a, b = np.asarray([row.jax], dtype), np.asarray([row.torch], dtype)
    if not (np.isfinite(a) & np.isfinite(b)).all():
        return None
    _, ulp, relative = definition.differences(a, b)
    coarser = definition.UNITS[row.dtype][0] / definition.UNITS[np.dtype(dtype).name][0]
    return float(relative[0]), float(ulp[0]) / coarser


def sizes(row: "Row") -> str:
    """Say how far the two numbers that a row shows are apart; '' where that means nothing."""
    found = apart(row)
    return f"relative difference {number(found[0])}, {number(found[1])} ulp" if found else ""


def shortened(text: str, width: int) -> str:
    """Cut the middle out of what is longer than a width: sentences begin with their subject and end with their conclusion."""
    if len(text) <= width:
        return text
    tail = (width - 3) * 2 // 5
    head, end = text[: width - 3 - tail], text[len(text) - tail :]
    # Words stay whole where there are words.
    return f"{head.rpartition(' ')[0] or head} … {end.partition(' ')[2] or end}"


def listed(words: Sequence[str]) -> str:
    """Join words: 'a', 'a and b', 'a, b and c'."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def others(report: "Report") -> list[str]:
    """Return what differs beside the first divergence, each quantity once, in the order of the rows."""
    first = report.first_divergence
    found = dict.fromkeys((row.kind, row.name) for row in report.rows if not row.same)
    if first is not None:
        found.pop((first.kind, first.name), None)
    return [f"{PHRASES[kind]} {name}" for kind, name in found]


def basis(report: "Report") -> str:
    """Say in a sentence or two how the verdict was reached."""
    if not report.rows:
        return "Nothing was compared."
    if all(not row.same and row.index is None for row in report.rows):
        return "Names, shapes and dtypes are compared first; they differ, so no numbers were judged."
    compared = listed([words for kind, words in _KINDS.items() if any(row.kind == kind for row in report.rows)])
    modes = dict.fromkeys(row.mode for row in report.rows)
    start = f"{compared[0].upper()}{compared[1:]} are compared element by element, JAX run {listed([_MODES.get(m, m) for m in modes])}"
    if any(FLOAT32_ALONE in note for note in report.notes):
        return f"{start}, in float32 alone: the sides are the same if they are no further apart than what an ulp in the inputs does to either."
    dtypes = [dtype for dtype in _DTYPES if any(row.dtype == dtype for row in report.rows)]
    rules = {
        "float64": "a float64 difference counts unless the rounding that was measured at that element explains it",
        "float32": "a float32 result must be about as near to the float64 truth as PyTorch's",
    }
    said = "; ".join(rules[dtype] for dtype in ("float64", "float32") if dtype in dtypes)
    return (
        f"{start}, in {listed(sorted(dtypes, reverse=True))}{f': {said}' if said else ''}." if dtypes else f"{start}."
    )
