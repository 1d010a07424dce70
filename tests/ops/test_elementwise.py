"""Elementwise functions of one and two arguments against PyTorch: kinks, infinities, dtypes, refusals."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jax.test_util import check_grads

from jaxtut import functional as F
from jaxtut import parity

NAN, INF = float("nan"), float("inf")
POINTS = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, INF, -INF, NAN])
X, Y = (a.reshape(-1) for a in np.meshgrid(POINTS, POINTS))
ONE: dict[str, Callable] = {
    "abs": lambda m, x: m.abs(x),
    "sqrt": lambda m, x: m.sqrt(x),
    "where": lambda m, x: m.where(x > 0, x, 0.0),
    **{f"pow {e}": (lambda m, x, e=e: m.pow(x, e)) for e in (0, 1, 2, 3, -1, 0.5, -0.5, 1.5, 2.5, -2, NAN, INF, -INF)},
    **{f"{b} to the": (lambda m, x, b=b: m.pow(b, x)) for b in (0, 1, 2.0, -2, 0.5, NAN, INF)},
    "xlogy, number last": lambda m, x: m.xlogy(x, 0),
    "xlogy, number first": lambda m, x: m.xlogy(2, x),
}
TWO = ("pow", "atan2", "hypot", "xlogy", "maximum", "minimum")
few = arrays(np.float32, (4,), elements=st.sampled_from([0.0, -0.0, 1.0, -1.0, 3.0, INF, NAN]))


def _same(ours: object, theirs: torch.Tensor) -> None:
    """Hold two arrays equal up to the last digits in which the two libraries' functions differ; NaN and infinities exactly."""
    bound = 4 * np.finfo("float64").eps
    np.testing.assert_allclose(np.asarray(ours), theirs.detach().numpy(), rtol=bound, atol=0, strict=True)


@pytest.mark.parametrize("name", ONE)
def test_values_and_slopes_at_the_edge_points(name: str) -> None:
    x = torch.tensor(POINTS, requires_grad=True)
    theirs = ONE[name](torch, x)
    (slope,) = torch.autograd.grad(theirs, x, torch.ones_like(theirs))
    with jax.enable_x64(True):
        y, pull_back = jax.vjp(lambda x: ONE[name](F, x), jnp.asarray(POINTS))
        _same(y, theirs)
        _same(pull_back(jnp.ones_like(y))[0], slope)


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("cotangent", [1.0, INF])
def test_values_and_slopes_at_pairs_of_edge_points(name: str, cotangent: float) -> None:
    x, y = (torch.tensor(a, requires_grad=True) for a in (X, Y))
    theirs = getattr(torch, name)(x, y)
    slopes = torch.autograd.grad(theirs, (x, y), torch.full_like(theirs, cotangent))
    with jax.enable_x64(True):
        found, pull_back = jax.vjp(getattr(F, name), jnp.asarray(X), jnp.asarray(Y))
        _same(found, theirs)
        for ours, slope in zip(pull_back(jnp.full(found.shape, cotangent)), slopes, strict=True):
            _same(ours, slope)


@given(few, few, st.sampled_from(TWO))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_same_as_pytorch(x: np.ndarray, y: np.ndarray, name: str) -> None:
    report = parity.compare(getattr(F, name), getattr(torch, name), x, y)
    assert report.same, report.summary()


def test_values_and_slopes_by_hand() -> None:
    zero, two = np.float32(0.0), np.float32(2.0)
    assert jax.grad(F.abs)(zero) == 0.0
    assert [float(g) for g in jax.grad(F.pow, argnums=(0, 1))(zero, zero)] == [0.0, 0.0]
    assert float(jax.grad(lambda x: F.pow(x, 3))(two)) == 12.0
    assert [float(g) for g in jax.grad(F.atan2, argnums=(0, 1))(zero, zero)] == [0.0, 0.0]
    assert np.isnan(jax.grad(F.hypot)(zero, zero))
    assert float(F.hypot(np.float32(3e30), np.float32(4e30))) == np.float32(5e30)
    assert (float(F.xlogy(zero, zero)), float(jax.grad(F.xlogy)(zero, zero))) == (0.0, 0.0)
    condition = np.array([True, False])
    assert np.asarray(F.where(condition, 1, 2)).tolist() == [1, 2]
    assert [places.tolist() for places in F.where(condition)] == [[0]]
    assert jax.jit(lambda: F.where(condition)[0])().tolist() == [0]


