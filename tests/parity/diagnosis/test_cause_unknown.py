"""Differences without a pattern: nothing is claimed. And honest rounding, and quantities with nothing in them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 8)).astype(np.float32).astype(np.float64)
FUNCTIONS = (
    np.sin,
    np.cos,
    lambda x: x**3 - x,
    lambda x: np.exp(-x * x),
    lambda x: np.abs(x) ** 1.5,
    lambda x: np.log1p(x * x),
    lambda x: np.sin(3 * x) + x / 3,
)


def surroundings():
    return {"x": X, "w": RNG.standard_normal((8, 8)), "b": RNG.standard_normal(8), "y": RNG.integers(0, 8, 6)}


@pytest.mark.parametrize("size", [1e-12, 1e-10, 1e-4, 1e-3, 1e-2, 0.1, 1.0])
@pytest.mark.parametrize("kind", ["value", "gradient"])
@pytest.mark.parametrize("seed", range(3))
def test_noise(see, size, kind, seed):
    generator = np.random.default_rng(seed)
    torch = generator.standard_normal((3, 6, 8) if kind == "gradient" else (6, 8))
    jax = torch + size * generator.standard_normal(torch.shape)
    gradients = {"b": (generator.standard_normal((3, 8)), generator.standard_normal((3, 8)))}
    assert see(jax, torch, kind=kind, name="x", inputs=surroundings(), gradients=gradients) == ("", "")
    jax = torch * (1 + size * generator.standard_normal(torch.shape))
    assert see(jax, torch, kind=kind, name="x", inputs=surroundings(), gradients=gradients) == ("", "")


@pytest.mark.parametrize("i", range(len(FUNCTIONS)))
@pytest.mark.parametrize("j", range(len(FUNCTIONS)))
@pytest.mark.parametrize("kind", ["value", "gradient"])
def test_two_unrelated_functions(see, i, j, kind):
    v = RNG.standard_normal((3, 6, 8)) if kind == "gradient" else 1
    jax, torch = v * FUNCTIONS[i](X), v * FUNCTIONS[j](X)
    assert see(jax, torch, kind=kind, name="x", inputs=surroundings(), values={"output": FUNCTIONS[j](X)}) == ("", "")


def test_noise_at_random_elements(see):
    for seed in range(10):
        generator = np.random.default_rng(seed)
        torch = generator.standard_normal((6, 8))
        jax = torch + (generator.random((6, 8)) < 0.3) * generator.standard_normal((6, 8))
        assert see(jax, torch, inputs=surroundings()) == ("", "")


def test_honest_rounding(see):
    generator = np.random.default_rng(0)
    x, w = generator.standard_normal((20, 300)), generator.standard_normal((300, 10))
    jax, torch = x @ w, sum(x[:, i : i + 50] @ w[i : i + 50] for i in range(0, 300, 50))
    assert (jax != torch).any()
    bound = 300 * 2.0**-53 * (np.abs(x) @ np.abs(w))
    assert see(jax, torch, bound=bound, inputs={"x": x, "w": w}) == ("", "")
    assert see(jax, torch, bound=None, inputs={"x": x, "w": w}) == ("", "")


@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (2, 0)])
def test_little_or_nothing(see, shape):
    jax, torch = np.full(shape, 1.234), np.full(shape, 0.77)
    assert see(jax, torch, inputs={"x": np.full(shape, 0.3)}) == ("", "")
    assert see(jax[None], torch[None], kind="gradient", name="x", inputs={"x": np.full(shape, 0.3)}) == ("", "")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.sampled_from(
        ["value", "gradient", "tap", "tap gradient", "jvp", "jacobian", "hvp", "vmap value", "vmap gradient", "step"]
    ),
    st.sampled_from([np.float64, np.float32, np.int64, np.int32, bool, np.uint8, np.complex128]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_nothing_raises(see, shape, kind, dtype, bounded, seed):
    generator = np.random.default_rng(seed)
    jax, torch = (
        (10 * generator.standard_normal((2, *shape))).astype(dtype),
        (10 * generator.standard_normal((2, *shape))).astype(dtype),
    )
    x = generator.standard_normal(shape)
    inputs = {
        "x": x,
        "y": generator.integers(-2, 5, shape),
        "w": x.astype(np.float32),
        "mask": x > 0,
        "s": np.array(0.3),
    }
    section, text = see(
        jax, torch, kind=kind, name="x", bound="measured" if bounded else None, inputs=inputs,
        values={"h": x + 1}, gradients={"w": (jax, torch)}, cotangents=tuple(jax),
    )  # fmt: skip
    assert bool(section) == bool(text)
    assert not text.endswith(".")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(2, 5), min_size=2, max_size=4), st.integers(0, 2**32 - 1))
def test_unrelated_numbers_have_no_cause(see, shape, seed):
    generator = np.random.default_rng(seed)
    jax, torch = generator.standard_normal((2, 3, *shape))
    assert see(jax, torch, kind="gradient", name="x", inputs={"x": generator.standard_normal(shape)}) == ("", "")
    assert see(jax[0], torch[0], inputs={"x": generator.standard_normal(shape)}) == ("", "")
