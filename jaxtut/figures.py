"""Make a figure without a screen, and write it to a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BLUE, RED, GRAY = "#2166ac", "#b2182b", "#6b7078"


@contextmanager
def figure(path: Path, rows: int, columns: int, size: tuple[float, float], dpi: int = 130) -> Iterator[tuple[Any, Any]]:
    """Give a figure and its axes, of shape (rows, columns); write it to `path` at the end.

    Args:
        path: where to; the ending says the format.
        rows: of axes.
        columns: of axes.
        size: width and height in inches.
        dpi: pixels of an inch.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(made)  # draws without a display, and leaves the user's backend as it is
    yield made, made.subplots(rows, columns, squeeze=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.savefig(path, dpi=dpi)
