"""Pairs of small networks with a loss: perceptrons, convolutional networks, a block of a transformer."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from jaxtut import functional as F

from .drawing import PROFILES, Draw, Shape
from .pair import Pair, require_torch

ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu", "silu", "elu", "softplus", "leaky_relu")


def _activations(name: str):
    torch = require_torch()
    T = torch.nn.functional
    return {
        "relu": (F.relu, torch.relu),
        "tanh": (F.tanh, torch.tanh),
        "sigmoid": (F.sigmoid, torch.sigmoid),
        "gelu": (lambda x: jax.nn.gelu(x, approximate=False), T.gelu),
        "silu": (jax.nn.silu, T.silu),
        "elu": (jax.nn.elu, T.elu),
        "softplus": (jax.nn.softplus, lambda x: torch.logaddexp(x, torch.zeros_like(x))),
        "leaky_relu": (F.leaky_relu, T.leaky_relu),
    }[name]


def _weights(draw: Draw, shapes: dict[str, Shape]) -> dict[str, np.ndarray]:
    generator, scale = draw.generator(), draw.choice((1.0, 0.1, 3.0))
    return {
        name: (scale * generator.standard_normal(s) / np.sqrt(max(1, int(np.prod(s[1:]))))).astype(np.float32)
        for name, s in shapes.items()
    }


def perceptron(draw: Draw) -> Pair:
    """Draw a perceptron of two or three layers with cross-entropy, squared error, or bare scores."""
    torch = require_torch()
    name, loss, depth = draw.choice(ACTIVATIONS), draw.choice(("cross-entropy", "squared", "none")), draw.choice((2, 3))
    jax_act, torch_act = _activations(name)
    sizes = (6, 9, 7, 4)[-depth - 1 :]
    shapes: dict[str, Shape] = {}
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        shapes |= {f"fc{i}.weight": (outputs, inputs), f"fc{i}.bias": (outputs,)}
    params = _weights(draw, shapes)
    x = draw.array((5, sizes[0]), PROFILES, 1e-6, draw.choice((3, 100)))
    y = draw.labels((5,), 4)

    def jax_fn(params, x, y):
        for i in range(depth):
            x = F.linear(x, params[f"fc{i}.weight"], params[f"fc{i}.bias"])
            x = jax_act(x) if i < depth - 1 else x
        if loss == "cross-entropy":
            return F.cross_entropy(x, y)
        return jnp.mean((x - 1) ** 2) if loss == "squared" else x

    def torch_fn(params, x, y):
        T = torch.nn.functional
        for i in range(depth):
            x = T.linear(x, params[f"fc{i}.weight"], params[f"fc{i}.bias"])
            x = torch_act(x) if i < depth - 1 else x
        if loss == "cross-entropy":
            return T.cross_entropy(x, y)
        return T.mse_loss(x, torch.ones_like(x)) if loss == "squared" else x

    return Pair(f"perceptron {name}, {loss}, {depth} layers", jax_fn, torch_fn, (params, x, y))


def convolutional(draw: Draw) -> Pair:
    """Draw a convolutional network with pooling, and batch normalization or none."""
    torch = require_torch()
    name, pool, normalized = draw.choice(ACTIVATIONS), draw.choice(("max", "average")), draw.choice((False, True))
    jax_act, torch_act = _activations(name)
    params = _weights(draw, {"conv.weight": (3, 2, 3, 3), "conv.bias": (3,), "fc.weight": (4, 27), "fc.bias": (4,)})
    x = draw.array((2, 2, 8, 8), PROFILES, 1e-6, 3)
    y = draw.labels((2,), 4)

    def jax_fn(params, x, y):
        x = F.conv2d(x, params["conv.weight"], params["conv.bias"])
        if normalized:
            mean, var = jnp.mean(x, (0, 2, 3), keepdims=True), jnp.var(x, (0, 2, 3), keepdims=True)
            x = (x - mean) / jnp.sqrt(var + 1e-5)
        x = jax_act(x)
        x = F.max_pool2d(x, 2) if pool == "max" else x.reshape(2, 3, 3, 2, 3, 2).mean((3, 5))
        return F.cross_entropy(F.linear(x.reshape(2, -1), params["fc.weight"], params["fc.bias"]), y)

    def torch_fn(params, x, y):
        T = torch.nn.functional
        x = T.conv2d(x, params["conv.weight"], params["conv.bias"])
        x = T.batch_norm(x, None, None, training=True) if normalized else x
        x = torch_act(x)
        x = T.max_pool2d(x, 2) if pool == "max" else T.avg_pool2d(x, 2)
        return T.cross_entropy(T.linear(x.flatten(1), params["fc.weight"], params["fc.bias"]), y)

    label = f"convolutional {name}, {pool} pooling, {'batch' if normalized else 'no'} normalization"
    return Pair(label, jax_fn, torch_fn, (params, x, y))


def transformer_block(draw: Draw) -> Pair:
    """Draw a block of a transformer: attention and a perceptron, each after a normalization and added to its input."""
    torch = require_torch()
    width, length = 4, draw.choice((5, 1))
    shapes = {"q": (width, width), "k": (width, width), "v": (width, width), "up": (8, width), "down": (width, 8)}
    params = _weights(draw, shapes)
    x = draw.array((2, length, width), PROFILES, 1e-3, 10)

    def jax_fn(p, x):
        def norm(x):
            centred = x - jnp.mean(x, -1, keepdims=True)
            return centred * jax.lax.rsqrt(jnp.mean(centred**2, -1, keepdims=True) + 1e-5)

        h = norm(x)
        q, k, v = (h @ p[n].T for n in ("q", "k", "v"))
        x = x + jax.nn.softmax(q @ k.transpose(0, 2, 1) / 2, -1) @ v
        return x + jax.nn.gelu(norm(x) @ p["up"].T, approximate=False) @ p["down"].T

    def torch_fn(p, x):
        T = torch.nn.functional
        h = T.layer_norm(x, (width,))
        q, k, v = (T.linear(h, p[n]) for n in ("q", "k", "v"))
        x = x + T.scaled_dot_product_attention(q, k, v)
        return x + T.linear(T.gelu(T.linear(T.layer_norm(x, (width,)), p["up"])), p["down"])

    return Pair(f"transformer block, length {length}", jax_fn, torch_fn, (params, x))
