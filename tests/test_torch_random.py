"""The generator against PyTorch's own: the same numbers, and the same state after them."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtut import torch_random
from jaxtut.torch_random import Generator
from jaxtut.torch_random.arithmetic import fused_multiply_add
from jaxtut.torch_random.permutation import COMPILED_FROM, apply_swaps, follow_chains

SEEDS = (0, 1, 5489, 2**31, 2**32 - 1, 2**32, 2**40 + 5, 2**63, 2**64 - 1, -1, -7, -(2**63))
SIZES = (0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 623, 624, 625, 1000, 32769)
DTYPES = ("float32", "float64")

# What passes through log, sin and cos of two libraries: each is within an ulp of the truth in both, and the root halves
# the error of the first.
NORMAL_ULP = 2

AVX2 = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
needs_avx2 = pytest.mark.skipif(not AVX2, reason="without AVX2 PyTorch rounds twice where this rounds once")


def pair(seed: int) -> tuple[Generator, torch.Generator]:
    return Generator(seed), torch.Generator().manual_seed(seed)


def assert_same_bits(ours: np.ndarray, theirs: torch.Tensor) -> None:
    expected = theirs.numpy()
    assert ours.dtype == expected.dtype
    assert ours.shape == expected.shape
    assert ours.tobytes() == expected.tobytes()


def assert_same_state(ours: Generator, theirs: torch.Generator) -> None:
    assert np.array_equal(ours.get_state(), theirs.get_state().numpy())


def assert_normals(ours: np.ndarray, theirs: torch.Tensor, mean: float) -> None:
    """Bits where PyTorch's arithmetic is reproduced, else ulps of the larger of |mean| and |result|."""
    if ours.dtype == np.float32 or ours.size < 16:
        assert_same_bits(ours, theirs)
        return
    expected = theirs.numpy()
    assert ours.dtype == expected.dtype
    assert ours.shape == expected.shape
    ulp = np.spacing(np.maximum(np.abs(expected), abs(mean)))
    assert np.max(np.abs(ours - expected) / ulp, initial=0.0) <= NORMAL_ULP


# One draw on both sides; each takes the two generators and a size.
def draw_rand(ours: Generator, theirs: torch.Generator, n: int, dtype: str) -> None:
    assert_same_bits(ours.rand(n, dtype=dtype), torch.rand(n, generator=theirs, dtype=getattr(torch, dtype)))


def draw_uniform(ours: Generator, theirs: torch.Generator, n: int, dtype: str) -> None:
    low, high = ((-0.3, 0.7), (0.0, 1.0), (-1e-3, 7.0), (2.0, 2.0), (-1 / 3, 1 / 3))[n % 5]
    expected = torch.empty(n, dtype=getattr(torch, dtype)).uniform_(low, high, generator=theirs)
    result = ours.uniform(low, high, (n,), dtype=dtype)
    if AVX2:
        assert_same_bits(result, expected)


def draw_normal(ours: Generator, theirs: torch.Generator, n: int, dtype: str) -> None:
    mean, std = ((0.0, 1.0), (1.3, 0.7), (-100.0, 1e-3), (2.0, 0.0))[n % 4]
    expected = torch.empty(n, dtype=getattr(torch, dtype)).normal_(mean, std, generator=theirs)
    result = ours.normal(mean, std, (n,), dtype=dtype)
    if AVX2:
        assert_normals(result, expected, mean)


def draw_randint(ours: Generator, theirs: torch.Generator, n: int, dtype: str) -> None:
    low, high = ((0, 10), (-5, 2**28), (-(2**62), 2**62), (3, 4))[n % 4]
    assert_same_bits(ours.randint(low, high, (n,)), torch.randint(low, high, (n,), generator=theirs))


def draw_randperm(ours: Generator, theirs: torch.Generator, n: int, dtype: str) -> None:
    assert_same_bits(ours.randperm(n), torch.randperm(n, generator=theirs))


