"""PyTorch's random generator on the CPU, in NumPy: the same seed gives the same numbers, without PyTorch installed.

The stream is MT19937 (Matsumoto and Nishimura 1998): 32-bit words, here from `np.random.RandomState`, whose stream
NumPy has frozen. What PyTorch makes of the words was measured against torch 2.13 and is tested for sequences of mixed
draws. After every draw the state is PyTorch's, byte for byte.

| draw                          | words an element     | agrees with torch on the CPU |
|-------------------------------|----------------------|------------------------------|
| `rand`                        | 1; float64 2         | bit for bit                  |
| `randint`                     | 1; from 2**28 wide 2 | bit for bit                  |
| `random`                      | 2                    | bit for bit                  |
| `randperm(n)`                 | 1, n - 1 in all      | bit for bit                  |
| `bernoulli`                   | 2; for float32 `p` 1 | bit for bit                  |
| `uniform`                     | 1; float64 2         | bit for bit (1)              |
| `normal`, 16 elements or more | 1, and 16 for a tail | bit for bit (1)              |
| the same in float64           | 2, and 32 for a tail | within 2 ulp (3)             |
| `normal`, fewer than 16       | 4 for two elements   | bit for bit (1) (2)          |

(1) On x86 with AVX2 or AVX-512, where PyTorch evaluates `u * (high - low) + low` with one rounding (a fused
multiply-add); this module does so everywhere. Elsewhere uniform numbers part by an ulp or two of the larger bound, and
so do normal ones, but for 16 float32 elements or more, which part by up to 4e-6 * std: the angle is rounded otherwise.
(2) Where Python and PyTorch call one C library; else as (3).
(3) Of the larger of |mean| and |result|, since log, sin and cos are NumPy's here.
"""

import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any, SupportsIndex, cast

import numpy as np
from jaxtyping import Float, Int64, UInt8, UInt32, UInt64
from numpy.typing import DTypeLike, NDArray

_DEFAULT_SEED = 67280421310721
_WORDS = 624  # words in one block of MT19937
_WIDE_RANGE = 2**28  # from this width on, PyTorch takes 64 bits for an integer
_RANDPERM_LIMIT = (2**32 - 1) // 20  # from this length on, PyTorch shuffles by another algorithm
_BLOCK = 16  # PyTorch makes normal numbers in blocks: eight radii, then eight angles
_CHUNK = 2**15  # elements worked on at a time, so that they stay in the cache; a multiple of _BLOCK

# The bytes of torch.Generator.get_state(): the engine, one float64 normal number in waiting, and a float32 one that
# only other devices use.
_STATE = np.dtype(
    [
        *(("seed", "<u8"), ("left", "<i4"), ("seeded", "<i4"), ("next", "<u8"), ("words", "<u8", (_WORDS,))),
        *(("x", "<f8"), ("normal", "<f8"), ("rho", "<f8"), ("has_normal", "<i4"), ("gap", "V4")),
        *(("float_normal", "<f4"), ("has_float_normal", "u1"), ("end", "V3")),
    ]
)

