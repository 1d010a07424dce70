"""Fewer bits: casts, float32 inside float64, TF32 and bfloat16 products, one-pass variance, subnormal numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtut.parity.diagnosis import Trap
from jaxtut.parity.diagnosis.precision import rounded

RNG = np.random.default_rng(0)
X = RNG.standard_normal((8, 9)).astype(np.float32).astype(np.float64)
W = RNG.standard_normal((9, 7)).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize(("bits", "name"), [(8, "bfloat16"), (11, "float16"), (24, "float32")])
def test_results_that_are_cast(see, bits, name):
    torch = X @ W
    section, text = see(rounded(torch, bits), torch, inputs={"x": X, "w": W})
    assert (section, f"every element in JAX is a {name} number" in text) == (Trap.STORED, True)
    section, text = see(torch, rounded(torch, bits))
    assert (section, f"every element in PyTorch is a {name} number" in text) == (Trap.STORED, True)


def test_a_product_in_float32(see):
    jax = (X.astype(np.float32) @ W.astype(np.float32)).astype(np.float64)
    assert see(jax, X @ W)[0] == Trap.STORED
    section, text = see(np.tanh(jax), np.tanh(X @ W))
    assert (section, "as float32 rounds" in text) == (Trap.CONSTANT, True)


@pytest.mark.parametrize(("bits", "trap", "name"), [(8, Trap.BFLOAT16, "bfloat16"), (11, Trap.TF32, "TF32")])
def test_a_product_of_rounded_matrices(see, bits, trap, name):
    x, w, b = (v.astype(np.float32) for v in (X, W, RNG.standard_normal(7)))
    jax = rounded(x, bits).astype(np.float32) @ rounded(w, bits).astype(np.float32) + b
    section, text = see(jax, x @ w + b, inputs={"x": x, "w": w, "b": b})
    assert (section, f"rounded to {name}" in text) == (trap, True)
    # Without the matrices, the size of the differences is what there is to see.
    sides = np.tanh(jax / 8), np.tanh((x @ w + b) / 8)
    for bound in ("measured", None):
        section, text = see(*sides, bound=bound, same_in_float64=True)
        assert (section, "round" in text) == (trap, True), text
    # It is no more than a size: without knowing that float64 agrees, it may be any mistake.
    assert see(*sides) == ("", "")


def test_an_input_that_is_cast(see):
    v = RNG.standard_normal((8, 9))
    jax, torch = (np.exp(x) for x in (rounded(X, 8), X))
    section, text = see(jax, torch, inputs={"x": X})
    assert (section, "follows the error of x when rounded to bfloat16" in text) == (Trap.STORED, True)
    jax = v * np.exp(rounded(X, 11))
    assert see(jax, v * torch, inputs={"x": X, "v": v})[0] in (
        "",
        Trap.CONSTANT,
    )  # the sign of v hides it: nothing, or nothing wrong


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([0.1, 0.01, 1 / 3, 0.044715, np.pi, 1e-3]), st.integers(0, 2**32 - 1))
def test_a_constant_in_float32(see, constant, seed):
    x = np.random.default_rng(seed).standard_normal((3, 20))
    section, text = see(np.float64(np.float32(constant)) * x, constant * x, kind="gradient", name="x")
    assert (section, "rounded to float32" in text) == (Trap.CONSTANT, True)


def test_a_variance_in_one_pass(see):
    x = (1000 + 0.5 * RNG.standard_normal((6, 64))).astype(np.float32)
    mean = x.mean(axis=1, keepdims=True)
    one_pass = np.abs((x**2).mean(axis=1, keepdims=True) - mean**2)
    jax, torch = ((x - mean) / np.sqrt(v + np.float32(1e-5)) for v in (one_pass, x.var(axis=1, keepdims=True)))
    section, text = see(jax, torch, bound=2e-3 * np.abs(torch), inputs={"x": x})
    assert (section, "the mean of x is" in text) == (Trap.ONE_PASS, True), text
    noisy = torch + RNG.standard_normal(torch.shape).astype(np.float32) * 0.05
    section, text = see(noisy, torch, bound=1e-4 * np.abs(torch), inputs={"x": x})
    assert (section, "E[x²] − E[x]²" in text) == (Trap.ONE_PASS, True)


def test_subnormal_numbers(see):
    torch = np.array([1.0, 1e-40, -2.0, 3e-42], np.float32)
    jax = np.where(np.abs(torch) < 1e-38, np.float32(0), torch)
    assert see(jax, torch, bound=np.zeros(4))[0] == Trap.SUBNORMAL
    logs = np.array([0.0, -92.1, 0.69, -95.3], np.float32)
    section, text = see(np.where(np.abs(torch) < 1e-38, np.float32(-87.3), logs), logs, inputs={"x": np.abs(torch)})
    assert (section, "only where x is subnormal" in text) == (Trap.SUBNORMAL, True)


@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False, width=32))
def test_rounding_to_24_bits_is_float32(x):
    assert rounded(np.array(x), 24) == x


@given(st.floats(-1e30, 1e30).filter(lambda x: abs(x) > 1e-30))
def test_rounding_agrees_with_numpy(x):
    assert rounded(np.array(x), 24) == np.float32(x)
