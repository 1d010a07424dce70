"""A convolutional network that is trained for a moment on real digits, for pictures of what it has learned."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from jaxtut import cnn, data, optim, training
from jaxtut import functional as F
from jaxtut.parameters import Params
from jaxtut.torch_random import Generator

_STEPS, _BATCH = 120, 64


class Trained(NamedTuple):
    """Parameters before and after training, and digits that were not trained on."""

    first: Params
    params: Params
    images: np.ndarray
    labels: np.ndarray


@cache
def trained_on_digits(seed: int = 0) -> Trained:
    """Train 120 steps of 64 digits with Adam."""
    X, y = data.mnist()
    X = X.reshape(-1, 1, 28, 28).astype(np.float32)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X))
    train, test = order[:4000], order[4000:]
    first = cnn.init(Generator(seed), (1, 28, 28))
    optimizer = optim.Adam(lr=0.002)
    epoch = training.make_epoch(cnn.apply, F.cross_entropy, optimizer, donate=False)
    state: Any = optimizer.init(first)
    params, _, _ = epoch(first, state, X[train], y[train], rng.integers(0, 4000, (_STEPS, _BATCH)))
    return Trained(first, params, X[test], y[test])