Shape = int | Sequence[int]
Real = int | float  # spelled out for checkers at run time, to which an int is no float
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
        self._stream = np.random.RandomState(0)
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> "Generator":
        """Start the stream of `seed` and return the generator.

        Raises: `TypeError` where seed is no int; `ValueError` where it is outside [-2**63, 2**64) (`RuntimeError` in
            some versions of PyTorch).
        """
        value = _integer("manual_seed", "seed", seed)
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
        kind = _float_dtype("rand", dtype)
        out = np.empty(_shape_of_arguments("rand", shape), kind)
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
        kind = _float_dtype("uniform", dtype)
        bottom, top = _bounds(low, high, kind)
        width = top - bottom
        out = np.empty(_shape("uniform", shape), kind)
        for piece in _pieces(out):
            piece[...] = _fused_multiply_add(self._unit(piece.size, kind), width, bottom)
            piece[piece == top] = bottom
        return out

    def randint(self, low: int, high: int, shape: Shape) -> Int64[np.ndarray, "..."]:
        """Draw integers from [low, high): a word modulo `high - low`, or 64 bits where that is 2**28 or more.

        Raises: `TypeError` where a bound is no int; `ValueError` where `low >= high` or a bound is outside int64.

        PyTorch's counterpart: `torch.randint(low, high, shape)`; there is no form without `low`.
        """
        bottom, top = _integer("randint", "low", low), _integer("randint", "high", high)
        for name, value in (("low", bottom), ("high", top)):
            if not -(2**63) <= value < 2**63:
                raise ValueError(f"randint: {name} must be in [-2**63, 2**63), but {value} was given")
        if bottom >= top:
            raise ValueError(f"randint: low must be less than high, but low={bottom} and high={top} were given")
        sizes, width = _shape("randint", shape), top - bottom
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
        length = _integer("randperm", "n", n)
        if not 0 <= length < _RANDPERM_LIMIT:
            raise ValueError(f"randperm: n must be in [0, {_RANDPERM_LIMIT}), but {length} was given")
        if length < 2:
            return np.arange(length, dtype=np.int64)
        steps = np.arange(length - 1, dtype=np.uint32)
        return _apply_swaps(self._words(length - 1) % (np.uint32(length) - steps) + steps)

    def randn(self, *shape: Shape, dtype: DTypeLike = "float32") -> Float[np.ndarray, "..."]:
        """Draw from the standard normal distribution; `torch.randn`. The shape is given as in `rand`."""
        return self.normal(0.0, 1.0, _shape_of_arguments("randn", shape), dtype=dtype)

    @np.errstate(over="ignore", invalid="ignore")  # infinities and NaN come out as they do in PyTorch
    def normal(self, mean: Real, std: Real, shape: Shape, dtype: DTypeLike = "float32") -> Float[np.ndarray, "..."]:
        """Draw normal numbers: `mean + std * √(-2 log(1 - u)) * cos(2πv)`, and with the sine (Box and Muller 1958).

        As in PyTorch, 16 elements or more are made in blocks of 16, of which the last is drawn anew where the size is
        no multiple of 16; fewer are made in pairs of float64 numbers, of which one may wait for the next such draw.

        Raises: `ValueError` where std is negative or NaN.

        PyTorch's counterpart: `torch.empty(shape, dtype=dtype).normal_(mean, std)`.
        """
        kind = _float_dtype("normal", dtype)
        mean, std = _real("normal", "mean", mean), _real("normal", "std", std)
        if not std >= 0:
            raise ValueError(f"normal: std must be 0 or more, but {std} was given")
        out = np.empty(_shape("normal", shape), kind)
        if out.size < _BLOCK:
            samples = self._normal_samples(out.size)
            out.reshape(-1)[...] = _fused_multiply_add(samples, np.float64(std), np.float64(mean))
            return out
        for piece in _pieces(out):
            u = self._unit(piece.size, kind)
            whole = piece.size - piece.size % _BLOCK
            piece[:whole] = _normal_blocks(u[:whole], kind.type(mean), kind.type(std))
        if out.size % _BLOCK:
            out.reshape(-1)[-_BLOCK:] = _normal_blocks(self._unit(_BLOCK, kind), kind.type(mean), kind.type(std))
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
        kind = _float_dtype("bernoulli", dtype)
        chance = p if isinstance(p, np.ndarray) else np.asarray(_real("bernoulli", "p", p))
        precision = _float_dtype("bernoulli", chance.dtype, "p's dtype")
        if not np.all((chance >= 0) & (chance <= 1)):
            raise ValueError(f"bernoulli: p must be in [0, 1], but {p} was given")
        sizes = chance.shape if shape is None else _shape("bernoulli", shape)
        try:
            chances = np.broadcast_to(chance, sizes)
        except ValueError:
            raise ValueError(f"bernoulli: p must broadcast to shape {sizes}, but has shape {chance.shape}") from None
        return (self.rand(sizes, dtype=precision) < chances).astype(kind)

    def random(self, shape: Shape = ()) -> Int64[np.ndarray, "..."]:
        """Draw integers from [0, 2**63): as a DataLoader draws its base seed.

        PyTorch's counterpart: `torch.empty(shape, dtype=torch.int64).random_()`.
        """
        sizes = _shape("random", shape)
        return (self.random_raw(math.prod(sizes), bits=64) & np.uint64(2**63 - 1)).view(np.int64).reshape(sizes)

    def random_raw(self, n: int, bits: int = 32) -> UInt32[np.ndarray, "n"] | UInt64[np.ndarray, "n"]:
        """Draw n numbers of 32 bits, or of 64: two words each, the high one first. PyTorch does not show them."""
        (count,) = _shape("random_raw", _integer("random_raw", "n", n))
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


