"""A report for the terminal: a few lines, and a table of its rows."""

import re
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from . import definition
from .definition import BIT_IDENTICAL, TO_ROUNDING
from .quantities import GRADIENT, VALUE
from .rows import Row
from .wording import number, others, shortened, subject

if TYPE_CHECKING:
    from .report import Report

COLOURS = {
    BIT_IDENTICAL: "green",
    TO_ROUNDING: "green",
    definition.UNDECIDED: "yellow",
    definition.DIFFERENT: "bold red",
    definition.IMPURE: "bold red",
}

LINES = 6
WIDTH = 200
_NAMED = 3
# A path may make a line as long as it likes: half a path leads nowhere.
_PATH = re.compile(r"\S*[/\\]\S*")


def summary(report: "Report") -> str:
    """Return at most six lines of at most 200 characters, paths not counted: verdict, first divergence, cause, what else differs, notes."""
    lines = [f"{report.verdict}: {_counts(report)}", *_first(report)]
    room = LINES - len(lines)
    notes = list(report.notes)
    if len(notes) > room:
        share = WIDTH // (len(notes) - room + 1) - 2
        notes[room - 1 :] = ["; ".join(_fitted(note, share) for note in notes[room - 1 :])]
    return "\n".join([*(_fitted(line) for line in lines), *(_fitted(note) for note in notes)])


def _counts(report: "Report") -> str:
    if not report.rows:
        return "nothing was compared"
    verdicts = [row.verdict for row in report.rows]
    counts = [f"{verdicts.count(v)} {v}" for v in reversed(definition.VERDICTS) if v in verdicts]
    return f"{len(verdicts)} comparisons: {', '.join(counts)}"


def _first(report: "Report") -> list[str]:
    row = report.first_divergence
    if row is None:
        return []
    lines = [f"first divergence: {row.describe()}"]
    if row.note and row.note not in lines[0]:
        lines.append(f"  {row.note}")
    if row.cause:
        link = f" ({row.link})" if row.link else ""
        lines.append("  " + shortened(f"likely cause: {row.cause}", WIDTH - 2 - len(link)) + link)
    rest = others(report)
    if rest:
        more = len(rest) - _NAMED
        named = ", ".join(shortened(name, 50) for name in rest[:_NAMED])
        lines.append(f"  also not the same: {named}{f' and {more} more' if more > 0 else ''}")
    return lines


def _fitted(line: str, width: int = WIDTH) -> str:
    return line if len(_PATH.sub("", line)) <= width else shortened(line, width)


def table(report: "Report", title: str = "") -> Table:
    """Return the rows as a table that fits 120 columns; what the judge has to say of single rows stands below it."""
    found = Table(title=Text(title or report.verdict), box=SIMPLE_HEAD, padding=(0, 1, 0, 0), header_style="dim")
    found.add_column("quantity", overflow="fold", max_width=34)
    for heading in ("shape", "precision"):
        found.add_column(heading)
    for heading in ("ulp", "relative", "JAX error", "torch error"):
        found.add_column(heading, justify="right", no_wrap=True)
    found.add_column("verdict")
    notes: dict[str, str] = {}
    for row in report.rows:
        if row.note:
            notes.setdefault(row.note, str(len(notes) + 1))
        found.add_row(*_cells(row, notes.get(row.note, "")))
    if notes:
        found.caption = Text("\n".join(f"[{mark}] {note}" for note, mark in notes.items()))
        found.caption_justify = "left"
    return found


def _cells(row: Row, mark: str) -> list[str | Text]:
    """Return the cells of one row; names are text, in which brackets are no markup."""
    name = {VALUE: row.name, GRADIENT: f"∂/∂ {row.name}"}.get(row.kind, subject(row))
    # In float64 PyTorch's result is the truth, so nothing is said of its distance.
    errors = ["", ""] if row.dtype == "float64" else [number(row.err_jax), number(row.err_torch)]
    verdict = Text(row.verdict + (f" [{mark}]" if mark else ""), style=COLOURS.get(row.verdict, ""))
    precision = f"{row.dtype} {row.mode}"
    return [Text(name), Text(_shape(row)), precision, number(row.max_ulp), number(row.max_rel), *errors, verdict]


def _shape(row: Row) -> str:
    return "×".join(map(str, row.shape)) or "scalar"