def draw_bernoulli(ours: Generator, theirs: torch.Generator, n: int, dtype: str) -> None:
    expected = torch.empty(n, dtype=getattr(torch, dtype)).bernoulli_(0.3, generator=theirs)
    assert_same_bits(ours.bernoulli(0.3, (n,), dtype=dtype), expected)


def draw_bernoulli_of_array(ours: Generator, theirs: torch.Generator, n: int, dtype: str) -> None:
    p = np.linspace(0, 1, n, dtype=dtype)
    assert_same_bits(ours.bernoulli(p, dtype=dtype), torch.bernoulli(torch.from_numpy(p), generator=theirs))


def draw_random(ours: Generator, theirs: torch.Generator, n: int, dtype: str) -> None:
    assert_same_bits(ours.random((n,)), torch.empty(n, dtype=torch.int64).random_(generator=theirs))


DRAWS: tuple[Callable[[Generator, torch.Generator, int, str], None], ...] = (
    *(draw_rand, draw_uniform, draw_normal, draw_randint),
    *(draw_randperm, draw_bernoulli, draw_bernoulli_of_array, draw_random),
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("draw", DRAWS)
def test_every_draw_at_every_size(draw: Callable[..., None], dtype: str) -> None:
    for seed in SEEDS:
        ours, theirs = pair(seed)
        assert_same_state(ours, theirs)
        for n in SIZES:
            draw(ours, theirs, n, dtype)
            assert_same_state(ours, theirs)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(
    seed=st.integers(-(2**63), 2**64 - 1),
    steps=st.lists(st.tuples(st.sampled_from(DRAWS), st.integers(0, 700), st.sampled_from(DTYPES)), max_size=12),
)
def test_any_sequence_of_draws(seed: int, steps: list[tuple[Callable[..., None], int, str]]) -> None:
    ours, theirs = pair(seed)
    assert ours.initial_seed() == theirs.initial_seed()
    for draw, n, dtype in steps:
        draw(ours, theirs, n, dtype)
        assert_same_state(ours, theirs)


WIDTHS = (1, 2, 3, 10, 2**28 - 1, 2**28, 2**28 + 1, 2**32 - 1, 2**32, 2**33, 2**63 - 1, 2**64 - 1)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("low", [0, -5, -(2**63)])
def test_randint_on_both_sides_of_the_wide_range(width: int, low: int) -> None:
    high = min(low + width, 2**63 - 1)
    ours, theirs = pair(3)
    assert_same_bits(ours.randint(low, high, (50,)), torch.randint(low, high, (50,), generator=theirs))
    assert_same_state(ours, theirs)


@needs_avx2
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("low", "high"),
    [(1.0, 1.0001), (1000.0, 1000.01), (-1e30, 2e30), (1e-40, 3e-40), (-1.7e38, 1.7e38), (16777216.0, 16777222.0)],
)
def test_uniform_between_unusual_bounds(low: float, high: float, dtype: str) -> None:
    ours, theirs = pair(11)
    result = ours.uniform(low, high, (40_000,), dtype=dtype)
    assert_same_bits(result, torch.empty(40_000, dtype=getattr(torch, dtype)).uniform_(low, high, generator=theirs))
    assert np.all(result < np.dtype(dtype).type(high))  # where rounding gives `high`, PyTorch gives `low`


@needs_avx2
@pytest.mark.parametrize("seed", [0, 1, 4])
def test_many_float32_normals_bit_for_bit(seed: int) -> None:
    n = 3_332_032  # with seed 4 this reaches an angle next to 3π/2, where the last bit of the reduced angle shows
    ours, theirs = pair(seed)
    assert_same_bits(ours.randn(n), torch.randn(n, generator=theirs))