def _integer(caller: str, name: str, value: object) -> int:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, SupportsIndex):
        raise TypeError(f"{caller}: {name} must be an int, but {value!r} was given")
    return operator.index(value)


def _real(caller: str, name: str, value: object) -> float:
    if not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{caller}: {name} must be a number, but {value!r} was given")
    return float(value)


def _float_dtype(caller: str, dtype: DTypeLike, name: str = "dtype") -> np.dtype[Any]:
    kind = np.dtype(dtype)
    if dtype is None or kind not in (np.float32, np.float64):
        raise TypeError(f"{caller}: {name} must be float32 or float64, but {dtype} was given")
    return kind


def _shape(caller: str, shape: object) -> tuple[int, ...]:
    sizes = tuple(shape) if isinstance(shape, Sequence) and not isinstance(shape, str) else (shape,)
    checked = tuple(_integer(caller, "each size in shape", size) for size in sizes)
    if min(checked, default=0) < 0:
        raise ValueError(f"{caller}: shape must not hold a negative size, but {shape} was given")
    return checked


def _shape_of_arguments(caller: str, shape: tuple[Any, ...]) -> tuple[int, ...]:
    if not shape:
        raise TypeError(f"{caller}: a shape is needed; {caller}(()) gives one number")
    return _shape(caller, shape[0] if len(shape) == 1 else shape)


def _bounds(low: Real, high: Real, kind: np.dtype[Any]) -> tuple[Any, Any]:
    """The bounds in `kind`, once they are known to be in order."""
    bottom, top, largest = _real("uniform", "low", low), _real("uniform", "high", high), float(np.finfo(kind).max)
    for name, value in (("low", bottom), ("high", top)):
        if not -largest <= value <= largest:
            raise ValueError(f"uniform: {name} must be finite in {kind}, but {value} was given")
    if bottom > top:
        raise ValueError(f"uniform: low must not be above high, but low={bottom} and high={top} were given")
    if top - bottom > largest:
        raise ValueError(f"uniform: high - low must be finite in {kind}, but low={bottom} and high={top} were given")
    return kind.type(bottom), kind.type(top)


def _pieces(out: NDArray[Any]) -> Iterator[NDArray[Any]]:
    flat = out.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        yield flat[start : start + _CHUNK]


def _apply_swaps(targets: UInt32[np.ndarray, "steps"]) -> Int64[np.ndarray, "steps+1"]:
    """Swap positions i and targets[i] >= i of 0 … steps, for i in order, without a loop over i.

    Step i leaves at position i what stood at its target. That was put there by the last earlier step with the same
    target, which took it from its own position; where there is none, it is the target itself. So what stands at
    position j when step j comes is the end of a chain of ever earlier positions, found for all j at once by following
    links that double in length (a few rounds: chains are about log n long).
    """
    keys = targets.astype(np.int64)
    keys <<= 32
    keys |= np.arange(targets.size)
    keys.sort()  # equal targets come together, their steps in order
    step, target = keys & 0xFFFFFFFF, keys >> 32
    moved = np.flatnonzero(step != target)
    standing = np.arange(targets.size + 1)
    standing[target[moved]] = step[moved]  # of equal targets the last step stays
    further = standing.take(standing)
    open_ends, standing = np.flatnonzero(further != standing), further
    while open_ends.size:
        here = standing[open_ends]
        there = standing[here]
        standing[open_ends] = there
        open_ends = open_ends[there != here]
    again = np.flatnonzero(target[1:] == target[:-1])
    target[again + 1] = standing[step[again]]
    out = np.empty(targets.size + 1, np.int64)
    out[step], out[-1] = target, standing[-1]
    return out


