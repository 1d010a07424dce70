"""What the pages show: the rows of a report as a table, and the lines of functions in both packages."""

import inspect
from collections.abc import Callable
from html import escape
from textwrap import dedent

from IPython.display import HTML

from jaxtut.parity import Report
from jaxtut.parity.conventions import Outcome
from jaxtut.parity.conventions.measure import ULPS, agree, our_outcome
from jaxtut.parity.conventions.row import FOLDER, read
from jaxtut.parity.report import number

HEADINGS = ("quantity", "kind", "shape", "dtype", "ulp", "JAX from truth", "PyTorch from truth", "verdict")
NUMBERS = ("ulp", "JAX from truth", "PyTorch from truth")


def table(report: Report, *, dtype: str = "", different: bool = False, first: int | None = None) -> HTML:
    """Return the rows of a report as a table for a page.

    Args:
        report: the report.
        dtype: 'float64' or 'float32' alone; an empty string is both.
        different: only the rows that differ.
        first: how many rows at most; None is all.
    """
    rows = [r for r in report.rows if dtype in ("", r.dtype) and not (different and r.same)]
    body = []
    for r in rows[:first]:
        # A float64 result is the truth, or is measured against it by the ulp.
        distances = ("", "") if r.dtype == "float64" else (number(r.err_jax), number(r.err_torch))
        body.append((r.name, r.kind, str(r.shape), r.dtype, number(r.max_ulp), *distances, r.verdict))
    # Columns that would be empty are left out.
    shown = [i for i, heading in enumerate(HEADINGS) if not body or any(row[i] for row in body)]
    head = "".join(_cell("th", HEADINGS[i], HEADINGS[i]) for i in shown)
    lines = ["".join(_cell("td", HEADINGS[i], row[i]) for i in shown) for row in body]
    left = len(rows) - len(body)
    foot = f"<p>… and {left} more</p>" if left else ""
    return HTML(
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{x}</tr>' for x in lines)}</tbody></table>{foot}"
    )


def _cell(tag: str, heading: str, text: str) -> str:
    kind = "number" if heading in NUMBERS else "different" if text == "different" else ""
    return f'<{tag} class="{kind}">{escape(text)}</{tag}>' if kind else f"<{tag}>{escape(text)}</{tag}>"


def conventions(family: str) -> HTML:
    """Return the rows of one file of the convention table; the column of `jaxtut.functional` is measured now."""
    headings = ("operation", "point", "PyTorch", "plain JAX", "gives", "jaxtut.functional")
    body = []
    for row in read(FOLDER / f"{family}.toml"):
        ours = our_outcome(row)
        follows = ours.error == row.ours if row.torch.error else agree(ours, row.torch, ULPS, row.dtype)
        parts = not agree(row.jax, row.torch, ULPS, row.dtype)
        cells = (
            row.op,
            row.point,
            _outcome(row.torch),
            row.plain,
            _outcome(row.jax) + (f" (before JAX {row.jax_until})" if row.jax_until else ""),
            row.ours or ("as PyTorch" if follows else _outcome(ours)),
        )
        body.append("".join(f"<td{_mark(i, parts, follows)}>{escape(cell)}</td>" for i, cell in enumerate(cells)))
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    return HTML(
        f"<table class='conventions'><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{x}</tr>' for x in body)}</tbody></table>"
    )


def _mark(column: int, parts: bool, follows: bool) -> str:
    return ' class="different"' if (column == 4 and parts) or (column == 5 and not follows) else ""


def _outcome(outcome: Outcome) -> str:
    if outcome.error:
        return outcome.error
    if outcome.value is None:
        return ""
    slopes = ", ".join(f"∂{name if len(outcome.slope) > 1 else ''} {_short(v)}" for name, v in outcome.slope.items())
    return "; ".join(filter(None, [_short(outcome.value), slopes]))


def _short(value: object) -> str:
    """Write numbers with four digits."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(v)}" for name, v in value.items())
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def lines(*functions: Callable) -> None:
    """Print what functions do, without signature and docstring, each under its name."""
    for i, function in enumerate(functions):
        source = inspect.getsource(function)
        body = source.split('"""', 2)[2] if '"""' in source else source
        print("\n" * bool(i) + f"# {function.__module__}.{function.__qualname__}")
        print(dedent(body.strip("\n")))
