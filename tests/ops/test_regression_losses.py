"""Squared and absolute error, and what lies between them, against PyTorch."""

import jax
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
from jaxtut.parity.conventions import Outcome, Row
from jaxtut.parity.conventions.measure import agree, our_outcome, torch_outcome

NAMES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
WEIGHTED = ("mse_loss", "l1_loss", "huber_loss")
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
    x, t = np.array([[1.5, 3.0], [-2.0, 0.5]]), np.array([[0.0, 1.0], [1.0, 1.0]])
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
    for deprecated in ("size_average", "reduce") if name != "huber_loss" else ():
        with pytest.raises(ValueError, match=f"{name}: {deprecated}=True is deprecated in PyTorch"):
            f(x, x, **{deprecated: True})


EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1e4, -1e4, np.inf, -np.inf, np.nan]
BENT = [f"smooth_l1_loss(x, t, reduction='none', beta={b})" for b in ("1.0", "0.5", "2", "0.0", "float('inf')")]
BENT += [f"huber_loss(x, t, reduction='none', delta={d})" for d in ("1.0", "0.5", "2", "float('inf')")]


@pytest.mark.parametrize("call", BENT)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_bit_at_the_edge_points(call: str, dtype: str) -> None:
    args = {"x": EDGES, "t": [0.0] * len(EDGES)}
    row = Row("", "", args, f"F.{call}", "", Outcome(), Outcome(), "", dtype=dtype)
    assert agree(our_outcome(row), torch_outcome(row))


def test_the_bent_losses_by_hand() -> None:
    x, t = np.array([0.5, 1.0, -3.0], "float32"), np.zeros(3, "float32")
    assert F.smooth_l1_loss(x, t, reduction="none", beta=0.5).tolist() == [0.25, 0.75, 2.75]
    assert jax.grad(F.smooth_l1_loss)(x, t, reduction="sum", beta=1.0).tolist() == [0.5, 1.0, -1.0]
    assert F.huber_loss(x, t, "none", 2.0).tolist() == [0.125, 0.5, 4.0]
    assert jax.grad(F.huber_loss)(x, t, "sum", 2.0).tolist() == [0.5, 1.0, -2.0]
    zero = np.zeros(1, "float32")
    assert jax.grad(F.smooth_l1_loss)(zero, zero, beta=0.0).tolist() == [0.0]  # the absolute error's convention


@pytest.mark.parametrize(("name", "option"), [("smooth_l1_loss", "beta"), ("huber_loss", "delta")])
def test_the_second_derivative_is_zero_at_the_bound(name: str, option: str) -> None:
    second = jax.grad(jax.grad(lambda x: getattr(F, name)(x, np.float32(0.0), **{option: 2.0})))
    inside = 0.5 if name == "smooth_l1_loss" else 1.0
    assert [float(second(np.float32(x))) for x in (1.0, 2.0, -2.0, 3.0)] == [inside, 0.0, 0.0, 0.0]


def test_weights_by_hand() -> None:
    x, t = np.array([1.0, 3.0, 5.0, 0.0], "float32"), np.array([1.0, 1.0, 6.0, 0.0], "float32")
    w = np.array([1.0, 2.0, 1.0, 4.0], "float32")
    assert float(F.mse_loss(x, t, weight=w)) == (2 * 4 + 1) / 8
    assert float(F.l1_loss(x, t, weight=w)) == (2 * 2 + 1) / 8
    assert float(F.huber_loss(x, t, weight=w)) == (2 * 1.5 + 0.5) / 4  # by their number, not by their sum
    assert F.mse_loss(x, t, weight=w, reduction="none").tolist() == [0.0, 8.0, 1.0, 0.0]


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "bool"])
def test_weights_of_every_dtype_as_in_pytorch(name: str, reduction: str, dtype: str) -> None:
    x, t = torch.tensor([1.0, 3.0, 5.0]), torch.tensor([1.0, 1.0, 6.0])
    weight = torch.tensor([1.0, 2.0, 0.5]).to(getattr(torch, dtype))
    theirs = getattr(TF, name)(x, t, reduction=reduction, weight=weight)
    with jax.enable_x64(True):
        ours = getattr(F, name)(x.numpy(), t.numpy(), reduction=reduction, weight=weight.numpy())
    np.testing.assert_array_equal(ours, theirs.numpy(), strict=True)


@given(st.sampled_from(BENT), pairs)
@settings(max_examples=6, deadline=None, derandomize=True)
def test_bent_losses_same_as_pytorch(call: str, pair: tuple[np.ndarray, np.ndarray]) -> None:
    sides = (eval(f"lambda x, t: side.{call}", {"side": side}) for side in (F, TF))
    report = parity.compare(*sides, *pair, cotangents=2)
    assert report.same, report.summary()


def test_refuses_bounds_and_weights_that_do_not_fit() -> None:
    x = np.ones(3, "float32")
    for beta in (-1.0, np.nan):
        with pytest.raises(ValueError, match=f"smooth_l1_loss: beta must not be negative, but {beta} was given"):
            F.smooth_l1_loss(x, x, beta=beta)
    for delta in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match=f"huber_loss: delta must be positive, but {delta} was given"):
            F.huber_loss(x, x, delta=delta)
    with pytest.raises(TypeError, match="smooth_l1_loss: beta must be a number, but None was given"):
        F.smooth_l1_loss(x, x, beta=None)
    for name in WEIGHTED:
        f = getattr(F, name)
        with pytest.raises(
            ValueError, match=rf"{name}: expected arguments of one shape, but input \(3,\), weight \(1,\) were given"
        ):
            f(x, x, weight=x[:1])
        with pytest.raises(TypeError, match=f"{name}: weight must be an array, but float was given"):
            f(x, x, weight=2.0)
        with pytest.raises(ValueError, match="reduction must be one of 'none', 'mean', 'sum', but 'average' was given"):
            f(x, x, weight=x, reduction="average")
