"""PyTorch's random generator on the CPU, bit for bit, in NumPy."""

from __future__ import annotations

import numpy as np

_DEFAULT_SEED = 67280421310721


class Generator:
    """The counterpart of `torch.Generator()` on the CPU."""

    def __init__(self, seed: int = _DEFAULT_SEED) -> None:
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of `seed`."""
        self._seed = int(seed) % 2**64
        self._rs = np.random.RandomState(self._seed & 0xFFFFFFFF)
        return self

    def initial_seed(self) -> int:
        """The seed."""
        return self._seed

    def _words(self, n: int) -> np.ndarray:
        return np.frombuffer(self._rs.bytes(4 * n), dtype="<u4")

    def _longs(self, n: int) -> np.ndarray:
        w = self._words(2 * n).astype(np.uint64)
        return (w[0::2] << np.uint64(32)) | w[1::2]

    def rand(self, *shape, dtype="float32") -> np.ndarray:
        """Uniform on [0, 1)."""
        if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)):
            shape = tuple(shape[0])
        n = int(np.prod(shape, dtype=np.int64))
        if np.dtype(dtype) == np.float64:
            u = (self._longs(n) & np.uint64(2**53 - 1)).astype(np.float64) * 2.0**-53
        else:
            u = (self._words(n) & np.uint32(2**24 - 1)).astype(np.float32) * np.float32(2.0**-24)
        return u.reshape(shape)

    def uniform(self, low, high, shape, dtype="float32") -> np.ndarray:
        """Uniform on [low, high)."""
        t = np.dtype(dtype).type
        low, high = t(low), t(high)
        u = self.rand(shape, dtype=dtype)
        return (u.astype(np.float64) * np.float64(high - low) + np.float64(low)).astype(dtype)

    def randint(self, low: int, high: int, shape) -> np.ndarray:
        """Integers on [low, high)."""
        n, width = int(np.prod(shape, dtype=np.int64)), high - low
        raw = self._words(n).astype(np.uint64) if width < 2**28 else self._longs(n)
        return ((raw % np.uint64(width)).astype(np.int64) + np.int64(low)).reshape(shape)

    def randperm(self, n: int) -> np.ndarray:
        """A permutation."""
        out = list(range(n))
        for i, k in enumerate((self._words(max(n - 1, 0)) % np.arange(n, 1, -1, dtype=np.uint32)).tolist()):
            out[i], out[i + k] = out[i + k], out[i]
        return np.array(out, dtype=np.int64)


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the default generator."""
    return default_generator.manual_seed(seed)


def _or_default(generator: Generator | None) -> Generator:
    return default_generator if generator is None else generator


def rand(*shape, generator: Generator | None = None, dtype="float32") -> np.ndarray:
    """`torch.rand`."""
    return _or_default(generator).rand(*shape, dtype=dtype)


def uniform(low, high, shape, generator: Generator | None = None, dtype="float32") -> np.ndarray:
    """`torch.empty(shape).uniform_(low, high)`."""
    return _or_default(generator).uniform(low, high, shape, dtype=dtype)


def randint(low: int, high: int, shape, generator: Generator | None = None) -> np.ndarray:
    """`torch.randint`."""
    return _or_default(generator).randint(low, high, shape)


def randperm(n: int, generator: Generator | None = None) -> np.ndarray:
    """`torch.randperm`."""
    return _or_default(generator).randperm(n)
