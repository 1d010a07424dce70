"""The feed-forward and the convolutional network as Flax NNX modules, with exact conversion to and from the flat parameters.

| parameter             | PyTorch and `jaxtut.ffn`, `jaxtut.cnn` | Flax                         |
|-----------------------|----------------------------------------|------------------------------|
| weight of a linear    | (out, in)                              | `kernel`, (in, out)          |
| weight of a conv      | (out, in, height, width)               | `kernel`, (height, width, in, out) |
| order of a flat image | channel, row, column                   | row, column, channel         |

The last row is the one that is forgotten: the columns of the first linear layer after the convolutions are permuted too. How many rows and
columns the image has does not matter for that, since in both orders the row comes before the column.
"""

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import parameters
from .parameters import Params


class FFN(nnx.Module):
    """Two linear layers with a ReLU between them; raw scores.

    Args:
        input_size: features of a sample.
        hidden_size: units of the hidden layer.
        num_classes: scores of a sample.
        rngs: Flax's random streams; the initial weights are Flax's, `from_params` gives PyTorch's.

    Example:
        >>> FFN(4, 3, 2, rngs=nnx.Rngs(0))(jnp.ones((5, 4))).shape
        (5, 2)
    """

    LAYERS = ("fc1", "fc2")

    def __init__(self, input_size: int = 784, hidden_size: int = 500, num_classes: int = 10, *, rngs: nnx.Rngs):
        self.fc1 = nnx.Linear(input_size, hidden_size, rngs=rngs)
        self.fc2 = nnx.Linear(hidden_size, num_classes, rngs=rngs)

    def __call__(self, x: Float[ArrayLike, "batch features"]) -> Float[Array, "batch classes"]:
        """Return the raw scores."""
        return self.fc2(nnx.relu(self.fc1(jnp.asarray(x))))


