"""The random directions of a comparison: cotangents for every output, tangents for every differentiable leaf."""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arguments import Arguments
from .quantities import Arrays, is_floating

# On how many samples `vmap` is tried.
VMAP_SAMPLES = 3


@dataclass(frozen=True)
class Probes:
    """Cotangents by output name and tangents by leaf name, all float32; as many tangents as cotangents."""

    cotangents: tuple[Arrays, ...] = ()
    tangents: tuple[Arrays, ...] = ()

    def first(self) -> "Probes":
        """Return the first cotangent and the first tangent alone."""
        return Probes(self.cotangents[:1], self.tangents[:1])

    def mapped(self, f: Callable[[np.ndarray], np.ndarray]) -> "Probes":
        """Apply `f` to every array."""
        parts = [
            tuple({n: np.asarray(f(v)) for n, v in each.items()} for each in some)
            for some in (self.cotangents, self.tangents)
        ]
        return Probes(*parts)


def draw(outputs: Arrays, args: Arguments, count: int, seed: int) -> Probes:
    """Draw probes; each array depends on its own name, its shape and the seed alone, so two sides that never meet draw the same.

    The first cotangent of a scalar output is 1, which gives its plain gradient.
    """
    floating = {n: a for n, a in outputs.items() if is_floating(a)}
    cotangents = [{n: _normal(n, a.shape, seed, i) for n, a in floating.items()} for i in range(count)]
    cotangents[0] = {n: np.ones((), np.float32) if c.shape == () else c for n, c in cotangents[0].items()}
    leaves = [(leaf.name, leaf.value.shape) for leaf in args.differentiable]
    tangents = [{n: _normal(f"tangent {n}", shape, seed, i) for n, shape in leaves} for i in range(count)]
    return Probes(tuple(cotangents), tuple(tangents))


def _normal(name: str, shape: Iterable[int], seed: int, i: int) -> np.ndarray:
    generator = np.random.default_rng([seed, i, zlib.crc32(name.encode())])
    return np.asarray(generator.standard_normal(tuple(shape), dtype=np.float32))


def sample(x: Any, i: int, roll: Callable) -> Any:
    """Return the i-th sample that `vmap` is tried on: the array itself, then its elements moved on along the last axis."""
    return x if i == 0 or x.ndim == 0 else roll(x, i)
