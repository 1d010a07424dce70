"""Lesson 6b, the feed-forward network "which animal?": linear → ReLU → linear → raw scores; and its binary variant with a sigmoid."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from . import functional as F
from . import initializers, parameters
from .naming import tap
from .ops.shapes import Labels
from .parameters import Params
from .torch_random import Generator

NAMES = ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")


def init(
    generator: Generator | None,
    input_size: int = 784,
    hidden_size: int = 500,
    num_classes: int = 10,
    dtype: str = "float32",
) -> Params:
    """Draw the initial parameters, the same numbers as PyTorch's two `nn.Linear` from the same seed.

    Args:
        generator: where the numbers come from; None is the global generator.
        input_size: features of a sample.
        hidden_size: units of the hidden layer.
        num_classes: scores of a sample; 1 for the binary variant.
        dtype: 'float32' or 'float64'; the two are different draws, as in PyTorch.

    Returns:
        'fc1.weight' (hidden_size, input_size), 'fc1.bias' (hidden_size,), 'fc2.weight' (num_classes, hidden_size), 'fc2.bias' (num_classes,).

    Example:
        >>> {name: value.shape for name, value in init(Generator(0), 4, 3, 2).items()}
        {'fc1.weight': (3, 4), 'fc1.bias': (3,), 'fc2.weight': (2, 3), 'fc2.bias': (2,)}
    """
    W1, b1 = initializers.linear(input_size, hidden_size, generator=generator, dtype=dtype)
    W2, b2 = initializers.linear(hidden_size, num_classes, generator=generator, dtype=dtype)
    return parameters.from_numpy({"fc1.weight": W1, "fc1.bias": b1, "fc2.weight": W2, "fc2.bias": b2})


def apply(params: Params, x: Float[ArrayLike, "batch features"]) -> Float[Array, "batch classes"]:
    """Compute the raw scores, W₂ · relu(W₁ x + b₁) + b₂; no softmax at the end, since the loss has it.

    Args:
        params: as `init` returns them.
        x: samples, shape (batch, input_size).

    Returns:
        Scores, shape (batch, num_classes).

    Raises:
        TypeError: wrong dtypes.
        ValueError: wrong parameter names or shapes.

    PyTorch's counterpart: `nn.Sequential(nn.Linear(...), nn.ReLU(), nn.Linear(...))`.
    """
    parameters.require("ffn.apply", params, NAMES)
    hidden = tap("fc1", F.linear(x, params["fc1.weight"], params["fc1.bias"]))
    hidden = tap("relu", F.relu(hidden))
    return tap("fc2", F.linear(hidden, params["fc2.weight"], params["fc2.bias"]))


def loss(params: Params, x: Float[ArrayLike, "batch features"], labels: Labels) -> Float[Array, ""]:
    """Compute the mean cross-entropy of the scores."""
    return F.cross_entropy(apply(params, x), labels)


def predict(params: Params, x: Float[ArrayLike, "batch features"]) -> Int[Array, " batch"]:
    """Return the class with the highest score."""
    return jnp.argmax(apply(params, x), axis=1)


def apply_binary(params: Params, x: Float[ArrayLike, "batch features"]) -> Float[Array, "batch 1"]:
    """Compute the probability of the positive class: the network with one score, under a sigmoid."""
    return tap("sigmoid", F.sigmoid(apply(params, x)))


def binary_loss(
    params: Params, x: Float[ArrayLike, "batch features"], y: Float[ArrayLike, "batch 1"]
) -> Float[Array, ""]:
    """Compute the binary cross-entropy of the probabilities, as the course does; see `F.binary_cross_entropy` for its dead samples."""
    return F.binary_cross_entropy(apply_binary(params, x), y)


def binary_loss_with_logits(
    params: Params, x: Float[ArrayLike, "batch features"], y: Float[ArrayLike, "batch 1"]
) -> Float[Array, ""]:
    """Compute the same loss from the raw score, without saturation."""
    return F.binary_cross_entropy_with_logits(apply(params, x), y)
