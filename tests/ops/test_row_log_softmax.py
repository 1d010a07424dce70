"""The logarithm of softmax along the last axis: the loops compiled for the processor, beside sums in higher precision; its derivatives."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch.nn.functional as TF
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import export
from jax.test_util import check_grads

from jaxtut import functional as F
from jaxtut import parity
from jaxtut.native import machine
from jaxtut.ops import row_programs
from jaxtut.ops.row_log_softmax import gradient_p, log_softmax_p, tangent_p

HOST = machine.host()
if HOST is None or jax.default_backend() != "cpu":
    pytest.skip("nothing is compiled for this processor", allow_module_level=True)

ROUNDING = {"float32": 2e-6, "float64": 1e-14}


def exact(x: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithm of softmax, and its gradient for cotangents, in extended precision."""
    wide = x.astype(np.longdouble)
    moved = wide - wide.max(-1, keepdims=True)
    y = moved - np.log(np.exp(moved).sum(-1, keepdims=True))
    return y, c - np.exp(y) * c.sum(-1, keepdims=True)


def both(x: Any, c: Any) -> tuple[Any, Any]:
    y, pull_back = jax.vjp(log_softmax_p.bind, jnp.asarray(x))
    return y, pull_back(jnp.asarray(c))[0]


@given(
    st.integers(1, 5),
    st.one_of(st.integers(1, 70), st.integers(1000, 1040)),
    st.sampled_from(sorted(ROUNDING)),
    st.sampled_from([16, 32, 64]),
    st.sampled_from([1, 10**9]),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_values_and_gradients_are_those_of_exact_sums_with_vectors_of_any_length(
    rows: int, length: int, dtype: str, vector_bytes: int, grain: int, seed: int
) -> None:
    assert HOST is not None
    other = HOST._replace(vector_bytes=vector_bytes, grain=grain)
    draw = np.random.default_rng(seed)
    x, c = (scale * draw.standard_normal((rows, length)).astype(dtype) for scale in (6, 1))
    with jax.enable_x64(True), pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "host", lambda: other)
        y, u = map(np.asarray, jax.jit(lambda x, c: both(x, c))(x, c))  # a function of its own, compiled here
    expected, gradient = exact(x, c)
    np.testing.assert_allclose(y, expected, rtol=0, atol=ROUNDING[dtype] * (1 + np.abs(x).max()))
    np.testing.assert_allclose(u, gradient, rtol=0, atol=ROUNDING[dtype] * (5 + np.abs(c.sum(-1)).max()))


@pytest.mark.parametrize("number", [1, 2, 3, 1000, 70_001])
@pytest.mark.parametrize("dtype", sorted(ROUNDING))
def test_the_logarithm_of_a_number_of_equal_shares(dtype: str, number: int) -> None:
    with jax.enable_x64(True):
        y = log_softmax_p.bind(jnp.zeros((2, number), dtype))
    np.testing.assert_allclose(y, -np.log(number), rtol=ROUNDING[dtype] / 8, atol=0)


@pytest.mark.parametrize("dtype", sorted(ROUNDING))
@pytest.mark.parametrize("place", [0, 6, 8, 34])
def test_what_is_not_finite(dtype: str, place: int) -> None:
    x = np.zeros((5, 35), dtype)
    x[0, place], x[1, place], x[2, place], x[3], x[4] = np.nan, np.inf, -np.inf, -np.inf, np.nan
    with jax.enable_x64(True):
        y, u = map(np.asarray, both(x, np.ones_like(x)))
    for found in (y, u):
        assert np.isnan(found[[0, 1, 3, 4]]).all()
        assert not np.isnan(found[2]).any()
    assert y[2, place] == -np.inf
    assert u[2, place] == 1
    np.testing.assert_allclose(np.delete(y[2], place), -np.log(34), rtol=1e-6)


def test_derivatives_of_any_order_in_both_modes() -> None:
    with jax.enable_x64(True):
        x, c = (jnp.asarray(a) for a in np.random.default_rng(0).standard_normal((2, 2, 11)))
        y = jax.nn.log_softmax(x)
        check_grads(log_softmax_p.bind, (x,), order=3)
        for primitive in (tangent_p, gradient_p):
            check_grads(primitive.bind, (y, c), order=2)
            check_grads(lambda c, one=primitive: one.bind(y, c), (c,), order=2)
            check_grads(lambda y, one=primitive: one.bind(y, c), (y,), order=1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_any_axis_may_be_mapped(axis: int) -> None:
    x, c = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype("float32")
    found = jax.vmap(both, (axis, axis))(x, c)
    moved = (np.moveaxis(a, axis, 0) for a in (x, c))
    for one, expected in zip(found, both(*moved), strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-5, atol=1e-6)


def test_pytorchs_values_and_gradients() -> None:
    x = 30 * np.random.default_rng(0).standard_normal((20, 1000)).astype("float32")
    report = parity.compare(lambda x: F.log_softmax(x, -1), lambda x: TF.log_softmax(x, -1), x, cotangents=2)
    assert report.same, report.summary()


def test_many_numbers_along_the_last_axis_are_computed_by_programs_of_our_own(
    calls: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    gradient = jax.grad(lambda x, axis: jnp.sum(F.log_softmax(x, axis) ** 2))
    x = jnp.ones((17, 1000))
    assert calls(lambda x: F.log_softmax(x, 1), x) == 1
    assert calls(lambda x: gradient(x, -1), x) == 2
    assert calls(lambda x: gradient(x, 0), x) == 0
    assert calls(lambda x: gradient(x, 1), x[:16]) == 0
    monkeypatch.setattr(row_programs, "MANY", 0)
    monkeypatch.setattr(machine, "host", lambda: None)
    assert calls(lambda x: gradient(x, 1), x) == 0
    np.testing.assert_allclose(gradient(x, 1), gradient(x.T, 0).T, rtol=1e-5, atol=1e-6)


def test_an_exported_program_knows_xlas_operations_only() -> None:
    x = jnp.asarray(np.random.default_rng(0).standard_normal((20, 1000)), "float32")
    kept = export.export(jax.jit(lambda x: F.log_softmax(x, 1)))(x)
    assert "jaxtut_" not in kept.mlir_module()
    np.testing.assert_allclose(kept.call(x), F.log_softmax(x, 1), rtol=1e-6)
