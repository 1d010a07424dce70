"""The plain JAX port: what one writes first, with JAX's own operations and nothing of jaxtut."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

Params = dict[str, Array]


def cross_entropy(scores: Float[Array, "batch classes"], labels: Int[Array, " batch"]) -> Float[Array, ""]:
    """Compute the mean negative log-probability of the labels."""
    return -jnp.take_along_axis(jax.nn.log_softmax(scores), labels[:, None], axis=1).mean()


def linear(params: Params, layer: str, x: Float[Array, "batch inputs"]) -> Float[Array, "batch outputs"]:
    """Compute x · Wᵀ + b."""
    return x @ params[f"{layer}.weight"].T + params[f"{layer}.bias"][None, :]


def ffn(params: Params, x: Float[Array, "batch features"]) -> Float[Array, "batch classes"]:
    """Compute the feed-forward network's scores."""
    return linear(params, "fc2", jax.nn.relu(linear(params, "fc1", x)))


def cnn(params: Params, x: Float[Array, "batch channels height width"]) -> Float[Array, "batch classes"]:
    """Compute the convolutional network's scores."""
    for layer in ("conv1", "conv2"):
        x = lax.conv_general_dilated(
            x, params[f"{layer}.weight"], (1, 1), "VALID", dimension_numbers=("NCHW", "OIHW", "NCHW")
        )
        x = jax.nn.relu(x + params[f"{layer}.bias"][None, :, None, None])
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    x = x.reshape(x.shape[0], -1)
    for layer in ("fc1", "fc2"):
        x = jax.nn.relu(linear(params, layer, x))
    return linear(params, "fc3", x)
