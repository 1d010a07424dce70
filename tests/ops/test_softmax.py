"""Softmax and log-softmax against PyTorch: every dimension, large scores, empty arrays, infinities."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jax.test_util import check_grads

from jaxtut import functional as F
from jaxtut import parity

PLACES = (((), 0), ((), -1), ((3,), 0), ((2, 3), 0), ((2, 3), -1), ((2, 3, 2), 1), ((0, 3), 1), ((0, 3), 0))
NAMES = ("softmax", "log_softmax")
scores = st.sampled_from(PLACES).flatmap(
    lambda place: st.tuples(arrays(np.float32, place[0], elements=st.floats(-1e4, 1e4, width=32)), st.just(place[1]))
)


def _pair(name: str, dim: int | None) -> tuple[Callable, Callable]:
    return lambda x: getattr(F, name)(x, dim), lambda x: getattr(TF, name)(x, dim)


@given(st.sampled_from(NAMES), scores)
@settings(max_examples=6, deadline=None, derandomize=True)
def test_same_as_pytorch(name: str, place: tuple[np.ndarray, int]) -> None:
    x, dim = place
    report = parity.compare(*_pair(name, dim), x, cotangents=2)
    assert report.same, report.summary()


@pytest.mark.parametrize("name", NAMES)
def test_same_on_ties_infinities_and_nan(name: str) -> None:
    inf, nan = np.inf, np.nan
    rows = [[1, 1, 1], [1e4, -1e4, 1e4], [-inf, 0, 1], [-inf, -inf, -inf], [inf, 0, 1], [nan, 0, 1], [-0.0, 0, 5]]
    report = parity.compare(*_pair(name, -1), np.array(rows, "float32"), cotangents=2)
    assert report.same, report.summary()


def test_values_by_hand() -> None:
    x = np.log(np.array([1.0, 2.0, 5.0], "float32"))
    ulp = float(np.finfo("float32").eps)
    np.testing.assert_allclose(F.softmax(x, 0), [1 / 8, 2 / 8, 5 / 8], rtol=2 * ulp)
    np.testing.assert_allclose(F.log_softmax(x, 0), np.log([1 / 8, 2 / 8, 5 / 8]), rtol=4 * ulp)
    np.testing.assert_array_equal(F.softmax(np.array([1000.0, 1000.0], "float32"), 0), [0.5, 0.5])
    S = np.array([1 / 8, 2 / 8, 5 / 8])
    np.testing.assert_allclose(jax.jacrev(lambda x: F.softmax(x, 0))(x), np.diag(S) - np.outer(S, S), atol=ulp)
    np.testing.assert_allclose(jax.jacrev(lambda x: F.log_softmax(x, 0))(x), np.eye(3) - S[None], atol=2 * ulp)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 2), (2, 2, 2, 2)])
def test_a_dim_left_out_is_warned_of_and_is_pytorchs(name: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        expected = getattr(TF, name)(torch.tensor(x))
    with pytest.warns(UserWarning, match=f"{name}: dim was not given; dim=[01] is taken"):
        ours = getattr(F, name)(x)
    np.testing.assert_allclose(
        ours, expected, rtol=8 * float(np.finfo("float32").eps)
    )  # a wrong dimension is off by far more


@pytest.mark.parametrize("name", NAMES)
def test_dtype_converts_first(name: str) -> None:
    x = np.array([1, 2, 3])
    assert getattr(F, name)(x, 0, dtype="float32").dtype == jnp.float32
    assert getattr(F, name)(jnp.ones(3, "bfloat16"), 0).dtype == jnp.bfloat16
    report = parity.compare(
        lambda: getattr(F, name)(jnp.asarray(x), 0, dtype="float32"),
        lambda: getattr(TF, name)(torch.tensor(x), 0, dtype=torch.float32),
    )
    assert all(row.dtype == "float32" for row in report.rows)


@pytest.mark.parametrize("name", NAMES)
def test_finite_differences_and_transformations(name: str) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3))
    f = _pair(name, 0)[0]
    with jax.enable_x64(True):
        check_grads(jax.jit(f), (x,), order=2, modes=("rev",))
        bound = 8 * np.finfo("float64").eps
        np.testing.assert_allclose(jax.jit(f)(x), f(x), rtol=bound)
        np.testing.assert_allclose(jax.vmap(f, in_axes=1, out_axes=1)(x), f(x), rtol=bound)


@pytest.mark.parametrize("name", NAMES)
def test_refuses_wrong_dims_and_dtypes(name: str) -> None:
    f, x = getattr(F, name), np.ones((2, 3), "float32")
    with pytest.raises(ValueError, match=rf"{name}: dim must lie in \[-2, 1\] for an array of rank 2, but 2 was given"):
        f(x, 2)
    with pytest.raises(ValueError, match=r"dim must lie in \[-1, 0\] for an array of rank 0, but 1 was given"):
        f(np.float32(1.0), 1)
    with pytest.raises(TypeError, match=f"{name}: dim must be an integer, but 1.0 was given"):
        f(x, 1.0)
    with pytest.raises(TypeError, match=f"{name}: dim must be an integer, but True was given"):
        f(x, True)
    with pytest.raises(TypeError, match=f"{name}: input must have a floating dtype, but int32 was given"):
        f(np.ones(3, "int32"), 0)
    with pytest.raises(TypeError, match=f"{name}: input must be an array, but list was given"):
        f([1.0], 0, dtype="float32")
