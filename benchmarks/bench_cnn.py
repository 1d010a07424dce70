"""One SGD step of the convolutional network on images of 1×28×28."""

from torch import nn

from jaxtut import cnn
from jaxtut.torch_random import Generator
from torch_ref import cnn as torch_cnn

from . import plain
from .harness import Side
from .sides import training_sides

IMAGE = (1, 28, 28)


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides."""
    generator = Generator(seed)
    params = cnn.init(generator, image_shape=IMAGE)
    x, y = generator.randn(batch, *IMAGE), generator.randint(0, 10, (batch,))
    return training_sides(cnn.apply, plain.cnn, torch_cnn.Model(IMAGE), layers, params, x, y)


def layers(model: torch_cnn.Model) -> nn.Module:
    """Return the model's layers, without names for what lies between them."""
    convolutions = (model.conv1, nn.ReLU(), model.pool, model.conv2, nn.ReLU(), model.pool, nn.Flatten())
    return nn.Sequential(*convolutions, model.fc1, nn.ReLU(), model.fc2, nn.ReLU(), model.fc3)
