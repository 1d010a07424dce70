"""Lesson 6a, linear and logistic regression: one linear layer, alone or under a sigmoid."""

from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import functional as F
from . import initializers, parameters
from .naming import tap
from .parameters import Params
from .torch_random import Generator

NAMES = ("linear.weight", "linear.bias")


def init(generator: Generator | None, input_size: int, output_size: int = 1, dtype: str = "float32") -> Params:
    """Draw the initial parameters, the same numbers as PyTorch's `nn.Linear` from the same seed.

    Args:
        generator: where the numbers come from; None is the global generator.
        input_size: features of a sample.
        output_size: outputs of a sample.
        dtype: 'float32' or 'float64'; the two are different draws, as in PyTorch.

    Returns:
        'linear.weight' of shape (output_size, input_size) and 'linear.bias' of shape (output_size,).

    Example:
        >>> params = init(Generator(0), input_size=3)
        >>> params["linear.weight"].shape, params["linear.bias"].shape
        ((1, 3), (1,))
    """
    weight, bias = initializers.linear(input_size, output_size, generator=generator, dtype=dtype)
    return parameters.from_numpy({"linear.weight": weight, "linear.bias": bias})


def apply(params: Params, x: Float[ArrayLike, "batch features"]) -> Float[Array, "batch outputs"]:
    """Predict ŷ = x · Wᵀ + b: a real number in linear regression, a raw score in logistic regression."""
    parameters.require("regression.apply", params, NAMES)
    return tap("linear", F.linear(x, params["linear.weight"], params["linear.bias"]))


def loss(
    params: Params, x: Float[ArrayLike, "batch features"], y: Float[ArrayLike, "batch outputs"]
) -> Float[Array, ""]:
    """Compute the mean squared error of linear regression, (1/n) Σ (ŷ − y)².

    Example:
        >>> import jax.numpy as jnp
        >>> params = {"linear.weight": jnp.array([[2.0]]), "linear.bias": jnp.array([0.0])}
        >>> float(loss(params, jnp.array([[1.0], [2.0]]), jnp.array([[2.0], [5.0]])))
        0.5
    """
    return F.mse_loss(apply(params, x), y)


def apply_logistic(params: Params, x: Float[ArrayLike, "batch features"]) -> Float[Array, "batch outputs"]:
    """Predict the probability of the positive class, sigmoid(x · Wᵀ + b)."""
    return tap("sigmoid", F.sigmoid(apply(params, x)))


def logistic_loss(
    params: Params, x: Float[ArrayLike, "batch features"], y: Float[ArrayLike, "batch outputs"]
) -> Float[Array, ""]:
    """Compute the loss of logistic regression as the course does: sigmoid, then binary cross-entropy of the probabilities.

    A sample that is badly wrong has a sigmoid of slope 0 and learns nothing; `logistic_loss_with_logits` is the safe one.
    """
    return F.binary_cross_entropy(apply_logistic(params, x), y)


def logistic_loss_with_logits(
    params: Params, x: Float[ArrayLike, "batch features"], y: Float[ArrayLike, "batch outputs"]
) -> Float[Array, ""]:
    """Compute the same loss from the raw scores, without saturation."""
    return F.binary_cross_entropy_with_logits(apply(params, x), y)
