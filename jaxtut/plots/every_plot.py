"""All pictures, by their file names."""

from collections.abc import Callable, Iterator
from pathlib import Path

from .activations import draw_activations
from .filters import draw_filters
from .gradients import draw_gradients
from .loss_surface import draw_loss_surface

PLOTS: dict[str, Callable[[Path], None]] = {
    "activations.png": draw_activations,
    "loss_surface.png": draw_loss_surface,
    "filters.png": draw_filters,
    "gradients.png": draw_gradients,
}


def draw_all(folder: Path) -> Iterator[Path]:
    """Draw every picture into a folder, and yield the path of each when it is there."""
    for name, draw in PLOTS.items():
        draw(folder / name)
        yield folder / name