@needs_avx2
@pytest.mark.parametrize(("mean", "std"), [(0.0, 1e39), (1e39, 1.0), (np.nan, 1.0), (0.0, np.inf), (0.0, 3e38)])
@pytest.mark.parametrize("n", [7, 40])
def test_normals_beyond_float32(mean: float, std: float, n: int) -> None:
    ours, theirs = pair(1)
    expected = torch.empty(n).normal_(mean, std, generator=theirs).numpy()
    assert np.array_equal(ours.normal(mean, std, (n,)), expected, equal_nan=True)


def test_normals_are_normal() -> None:
    # A witness beside PyTorch: three moments of 2**18 numbers, each within five of its standard errors.
    n = 2**18
    x = Generator(2).randn(n, dtype="float64")
    for moment, expected, variance in ((x, 0, 1), (x**2, 1, 2), (x**4, 3, 96)):
        assert abs(moment.mean() - expected) < 5 * np.sqrt(variance / n)


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=60))
@settings(deadline=None, max_examples=100, derandomize=True)
def test_swaps_against_a_loop(fractions: list[float]) -> None:
    steps = len(fractions)
    targets = [i + int(fraction * (steps + 1 - i)) for i, fraction in enumerate(fractions)]
    expected = list(range(steps + 1))
    for i, target in enumerate(targets):
        expected[i], expected[target] = expected[target], expected[i]
    assert follow_chains(np.array(targets, np.uint32)).tolist() == expected


@pytest.mark.parametrize("n", [5, 100, 1797, 60_000, 300_000])
def test_long_permutations(n: int) -> None:
    for seed in (0, 7):
        ours, theirs = pair(seed)
        assert_same_bits(ours.randperm(n), torch.randperm(n, generator=theirs))
        assert_same_state(ours, theirs)


def nearest(x: Fraction, dtype: str) -> float:
    """`x` rounded once to `dtype`, ties to even."""
    if dtype == "float64":
        return float(x)
    middle = np.float32(float(x))
    near = [np.nextafter(middle, np.float32(-np.inf)), middle, np.nextafter(middle, np.float32(np.inf))]
    return float(min(near, key=lambda y: (abs(Fraction(float(y)) - x), int(y.view(np.int32)) & 1)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_fused_multiply_add_rounds_once(dtype: str) -> None:
    # Exact rational arithmetic is the witness; b is near half an ulp of c, so the sums lie next to half-way points.
    rng, kind = np.random.default_rng(0), np.dtype(dtype).type
    half_ulp = float(np.finfo(dtype).eps) / 2
    for _ in range(100):
        a = np.concatenate([1 - half_ulp * rng.integers(0, 5, 10), rng.random(10)]).astype(dtype)
        b, c = kind(half_ulp * (1 + rng.integers(-3, 4) * 2 * half_ulp)), kind(1 + rng.random())
        exact = [Fraction(float(x)) * Fraction(float(b)) + Fraction(float(c)) for x in a]
        assert fused_multiply_add(a, b, c).tolist() == [nearest(x, dtype) for x in exact]


@pytest.mark.parametrize("drawn", [0, 1, 100, 623, 624, 625, 1248, 1300])
@pytest.mark.parametrize("normals", [0, 1, 3, 5])
def test_states_go_both_ways(drawn: int, normals: int) -> None:
    ours, theirs = pair(2**40 + 17)
    draw_rand(ours, theirs, drawn, "float32")
    draw_normal(ours, theirs, normals, "float32")
    there, back = torch.Generator(), Generator(1)
    there.set_state(torch.from_numpy(ours.get_state()))
    back.set_state(theirs.get_state().numpy())
    assert back.initial_seed() == there.initial_seed() == 2**40 + 17
    for draw, n in ((draw_normal, 4), (draw_rand, 700), (draw_normal, 4)):
        draw(back, there, n, "float64")
        assert_same_state(back, there)


def test_seeding_again_forgets_the_normal_in_waiting() -> None:
    ours, theirs = pair(1)
    draw_normal(ours, theirs, 3, "float64")
    assert_same_state(ours.manual_seed(1), theirs.manual_seed(1))
    draw_normal(ours, theirs, 3, "float64")


def test_the_float32_normal_in_a_state_is_kept() -> None:
    # PyTorch's CPU generator never makes one, but carries one that it was given.
    state = torch.Generator().get_state()
    state[5048:5053] = torch.tensor([0, 0, 128, 63, 1], dtype=torch.uint8)  # 1.0, valid
    theirs = torch.Generator().set_state(state)
    assert_same_state(Generator().set_state(state.numpy()), theirs)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_copies_continue_where_the_original_stands(copied: Callable[[Generator], Generator]) -> None:
    original = Generator(9)
    original.rand(10)
    original.randn(3)
    twin = copied(original)
    assert twin.randn(5).tobytes() == original.randn(5).tobytes()
    original.rand(1)
    assert not np.array_equal(twin.get_state(), original.get_state())  # they share nothing


def changed(index: slice, value: int) -> np.ndarray:
    state = Generator(0).get_state()
    state[index] = value
    return state


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (np.zeros(5056, np.int32), TypeError, "uint8"),
        (np.zeros(5048, np.uint8), ValueError, r"\(5056,\)"),
        (np.zeros(5056, np.uint8), ValueError, "MT19937"),
        (changed(slice(12, 16), 0), ValueError, "MT19937"),  # not seeded
        (changed(slice(16, 17), 200), ValueError, "next=200"),  # position and remainder do not fit
    ],
)
def test_what_is_no_state_is_refused(state: np.ndarray, error: type[Exception], message: str) -> None:
    generator = Generator(4)
    before = generator.get_state()
    with pytest.raises(error, match=message):
        generator.set_state(state)
    assert np.array_equal(generator.get_state(), before)


