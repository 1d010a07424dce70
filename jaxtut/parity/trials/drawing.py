"""Draw shapes, choices and arrays that are hard on rounding, with hypothesis."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from jaxtut.errors import MissingDependencyError

T = TypeVar("T")
Shape = tuple[int, ...]

# Few shapes, so that the programs compiled for them are met again: 0-d, one element, none, odd sizes.
SHAPES: tuple[Shape, ...] = ((7,), (3, 5), (1,), (), (0,), (17,), (2, 3, 5), (3, 0), (1, 1), (64,))
MATRICES: tuple[Shape, ...] = ((3, 5), (1, 1), (7, 4), (2, 17), (16, 16))

SMOOTH = ("normal", "scaled", "spread", "tails", "cancelling", "saturated")
TIED = ("integers", "ties", "neighbours", "zeros", "constant")
PROFILES = SMOOTH + TIED


def require_hypothesis() -> Any:
    """Import hypothesis, or say how to install it."""
    try:
        import hypothesis
    except ImportError:
        raise MissingDependencyError(
            'hypothesis draws the pairs and is not installed: pip install "jaxtut[dev]"'
        ) from None
    return hypothesis


class Draw:
    """What a family asks for its pair; every answer comes from hypothesis.

    Args:
        draw: hypothesis's function that draws from a strategy.
    """

    def __init__(self, draw: Callable):
        self._draw = draw

    def choice(self, options: Sequence[T]) -> T:
        """Draw one of the options."""
        return options[self.integer(0, len(options) - 1)]

    def integer(self, least: int, most: int) -> int:
        """Draw a whole number between two bounds, both included.

        It is put together from booleans: hypothesis draws its own integers now and then from the constants that it finds in the
        modules that happen to be imported, and a seed would not give the same pairs everywhere.
        """
        span = most - least + 1
        bits = span.bit_length() + 5  # so that the remainder prefers no number noticeably
        booleans = require_hypothesis().strategies.booleans()
        return least + sum(self._draw(booleans) << i for i in range(bits)) % span

    def generator(self) -> np.random.Generator:
        """Draw a generator of random numbers."""
        return np.random.default_rng(self.integer(0, 2**16 - 1))

    def array(
        self,
        shape: Shape,
        profiles: Sequence[str] = PROFILES,
        least: float = 1e-20,
        most: float = 1e20,
        domain: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> np.ndarray:
        """Draw an array of a floating dtype whose magnitudes, zeros apart, lie between `least` and `most`.

        Args:
            shape: its shape.
            profiles: how its values may be made; see `fill`.
            least: the smallest magnitude.
            most: the largest.
            domain: maps the values to where the function is defined; applied last.
        """
        values = fill(self.choice(profiles), self.generator(), shape, least, most)
        values = values if domain is None else domain(values)
        return values.astype(self.choice(("float32", "float64")))

    def sprinkled(self, x: np.ndarray, special: np.ndarray) -> np.ndarray:
        """Half of the time, put special numbers, such as kinks, in the place of some elements."""
        if self.choice((True, False)):
            return x
        return np.where(self.mask(x.shape), special[self.labels(x.shape, len(special))], x).astype(x.dtype)

    def labels(self, shape: Shape, classes: int) -> np.ndarray:
        """Draw class numbers or indices below `classes`."""
        return self.generator().integers(0, classes, shape)

    def mask(self, shape: Shape) -> np.ndarray:
        """Draw booleans."""
        return self.generator().integers(0, 2, shape) == 1


def fill(profile: str, generator: np.random.Generator, shape: Shape, least: float, most: float) -> np.ndarray:
    """Return values of one profile.

    normal: of size 1. scaled: normal, times one power of ten. spread: every element has its own power of ten. tails:
    between −40 and 40, where sigmoids and error functions saturate. cancelling: each number beside its negative, an ulp
    of float32 away. saturated: some are ±1,000. integers, ties, zeros (of both signs), constant: as the names say.
    neighbours: numbers one ulp of float32 apart.
    """
    x = generator.standard_normal(shape)
    low, high = np.log10(least), np.log10(most)
    if profile == "scaled":
        x = x * 10.0 ** generator.uniform(low, high)
    elif profile == "spread":
        x = np.sign(x) * 10.0 ** generator.uniform(low, high, shape)
    elif profile == "tails":
        x = generator.uniform(-min(40.0, most), min(40.0, most), shape)
    elif profile == "cancelling":
        flat = x.reshape(-1)
        pairs = flat[: flat.size // 2 * 2].reshape(-1, 2)
        pairs[:, 1] = -np.nextafter(pairs[:, 0].astype(np.float32), np.float32(np.inf))
    elif profile == "saturated":
        x = np.where(generator.random(shape) < 0.3, np.sign(x) * min(1e3, most), x)
    elif profile == "integers":
        x = generator.integers(-4, 5, shape).astype(np.float64)
    elif profile == "ties":
        x = generator.standard_normal(3)[generator.integers(0, 3, shape)]
    elif profile == "neighbours":
        base = generator.standard_normal(2).astype(np.float32)[generator.integers(0, 2, shape)]
        x = base + generator.integers(-1, 2, shape) * np.spacing(base).astype(np.float64)
    elif profile == "zeros":
        x = np.where(generator.random(shape) < 0.5, np.copysign(0.0, x), x)
    elif profile == "constant":
        x = np.full(shape, generator.standard_normal())
    elif profile != "normal":
        raise ValueError(f"fill: profile must be one of {PROFILES}, but {profile!r} was given")
    x = np.asarray(x)
    return np.where(x == 0, x, np.copysign(np.clip(np.abs(x), least, most), x))
