"""Sigmoid, tanh and log-sigmoid against PyTorch, far into saturation."""

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

SHAPES = ((), (4,), (2, 3), (0, 3))
PAIRS: dict[str, tuple[Callable, Callable]] = {
    "sigmoid": (F.sigmoid, torch.sigmoid),
    "tanh": (F.tanh, torch.tanh),
    "logsigmoid": (F.logsigmoid, TF.logsigmoid),
}
EDGES = np.array([0.0, -0.0, 20.0, -20.0, 88.0, -88.0, 1e4, -1e4, np.inf, -np.inf, np.nan], "float32")
numbers = arrays(np.float32, st.sampled_from(SHAPES), elements=st.floats(-1e4, 1e4, width=32, allow_subnormal=False))


@pytest.mark.parametrize("name", PAIRS)
def test_same_at_the_edge_points(name: str) -> None:
    report = parity.compare(*PAIRS[name], EDGES, modes=("jit", "eager"))
    assert report.same, report.summary()


@given(st.sampled_from(sorted(PAIRS)), numbers)
@settings(max_examples=6, deadline=None, derandomize=True)
def test_same_as_pytorch(name: str, x: np.ndarray) -> None:
    report = parity.compare(*PAIRS[name], x, cotangents=2)
    assert report.same, report.summary()


@pytest.mark.parametrize("name", PAIRS)
def test_an_infinite_cotangent_stays_infinite(name: str) -> None:
    points = np.array([0.0, 1.0, -1.0, 0.25], "float32")
    y, pull_back = jax.vjp(PAIRS[name][0], jnp.asarray(points))
    x = torch.tensor(points, requires_grad=True)
    (expected,) = torch.autograd.grad(PAIRS[name][1](x), x, torch.full((4,), torch.inf))
    np.testing.assert_array_equal(pull_back(jnp.full_like(y, jnp.inf))[0], expected)


def test_values_and_slopes_by_hand() -> None:
    zero = np.float32(0.0)
    assert (float(F.sigmoid(zero)), float(jax.grad(F.sigmoid)(zero))) == (0.5, 0.25)
    assert (float(F.tanh(zero)), float(jax.grad(F.tanh)(zero))) == (0.0, 1.0)
    assert float(F.logsigmoid(zero)) == np.log(np.float32(0.5))
    assert float(jax.grad(F.logsigmoid)(zero)) == 0.5
    assert float(jax.grad(F.logsigmoid)(np.float32(-1e4))) == 1.0
    for name in ("sigmoid", "tanh"):  # a naive formula gives NaN here: inf / inf
        assert float(jax.grad(getattr(F, name))(np.float32(-1e4))) == 0.0


@pytest.mark.parametrize("name", PAIRS)
def test_finite_differences_and_transformations(name: str) -> None:
    f = PAIRS[name][0]
    x = np.array([[-2.0, -0.5, 0.0], [1.0, 3.0, -1.5]])
    with jax.enable_x64(True):
        check_grads(jax.jit(f), (x,), order=2, modes=("rev",))
        bound = 4 * np.finfo("float64").eps  # compiled code may round each of a few steps otherwise
        np.testing.assert_allclose(jax.jit(f)(x), f(x), rtol=bound)
        np.testing.assert_allclose(jax.vmap(f)(x), f(x), rtol=bound)
        np.testing.assert_allclose(jax.jacfwd(f)(x), jax.jacrev(f)(x), rtol=bound)


@pytest.mark.parametrize("name", PAIRS)
def test_refuses_what_is_no_floating_array(name: str) -> None:
    f = getattr(F, name)
    with pytest.raises(TypeError, match=f"{name}: input must be an array, but tuple was given"):
        f((1.0, 2.0))
    wanted = "a floating dtype" if name == "logsigmoid" else "an integer or a floating dtype"
    with pytest.raises(TypeError, match=f"{name}: input must have {wanted}, but complex64 was given"):
        f(np.ones(3, "complex64"))
