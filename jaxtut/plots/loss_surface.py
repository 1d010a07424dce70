"""The loss of a linear regression with one feature, as a surface over slope and intercept, and how gradient descent goes down."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxtut import data, regression
from jaxtut.figures import BLUE, GRAY, RED, figure

_ALCOHOL, _COLOUR = 0, 9  # columns of the wine data
_STEPS = 60


def samples() -> tuple[np.ndarray, np.ndarray]:
    """Return the alcohol of the wines above 12 %, and their colour intensity with mean 0 and standard deviation 1, as columns.

    Alcohol is not standardized: its mean is not 0, so slope and intercept depend on each other and the valley is long.
    """
    wine, _ = data.wine()
    alcohol, colour = wine[:, [_ALCOHOL]], wine[:, [_COLOUR]]
    return (alcohol - 12.0).astype(np.float32), ((colour - colour.mean()) / colour.std()).astype(np.float32)


def descend(start: tuple[float, float], lr: float, steps: int = _STEPS) -> np.ndarray:
    """Return slope and intercept after each step of gradient descent, shape (steps + 1, 2).

    Example:
        >>> path = descend((-2.0, 2.0), lr=0.1)
        >>> path.shape, path[0].tolist()
        ((61, 2), [-2.0, 2.0])
    """
    x, y = samples()
    gradient = jax.jit(jax.grad(regression.loss))
    params = {"linear.weight": jnp.full((1, 1), start[0]), "linear.bias": jnp.full(1, start[1])}
    path = [start]
    for _ in range(steps):
        params = jax.tree.map(lambda p, g: p - lr * g, params, gradient(params, x, y))
        path.append((float(params["linear.weight"][0, 0]), float(params["linear.bias"][0])))
    return np.asarray(path)


def surface(slopes: np.ndarray, intercepts: np.ndarray) -> np.ndarray:
    """Return the loss at every pair, shape (intercepts, slopes)."""
    x, y = samples()

    def loss(w: jax.Array, b: jax.Array) -> jax.Array:
        return regression.loss({"linear.weight": w.reshape(1, 1), "linear.bias": b.reshape(1)}, x, y)

    rows = jax.vmap(jax.vmap(loss, (0, None)), (None, 0))
    return np.asarray(rows(jnp.asarray(slopes, jnp.float32), jnp.asarray(intercepts, jnp.float32)))


def draw_loss_surface(path: Path) -> None:
    """Draw the data with lines along the way, and the surface with the paths of three learning rates."""
    x, y = samples()
    w, b = np.linspace(-2.6, 3.2, 80), np.linspace(-2.6, 2.6, 80)
    start = (-2.0, 2.0)
    rates = {0.02: GRAY, 0.1: BLUE, 0.39: RED}
    with figure(path, 1, 2, (13, 5.6)) as (_, axes):
        left, right = axes[0]
        left.scatter(x, y, s=12, color=GRAY, label="178 wines")
        ends = np.array([x.min(), x.max()])
        walked = descend(start, 0.1)
        for step in (0, 2, 5, 10, _STEPS):
            slope, intercept = walked[step]
            left.plot(ends, slope * ends + intercept, color=BLUE, alpha=0.25 + 0.75 * step / _STEPS)
            left.annotate(f"step {step}", (ends[0], slope * ends[0] + intercept), fontsize=8, color=BLUE)
        left.set(
            title="colour by alcohol, and the line on its way",
            xlabel="alcohol above 12 %",
            ylabel="colour, standardized",
        )
        left.legend()
        contours = right.contourf(w, b, surface(w, b), levels=24, cmap="Greys", alpha=0.75)
        for rate, colour in rates.items():
            way = descend(start, rate)
            right.plot(*way.T, ".-", color=colour, markersize=4, linewidth=1, label=f"learning rate {rate}")
        right.plot(*descend(start, 0.3, 300)[-1], "k*", markersize=12, label="minimum")
        right.set(title="mean squared error and 60 steps of gradient descent", xlabel="slope w", ylabel="intercept b")
        right.legend(loc="lower right")
        right.figure.colorbar(contours, ax=right, label="loss", format="%.0f")
