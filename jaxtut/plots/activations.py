"""Activation functions and their slopes, with the slope that is chosen at each kink."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxtut import activations
from jaxtut import functional as F
from jaxtut.figures import BLUE, GRAY, RED, figure


class Shown(NamedTuple):
    """An activation, and the places where its slope jumps."""

    name: str
    f: Callable[[Any], Any]
    kinks: tuple[float, ...] = ()


SHOWN = (
    Shown("step", activations.step, (0.0,)),
    Shown("sigmoid", F.sigmoid),
    Shown("tanh", F.tanh),
    Shown("relu", F.relu, (0.0,)),
    Shown("leaky_relu(0.1)", lambda x: F.leaky_relu(x, 0.1), (0.0,)),
    Shown("relu6", F.relu6, (0.0, 6.0)),
    Shown("elu", F.elu),
    Shown("gelu", F.gelu),
    Shown("silu", F.silu),
    Shown("softplus", F.softplus),
    Shown("hardtanh", F.hardtanh, (-1.0, 1.0)),
    Shown("hardsigmoid", F.hardsigmoid, (-3.0, 3.0)),
    Shown("hardswish", F.hardswish, (-3.0, 3.0)),
    Shown("hardshrink", F.hardshrink, (-0.5, 0.5)),
    Shown("softshrink", F.softshrink, (-0.5, 0.5)),
    Shown("softsign", F.softsign),
)


def slopes(f: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """Return f′ at each point, by autodiff: at a kink the one that PyTorch chooses.

    Example:
        >>> slopes(F.relu, np.array([-1.0, 0.0, 2.0], np.float32)).tolist()
        [0.0, 0.0, 1.0]
    """
    return np.asarray(jax.grad(lambda v: jnp.sum(f(v)))(jnp.asarray(x)))


def draw_activations(path: Path) -> None:
    """Draw every activation with its slope; a line breaks where it jumps, and a dot says what holds at the kink itself."""
    with figure(path, 4, 4, (13, 11)) as (whole, axes):
        for shown, ax in zip(SHOWN, axes.flat, strict=True):
            reach = 7.5 if max(map(abs, shown.kinks), default=0.0) > 3 else 4.5
            for a, b in _pieces(shown.kinks, reach):
                x = np.linspace(a, b, 301, dtype=np.float32)[1:-1]
                ax.plot(x, np.asarray(shown.f(jnp.asarray(x))), color=BLUE, linewidth=2)
                ax.plot(x, slopes(shown.f, x), color=RED, linewidth=1.3, linestyle="--")
            for kink in shown.kinks:
                slope = float(slopes(shown.f, np.array([kink], np.float32))[0])
                ax.axvline(kink, color=GRAY, linewidth=0.6, linestyle=":")
                ax.plot(kink, slope, "o", color=RED, markersize=6)
                left = kink < 0.0 or kink > 3.0  # where there is room
                ax.annotate(
                    f"slope {slope:.3g}",
                    (kink, slope),
                    (-5 if left else 5, 6),
                    textcoords="offset points",
                    ha="right" if left else "left",
                    fontsize=8,
                    color=RED,
                )
            ax.axhline(0.0, color=GRAY, linewidth=0.5)
            ax.set_title(shown.name)
            ax.margins(y=0.16)
        whole.suptitle("Activations (blue), their slopes (red, dashed), and the slope that is taken at each kink (dot)")


def _pieces(kinks: tuple[float, ...], reach: float) -> list[tuple[float, float]]:
    ends = [-reach, *kinks, reach]
    return list(pairwise(ends))
