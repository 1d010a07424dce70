"""The result of a comparison: a verdict, a row for every quantity, and the first divergence."""

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table

from . import definition
from .definition import BIT_IDENTICAL, TO_ROUNDING


@dataclass(frozen=True)
class Row:
    """One quantity in one precision.

    Attributes:
        name: the output, the argument whose gradient it is, or the named intermediate value.
        kind: 'value', 'gradient', 'tap' or 'tap gradient'.
        mode: how the JAX side ran, 'jit' or 'eager'.
        max_ulp, max_rel: the largest difference between the sides.
        err_jax, err_torch: the largest distance of each side from the float64 truth.
        index: where the difference matters most; a gradient's first index is the number of the cotangent.
        jax, torch: the two numbers there.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    verdict: str
    max_ulp: float
    max_rel: float
    err_jax: float
    err_torch: float
    mode: str = "jit"
    index: tuple[int, ...] | None = None
    jax: float | None = None
    torch: float | None = None
    note: str = ""
    cause: str = ""

    @property
    def same(self) -> bool:
        """Whether the two sides are identical here."""
        return self.verdict in (BIT_IDENTICAL, TO_ROUNDING)

    def describe(self) -> str:
        """Return one line that says what differs, where, by how much, and why, as far as that is known."""
        what = {
            "value": "value of",
            "gradient": "gradient of",
            "tap": "named value",
            "tap gradient": "gradient at named value",
        }[self.kind]
        where = (
            f" at {list(self.index)}: JAX {self.jax!r}, PyTorch {self.torch!r}"
            if self.jax is not None and self.index is not None
            else ""
        )
        tail = "".join(f"; {text}" for text in (self.note, self.cause and f"likely cause: {self.cause}") if text)
        return f"{what} {self.name} ({self.dtype}, {self.mode}): {self.verdict}{where}{tail}"


@dataclass(frozen=True)
class Report:
    """What `compare` found; `.same` is the answer, the rest is why."""

    verdict: str
    rows: tuple[Row, ...]
    first_divergence: Row | None = None
    notes: tuple[str, ...] = ()
    definition: str = field(default=definition.__doc__ or "", repr=False)

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
