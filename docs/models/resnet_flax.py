"""The residual network of `resnet_torch` as a Flax NNX module, with the conversion of its parameters."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxtut.naming import tap

STATISTICS = {"mean": "running_mean", "var": "running_var"}


class BatchNorm(nnx.BatchNorm):
    """Flax's batch norm with PyTorch's momentum, which weighs the new value, and PyTorch's unbiased running variance."""

    def __init__(self, features: int, *, momentum: float = 0.1, epsilon: float = 1e-5, rngs: nnx.Rngs):
        super().__init__(features, momentum=1 - momentum, epsilon=epsilon, use_fast_variance=False, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the normalized image; in training, move the running statistics."""
        old = self.var[...]
        y = super().__call__(x)
        if not self.use_running_average:
            self.var[...] = self.momentum * old + (1 - self.momentum) * x.var((0, 1, 2), ddof=1)
        return y


class Block(nnx.Module):
    """Two 3×3 convolutions around which the input is added again; with a stride, it goes through a 1×1 convolution first."""

    def __init__(self, name: str, inputs: int, outputs: int, stride: int = 1, *, rngs: nnx.Rngs):
        self.name = name
        self.conv1 = nnx.Conv(inputs, outputs, (3, 3), strides=stride, padding=1, use_bias=False, rngs=rngs)
        self.bn1 = BatchNorm(outputs, rngs=rngs)
        self.conv2 = nnx.Conv(outputs, outputs, (3, 3), padding=1, use_bias=False, rngs=rngs)
        self.bn2 = BatchNorm(outputs, rngs=rngs)
        if stride != 1:
            self.shortcut = nnx.Conv(inputs, outputs, (1, 1), strides=stride, use_bias=False, rngs=rngs)
            self.shortcut_bn = BatchNorm(outputs, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the image after the block."""
        y = tap_image(f"{self.name}.conv1", self.conv1(x))
        y = tap_image(f"{self.name}.bn1", self.bn1(y))
        y = tap_image(f"{self.name}.conv2", self.conv2(nnx.relu(y)))
        y = tap_image(f"{self.name}.bn2", self.bn2(y))
        if hasattr(self, "shortcut"):
            x = tap_image(f"{self.name}.shortcut", self.shortcut_bn(self.shortcut(x)))
        return tap_image(f"{self.name}.out", nnx.relu(y + x))


class ResNet(nnx.Module):
    """Convolution, two residual blocks, the mean over the image, and a linear layer; raw scores of ten classes."""

    def __init__(self, width: int = 8, num_classes: int = 10, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(3, width, (3, 3), padding=1, use_bias=False, rngs=rngs)
        self.bn = BatchNorm(width, rngs=rngs)
        self.block1 = Block("block1", width, width, rngs=rngs)
        self.block2 = Block("block2", width, 2 * width, stride=2, rngs=rngs)
        self.fc = nnx.Linear(2 * width, num_classes, rngs=rngs)

    def __call__(self, images: jax.Array) -> jax.Array:
        """Return the raw scores of images in PyTorch's layout, (batch, 3, 16, 16)."""
        x = jnp.transpose(images, (0, 2, 3, 1))
        x = tap_image("conv", self.conv(x))
        x = nnx.relu(tap_image("bn", self.bn(x)))
        x = self.block2(self.block1(x))
        x = tap("pool", x.mean((1, 2)))
        return tap("fc", self.fc(x))


def tap_image(name: str, x: jax.Array) -> jax.Array:
    """Name an image in PyTorch's layout, so that both sides name the same array; compilation removes the transposes."""
    return jnp.transpose(tap(name, jnp.transpose(x, (0, 3, 1, 2))), (0, 2, 3, 1))


def from_torch(params: Mapping[str, Any]) -> dict[str, Any]:
    """Convert parameters and running statistics under PyTorch's names to nested dicts under Flax's names."""
    state: dict[str, Any] = {}
    for name, value in params.items():
        *path, kind = name.split(".")
        if kind == "num_batches_tracked":  # PyTorch counts; nothing here depends on it
            continue
        value = jnp.asarray(value)
        if value.ndim == 4:
            kind, value = "kernel", value.transpose(2, 3, 1, 0)
        elif value.ndim == 2:
            kind, value = "kernel", value.T
        else:
            kind = {"weight": "scale", "bias": "bias", "running_mean": "mean", "running_var": "var"}[kind]
        layer = state
        for part in path:
            layer = layer.setdefault(part, {})
        layer[kind] = value
    return state


def build(params: Mapping[str, Any], stats: Mapping[str, Any]) -> ResNet:
    """Return the module that has these parameters and running statistics, which stand under PyTorch's names."""
    width, num_classes = jnp.shape(params["conv.weight"])[0], jnp.shape(params["fc.bias"])[0]
    model = nnx.eval_shape(lambda: ResNet(width, num_classes, rngs=nnx.Rngs(0)))
    nnx.update(model, from_torch({**params, **stats}))
    return model


def statistics(model: ResNet) -> dict[str, jax.Array]:
    """Return a module's running statistics under PyTorch's names; no gradient flows through them."""
    flat = nnx.to_flat_state(nnx.state(model, nnx.BatchStat))
    return {
        ".".join([*map(str, path[:-1]), STATISTICS[str(path[-1])]]): jax.lax.stop_gradient(value[...])
        for path, value in flat
    }


def apply(params: Mapping[str, Any], stats: Mapping[str, Any], images: jax.Array) -> jax.Array:
    """Compute the scores with the running statistics, as in evaluation.

    Args:
        params: parameters under PyTorch's names, in PyTorch's shapes.
        stats: running means and variances under PyTorch's names.
        images: shape (batch, 3, 16, 16).
    """
    model = build(params, stats)
    model.eval()
    return model(images)


def apply_train(params: Mapping[str, Any], stats: Mapping[str, Any], images: jax.Array) -> dict[str, Any]:
    """Compute the scores with the statistics of the batch, as in training, and the running statistics after it."""
    model = build(params, stats)
    model.train()
    return {"scores": model(images), "running": statistics(model)}