def _fused_multiply_add(a: NDArray[Any], b: Any, c: Any) -> Float[np.ndarray, "..."]:
    """a * b + c with one rounding, in the dtype of `a`."""
    if a.dtype == np.float64:
        return _fused_double(a, b, c)
    product = a.astype(np.float64)
    product *= b  # exact: 24 bits by 24 bits
    total = product + c
    half_way = (total.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    if half_way.any():  # half-way between two float32 numbers: where the sum too was rounded, what it lost decides
        near = total[half_way]
        lost = _two_sum(product[half_way], np.broadcast_to(np.asarray(c, np.float64), total.shape)[half_way])[1]
        total[half_way] = np.where(lost == 0, near, np.nextafter(near, np.copysign(np.inf, lost)))
    return total.astype(np.float32)


def _fused_double(a: NDArray[Any], b: float, c: float) -> Float[np.ndarray, "..."]:
    """a * b + c rounded once: sums and products with their errors, one rounding to odd (Boldo and Melquiond 2008)."""
    if not (math.isfinite(b) and math.isfinite(c)):
        return a * b + c
    if abs(b) > 2.0**900:  # the splitting below would overflow
        return _fused_double(a, b * 2.0**-200, c * 2.0**-200) * 2.0**200
    product = a * b
    a_high, b_high = (x * 134217729.0 - (x * 134217729.0 - x) for x in (a, b))  # the upper 26 bits (Dekker 1971)
    a_low, b_low = a - a_high, b - b_high
    product_error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    upper, lower = _two_sum(product_error, c)
    total, error = _two_sum(product, upper)
    rest, lost = _two_sum(lower, error)
    bits = rest.view(np.int64)
    even = (lost != 0) & (bits & 1 == 0)
    return total + np.where(even, bits + np.where((lost > 0) == (rest > 0), 1, -1), bits).view(np.float64)


def _two_sum(a: NDArray[Any], b: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """a + b, and what its rounding lost (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _normal_blocks(u: NDArray[Any], mean: Any, std: Any) -> Float[np.ndarray, "n"]:
    """Normal numbers from uniform ones, in blocks of eight radii and eight angles."""
    blocks = u.reshape(-1, 2, _BLOCK // 2)
    logarithm, sine_cosine = (_log, _sin_cos) if u.dtype == np.float32 else (np.log, lambda x: (np.sin(x), np.cos(x)))
    radius = np.sqrt(u.dtype.type(-2) * logarithm(1 - blocks[:, 0]))
    sine, cosine = sine_cosine(u.dtype.type(2 * np.pi) * blocks[:, 1])
    return _fused_multiply_add(np.stack([radius * cosine, radius * sine], axis=1).reshape(-1), std, mean)


# log, sin and cos in float32 as the Cephes library has them (Moshier 1989), with the roundings of PyTorch's AVX2
# kernel: a fused multiply-add where its compiler puts one. NumPy's own functions are as accurate, but differ from it
# by up to 4 ulp in one of seven numbers.
_LOG = np.array(
    [
        *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
        *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
    ],
    np.float32,
)
_LOG_2 = np.array([-2.12194440e-4, 0.693359375], np.float32)  # ln 2 in two parts, the second of few bits
_SINE = np.array([-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1], np.float32)
_COSINE = np.array([2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2], np.float32)
_QUARTER_PI = np.array([0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8], np.float32)  # in three parts


def _polynomial(coefficients: NDArray[Any], x: NDArray[Any]) -> Float[np.ndarray, "..."]:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = _fused_multiply_add(value, x, coefficient)
    return value


def _log(x: NDArray[Any]) -> Float[np.ndarray, "..."]:
    mantissa, exponent = np.frexp(x)
    low = mantissa < np.float32(math.sqrt(0.5))
    mantissa = mantissa * (low + np.float32(1)) - np.float32(1)
    exponent = (exponent - low).astype(np.float32)
    square = mantissa * mantissa
    tail = _fused_multiply_add(_polynomial(_LOG, mantissa) * mantissa, square, exponent * _LOG_2[0])
    return (mantissa + (tail - square * np.float32(0.5))) + exponent * _LOG_2[1]


def _sin_cos(x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    octant = ((x * np.float32(4 / np.pi)).astype(np.int32) + 1) & ~1
    turns = octant.astype(np.float32)
    x = x - turns * _QUARTER_PI[0] - turns * _QUARTER_PI[1]  # these two products are exact
    x = _fused_multiply_add(turns, -_QUARTER_PI[2], x)
    square = x * x
    cosine = _polynomial(_COSINE, square) * square
    cosine = _fused_multiply_add(cosine, square, square * np.float32(-0.5)) + np.float32(1)
    sine = _fused_multiply_add(_polynomial(_SINE, square) * square, x, x)
    # In every second quarter turn the two change places, in every second half turn their signs: exclusive or on the
    # bits, without branches.
    sine_bits, cosine_bits = sine.view(np.int32), cosine.view(np.int32)
    exchange = (sine_bits ^ cosine_bits) & -((octant >> 1) & 1)
    sine_bits ^= exchange ^ ((octant & 4) << 29)
    cosine_bits ^= exchange ^ (((octant + 2) & 4) << 29)
    return sine, cosine


default_generator = Generator()
"""What stands for PyTorch's global generator on the CPU."""


def manual_seed(seed: int) -> Generator:
    """Seed the default generator and return it; `torch.manual_seed`, which also takes what `int(seed)` takes."""
    return default_generator.manual_seed(int(seed))


def _or_default(generator: Generator | None) -> Generator:
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"generator must be a jaxtut.torch_random.Generator or None, but {generator!r} was given")
    return default_generator if generator is None else generator


def rand(*shape: Shape, generator: Generator | None = None, dtype: DTypeLike = "float32") -> Float[np.ndarray, "..."]:
    """`Generator.rand` of the generator given, or of the default one; `torch.rand`."""
    return _or_default(generator).rand(*shape, dtype=dtype)


def randn(*shape: Shape, generator: Generator | None = None, dtype: DTypeLike = "float32") -> Float[np.ndarray, "..."]:
    """`Generator.randn` of the generator given, or of the default one; `torch.randn`."""
    return _or_default(generator).randn(*shape, dtype=dtype)


def randint(low: int, high: int, shape: Shape, *, generator: Generator | None = None) -> Int64[np.ndarray, "..."]:
    """`Generator.randint` of the generator given, or of the default one; `torch.randint`."""
    return _or_default(generator).randint(low, high, shape)


def randperm(n: int, *, generator: Generator | None = None) -> Int64[np.ndarray, "n"]:
    """`Generator.randperm` of the generator given, or of the default one; `torch.randperm`."""
    return _or_default(generator).randperm(n)


def uniform(
    low: Real, high: Real, shape: Shape, *, generator: Generator | None = None, dtype: DTypeLike = "float32"
) -> Float[np.ndarray, "..."]:
    """`Generator.uniform` of the generator given, or of the default one; `torch.empty(shape).uniform_`."""
    return _or_default(generator).uniform(low, high, shape, dtype=dtype)


def normal(
    mean: Real, std: Real, shape: Shape, *, generator: Generator | None = None, dtype: DTypeLike = "float32"
) -> Float[np.ndarray, "..."]:
    """`Generator.normal` of the generator given, or of the default one; `torch.normal(mean, std, shape)`."""
    return _or_default(generator).normal(mean, std, shape, dtype=dtype)


def bernoulli(
    p: Real | NDArray[Any],
    shape: Shape | None = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = "float32",
) -> Float[np.ndarray, "..."]:
    """`Generator.bernoulli` of the generator given, or of the default one; `torch.bernoulli`, `Tensor.bernoulli_`."""
    return _or_default(generator).bernoulli(p, shape, dtype=dtype)
