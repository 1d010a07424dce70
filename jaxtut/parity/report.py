"""The result of a comparison: a verdict, a row for every quantity, and the first divergence."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rich.table import Table

from . import definition
from .definition import BIT_IDENTICAL, TO_ROUNDING
from .rows import Row


@dataclass(frozen=True)
class Report:
    """What `compare` found; `.same` is the answer, the rest is why."""

    verdict: str
    rows: tuple[Row, ...]
    first_divergence: Row | None = None
    notes: tuple[str, ...] = ()
    definition: str = field(default=definition.__doc__ or "", repr=False)

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Report":
        """Return the report of these rows; the first that is not the same is the first divergence."""
        bad = [row for row in rows if not row.same]
        return cls(definition.worst([row.verdict for row in rows]), tuple(rows), bad[0] if bad else None)

    def noting(self, *notes: str) -> "Report":
        """Return the same report with something more to say."""
        return replace(self, notes=(*self.notes, *notes))

    @property
    def same(self) -> bool:
        """True for 'bit-identical' and 'identical to rounding'."""
        return self.verdict in (BIT_IDENTICAL, TO_ROUNDING)

    def summary(self) -> str:
        """Return a few lines: the verdict, the first divergence, the notes."""
        counts = {v: sum(row.verdict == v for row in self.rows) for v in definition.VERDICTS}
        lines = [f"{self.verdict}: " + ", ".join(f"{n} {v}" for v, n in counts.items() if n)]
        if self.first_divergence is not None:
            lines.append(f"first divergence: {self.first_divergence.describe()}")
        return "\n".join([*lines, *self.notes])

    def table(self, title: str = "") -> Table:
        """Return the rows as a table for the terminal."""
        table = Table(title=title or self.verdict)
        for heading in ("quantity", "kind", "shape", "dtype", "mode"):
            table.add_column(heading)
        for heading in ("ulp", "relative", "JAX from truth", "PyTorch from truth"):
            table.add_column(heading, justify="right")
        table.add_column("verdict")
        for r in self.rows:
            numbers = (number(r.max_ulp), number(r.max_rel), number(r.err_jax), number(r.err_torch))
            table.add_row(
                r.name, r.kind, str(r.shape), r.dtype, r.mode, *numbers, r.verdict + (f" ({r.note})" if r.note else "")
            )
        return table

    def to_json(self) -> str:
        """Return the report as JSON; numbers that JSON does not know are written as the strings 'nan', 'inf' and '-inf'."""
        return json.dumps(_plain(asdict(self) | {"same": self.same}), indent=2)

    def to_html(self) -> str:
        """Return the report as one self-contained HTML page."""
        from .html import page

        return page(self)


def number(x: float) -> str:
    """Format a difference: 0 as 0, whole numbers below 1,000 as they are, the rest with two digits."""
    if x == 0 or math.isnan(x):
        return "0" if x == 0 else "nan"
    return str(int(x)) if x < 1000 and x == int(x) else f"{x:.1e}"


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value