@pytest.fixture
def default_generators() -> Iterator[None]:
    ours, theirs = torch_random.default_generator.get_state(), torch.get_rng_state()
    yield
    torch_random.default_generator.set_state(ours)
    torch.set_rng_state(theirs)


@pytest.mark.usefixtures("default_generators")
def test_the_default_generator_stands_for_the_global_one() -> None:
    assert torch_random.manual_seed(12) is torch_random.default_generator
    torch.manual_seed(12)
    assert_same_bits(torch_random.rand(2, 3), torch.rand(2, 3))
    assert_same_bits(torch_random.randint(-2, 7, (4,)), torch.randint(-2, 7, (4,)))
    assert_same_bits(torch_random.randperm(9), torch.randperm(9))
    assert_same_bits(torch_random.bernoulli(0.5, (6,)), torch.empty(6).bernoulli_(0.5))
    assert_same_bits(torch_random.uniform(0, 2, (5,)), torch.empty(5).uniform_(0, 2))
    assert_normals(torch_random.normal(0, 2, (3,)), torch.empty(3).normal_(0, 2), 0)
    assert torch_random.randn(20).shape == torch.randn(20).shape
    assert_same_state(torch_random.default_generator, torch.default_generator)
    assert Generator().initial_seed() == torch.Generator().initial_seed()


def test_a_generator_given_is_the_one_drawn_from() -> None:
    before = torch_random.default_generator.get_state()
    assert torch_random.rand(3, generator=Generator(5)).tobytes() == Generator(5).rand(3).tobytes()
    assert np.array_equal(torch_random.default_generator.get_state(), before)
    with pytest.raises(TypeError, match="generator"):
        torch_random.rand(3, generator=torch.Generator())  # pyright: ignore[reportArgumentType]


def test_shapes() -> None:
    ours, theirs = pair(6)
    assert_same_bits(ours.rand(()), torch.rand((), generator=theirs))
    assert_same_bits(ours.rand((2, 3)), torch.rand((2, 3), generator=theirs))
    assert_same_bits(ours.rand(2, 0, 3), torch.rand(2, 0, 3, generator=theirs))
    assert_same_bits(ours.randint(0, 9, (2, 2)), torch.randint(0, 9, (2, 2), generator=theirs))
    p = np.array([[0.25], [0.75]], np.float32)
    expected = torch.empty(2, 5).bernoulli_(torch.from_numpy(p), generator=theirs)
    assert_same_bits(ours.bernoulli(p, (2, 5)), expected)
    assert ours.random().shape == ()


