"""Draw the curves of a run: the loss of every step and epoch, and the accuracy."""

from pathlib import Path

import numpy as np

from jaxtut.figures import figure

from .results import History


def draw_curves(history: History, path: str | Path, title: str = "") -> None:
    """Write a picture of a run.

    Args:
        history: the numbers of the run.
        path: where to; the ending says the format.
        title: the heading.

    Raises:
        ValueError: a run without an epoch.
        OSError: the file cannot be written.
    """
    epochs = len(history.epoch_losses)
    if not epochs:
        raise ValueError("draw_curves: the run has no finished epoch")
    with figure(Path(path), 1, 2 if history.accuracies else 1, (9, 3.8), dpi=150) as (whole, axes):
        panels = axes[0]
        steps = np.arange(1, len(history.losses) + 1) / (len(history.losses) / epochs)
        panels[0].plot(steps, history.losses, color="C0", alpha=0.35, linewidth=0.8, label="each step")
        panels[0].plot(
            range(1, epochs + 1), history.epoch_losses, "o-", color="C0", markersize=4, label="mean of the epoch"
        )
        panels[0].set(title="training loss", xlabel="epoch", yscale="log")
        panels[0].legend(frameon=False)
        if history.accuracies:
            panels[1].plot(range(1, epochs + 1), [100 * a for a in history.accuracies], "o-", color="C1", markersize=4)
            panels[1].set(title="accuracy on the test samples (%)", xlabel="epoch")
        for panel in panels:
            panel.grid(alpha=0.3)
            panel.xaxis.get_major_locator().set_params(integer=True)
        whole.suptitle(title)
