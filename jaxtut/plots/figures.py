"""Make a figure without a screen, and write it to a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BLUE, RED, GRAY = "#2166ac", "#b2182b", "#6b7078"


@contextmanager
def figure(path: Path, rows: int, columns: int, size: tuple[float, float]) -> Iterator[tuple[Any, Any]]:
    """Give a figure and its axes, of shape (rows, columns); write it to `path` at the end."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    made, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    try:
        yield made, axes
        path.parent.mkdir(parents=True, exist_ok=True)
        made.savefig(path, dpi=130)
    finally:
        plt.close(made)
