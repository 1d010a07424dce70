"""A report as one HTML page that needs nothing else."""

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .report import Report, Row

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #8884; padding: .3rem .6rem; text-align: left; }
td.n { text-align: right; }
.good { color: #18794e; } .bad { color: #cd2b31; font-weight: 600; }
pre { background: #8881; padding: 1rem; white-space: pre-wrap; }
"""


def page(report: "Report") -> str:
    """Return the verdict, the first divergence, a table of all rows, and the definition by which they were judged."""
    mark = "good" if report.same else "bad"
    first = report.first_divergence
    parts = [
        f"<h1>Verdict: <span class={mark}>{escape(report.verdict)}</span></h1>",
        f"<p><b>First divergence:</b> {escape(first.describe())}</p>" if first else "",
        *(f"<p>{escape(note)}</p>" for note in report.notes),
        "<table><tr>" + "".join(f"<th>{h}</th>" for h in _HEADINGS) + "</tr>",
        *(_row(row) for row in report.rows),
        "</table>",
        f"<details><summary>What the words mean</summary><pre>{escape(report.definition)}</pre></details>",
    ]
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>Parity: {escape(report.verdict)}</title>"
    return (
        f"<!doctype html><html lang=en><head>{head}<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


_HEADINGS = (
    "quantity",
    "kind",
    "shape",
    "dtype",
    "mode",
    "ulp",
    "relative",
    "JAX from truth",
    "PyTorch from truth",
    "verdict",
)


def _row(row: "Row") -> str:
    from .report import number

    texts = [row.name, row.kind, str(row.shape), row.dtype, row.mode]
    numbers = [number(x) for x in (row.max_ulp, row.max_rel, row.err_jax, row.err_torch)]
    verdict = f"<td class={'good' if row.same else 'bad'}>{escape(row.verdict)} {escape(row.note)}</td>"
    return (
        "<tr>"
        + "".join(f"<td>{escape(t)}</td>" for t in texts)
        + "".join(f"<td class=n>{n}</td>" for n in numbers)
        + verdict
        + "</tr>"
    )
