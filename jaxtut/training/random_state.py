"""The states of the random generators that a run draws from, as arrays and text, to be stored and set again."""

from __future__ import annotations

import random

import numpy as np

from jaxtut import torch_random
from jaxtut.torch_random import Generator

RandomState = dict[str, np.ndarray]
_PYTHON_VERSION = random.getstate()[0]


def capture(generator: Generator | None) -> RandomState:
    """Return the states of the run's generator, of the default one, and of Python's `random`, which some transforms draw from."""
    _, words, normal = random.getstate()
    states = {
        "default": torch_random.default_generator.get_state(),
        "python": np.array(words, np.uint32),
        # Python draws normal numbers in pairs, and may hold the second of one; NaN stands for none.
        "python normal": np.array(np.nan if normal is None else normal),
    }
    if generator is not None:
        states["generator"] = generator.get_state()
    return {name: np.array(state) for name, state in states.items()}


def bring_back(states: RandomState, generator: Generator | None) -> None:
    """Set the generators to these states."""
    torch_random.default_generator.set_state(states["default"])
    if generator is not None:
        generator.set_state(states["generator"])
    normal = float(states["python normal"])
    words = tuple(int(word) for word in states["python"])
    random.setstate((_PYTHON_VERSION, words, None if np.isnan(normal) else normal))
