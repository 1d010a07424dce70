"""Evidence in PyTorch's layout: JAX's images have their channels last more often than not."""

from typing import Any

import numpy as np

from .evidence import Evidence, Spread
from .quantities import Key, Quantities


class ChannelsFirst:
    """The evidence of one quantity, with the last axis moved to where PyTorch has its channels.

    Args:
        evidence: of a side that keeps channels last.
        key: the quantity.
        axis: where PyTorch has its channels.
    """

    def __init__(self, evidence: Evidence, key: Key, axis: int):
        self._evidence, self._key, self._axis = evidence, key, axis
        self.name, self.mode = evidence.name, evidence.mode

    def _moved(self, quantities: Quantities) -> Quantities:
        return {k: np.moveaxis(x, -1, self._axis) if k == self._key else x for k, x in quantities.items()}

    @property
    def exact(self) -> Quantities:
        """The results in float64."""
        return self._moved(self._evidence.exact)

    @property
    def singles(self) -> list[Quantities]:
        """The results in float32."""
        return [self._moved(run) for run in self._evidence.singles]

    @property
    def nearby(self) -> tuple[Quantities, Quantities]:
        """The noise at inputs nearby."""
        near, far = self._evidence.nearby
        return self._moved(near), self._moved(far)

    @property
    def operations(self) -> Quantities:
        """How far the results move with the result of every operation."""
        return self._moved(self._evidence.operations)

    @property
    def beside_kinks(self) -> list[Quantities]:
        """float64 results at inputs jittered by a millionth."""
        return [self._moved(run) for run in self._evidence.beside_kinks]

    def spread(self, key: Key) -> Spread:
        """Return how far a quantity moves at inputs that float32 can hardly tell apart."""
        spread = self._evidence.spread(key)
        return Spread(np.moveaxis(spread.most, -1, self._axis), np.moveaxis(spread.least, -1, self._axis))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._evidence, name)
