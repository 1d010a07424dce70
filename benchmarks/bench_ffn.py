"""One SGD step of the feed-forward network, 784-500-10."""

from torch import nn

from jaxtut import ffn
from jaxtut.torch_random import Generator
from torch_ref import ffn as torch_ffn

from . import plain
from .harness import Side
from .sides import training_sides


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides."""
    generator = Generator(seed)
    params = ffn.init(generator)
    x, y = generator.randn(batch, 784), generator.randint(0, 10, (batch,))
    return training_sides(ffn.apply, plain.ffn, torch_ffn.Model(), layers, params, x, y)


def layers(model: torch_ffn.Model) -> nn.Module:
    """Return the model's layers, without names for what lies between them."""
    return nn.Sequential(model.fc1, model.relu, model.fc2)