class CNN(nnx.Module):
    """The course's network for images of (channels, height, width): Flax's layout inside, PyTorch's at the door.

    Args:
        image_shape: (channels, height, width).
        num_classes: scores of an image.
        rngs: Flax's random streams.

    Example:
        >>> CNN((1, 28, 28), rngs=nnx.Rngs(0))(jnp.ones((2, 1, 28, 28))).shape
        (2, 10)

    Raises:
        ValueError: the image is too small for two convolutions of 5×5 with pooling.
    """

    LAYERS = ("conv1", "conv2", "fc1", "fc2", "fc3")

    def __init__(self, image_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10, *, rngs: nnx.Rngs):
        channels, height, width = image_shape
        rows, columns = (((size - 4) // 2 - 4) // 2 for size in (height, width))
        if rows < 1 or columns < 1:
            raise ValueError(f"CNN: images must be at least 16×16, but image_shape={image_shape} was given")
        self.conv1 = nnx.Conv(channels, 6, (5, 5), padding="VALID", rngs=rngs)
        self.conv2 = nnx.Conv(6, 16, (5, 5), padding="VALID", rngs=rngs)
        self.fc1 = nnx.Linear(16 * rows * columns, 120, rngs=rngs)
        self.fc2 = nnx.Linear(120, 84, rngs=rngs)
        self.fc3 = nnx.Linear(84, num_classes, rngs=rngs)

    def __call__(self, images: Float[ArrayLike, "batch channels height width"]) -> Float[Array, "batch classes"]:
        """Return the raw scores of images in PyTorch's layout, (batch, channels, height, width)."""
        x = jnp.transpose(jnp.asarray(images), (0, 2, 3, 1))
        # Flax's pooling has stride 1 unless told, and its convolution pads unless told.
        x = nnx.max_pool(nnx.relu(self.conv1(x)), (2, 2), strides=(2, 2))
        x = nnx.max_pool(nnx.relu(self.conv2(x)), (2, 2), strides=(2, 2))
        x = x.reshape(x.shape[0], -1)  # row, column, channel
        x = nnx.relu(self.fc1(x))
        x = nnx.relu(self.fc2(x))
        return self.fc3(x)


Module = FFN | CNN
FLAT_CHANNELS = 16  # of the image that CNN.fc1 takes flat


def to_params(module: Module) -> Params:
    """Return a module's parameters under PyTorch's state_dict keys, in PyTorch's shapes; only positions change, never a number.

    Args:
        module: an `FFN` or a `CNN`.

    Returns:
        What `jaxtut.ffn.apply` or `jaxtut.cnn.apply` takes, and `load_state_dict` of the PyTorch twin.

    Example:
        >>> {name: value.shape for name, value in to_params(FFN(4, 3, 2, rngs=nnx.Rngs(0))).items()}
        {'fc1.weight': (3, 4), 'fc1.bias': (3,), 'fc2.weight': (2, 3), 'fc2.bias': (2,)}
    """
    params = {}
    for layer in module.LAYERS:
        params[f"{layer}.weight"] = _weight(getattr(module, layer).kernel[...], _channels(module, layer))
        params[f"{layer}.bias"] = getattr(module, layer).bias[...]
    return params


def load_params(module: Module, params: Params) -> None:
    """Replace a module's parameters by those of a flat dict.

    Raises:
        ValueError: names or shapes that are not the module's.
    """
    name = f"load_params({type(module).__name__})"
    parameters.require(name, params, tuple(f"{layer}.{kind}" for layer in module.LAYERS for kind in ("weight", "bias")))
    new = {}
    for layer in module.LAYERS:
        weight, bias = jnp.asarray(params[f"{layer}.weight"]), jnp.asarray(params[f"{layer}.bias"])
        _same_shape(name, f"{layer}.bias", bias.shape, getattr(module, layer).bias.shape)
        _same_shape(name, f"{layer}.weight", weight.shape, _weight_shape(getattr(module, layer).kernel.shape))
        new[layer] = _kernel(weight, _channels(module, layer)), bias
    # Written only when all fit, so that a refused file leaves the module as it was.
    for layer, (kernel, bias) in new.items():
        getattr(module, layer).kernel, getattr(module, layer).bias = nnx.Param(kernel), nnx.Param(bias)


def from_params(params: Params) -> Module:
    """Build the module that has these parameters: an `FFN`, or a `CNN` where there are convolutions.

    Args:
        params: as `jaxtut.ffn.init` or `jaxtut.cnn.init` returns them, or a PyTorch state_dict as arrays.

    Example:
        >>> from jaxtut import ffn, torch_random
        >>> params = ffn.init(torch_random.Generator(0), 4, 3, 2)
        >>> x = jnp.ones((1, 4))
        >>> bool(jnp.allclose(from_params(params)(x), ffn.apply(params, x)))
        True

    Raises:
        ValueError: names or shapes of neither network.
    """
    if "conv1.weight" not in params:
        parameters.require("from_params", params, ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"))
        (hidden, inputs), classes = np.shape(params["fc1.weight"]), np.shape(params["fc2.weight"])[0]
        module = nnx.eval_shape(lambda: FFN(inputs, hidden, classes, rngs=nnx.Rngs(0)))
    else:
        parameters.require("from_params", params, tuple(f"{n}.{k}" for n in CNN.LAYERS for k in ("weight", "bias")))
        channels, classes = np.shape(params["conv1.weight"])[1], np.shape(params["fc3.weight"])[0]
        pixels = np.shape(params["fc1.weight"])[1] // FLAT_CHANNELS
        # Weights tell how many pixels reach fc1, not their rows and columns, which the module does not need: one row of them will do.
        module = nnx.eval_shape(lambda: CNN((channels, 16, 4 * pixels + 12), classes, rngs=nnx.Rngs(0)))
    load_params(module, params)
    return module


def _channels(module: Module, layer: str) -> int | None:
    """Return the channels of the image that a layer takes flat, if it does."""
    return FLAT_CHANNELS if isinstance(module, CNN) and layer == "fc1" else None


def _weight(kernel: Array, channels: int | None) -> Array:
    if kernel.ndim == 4:
        return kernel.transpose(3, 2, 0, 1)
    if channels is None:
        return kernel.T
    return kernel.reshape(-1, channels, kernel.shape[1]).transpose(2, 1, 0).reshape(kernel.shape[::-1])


def _kernel(weight: Array, channels: int | None) -> Array:
    if weight.ndim == 4:
        return weight.transpose(2, 3, 1, 0)
    if channels is None:
        return weight.T
    return weight.reshape(weight.shape[0], channels, -1).transpose(2, 1, 0).reshape(weight.shape[::-1])


def _weight_shape(kernel: tuple[int, ...]) -> tuple[int, ...]:
    return (kernel[3], kernel[2], *kernel[:2]) if len(kernel) == 4 else kernel[::-1]


def _same_shape(function: str, name: str, given: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if given != expected:
        raise ValueError(f"{function}: {name} must have shape {expected}, but {given} was given")