def test_raw_words_are_numpys() -> None:
    words = np.random.MT19937()
    words._legacy_seeding(42)
    raw = words.random_raw(6).astype(np.uint64)
    assert Generator(42).random_raw(6).tolist() == raw.tolist()
    assert Generator(42).random_raw(3, bits=64).tolist() == ((raw[0::2] << np.uint64(32)) | raw[1::2]).tolist()


# What PyTorch refuses too: our call, the error, what the message names, PyTorch's call. The types are wrong on purpose.
T: Any = torch
BIG, SMALL = 2**64, -(2**63) - 1
Refusal = tuple[Callable[[Any], Any], type[Exception], str, Callable[[Any], Any] | None]
P, INTEGERS = np.array([0.5, -0.5]), np.array([1])
REFUSALS: list[Refusal] = [
    (lambda g: g.manual_seed(BIG), ValueError, "seed", lambda t: T.Generator().manual_seed(BIG)),
    (lambda g: g.manual_seed(SMALL), ValueError, "seed", lambda t: T.Generator().manual_seed(SMALL)),
    (lambda g: g.manual_seed(1.5), TypeError, "seed", lambda t: T.Generator().manual_seed(1.5)),
    (lambda g: g.manual_seed(True), TypeError, "seed", lambda t: T.Generator().manual_seed(True)),
    (lambda g: g.rand(), TypeError, "shape", lambda t: T.rand()),
    (lambda g: g.rand(2, -1), ValueError, "shape", lambda t: T.rand(2, -1)),
    (lambda g: g.rand(2.0), TypeError, "shape", lambda t: T.rand(2.0)),
    (lambda g: g.rand(2, dtype="int64"), TypeError, "dtype", lambda t: T.rand(2, dtype=T.int64)),
    (lambda g: g.randperm(-1), ValueError, "n must", lambda t: T.randperm(-1)),
    (lambda g: g.randperm(2.0), TypeError, "n must", lambda t: T.randperm(2.0)),
    (lambda g: g.randperm(2**32), ValueError, "n must", None),
    (lambda g: g.random_raw(3, bits=16), ValueError, "bits", None),
    (lambda g: g.randint(5, 5, (2,)), ValueError, "low", lambda t: T.randint(5, 5, (2,))),
    (lambda g: g.randint(5, 3, (0,)), ValueError, "low", lambda t: T.randint(5, 3, (0,))),
    (lambda g: g.randint(0, 2.0, (2,)), TypeError, "high", lambda t: T.randint(0, 2.0, (2,))),
    (lambda g: g.randint(0, 2**63, (2,)), ValueError, "high", lambda t: T.randint(0, 2**63, (2,))),
    (lambda g: g.randint(SMALL, 0, (2,)), ValueError, "low", lambda t: T.randint(SMALL, 0, (2,))),
    (lambda g: g.uniform(2, 1, (3,)), ValueError, "low", lambda t: t.uniform_(2, 1)),
    (lambda g: g.uniform(np.nan, 1, (3,)), ValueError, "low", lambda t: t.uniform_(np.nan, 1)),
    (lambda g: g.uniform(0, np.inf, (3,)), ValueError, "high", lambda t: t.uniform_(0, np.inf)),
    (lambda g: g.uniform(0, 1e39, (3,)), ValueError, "high", lambda t: t.uniform_(0, 1e39)),
    (lambda g: g.uniform(-3e38, 3e38, 3), ValueError, "high - low", lambda t: t.uniform_(-3e38, 3e38)),
    (lambda g: g.uniform("0", 1, (3,)), TypeError, "low", lambda t: t.uniform_("0", 1)),
    (lambda g: g.normal(0, -1, (3,)), ValueError, "std", lambda t: t.normal_(0, -1)),
    (lambda g: g.normal(0, np.nan, (3,)), ValueError, "std", lambda t: t.normal_(0, np.nan)),
    (lambda g: g.bernoulli(1.5, (3,)), ValueError, "p must", lambda t: t.bernoulli_(1.5)),
    (lambda g: g.bernoulli(np.nan, (3,)), ValueError, "p must", lambda t: t.bernoulli_(np.nan)),
    (lambda g: g.bernoulli(P), ValueError, "p must", lambda t: T.bernoulli(T.from_numpy(P))),
    (lambda g: g.bernoulli(INTEGERS), TypeError, "p's dtype", lambda t: T.bernoulli(T.from_numpy(INTEGERS))),
    (lambda g: g.bernoulli(abs(P), (3,)), ValueError, r"\(2,\)", lambda t: t.bernoulli_(T.from_numpy(abs(P)))),
]