def test_finite_differences() -> None:
    x, y = np.array([0.5, 2.0, 1.5]), np.array([1.5, 0.3, 2.5])
    with jax.enable_x64(True):
        for name in ("pow", "atan2", "hypot", "xlogy"):
            check_grads(getattr(F, name), (x, y), order=2, modes=("fwd", "rev"))
        for e in (2, 0.5, -1.5):
            check_grads(lambda x, e=e: F.pow(x, e), (x,), order=2, modes=("fwd", "rev"))


DTYPES = ("bool", "uint8", "int8", "int32", "int64", "float16", "bfloat16", "float32", "float64")
CALLS: dict[str, Callable] = {
    "abs": lambda m, x: m.abs(x),
    "sqrt": lambda m, x: m.sqrt(x),
    "pow 2": lambda m, x: m.pow(x, 2),
    "pow 0.5": lambda m, x: m.pow(x, 0.5),
    "2 to the": lambda m, x: m.pow(2, x),
    "pow, arrays": lambda m, x: m.pow(x, x),
    "pow True": lambda m, x: m.pow(x, True),
    "where": lambda m, x: m.where(x == x, x, x),
    "where, integer": lambda m, x: m.where(x == x, x, 2),
    "where, float": lambda m, x: m.where(x == x, 0.5, x),
    "atan2": lambda m, x: m.atan2(x, x),
    "hypot": lambda m, x: m.hypot(x, x),
    "xlogy": lambda m, x: m.xlogy(x, x),
    "xlogy, number": lambda m, x: m.xlogy(x, 2),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_dtype_is_pytorchs(name: str, dtype: str) -> None:
    call = CALLS[name]
    with jax.enable_x64(True):
        x = jnp.ones(2, dtype)
        try:
            expected = str(call(torch, torch.ones(2, dtype=getattr(torch, dtype))).dtype).removeprefix("torch.")
        except RuntimeError:
            with pytest.raises(TypeError):
                call(F, x)
        else:
            assert call(F, x).dtype == expected


def test_integers_to_integers() -> None:
    x, e = np.array([2, 1, -1, 0, -1, 3, -2]), np.array([-1, -1, -1, -1, -2, 3, 3])
    assert F.pow(x, e).tolist() == torch.pow(torch.tensor(x), torch.tensor(e)).tolist() == [0, 1, -1, 0, 1, 27, -8]
    assert F.pow(np.array([16], "uint8"), 2).tolist() == [0]


def test_refuses_what_pytorch_refuses() -> None:
    x = np.ones(3, "float32")
    with pytest.raises(TypeError, match="abs: input must be an array, but float was given"):
        F.abs(1.0)
    with pytest.raises(TypeError, match="abs: input must have an integer or a floating dtype, but bool was given"):
        F.abs(x > 0)
    with pytest.raises(
        ValueError, match="pow: integers to a negative integer are not taken, but exponent=-1 was given"
    ):
        F.pow(np.array([2]), -1)
    with pytest.raises(TypeError, match="pow: expected at least one array, but int and int were given"):
        F.pow(2, 3)
    with pytest.raises(TypeError, match="pow: exponent must be an array or a number, but 'a' was given"):
        F.pow(x, "a")
    with pytest.raises(
        ValueError, match=r"pow: expected shapes that broadcast, but input \(3,\), exponent \(2,\) were"
    ):
        F.pow(x, x[:2])
    with pytest.raises(TypeError, match="where: condition must have dtype bool, but float32 was given"):
        F.where(x, x, x)
    with pytest.raises(TypeError, match="where: expected input and other, but only one was given"):
        F.where(x > 0, x)
    with pytest.raises(ValueError, match="where: a condition alone needs its values"):
        jax.jit(F.where)(x > 0)
    with pytest.raises(TypeError, match="atan2: other must be an array, but float was given"):
        F.atan2(x, 1.0)
    with pytest.raises(TypeError, match="hypot: input must have a floating dtype, but int32 was given"):
        F.hypot(np.array([1], "int32"), np.array([1], "int32"))
    with pytest.raises(TypeError, match="xlogy: expected at least one array, but int and int were given"):
        F.xlogy(1, 2)
