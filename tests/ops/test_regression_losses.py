"""Squared and absolute error against PyTorch."""

import jax
import numpy as np
import pytest
import torch.nn.functional as TF
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jax.test_util import check_grads

from jaxtut import functional as F
from jaxtut import parity

NAMES = ("mse_loss", "l1_loss")
REDUCTIONS = ("none", "mean", "sum")
elements = st.floats(-1e4, 1e4, width=32, allow_subnormal=False)
pairs = st.sampled_from([(), (4,), (2, 3), (0, 3)]).flatmap(
    lambda shape: st.tuples(arrays(np.float32, shape, elements=elements), arrays(np.float32, shape, elements=elements))
)


def _pair(name: str, reduction: str) -> tuple:
    return tuple(lambda x, t, m=m: getattr(m, name)(x, t, reduction=reduction) for m in (F, TF))


@given(st.sampled_from(NAMES), st.sampled_from(REDUCTIONS), pairs)
@settings(max_examples=6, deadline=None, derandomize=True)
def test_same_as_pytorch(name: str, reduction: str, pair: tuple[np.ndarray, np.ndarray]) -> None:
    report = parity.compare(*_pair(name, reduction), *pair, cotangents=2)
    assert report.same, report.summary()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_same_where_input_equals_target_and_at_the_edges(name: str, reduction: str) -> None:
    equal = np.array([1.0, 2.0, -0.0, 0.0, 1e4]), np.array([1.0, 3.0, 0.0, 0.0, -1e4])
    report = parity.compare(*_pair(name, reduction), *equal)
    assert report.same, report.summary()
    strange = np.array([np.nan, np.inf, np.inf, -np.inf]), np.array([1.0, 1.0, np.inf, np.inf])
    report = parity.compare(*_pair(name, reduction), *strange, cotangents=1)
    assert report.same, report.summary()


def test_values_and_slopes_by_hand() -> None:
    x, t = np.array([1.0, 3.0, 5.0, 0.0], "float32"), np.array([1.0, 1.0, 6.0, 0.0], "float32")
    assert float(F.mse_loss(x, t)) == 5 / 4
    assert jax.grad(F.mse_loss)(x, t).tolist() == [0.0, 1.0, -0.5, 0.0]
    assert float(F.l1_loss(x, t)) == 3 / 4
    assert jax.grad(F.l1_loss)(x, t).tolist() == [0.0, 0.25, -0.25, 0.0]  # 0 where they are equal
    assert jax.grad(F.l1_loss, argnums=1)(x, t).tolist() == [0.0, -0.25, 0.25, 0.0]


@pytest.mark.parametrize("name", NAMES)
def test_the_mean_of_nothing_is_nan(name: str) -> None:
    nothing = np.zeros((0, 3), "float32")
    assert np.isnan(getattr(F, name)(nothing, nothing))
    assert float(getattr(F, name)(nothing, nothing, reduction="sum")) == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_finite_differences_and_transformations(name: str) -> None:
    x, t = np.array([[1.0, 3.0], [-2.0, 0.5]]), np.array([[0.0, 1.0], [1.0, 1.0]])
    f = getattr(F, name)
    with jax.enable_x64(True):
        check_grads(jax.jit(f), (x, t), order=2, modes=("rev",))
        bound = 4 * np.finfo("float64").eps
        np.testing.assert_allclose(jax.jit(f)(x, t), f(x, t), rtol=bound)
        np.testing.assert_allclose(jax.vmap(f)(x, t), [f(a, b) for a, b in zip(x, t, strict=True)], rtol=bound)


@pytest.mark.parametrize("name", NAMES)
def test_refuses_wrong_shapes_dtypes_and_options(name: str) -> None:
    f, x = getattr(F, name), np.ones(3, "float32")
    with pytest.raises(
        ValueError, match=rf"{name}: expected arguments of one shape, but input \(3,\), target \(1,\) were given"
    ):
        f(x, x[:1])
    with pytest.raises(
        TypeError, match="expected arguments of one dtype, but input float32, target float16 were given"
    ):
        f(x, x.astype("float16"))
    with pytest.raises(TypeError, match=f"{name}: target must have a floating dtype, but int32 was given"):
        f(x, x.astype("int32"))
    with pytest.raises(TypeError, match=f"{name}: input must be an array, but float was given"):
        f(1.0, x)
    with pytest.raises(ValueError, match="reduction must be one of 'none', 'mean', 'sum', but 'average' was given"):
        f(x, x, reduction="average")
    for deprecated in ("size_average", "reduce"):
        with pytest.raises(ValueError, match=f"{name}: {deprecated}=True is deprecated in PyTorch"):
            f(x, x, **{deprecated: True})
