"""The feed-forward network 784-500-10: one SGD step, and an epoch of sixteen."""

from torch import nn

from jaxtut import ffn
from jaxtut.torch_random import Generator
from torch_ref import ffn as torch_ffn

from . import plain
from .harness import Side
from .limits import Work
from .sides import Training

STEPS = 16
# Multiplications of a sample in the forward pass, and those that the first layer need not do backward: the gradient in x.
PRODUCTS, NOT_BACKWARD = 784 * 500 + 500 * 10, 784 * 500


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides of a step."""
    return _training(batch, seed).step_sides()


def sides_of_epoch(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides of an epoch."""
    order = Generator(seed + 1).randperm(STEPS * batch)
    return _training(STEPS * batch, seed).epoch_sides(order.reshape(STEPS, batch))


def _training(samples: int, seed: int) -> Training:
    generator = Generator(seed)
    params = ffn.init(generator)
    x, y = generator.randn(samples, 784), generator.randint(0, 10, (samples,))
    return Training(ffn.apply, plain.ffn, torch_ffn.Model(), layers, params, x, y)


def layers(model: torch_ffn.Model) -> nn.Module:
    """Return the model's layers, without names for what lies between them."""
    return nn.Sequential(model.fc1, model.relu, model.fc2)


def work(batch: int) -> Work:
    """Return the arithmetic of a step, and the reading and writing of each weight."""
    return Work(2.0 * batch * (3 * PRODUCTS - NOT_BACKWARD), 2 * 4.0 * PRODUCTS)


def work_of_epoch(batch: int) -> Work:
    """Return that of an epoch."""
    return Work(*(STEPS * amount for amount in work(batch)))
