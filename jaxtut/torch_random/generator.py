"""The generator: words of MT19937, and what PyTorch makes of them."""

import math
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
from jaxtyping import Float, Int64, UInt8, UInt32, UInt64
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .arguments import Real, Shape, bounds, float_dtype, integer, real, shape_of, shape_of_arguments
from .arithmetic import BLOCK, fused_multiply_add, normal_blocks
from .permutation import apply_swaps

_DEFAULT_SEED = 67280421310721
_WORDS = 624  # words in one block of MT19937
_WIDE_RANGE = 2**28  # from this width on, PyTorch takes 64 bits for an integer
_RANDPERM_LIMIT = (2**32 - 1) // 20  # from this length on, PyTorch shuffles by another algorithm
_CHUNK = 2**15  # elements worked on at a time, so that they stay in the cache; a multiple of BLOCK

# The bytes of torch.Generator.get_state(): the engine, one float64 normal number in waiting, and a float32 one that
# only other devices use.
_STATE = np.dtype(
    [
        *(("seed", "<u8"), ("left", "<i4"), ("seeded", "<i4"), ("next", "<u8"), ("words", "<u8", (_WORDS,))),
        *(("x", "<f8"), ("normal", "<f8"), ("rho", "<f8"), ("has_normal", "<i4"), ("gap", "V4")),
        *(("float_normal", "<f4"), ("has_float_normal", "u1"), ("end", "V3")),
    ]
)

_NumPyState = tuple[str, NDArray[np.uint32], int, int, float]


