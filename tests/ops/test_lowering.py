"""Primitives of ours where nothing is compiled: under `jax.disable_jit`."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

from jaxtut import functional as F

X = np.random.default_rng(0).normal(size=(20, 1000)).astype("float32")
Y = np.arange(20, dtype="int32")
W = np.random.default_rng(1).normal(size=(70, 1000)).astype("float32")
IMAGES, KERNEL = X.reshape(20, 1, 20, 50), W[:9, :9].reshape(9, 1, 3, 3)
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "gelu": F.gelu,
    "softmax": lambda x: F.softmax(x, -1),
    "log_softmax": lambda x: F.log_softmax(x, -1),
    "cross_entropy": lambda x: F.cross_entropy(x, Y),
    "linear": lambda x: F.linear(x, W),
    "conv2d": lambda x: F.conv2d(x.reshape(IMAGES.shape), KERNEL),
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_values_and_gradients_without_a_compiler(name: str) -> None:
    def gradient(x: Any) -> Any:
        return jax.grad(lambda x: (FUNCTIONS[name](x) ** 2).sum())(x)

    expected = FUNCTIONS[name](X), gradient(X)
    with jax.disable_jit():
        found = FUNCTIONS[name](X), gradient(X)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * np.abs(other).max())
