"""What a convolutional network has learned: its first filters, what they make of a digit, and which pixels matter."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxtut import cnn
from jaxtut import functional as F
from jaxtut.figures import figure
from jaxtut.parameters import Params

from .digits import trained_on_digits

_SHOWN = 6


def saliency(params: Params, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return |∂(score of the label)/∂pixel|, of the images' shape.

    Example:
        >>> from jaxtut.torch_random import Generator
        >>> saliency(cnn.init(Generator(0), (1, 28, 28)), np.zeros((2, 1, 28, 28), np.float32), np.array([3, 4])).shape
        (2, 1, 28, 28)
    """

    def score(x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.take_along_axis(cnn.apply(params, x), jnp.asarray(labels)[:, None], axis=1))

    return np.abs(np.asarray(jax.grad(score)(jnp.asarray(images))))


def draw_filters(path: Path) -> None:
    """Draw the six filters of the first layer, their maps of one digit, six digits, and the saliency of each."""
    trained = trained_on_digits()
    rows = [int(np.flatnonzero(trained.labels == digit)[0]) for digit in range(_SHOWN)]
    images, labels = trained.images[rows], trained.labels[rows]
    weights = np.asarray(trained.params["conv1.weight"])[:, 0]
    maps = np.asarray(F.relu(F.conv2d(images[3:4], trained.params["conv1.weight"], trained.params["conv1.bias"])))[0]
    predicted = np.asarray(cnn.predict(trained.params, images))
    heat = saliency(trained.params, images, labels)
    most = float(np.abs(weights).max())
    with figure(path, 4, _SHOWN, (12, 8.4)) as (whole, axes):
        for i in range(_SHOWN):
            axes[0, i].imshow(weights[i], cmap="RdBu_r", vmin=-most, vmax=most)
            axes[1, i].imshow(maps[i], cmap="magma")
            axes[2, i].imshow(images[i, 0], cmap="gray_r")
            axes[3, i].imshow(images[i, 0], cmap="gray_r", alpha=0.35)
            axes[3, i].imshow(heat[i, 0], cmap="inferno", alpha=0.75)
            axes[0, i].set_title(f"filter {i}")
            axes[1, i].set_title(f"its map of a {labels[3]}")
            axes[2, i].set_title(f"a {labels[i]}, read as {predicted[i]}")
            axes[3, i].set_title("pixels that matter")
        for ax in axes.flat:
            ax.set(xticks=[], yticks=[])
        whole.colorbar(axes[0, 0].images[0], ax=axes[0], label="weight")
        whole.suptitle("The CNN after 120 steps: filters of conv1, their maps, digits, |∂score/∂pixel|")
