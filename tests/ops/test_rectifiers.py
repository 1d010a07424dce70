"""Rectifiers against PyTorch: values, slopes at the kink, and what is not a number."""

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

import torch_ref.activations
from jaxtut import functional as F
from jaxtut import parity

SHAPES = ((), (4,), (2, 3), (0, 3))
POINTS = np.array([0.0, -0.0, 1.0, -1.0, 1e4, -1e4, 1e-30, -1e-30, np.inf, -np.inf, np.nan])
PAIRS: dict[str, tuple[Callable, Callable]] = {
    "relu": (F.relu, TF.relu),
    "leaky_relu": (F.leaky_relu, TF.leaky_relu),
    "leaky_relu, slope 0": (lambda x: F.leaky_relu(x, 0.0), lambda x: TF.leaky_relu(x, 0.0)),
    "leaky_relu, slope -0.5": (lambda x: F.leaky_relu(x, -0.5), lambda x: TF.leaky_relu(x, -0.5)),
    "leaky_relu, slope 2": (
        lambda x: F.leaky_relu(x, negative_slope=2.0),
        lambda x: TF.leaky_relu(x, negative_slope=2.0),
    ),
    "step": (F.step, torch_ref.activations.step),
}
numbers = arrays(np.float32, st.sampled_from(SHAPES), elements=st.floats(-1e4, 1e4, width=32, allow_subnormal=False))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cotangent", [1.0, -3.0, np.inf])
def test_every_bit_at_the_edge_points(name: str, dtype: str, cotangent: float) -> None:
    ours, theirs = PAIRS[name]
    with jax.enable_x64(True):
        y, pull_back = jax.vjp(ours, jnp.asarray(POINTS, dtype))
        (gradient,) = pull_back(jnp.full(y.shape, cotangent, y.dtype))
    x = torch.tensor(POINTS, dtype=getattr(torch, dtype), requires_grad=True)
    expected = theirs(x)
    if name != "step" or np.isfinite(cotangent):  # the twin of `step` multiplies by a zero slope to keep the graph
        (slope,) = torch.autograd.grad(expected, x, torch.full_like(x, cotangent))
        np.testing.assert_array_equal(gradient, slope, strict=True)
    np.testing.assert_array_equal(y, expected.detach().numpy(), strict=True)
    np.testing.assert_array_equal(np.signbit(y), np.signbit(expected.detach().numpy()))


@given(st.sampled_from(sorted(PAIRS)), numbers)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_same_as_pytorch(name: str, x: np.ndarray) -> None:
    report = parity.compare(*PAIRS[name], x, cotangents=2)
    assert report.same, report.summary()


def test_slopes_at_the_kink_by_hand() -> None:
    zeros = [np.float32(0.0), np.float32(-0.0)]
    assert [float(jax.grad(F.relu)(z)) for z in zeros] == [0.0, 0.0]
    assert [float(jax.grad(lambda x: F.leaky_relu(x, 0.25))(z)) for z in zeros] == [0.25, 0.25]
    assert [float(jax.grad(F.step)(z)) for z in zeros] == [0.0, 0.0]


def test_plain_jax_would_differ() -> None:
    assert float(jax.grad(lambda x: jnp.maximum(x, 0))(jnp.float32(0.0))) == 0.5
    assert float(jax.grad(jax.nn.leaky_relu)(jnp.float32(0.0))) == 1.0


@pytest.mark.parametrize("name", PAIRS)
def test_finite_differences_and_transformations(name: str) -> None:
    f = PAIRS[name][0]
    x = np.array([[-2.0, -0.5, 0.7], [1.0, 3.0, -1.5]])
    with jax.enable_x64(True):
        check_grads(jax.jit(f), (x,), order=2, modes=("rev",))
        plain = f(x)
        np.testing.assert_array_equal(jax.jit(f)(x), plain)
        np.testing.assert_array_equal(jax.vmap(f)(x), plain)
        np.testing.assert_array_equal(jax.jacfwd(f)(x), jax.jacrev(f)(x))


@pytest.mark.parametrize("f", [F.relu, F.leaky_relu, F.step])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_dtype_is_kept(f: Callable, dtype: str) -> None:
    x = jnp.ones((2, 3), dtype)
    assert f(x).dtype == x.dtype
    assert jax.grad(lambda x: f(x).astype("float32").sum())(x).dtype == x.dtype


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "step"])
def test_refuses_what_is_no_floating_array(name: str) -> None:
    f = getattr(F, name)
    with pytest.raises(TypeError, match=f"{name}: input must be an array, but list was given"):
        f([1.0, 2.0])
    with pytest.raises(TypeError, match=f"{name}: input must be an array, but float was given"):
        f(1.0)
    wanted = "an integer or a floating dtype" if name == "relu" else "a floating dtype"
    with pytest.raises(TypeError, match=f"{name}: input must have {wanted}, but bool was given"):
        f(np.ones(3, bool))
