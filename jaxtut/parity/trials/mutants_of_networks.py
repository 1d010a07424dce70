"""Mistakes in the networks of the course: the feed-forward one and the convolutional one."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from jaxtut import activations, cnn, ffn
from jaxtut import functional as F
from jaxtut.naming import tap
from jaxtut.torch_random import Generator

from .mutant import Mutant


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of both networks."""
    yield from _ffn()
    yield from _cnn()


def feed_forward(first=lambda w: w, bias=lambda b: b, activation=F.relu, last=lambda scores: scores):
    """Return the loss of the feed-forward net with one of its steps replaced."""

    def loss(params, x, labels):
        hidden = tap("fc1", F.linear(x, first(params["fc1.weight"]), bias(params["fc1.bias"])))
        hidden = tap("relu", activation(hidden))
        return F.cross_entropy(last(tap("fc2", F.linear(hidden, params["fc2.weight"], params["fc2.bias"]))), labels)

    return loss


def _ffn() -> Iterator[Mutant]:
    from torch_ref import ffn as twin

    rng = np.random.default_rng(2)
    args = (_numpy(ffn.init(Generator(1), 6, 6, 3)), rng.standard_normal((5, 6)), rng.integers(0, 3, 5))
    stop = jax.lax.stop_gradient
    for name, mistake, loss, cause in (
        (
            "transposed weight",
            "Flax keeps (in, out): the first weight is used as it stands.",
            {"first": jnp.transpose},
            "transpose",
        ),
        ("bias not trained", "The first bias is outside of what is differentiated.", {"bias": stop}, "bias|zero|cut"),
        ("cut graph", "The hidden layer is detached.", {"activation": lambda h: stop(F.relu(h))}, "zero|cut"),
        ("tanh for ReLU", "The hidden layer has another activation function.", {"activation": activations.tanh}, ""),
        ("softmax twice", "The loss, which has a softmax, is given probabilities.", {"last": activations.softmax}, ""),
    ):
        yield Mutant(
            f"ffn: {name}", "ffn", mistake, feed_forward(**loss), twin.loss, ffn.loss, args, (0, 1), cause=cause
        )
    yield Mutant(
        "ffn: module with scaled scores",
        "ffn",
        "The scores are divided by a temperature of 1.001 that the module has not.",
        jax=lambda params, x: ffn.apply(params, x) / 1.001,
        torch=twin.Model(6, 6, 3),
        honest=ffn.apply,
        args=(args[1],),
        params=args[0],
        cause="times|scale",
    )


def convolutional(flatten=lambda x: x.reshape(len(x), -1), pool=F.max_pool2d):
    """Return the convolutional net with one of its steps replaced."""

    def apply(params, images):
        x = tap("conv1", F.conv2d(images, params["conv1.weight"], params["conv1.bias"]))
        x = tap("conv1.pool", F.max_pool2d(F.relu(x), 2))
        x = tap("conv2", F.conv2d(x, params["conv2.weight"], params["conv2.bias"]))
        x = flatten(tap("conv2.pool", pool(F.relu(x), 2)))
        for layer in ("fc1", "fc2"):
            x = F.relu(tap(layer, F.linear(x, params[f"{layer}.weight"], params[f"{layer}.bias"])))
        return tap("fc3", F.linear(x, params["fc3.weight"], params["fc3.bias"]))

    return apply


def _cnn() -> Iterator[Mutant]:
    from torch_ref import cnn as twin

    def channels_last(x):
        return jnp.transpose(x, (0, 2, 3, 1)).reshape(len(x), -1)

    def average(x, window):
        n, c, h, w = x.shape
        return x.reshape(n, c, h // window, window, w // window, window).mean((3, 5))

    args = (_numpy(cnn.init(Generator(1), (1, 20, 20), 3)), np.random.default_rng(3).standard_normal((2, 1, 20, 20)))
    for name, mistake, wrong, cause in (
        (
            "flattened channels last",
            "The image is flattened as (row, column, channel).",
            {"flatten": channels_last},
            "order|flatten",
        ),
        ("average pooling", "The second pooling takes the mean of a window.", {"pool": average}, ""),
    ):
        yield Mutant(f"cnn: {name}", "cnn", mistake, convolutional(**wrong), twin.apply, cnn.apply, args, cause=cause)


def _numpy(params: dict) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in params.items()}
