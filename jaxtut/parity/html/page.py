"""The page of a report from top to bottom: verdict, first divergence, notes, counts, rows, worst leaves, definition."""

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from .. import definition
from ..definition import BIT_IDENTICAL, DIFFERENT, IMPURE, TO_ROUNDING, UNDECIDED
from ..heat_map import ULP, UNEQUAL
from ..quantities import PHRASES
from ..wording import basis, others, subject
from .card import divergence
from .charts import axes_in_words, heat_map, histogram, quantiles
from .row_table import row_table
from .style import SCRIPT, STYLE

if TYPE_CHECKING:
    from ..report import Report
    from ..rows import Row

# How many leaves are drawn large.
_LEAVES = 5
_MARKS = {True: ("good", "✓"), False: ("bad", "✗")}
_SAYS = {
    BIT_IDENTICAL: "Both sides give the same numbers, bit for bit.",
    TO_ROUNDING: "Both sides compute the same function; what differs is explained by rounding.",
    UNDECIDED: "At a kink the last bits decide which slope is taken, and they differ: these inputs cannot say whether the sides are the same.",
    DIFFERENT: "The two sides do not compute the same function.",
    IMPURE: "A function differs from itself, so there is nothing to compare it with.",
}


def page(report: "Report") -> str:
    """Return a report as one HTML page without any outside part: no fonts, no scripts, no images from elsewhere.

    The page is plain ASCII, so it reads the same however it is stored.
    """
    first = report.first_divergence
    parts = [
        _verdict(report),
        divergence(first, others(report)) if first else "",
        _section("Notes", _list(report.notes)) if report.notes else "",
        _section("All comparisons", _counts(report) + row_table(report.rows)) if report.rows else "",
        _worst(report),
        _definition(report),
    ]
    title = escape(f"{report.verdict}: {subject(first) if first else 'parity'}")
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style>"
    )
    text = (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n'
        + "\n".join(filter(None, parts))
        + f"\n</main><script>{SCRIPT}</script></body></html>\n"
    )
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _verdict(report: "Report") -> str:
    colour, mark = ("warn", "~") if report.verdict == UNDECIDED else _MARKS[report.same]
    return (
        f'<header class="verdict {colour}"><h1><span aria-hidden="true">{mark}</span> {escape(report.verdict)}</h1>'
        f'<p>{_SAYS[report.verdict]}</p><p class="muted">{escape(basis(report))}</p></header>'
    )


def _list(texts: Sequence[str]) -> str:
    return "".join(f"<p>{escape(text[:1].upper() + text[1:])}.</p>" for text in texts)


def _counts(report: "Report") -> str:
    verdicts = [row.verdict for row in report.rows]
    counted = [(verdicts.count(v), v) for v in definition.VERDICTS if v in verdicts]
    items = "".join(f"<li><b>{n}</b> {escape(v)}</li>" for n, v in reversed(counted))
    return f'<ul class="counts">{items}</ul>'


def _worst(report: "Report") -> str:
    figures = [_leaf(row) for row in worst_rows(report)]
    drawn = report.heat_map
    if drawn is not None:
        unit = {ULP: "distance in ulp", UNEQUAL: "equal or not"}.get(
            drawn.unit, f"|difference| relative to {drawn.unit}"
        )
        name = f"{escape(f'{PHRASES[drawn.kind]} {drawn.name}')} <small>{escape(f'{drawn.dtype}, {drawn.mode}, shape {drawn.shape}')}</small>"
        figures.append(
            f'<figure class="card where{" ulp" if drawn.unit == ULP else ""}"><h3>Where: {name}</h3>{heat_map(drawn)}'
            f"<figcaption>{escape(f'{unit}; {axes_in_words(drawn)}')}.</figcaption></figure>"
        )
    return _section("Worst leaves", f'<div class="leaves">{"".join(figures)}</div>') if figures else ""


def worst_rows(report: "Report") -> list["Row"]:
    """Return up to five rows to draw: those that differ, or else those with the largest ulp; each quantity once."""
    found = [row for row in report.rows if any(row.histogram) and row.same == report.same]
    first = report.first_divergence
    if first is not None and any(first.histogram):
        found.append(first)
    found.sort(key=lambda row: (row != first, -row.max_ulp))
    once: dict[tuple[str, str], Row] = {}
    for row in found:
        once.setdefault((row.kind, row.name), row)
    return list(once.values())[:_LEAVES]


def _leaf(row: "Row") -> str:
    heading = f"<h3>{escape(subject(row))} <small>{escape(f'{row.dtype}, {row.mode}')}</small></h3>"
    words = escape(quantiles(row.histogram))
    return f'<figure class="card">{heading}{histogram(row.histogram)}<figcaption>{words}</figcaption></figure>'


def _definition(report: "Report") -> str:
    paragraphs = re.split(r"\n\s*\n|\n(?=\d+\. )", report.definition.strip())
    text = "".join(f"<p>{escape(' '.join(p.split()))}</p>" for p in paragraphs)
    versions = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    return (
        f"<details><summary>What the verdicts mean</summary>{text}</details>"
        f'<footer class="muted">{escape(versions)}</footer>'
    )


def _section(title: str, inside: str) -> str:
    return f"<section><h2>{escape(title)}</h2>\n{inside}</section>"
