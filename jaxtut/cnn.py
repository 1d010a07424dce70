"""Lesson 7, the convolutional network: convolution, ReLU and max-pooling twice, then three fully connected layers.

3×32×32 → conv 6@5×5 → ReLU → pool 2 → conv 16@5×5 → ReLU → pool 2 → 400 → 120 → 84 → 10

Pooling makes the image smaller: less computation, and less over-fitting. With digits of 1×28×28 the flattened size is 256 instead of 400.
"""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from . import feature_maps, initializers, parameters
from . import functional as F
from .naming import tap
from .ops.shapes import Labels
from .parameters import Params
from .torch_random import Generator

LAYERS = ("conv1", "conv2", "fc1", "fc2", "fc3")
NAMES = tuple(f"{layer}.{kind}" for layer in LAYERS for kind in ("weight", "bias"))

Images = Float[ArrayLike, "batch channels height width"]


def flat_size(image_shape: tuple[int, int, int]) -> int:
    """Return how many numbers an image has become when it reaches the first fully connected layer.

    Example:
        >>> flat_size((3, 32, 32)), flat_size((1, 28, 28))
        (400, 256)

    Raises:
        ValueError: the image is too small for two convolutions of 5×5 with pooling.
    """
    _, height, width = image_shape
    rows, columns = (((size - 4) // 2 - 4) // 2 for size in (height, width))
    if rows < 1 or columns < 1:
        raise ValueError(f"cnn: images must be at least 16×16, but image_shape={image_shape} was given")
    return 16 * rows * columns


def init(
    generator: Generator | None,
    image_shape: tuple[int, int, int] = (3, 32, 32),
    num_classes: int = 10,
    dtype: str = "float32",
) -> Params:
    """Draw the initial parameters, the same numbers as PyTorch's `nn.Conv2d` and `nn.Linear` from the same seed.

    Args:
        generator: where the numbers come from; None is the global generator.
        image_shape: (channels, height, width).
        num_classes: scores of an image.
        dtype: 'float32' or 'float64'; the two are different draws, as in PyTorch.

    Returns:
        Weights (out, in, 5, 5) and (out, in), and biases (out,), of 'conv1', 'conv2', 'fc1', 'fc2' and 'fc3'.

    Example:
        >>> init(Generator(0), image_shape=(1, 28, 28))["fc1.weight"].shape
        (120, 256)
    """
    drawn = (
        initializers.conv(image_shape[0], 6, (5, 5), generator=generator, dtype=dtype),
        initializers.conv(6, 16, (5, 5), generator=generator, dtype=dtype),
        initializers.linear(flat_size(image_shape), 120, generator=generator, dtype=dtype),
        initializers.linear(120, 84, generator=generator, dtype=dtype),
        initializers.linear(84, num_classes, generator=generator, dtype=dtype),
    )
    return parameters.from_numpy(dict(zip(NAMES, (array for layer in drawn for array in layer), strict=True)))


def apply(params: Params, images: Images) -> Float[Array, "batch classes"]:
    """Compute the raw scores of images in PyTorch's layout.

    Args:
        params: as `init` returns them.
        images: shape (batch, channels, height, width).

    Returns:
        Scores, shape (batch, num_classes).

    Raises:
        TypeError: wrong dtypes.
        ValueError: wrong parameter names or shapes.
    """
    parameters.require("cnn.apply", params, NAMES)
    layers: list[feature_maps.Layer] = []
    for layer in ("conv1", "conv2"):
        layers += [
            feature_maps.Convolution(params[f"{layer}.weight"], params[f"{layer}.bias"], name=layer),
            F.relu,
            feature_maps.MaxPooling(2, name=f"{layer}.pool"),
        ]
    x = feature_maps.apply(layers, images)
    x = x.reshape(x.shape[0], -1)  # channel, row, column: the order in which PyTorch flattens
    for layer in ("fc1", "fc2"):
        x = F.relu(tap(layer, F.linear(x, params[f"{layer}.weight"], params[f"{layer}.bias"])))
    return tap("fc3", F.linear(x, params["fc3.weight"], params["fc3.bias"]))


def loss(params: Params, images: Images, labels: Labels) -> Float[Array, ""]:
    """Compute the mean cross-entropy of the scores."""
    return F.cross_entropy(apply(params, images), labels)


def predict(params: Params, images: Images) -> Int[Array, " batch"]:
    """Return the class with the highest score."""
    return jnp.argmax(apply(params, images), axis=1)
