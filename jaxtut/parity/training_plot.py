"""Curves of training runs on both sides."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from jaxtut.figures import figure

from .lockstep import Run


def draw(runs: list[Run], path: Path) -> None:
    """Draw loss, accuracy and drift of both sides, a row of three plots for each run."""
    with figure(path, len(runs), 3, (13, 3.2 * len(runs)), dpi=110) as (_, axes):
        for run, (loss, accuracy, drift) in zip(runs, axes, strict=True):
            percent = 1 if run.score == "R²" else 100
            at = range(1, len(run.epochs) + 1)
            loss.plot(run.losses_torch, color="tab:orange", linewidth=3, alpha=0.5, label="PyTorch")
            loss.plot(run.losses_jax, color="tab:blue", linewidth=0.8, label="JAX")
            loss.set(title=f"{run.model} on {run.data}, {run.dtype}: loss", xlabel="step", ylabel="loss", yscale="log")
            accuracy.plot(
                at,
                [percent * e.score_torch for e in run.epochs],
                color="tab:orange",
                linewidth=5,
                alpha=0.5,
                label="PyTorch",
            )
            accuracy.plot(at, [percent * e.score_jax for e in run.epochs], color="tab:blue", marker=".", label="JAX")
            accuracy.set(title=f"test {run.score}", xlabel="epoch", ylabel="" if run.score == "R²" else "%")
            _drift(drift, run.losses_jax, run, "tab:gray", "loss, each step")
            ends = [len(run.losses_jax) / len(run.epochs) * i for i in at]
            drift.plot(ends, [e.drift for e in run.epochs], "k.-", label="weights, each epoch")
            if run.losses_of_threads:
                threads, ulp = "PyTorch on other threads", "PyTorch from weights one ulp away"
                _drift(drift, run.losses_of_threads, run, "tab:orange", f"loss, {threads}")
                drift.plot(
                    ends, [e.drift_of_threads for e in run.epochs], ".--", color="tab:red", label=f"weights, {threads}"
                )
                drift.plot(
                    ends, [e.drift_of_an_ulp for e in run.epochs], ".--", color="tab:green", label=f"weights, {ulp}"
                )
            drift.set(title="relative difference from PyTorch", xlabel="step", yscale="log", ylim=(1e-17, 1))
            for axis in (loss, accuracy, drift):
                axis.grid(alpha=0.3)
                axis.legend(fontsize="small")


def _drift(axis: Axes, losses: list[float], run: Run, color: str, label: str) -> None:
    distance = np.abs(np.subtract(losses, run.losses_torch)) / np.abs(run.losses_torch)
    # Steps with bit-equal losses have no place on a logarithmic axis.
    axis.plot(np.where(distance == 0, np.nan, distance), ".", color=color, markersize=2, label=label)
