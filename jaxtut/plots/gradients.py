"""How large the gradients are in each layer, before training and after: too small ones vanish, too large ones explode."""

from pathlib import Path

import jax
import numpy as np

from jaxtut import cnn
from jaxtut.figures import BLUE, RED, figure
from jaxtut.parameters import Params

from .digits import trained_on_digits

_BATCH = 64


def layer_gradients(params: Params, images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the gradient of the loss for each weight array, flattened, by layer."""
    gradients = jax.jit(jax.grad(cnn.loss))(params, images, labels)
    return {layer: np.asarray(gradients[f"{layer}.weight"]).ravel() for layer in cnn.LAYERS}


def draw_gradients(path: Path) -> None:
    """Draw a histogram of log₁₀ |gradient| for each layer of the CNN, at the first step and after training."""
    trained = trained_on_digits()
    images, labels = trained.images[:_BATCH], trained.labels[:_BATCH]
    sides = {
        "before training": (layer_gradients(trained.first, images, labels), BLUE),
        "after 120 steps": (layer_gradients(trained.params, images, labels), RED),
    }
    bins = np.linspace(-9.0, 0.5, 77)
    with figure(path, 1, len(cnn.LAYERS), (15, 4.2)) as (whole, axes):
        for layer, ax in zip(cnn.LAYERS, axes[0], strict=True):
            for name, (gradients, colour) in sides.items():
                g = gradients[layer]
                zero = float(np.mean(g == 0.0))
                ax.hist(
                    np.log10(np.abs(g[g != 0.0])),
                    bins,
                    density=True,
                    color=colour,
                    alpha=0.5,
                    label=f"{name}, {zero:.0%} are 0",
                )
            ax.set(
                title=f"{layer}.weight ({trained.params[f'{layer}.weight'].size:,})",
                xlabel="log₁₀ |gradient|",
                yticks=[],
            )
            ax.legend(fontsize=7, loc="upper left")
            ax.margins(y=0.25)
        whole.suptitle(f"Gradients of the loss by layer of the CNN, {_BATCH} digits")