@pytest.mark.parametrize(("call", "error", "message", "in_torch"), REFUSALS)
def test_refusals(
    call: Callable[[Any], Any], error: type[Exception], message: str, in_torch: Callable[[Any], Any] | None
) -> None:
    generator = Generator(8)
    before = generator.get_state()
    with pytest.raises(error, match=message):
        call(generator)
    assert np.array_equal(generator.get_state(), before)  # a refused call draws nothing
    if in_torch is not None:
        with pytest.raises((RuntimeError, ValueError, TypeError)):
            in_torch(torch.empty(3))


def test_it_runs_without_torch() -> None:
    modules = "import sys; import jaxtut.torch_random, jaxtut.initializers; "
    program = modules + "sys.exit('torch' in sys.modules or 'jax' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_compiled_shuffle_is_the_one_in_numpy() -> None:
    pytest.importorskip("numba")
    n = 2 * COMPILED_FROM
    targets = np.arange(n, dtype=np.uint32) + np.random.default_rng(0).integers(0, n - np.arange(n), dtype=np.uint32)
    np.testing.assert_array_equal(apply_swaps(targets), follow_chains(targets))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [1.0, 0.3])
def test_exponential(dtype: str, rate: float) -> None:
    ours, theirs = Generator(3), torch.Generator().manual_seed(3)
    expected = torch.empty(1000, dtype=getattr(torch, dtype)).exponential_(rate, generator=theirs).numpy()
    np.testing.assert_allclose(ours.exponential(rate, 1000, dtype), expected, rtol=2 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(ours.get_state(), theirs.get_state().numpy())


@settings(deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32), dtype=st.sampled_from(["float32", "float64"]), again=st.booleans())
def test_multinomial(data: st.DataObject, seed: int, dtype: str, again: bool) -> None:
    weights = np.array(data.draw(st.lists(st.floats(0, 10, width=16), min_size=1, max_size=40).filter(any)), dtype)
    most = 60 if again else np.count_nonzero(weights)
    count = data.draw(st.integers(1, int(most)))
    ours, theirs = Generator(seed), torch.Generator().manual_seed(seed)
    expected = torch.multinomial(torch.from_numpy(weights), count, again, generator=theirs).numpy()
    np.testing.assert_array_equal(ours.multinomial(weights, count, again), expected)
    np.testing.assert_array_equal(ours.get_state(), theirs.get_state().numpy())


@pytest.mark.parametrize(
    ("weights", "count", "message"),
    [
        ([1.0, -1.0], 1, "finite, 0 or more"),
        ([0.0, 0.0], 1, "not all 0"),
        ([np.nan, 1.0], 1, "finite"),
        ([0.0, 1.0], 2, "at most the 1 weights above 0, but 2"),
        ([1.0], 0, "at least 1"),
        ([[1.0]], 1, r"shape \(n,\)"),
    ],
)
def test_multinomial_refuses(weights: list, count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Generator(0).multinomial(np.array(weights), count)
    with pytest.raises(ValueError, match="rate must be above 0, but -1"):
        Generator(0).exponential(-1, 3)
