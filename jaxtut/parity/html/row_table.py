"""The table of all rows, each with its distances in ulp as a drawing; sorted by script where there is one, filtered by CSS alone."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from ..definition import BIT_IDENTICAL, UNDECIDED
from ..wording import number
from .charts import spark

if TYPE_CHECKING:
    from ..rows import Row

_HEADINGS = ("quantity", "kind", "shape", "dtype", "mode", "ulp", "relative", "JAX error", "PyTorch error")

_LEGEND = (
    "Ulp and relative differences are the largest of a row; errors are distances from the float64 truth. Drawings count elements by their"
    " distance in ulp: equal ones on the left, then up to 1, 2, 4, and so on; heights are logarithmic."
)


def row_table(rows: Sequence["Row"]) -> str:
    """Return the table; the filter stands before it where some rows differ and others do not."""
    mixed = len({row.same for row in rows}) == 2
    switch = (
        '<input type="checkbox" id="only"><label class="filter" for="only">only differences</label>' if mixed else ""
    )
    numbers = frozenset(_HEADINGS[5:])
    heads = "".join(f'<th scope="col"{" class=n" if h in numbers else ""}>{h}</th>' for h in _HEADINGS)
    heads += '<th scope="col">ulp apart</th><th scope="col">verdict</th>'
    return (
        f'{switch}<div class="wide" tabindex="0" role="region" aria-label="all comparisons"><table>'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{''.join(map(_row, rows))}</tbody></table></div>"
        f'<p class="muted">{_LEGEND}</p>'
    )


def _row(row: "Row") -> str:
    cells = [f'<th scope="row"><code>{escape(row.name)}</code></th>', _text("", row.kind)]
    shape = "×".join(map(str, row.shape)) or "scalar"
    cells += [_text("shape", shape, "shape"), _text("", row.dtype), _text("", row.mode)]
    cells += [_number("ulp", row.max_ulp), _number("relative", row.max_rel)]
    # In float64 PyTorch's result is the truth, so nothing is said of its distance.
    known = row.dtype != "float64"
    cells += [_number("JAX error", row.err_jax, known), _number("PyTorch error", row.err_torch, known)]
    counts = row.histogram or ((1,) if row.verdict == BIT_IDENTICAL else ())
    drawing = spark(counts) if row.histogram else spark(counts).replace("1 equal", "all equal, bit for bit")
    # The largest distance is what the drawings are sorted by.
    cells.append(f'<td class="all" data-v="{len(counts)}">{drawing}</td>')
    colour = "good" if row.same else "warn" if row.verdict == UNDECIDED else "bad"
    note = f"<small>{escape(row.note)}</small>" if row.note else ""
    cells.append(f'<td class="all"><span class="{colour}">{escape(row.verdict)}</span>{note}</td>')
    return f'<tr class="{"same" if row.same else "differs"}">{"".join(cells)}</tr>\n'


def _text(label: str, text: str, style: str = "") -> str:
    shown = f' data-is="{label}"' if label else ""
    return f"<td{f' class={style}' if style else ''}{shown}>{escape(text)}</td>"


def _number(label: str, x: float, known: bool = True) -> str:
    return (
        f'<td class="n" data-is="{label}" data-v="{_order(x)}">{number(x)}</td>'
        if known
        else '<td class="n" data-v="-1"></td>'
    )


def _order(x: float) -> str:
    """Write a number as JavaScript reads it; NaN sorts as the largest."""
    return "Infinity" if x != x or x == float("inf") else repr(float(x))