class Generator:
    """The counterpart of `torch.Generator()` on the CPU: one stream of random numbers.

    Args:
        seed: an int in [-2**63, 2**64); a negative one stands for `seed + 2**64`. The words depend on its lowest 32
            bits alone, as in PyTorch.

    Every `shape` is an int or a sequence of ints, and every `dtype` float32 or float64; the two draw different
    numbers. Copies and pickles continue where the original stands.

    Example:
        >>> generator = Generator(0)
        >>> generator.rand(2, 2)
        array([[0.4962566 , 0.7682218 ],
               [0.08847743, 0.13203049]], dtype=float32)
        >>> generator.randperm(5)
        array([3, 4, 0, 1, 2])
    """

    def __init__(self, seed: int = _DEFAULT_SEED) -> None:
        self._engine = np.random.MT19937(0)
        self._stream = np.random.RandomState(self._engine)
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> "Generator":
        """Start the stream of `seed` and return the generator.

        Raises: `TypeError` where seed is no int; `ValueError` where it is outside [-2**63, 2**64) (`RuntimeError` in
            some versions of PyTorch).
        """
        value = integer("manual_seed", "seed", seed)
        if not -(2**63) <= value < 2**64:
            raise ValueError(f"manual_seed: seed must be in [-2**63, 2**64), but {value} was given")
        self._seed = value % 2**64
        self._stream.seed(self._seed & 0xFFFFFFFF)
        self._fresh = True  # no word drawn yet: PyTorch writes this state otherwise than that after a whole block
        self._waiting: float | None = None  # the second number of a pair of normals
        self._float_waiting: float | None = None  # carried from state to state only
        return self

    def initial_seed(self) -> int:
        """Return the seed, in [0, 2**64)."""
        return self._seed

    def rand(self, *shape: Shape, dtype: DTypeLike = "float32") -> Float[np.ndarray, "..."]:
        """Draw uniform numbers from [0, 1): the low 24 bits of a word over 2**24, or the low 53 of two over 2**53.

        PyTorch's counterpart: `torch.rand`. The shape is given as ints or as one sequence; `rand(())` gives one
        number, `rand()` is refused.
        """
        kind = float_dtype("rand", dtype)
        out = np.empty(shape_of_arguments("rand", shape), kind)
        for piece in _pieces(out):
            piece[...] = self._unit(piece.size, kind)
        return out

    def uniform(self, low: Real, high: Real, shape: Shape, dtype: DTypeLike = "float32") -> Float[np.ndarray, "..."]:
        """Draw from the uniform distribution on [low, high): `u * (high - low) + low`, rounded once.

        Where rounding gives `high` itself, the result is `low`, as in PyTorch. The bounds and their difference are
        rounded to `dtype` first.

        Raises: `ValueError` where a bound is not finite in `dtype`, `low > high`, or `high - low` overflows.

        PyTorch's counterpart: `torch.empty(shape, dtype=dtype).uniform_(low, high)`.
        """
        kind = float_dtype("uniform", dtype)
        bottom, top = bounds(low, high, kind)
        width = top - bottom
        out = np.empty(shape_of("uniform", shape), kind)
        for piece in _pieces(out):
            piece[...] = fused_multiply_add(self._unit(piece.size, kind), width, bottom)
            piece[piece == top] = bottom
        return out

    def randint(self, low: int, high: int, shape: Shape) -> Int64[np.ndarray, "..."]:
        """Draw integers from [low, high): a word modulo `high - low`, or 64 bits where that is 2**28 or more.

        Raises: `TypeError` where a bound is no int; `ValueError` where `low >= high` or a bound is outside int64.

        PyTorch's counterpart: `torch.randint(low, high, shape)`; there is no form without `low`.
        """
        bottom, top = integer("randint", "low", low), integer("randint", "high", high)
        for name, value in (("low", bottom), ("high", top)):
            if not -(2**63) <= value < 2**63:
                raise ValueError(f"randint: {name} must be in [-2**63, 2**63), but {value} was given")
        if bottom >= top:
            raise ValueError(f"randint: low must be less than high, but low={bottom} and high={top} were given")
        sizes, width = shape_of("randint", shape), top - bottom
        if width >= _WIDE_RANGE:
            drawn = self.random_raw(math.prod(sizes), bits=64) % np.uint64(width)
        else:
            drawn = (self._words(math.prod(sizes)) % np.uint32(width)).astype(np.uint64)
        drawn += np.uint64(bottom % 2**64)  # modulo 2**64, as int64 wraps
        return drawn.view(np.int64).reshape(sizes)

    def randperm(self, n: int) -> Int64[np.ndarray, "n"]:
        """Draw a permutation of 0 … n - 1 (Fisher and Yates): step i swaps positions i and `i + word % (n - i)`.

        Raises: `ValueError` where n is negative, or 214,748,364 or more, where PyTorch shuffles by an algorithm not
            reproduced here.

        PyTorch's counterpart: `torch.randperm`.
        """
        length = integer("randperm", "n", n)
        if not 0 <= length < _RANDPERM_LIMIT:
            raise ValueError(f"randperm: n must be in [0, {_RANDPERM_LIMIT}), but {length} was given")
        if length < 2:
            return np.arange(length, dtype=np.int64)
        steps = np.arange(length - 1, dtype=np.uint32)
        return apply_swaps(self._words(length - 1) % (np.uint32(length) - steps) + steps)

    def randn(self, *shape: Shape, dtype: DTypeLike = "float32") -> Float[np.ndarray, "..."]:
        """Draw from the standard normal distribution; `torch.randn`. The shape is given as in `rand`."""
        return self.normal(0.0, 1.0, shape_of_arguments("randn", shape), dtype=dtype)

    @np.errstate(over="ignore", invalid="ignore")  # infinities and NaN come out as they do in PyTorch
    def normal(self, mean: Real, std: Real, shape: Shape, dtype: DTypeLike = "float32") -> Float[np.ndarray, "..."]:
        """Draw normal numbers: `mean + std * √(-2 log(1 - u)) * cos(2πv)`, and with the sine (Box and Muller 1958).

        As in PyTorch, 16 elements or more are made in blocks of 16, of which the last is drawn anew where the size is
        no multiple of 16; fewer are made in pairs of float64 numbers, of which one may wait for the next such draw.

        Raises: `ValueError` where std is negative or NaN.

        PyTorch's counterpart: `torch.empty(shape, dtype=dtype).normal_(mean, std)`.
        """
        kind = float_dtype("normal", dtype)
        mean, std = real("normal", "mean", mean), real("normal", "std", std)
        if not std >= 0:
            raise ValueError(f"normal: std must be 0 or more, but {std} was given")
        out = np.empty(shape_of("normal", shape), kind)
        if out.size < BLOCK:
            samples = self._normal_samples(out.size)
            out.reshape(-1)[...] = fused_multiply_add(samples, np.float64(std), np.float64(mean))
            return out
        for piece in _pieces(out):
            u = self._unit(piece.size, kind)
            whole = piece.size - piece.size % BLOCK
            piece[:whole] = normal_blocks(u[:whole], kind.type(mean), kind.type(std))
        if out.size % BLOCK:
            out.reshape(-1)[-BLOCK:] = normal_blocks(self._unit(BLOCK, kind), kind.type(mean), kind.type(std))
        return out

    def bernoulli(
        self, p: Real | NDArray[Any], shape: Shape | None = None, dtype: DTypeLike = "float32"
    ) -> Float[np.ndarray, "..."]:
        """Draw 1 with probability `p`, else 0: `u < p`, with u of 53 bits; of 24 where `p` is a float32 array.

        Args:
            p: a probability, or an array of them (float32 or float64), broadcast to `shape`.
            shape: of the result; None: the shape of `p`.

        Raises: `ValueError` where a probability is NaN or outside [0, 1], or `p` does not broadcast to `shape`.

        PyTorch's counterpart: `torch.empty(shape, dtype=dtype).bernoulli_(p)`; `torch.bernoulli(p)` for an array.
        """
        kind = float_dtype("bernoulli", dtype)
        chance = p if isinstance(p, np.ndarray) else np.asarray(real("bernoulli", "p", p))
        precision = float_dtype("bernoulli", chance.dtype, "p's dtype")
        if not np.all((chance >= 0) & (chance <= 1)):
            raise ValueError(f"bernoulli: p must be in [0, 1], but {p} was given")
        sizes = chance.shape if shape is None else shape_of("bernoulli", shape)
        try:
            chances = np.broadcast_to(chance, sizes)
        except ValueError:
            raise ValueError(f"bernoulli: p must broadcast to shape {sizes}, but has shape {chance.shape}") from None
        return (self.rand(sizes, dtype=precision) < chances).astype(kind)

    def exponential(self, rate: Real, shape: Shape, dtype: DTypeLike = "float32") -> Float[np.ndarray, "..."]:
        """Draw from the exponential distribution: `-log(1 - u) / rate`, with u of 53 bits in both dtypes.

        Raises: `ValueError` where rate is not above 0.

        PyTorch's counterpart: `torch.empty(shape, dtype=dtype).exponential_(rate)`.
        """
        kind, speed = float_dtype("exponential", dtype), real("exponential", "rate", rate)
        if not speed > 0:
            raise ValueError(f"exponential: rate must be above 0, but {speed} was given")
        out = np.empty(shape_of("exponential", shape), kind)
        for piece in _pieces(out):
            piece[...] = -1 / speed * np.log1p(-self._unit(piece.size, np.dtype(np.float64)))
        return out

    def multinomial(self, weights: ArrayLike, num_samples: int, replacement: bool = False) -> Int64[np.ndarray, "n"]:
        """Draw indices, each with a probability proportional to its weight.

        With replacement a number of 53 bits is looked up in the cumulated weights. Without, and for a single index,
        each weight is divided by an exponential number of its own, and the largest quotients win.

        Args:
            weights: numbers of 0 or more, of shape (n,); float32 or float64, which round otherwise.
            num_samples: how many indices.
            replacement: whether an index can come again.

        Raises: `ValueError` where weights are negative, infinite, NaN or all 0, or where fewer than `num_samples` are
            above 0 (PyTorch fills up with indices of weight 0, in no order that it promises).

        PyTorch's counterpart: `torch.multinomial`.
        """
        chances, count = np.asarray(weights), integer("multinomial", "num_samples", num_samples)
        kind = float_dtype("multinomial", chances.dtype, "weights' dtype")
        if chances.ndim != 1 or not chances.size:
            raise ValueError(f"multinomial: weights must have shape (n,), n > 0, but {chances.shape} was given")
        if not (np.isfinite(chances) & (chances >= 0)).all() or not chances.any():
            raise ValueError(f"multinomial: weights must be finite, 0 or more, and not all 0, but {chances} were given")
        possible = np.count_nonzero(chances)
        if count < 1 or (count > possible and not replacement):
            raise ValueError(
                f"multinomial: num_samples must be at least 1, and without replacement at most the {possible} weights above 0, but {count} was given"
            )
        if replacement and count > 1:
            total = np.cumsum(chances)
            share = total / total[-1]
            share[-1] = 1
            return np.searchsorted(share.astype(np.float64), self.rand(count, dtype="float64")).astype(np.int64)
        with np.errstate(divide="ignore"):
            races = chances / self.exponential(1.0, chances.size, kind)
        if count == 1:
            return np.argmax(races, keepdims=True)
        return np.argsort(-races, kind="stable")[:count]

    def random(self, shape: Shape = ()) -> Int64[np.ndarray, "..."]:
        """Draw integers from [0, 2**63): as a DataLoader draws its base seed.

        PyTorch's counterpart: `torch.empty(shape, dtype=torch.int64).random_()`.
        """
        sizes = shape_of("random", shape)
        return (self.random_raw(math.prod(sizes), bits=64) & np.uint64(2**63 - 1)).view(np.int64).reshape(sizes)

    def random_raw(self, n: int, bits: int = 32) -> UInt32[np.ndarray, "n"] | UInt64[np.ndarray, "n"]:
        """Draw n numbers of 32 bits, or of 64: two words each, the high one first. PyTorch does not show them."""
        (count,) = shape_of("random_raw", integer("random_raw", "n", n))
        if bits not in (32, 64):
            raise ValueError(f"random_raw: bits must be 32 or 64, but {bits!r} was given")
        if bits == 32:
            return self._words(count)
        words = self._words(2 * count)
        return (words[0::2].astype(np.uint64) << np.uint64(32)) | words[1::2]

    def get_state(self) -> UInt8[np.ndarray, "5056"]:
        """Return the state: the 5056 bytes of `torch.Generator.get_state()`.

        `torch.from_numpy` makes it one that PyTorch's `set_state` takes.
        """
        state = np.zeros((), _STATE)
        _, key, position, _, _ = cast(_NumPyState, self._stream.get_state(legacy=True))
        drawn = 0 if self._fresh else int(position)
        state["seed"], state["seeded"], state["words"] = self._seed, 1, key
        state["next"], state["left"] = drawn, 1 if self._fresh else _WORDS + 1 - drawn
        if self._waiting is not None:
            state["normal"], state["has_normal"] = self._waiting, 1
        if self._float_waiting is not None:
            state["float_normal"], state["has_float_normal"] = self._float_waiting, 1
        return np.frombuffer(state.tobytes(), np.uint8).copy()

    def set_state(self, state: UInt8[np.ndarray, "5056"]) -> "Generator":
        """Continue from a state of ours or of `torch.Generator.get_state().numpy()`, and return the generator.

        Raises: `TypeError` where state is not of bytes (uint8); `ValueError` where it is not 5056 of them or no state
            of MT19937.
        """
        given = np.asarray(state)
        if given.dtype != np.uint8:
            raise TypeError(f"set_state: state must be a uint8 array, but one of {given.dtype} was given")
        if given.shape != (_STATE.itemsize,):
            raise ValueError(f"set_state: state must have shape ({_STATE.itemsize},), but {given.shape} was given")
        fields = np.frombuffer(given.tobytes(), _STATE)[0]
        drawn, left = int(fields["next"]), int(fields["left"])
        fresh = (drawn, left) == (0, 1)
        if not fields["seeded"] or not (fresh or (1 <= drawn <= _WORDS and left == _WORDS + 1 - drawn)):
            raise ValueError(f"set_state: state is no state of MT19937: next={drawn}, left={left}")
        self._seed, self._fresh = int(fields["seed"]), fresh
        self._stream.set_state(("MT19937", fields["words"].astype(np.uint32), _WORDS if fresh else drawn, 0, 0.0))
        self._waiting = float(fields["normal"]) if fields["has_normal"] else None
        self._float_waiting = float(fields["float_normal"]) if fields["has_float_normal"] else None
        return self

    def __getstate__(self) -> UInt8[np.ndarray, "5056"]:
        return self.get_state()

    def __setstate__(self, state: UInt8[np.ndarray, "5056"]) -> None:
        self.__init__()
        self.set_state(state)

    def _words(self, n: int) -> UInt32[np.ndarray, "n"]:
        self._fresh = self._fresh and n == 0
        if n == 1:  # a fifth of the time that `randint` takes
            return np.array([self._engine.random_raw()], np.uint32)
        return self._stream.randint(0, 2**32, size=n, dtype=np.uint32)  # the full range: each word as it comes

    def _unit(self, n: int, kind: np.dtype[Any]) -> Float[np.ndarray, "n"]:
        if kind == np.float64:
            return (self.random_raw(n, bits=64) & np.uint64(2**53 - 1)).astype(np.float64) * 2.0**-53
        words = self._words(n)
        words &= np.uint32(2**24 - 1)
        u = words.view(np.int32).astype(np.float32)
        u *= np.float32(2.0**-24)
        return u

    def _normal_samples(self, n: int) -> Float[np.ndarray, "n"]:
        """Standard normal numbers in pairs, through the scalar functions of the C library, as PyTorch makes them."""
        samples = [] if self._waiting is None else [self._waiting]
        pairs = self._unit((n - len(samples) + 1) // 2 * 2, np.dtype(np.float64)).reshape(-1, 2)
        for u, v in pairs.tolist():
            radius, angle = math.sqrt(-2.0 * math.log1p(-v)), 2.0 * math.pi * u
            samples += [radius * math.cos(angle), radius * math.sin(angle)]
        self._waiting = samples.pop() if len(samples) > n else None
        return np.array(samples, np.float64)


def _pieces(out: NDArray[Any]) -> Iterator[NDArray[Any]]:
    flat = out.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        yield flat[start : start + _CHUNK]
