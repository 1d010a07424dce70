"""The result of a comparison: a verdict, a row for every quantity, and the first divergence."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rich.table import Table

from . import definition
from .definition import BIT_IDENTICAL, TO_ROUNDING
from .heat_map import HeatMap
from .rows import Row
from .versions import installed
from .wording import number as number


@dataclass(frozen=True)
class Report:
    """What `compare` found; `.same` is the answer, the rest is why.

    Attributes:
        verdict: the worst verdict of the rows, or 'impure'.
        rows: every quantity in every precision and mode.
        first_divergence: what parts first, among the named values or the rows; None where all are the same.
        notes: what is to be said besides: why float32 alone is judged, what a third witness says.
        heat_map: where in the worst leaf the sides part; None where there is nothing to draw.
        definition: what the verdicts mean.
        versions: of Python and of the packages that the report rests on.
    """

    verdict: str
    rows: tuple[Row, ...]
    first_divergence: Row | None = None
    notes: tuple[str, ...] = ()
    heat_map: HeatMap | None = field(default=None, repr=False)
    definition: str = field(default=definition.__doc__ or "", repr=False)
    versions: dict[str, str] = field(default_factory=installed, repr=False, compare=False)

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
        """Return at most six lines: the verdict, the first divergence with its likely cause, what else differs, the notes."""
        from .terminal import summary

        return summary(self)

    def table(self, title: str = "") -> Table:
        """Return the rows as a table for the terminal, which fits 120 columns."""
        from .terminal import table

        return table(self, title)

    def __rich__(self) -> Table:
        return self.table()

    def to_json(self) -> str:
        """Return the report as JSON in the form of `report.schema.json`; NaN and infinities are the strings 'nan', 'inf' and '-inf'."""
        from .json_form import write

        return write(self)

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Read what `to_json` wrote.

        Example:
            >>> report = Report.of([Row("x", "gradient", (2,), "float64", "identical to rounding", 3.0, 1e-16, 0.0, 0.0)])
            >>> Report.from_json(report.to_json()) == report
            True

        Raises:
            ValueError: the text is no JSON, or no report.
        """
        from .json_form import read

        return read(text)

    def to_html(self) -> str:
        """Return the report as one HTML page that needs nothing else: no network, no other file."""
        from .html import page

        return page(self)
