"""Lesson 7, the convolutional network: convolution, ReLU and max-pooling twice, then three fully connected layers.

3×32×32 → conv 6@5×5 → ReLU → pool 2 → conv 16@5×5 → ReLU → pool 2 → 400 → 120 → 84 → 10

Pooling makes the image smaller: less computation, and less over-fitting. With digits of 1×28×28 the flattened size is 256 instead of 400.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from . import initializers, parameters
from .naming import tap
from .parameters import Params

LAYERS = ("conv1", "conv2", "fc1", "fc2", "fc3")
NAMES = tuple(f"{layer}.{kind}" for layer in LAYERS for kind in ("weight", "bias"))

Images = Tensor


class Model(nn.Module):
    """The course's network for images of (channels, height, width)."""

    def __init__(self, image_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10):
        super().__init__()
        self.conv1 = nn.Conv2d(image_shape[0], 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(flat_size(image_shape), 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)
        self.pool = nn.MaxPool2d(2)

    def forward(self, images: Tensor) -> Tensor:
        """Return the raw scores."""
        x = tap("conv1", self.conv1(images))
        x = tap("conv1.pool", self.pool(F.relu(x)))
        x = tap("conv2", self.conv2(x))
        x = tap("conv2.pool", self.pool(F.relu(x)))
        x = x.flatten(1)
        x = F.relu(tap("fc1", self.fc1(x)))
        x = F.relu(tap("fc2", self.fc2(x)))
        return tap("fc3", self.fc3(x))


def flat_size(image_shape: tuple[int, int, int]) -> int:
    """Return how many numbers an image has become when it reaches the first fully connected layer."""
    _, height, width = image_shape
    rows, columns = (((size - 4) // 2 - 4) // 2 for size in (height, width))
    if rows < 1 or columns < 1:
        raise ValueError(f"cnn: images must be at least 16×16, but image_shape={image_shape} was given")
    return 16 * rows * columns


def init(
    generator: torch.Generator | None,
    image_shape: tuple[int, int, int] = (3, 32, 32),
    num_classes: int = 10,
    dtype: str = "float32",
) -> Params:
    """Draw the initial parameters as `Model(...)` draws them, from the given generator."""
    drawn = (
        initializers.conv(image_shape[0], 6, (5, 5), generator=generator, dtype=dtype),
        initializers.conv(6, 16, (5, 5), generator=generator, dtype=dtype),
        initializers.linear(flat_size(image_shape), 120, generator=generator, dtype=dtype),
        initializers.linear(120, 84, generator=generator, dtype=dtype),
        initializers.linear(84, num_classes, generator=generator, dtype=dtype),
    )
    arrays = [array for layer in drawn for array in layer if array is not None]
    return dict(zip(NAMES, arrays, strict=True))


def apply(params: Params, images: Images) -> Tensor:
    """Compute the raw scores of `Model` with these parameters."""
    parameters.require("cnn.apply", params, NAMES)
    _, channels, height, width = images.shape
    with torch.device("meta"):
        model = Model((channels, height, width), len(params["fc3.weight"]))
    return functional_call(model, params, (images,))


def loss(params: Params, images: Images, labels: Tensor) -> Tensor:
    """Compute the mean cross-entropy of the scores."""
    return F.cross_entropy(apply(params, images), labels)


def predict(params: Params, images: Images) -> Tensor:
    """Return the class with the highest score."""
    return apply(params, images).argmax(1)
