"""Random numbers as torchvision's transforms draw them, all from the default generator."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from jaxtut import torch_random


def unit() -> np.float32:
    """Draw one number from [0, 1), as `torch.rand(1)` does."""
    return torch_random.default_generator.rand(1)[0]


def chance(p: float) -> np.bool_:
    """Draw True with probability `p`, compared in float32, as `torch.rand(1) < p` does."""
    return np.bool_(unit() < np.float32(p))


def exact_chance(p: float) -> np.bool_:
    """Draw True with probability `p`, compared in float64, as `torch.rand(1).item() < p` does."""
    return np.bool_(float(unit()) < p)


def uniform(low: float, high: float) -> np.float32:
    """Draw one number from [low, high), as `torch.empty(1).uniform_(low, high)` does."""
    return torch_random.default_generator.uniform(low, high, 1)[0]


def integer(low: int, high: int) -> int:
    """Draw one whole number from [low, high), as `torch.randint(low, high, (1,))` does."""
    return int(torch_random.default_generator.randint(low, high, 1)[0])


def log_uniform(bounds: Sequence[float]) -> float:
    """Draw one number whose logarithm is uniform, between two bounds above 0, in float32."""
    # PyTorch's logarithm and exponential in float32 are nearly always those of float64, rounded; NumPy's are often an ulp off.
    low, high = _in_float64(np.log, np.asarray(bounds, np.float32))
    return float(_in_float64(np.exp, uniform(float(low), float(high))))


@contextmanager
def rewound() -> Iterator[None]:
    """Put both generators back to where they were, so that what is drawn inside does not count."""
    states = torch_random.default_generator.get_state(), random.getstate()
    try:
        yield
    finally:
        torch_random.default_generator.set_state(states[0])
        random.setstate(states[1])


def _in_float64(f: Any, x: Any) -> Any:
    return f(x.astype(np.float64)).astype(np.float32)
