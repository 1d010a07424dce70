"""The convolutional network on images of 1×28×28: one SGD step, and an epoch of sixteen."""

from torch import nn

from jaxtut import cnn
from jaxtut.torch_random import Generator
from torch_ref import cnn as torch_cnn

from . import plain
from .harness import Side
from .limits import Work
from .sides import Training

IMAGE = (1, 28, 28)
STEPS = 16
# Multiplications of an image in the forward pass: each output of a convolution sees a window, and then three linear layers.
FIRST = 6 * 24 * 24 * 25
PRODUCTS = FIRST + 16 * 8 * 8 * 6 * 25 + 256 * 120 + 120 * 84 + 84 * 10


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides of a step."""
    return _training(batch, seed).step_sides()


def sides_of_epoch(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides of an epoch."""
    order = Generator(seed + 1).randperm(STEPS * batch)
    return _training(STEPS * batch, seed).epoch_sides(order.reshape(STEPS, batch))


def _training(samples: int, seed: int) -> Training:
    generator = Generator(seed)
    params = cnn.init(generator, image_shape=IMAGE)
    x, y = generator.randn(samples, *IMAGE), generator.randint(0, 10, (samples,))
    return Training(cnn.apply, plain.cnn, torch_cnn.Model(IMAGE), layers, params, x, y)


def layers(model: torch_cnn.Model) -> nn.Module:
    """Return the model's layers, without names for what lies between them."""
    convolutions = (model.conv1, nn.ReLU(), model.pool, model.conv2, nn.ReLU(), model.pool, nn.Flatten())
    return nn.Sequential(*convolutions, model.fc1, nn.ReLU(), model.fc2, nn.ReLU(), model.fc3)


def work(batch: int) -> Work:
    """Return the arithmetic of a step; the gradient in the images is not among it."""
    return Work(2.0 * batch * (3 * PRODUCTS - FIRST))


def work_of_epoch(batch: int) -> Work:
    """Return that of an epoch."""
    return Work(STEPS * work(batch).flops)
