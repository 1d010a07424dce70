"""Binary cross-entropy against PyTorch, from probabilities and from raw scores, saturated ones included."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.experimental import checkify
from jax.test_util import check_grads

from jaxtut import functional as F
from jaxtut import parity

BCE, LOGITS = "binary_cross_entropy", "binary_cross_entropy_with_logits"
REDUCTIONS = ("none", "mean", "sum")
SHAPES = ((), (4,), (2, 3), (0, 3))
WEIGHTS = {(): (), (4,): (1,), (2, 3): (3,), (0, 3): (1, 3)}  # each broadcasts against its shape


def _pair(name: str, reduction: str, **weights: np.ndarray) -> tuple[Callable, Callable]:
    def ours(x: jax.Array, t: jax.Array) -> jax.Array:
        return getattr(F, name)(x, t, reduction=reduction, **{k: jnp.asarray(w, x.dtype) for k, w in weights.items()})

    def theirs(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return getattr(TF, name)(
            x, t, reduction=reduction, **{k: torch.tensor(w, dtype=x.dtype) for k, w in weights.items()}
        )

    return ours, theirs


@given(st.sampled_from(SHAPES), st.sampled_from(REDUCTIONS), st.booleans(), st.booleans(), st.integers(0, 99))
@settings(max_examples=5, deadline=None, derandomize=True)
def test_probabilities_same_as_pytorch(
    shape: tuple[int, ...], reduction: str, weighted: bool, hard: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    p, t = rng.uniform(0.001, 0.999, shape), rng.uniform(size=shape)
    weights = {"weight": rng.uniform(size=WEIGHTS[shape])} if weighted else {}
    report = parity.compare(*_pair(BCE, reduction, **weights), p, np.round(t) if hard else t, cotangents=2)
    assert report.same, report.summary()


@given(
    st.sampled_from(SHAPES),
    st.sampled_from(REDUCTIONS),
    st.sampled_from([(), ("weight",), ("pos_weight",), ("weight", "pos_weight")]),
    st.sampled_from([1.0, 30.0]),
    st.integers(0, 99),
)
@settings(max_examples=5, deadline=None, derandomize=True)
def test_scores_same_as_pytorch(
    shape: tuple[int, ...], reduction: str, named: tuple[str, ...], scale: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    z, t = rng.normal(size=shape) * scale, np.round(rng.uniform(size=shape))
    weights = {name: rng.uniform(0.5, 3, WEIGHTS[shape]) for name in named}
    report = parity.compare(*_pair(LOGITS, reduction, **weights), z, t, cotangents=2)
    assert report.same, report.summary()


def test_saturated_probabilities_same_as_pytorch() -> None:
    p, t = np.array([0.0, 1.0, 0.0, 1.0, 1e-13, 0.5]), np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.3])
    report = parity.compare(*_pair(BCE, "none"), p, t, argnums=0)
    assert report.same, report.summary()


def test_the_slope_in_the_target_is_not_clamped() -> None:
    p, t = np.array([0.0, 1.0, 0.25], "float32"), np.array([0.0, 1.0, 1.0], "float32")
    gradient = jax.grad(lambda p, t: F.binary_cross_entropy(p, t, reduction="sum"), argnums=1)(p, t)
    target = torch.tensor(t, requires_grad=True)
    TF.binary_cross_entropy(torch.tensor(p), target, reduction="sum").backward()
    assert target.grad is not None
    assert np.isinf(gradient[:2]).all()
    np.testing.assert_allclose(gradient, target.grad, rtol=4 * float(np.finfo("float32").eps))
    # An infinite slope in the target must not reach those who did not ask for it.
    assert np.isfinite(jax.grad(lambda p: F.binary_cross_entropy(p, t))(p)).all()
    assert np.isfinite(jax.jvp(lambda p: F.binary_cross_entropy(p, t), (p,), (np.ones_like(p),))[1])


def test_saturated_values_and_slopes_by_hand() -> None:
    p, t = np.array([1.0, 0.0, 0.0], "float32"), np.array([1.0, 0.0, 1.0], "float32")
    assert F.binary_cross_entropy(p, t, reduction="none").tolist() == [0.0, 0.0, 100.0]
    slopes = jax.grad(lambda p: F.binary_cross_entropy(p, t, reduction="sum"))(p)
    assert slopes.tolist() == [0.0, 0.0, float(np.float32(-1 / np.float32(1e-12)))]
    np.testing.assert_allclose(
        F.binary_cross_entropy(np.array([0.5], "float32"), np.array([1.0], "float32")), np.log(2), rtol=1e-7
    )


def test_the_logarithm_of_the_rest_is_accurate_for_every_probability() -> None:
    # XLA's log1p is off by 128 ulp in float64 for some of these.
    p = np.linspace(0.001, 0.999, 999)
    with jax.enable_x64(True):
        losses = F.binary_cross_entropy(p, np.zeros_like(p), reduction="none")
    truth = -np.log(1 - p.astype(np.longdouble))
    np.testing.assert_allclose(losses, truth.astype("float64"), rtol=4 * np.finfo("float64").eps)


def test_scores_at_the_edges_same_as_pytorch() -> None:
    z = np.array([0.0, -0.0, 40.0, -40.0, 1e4, 1e4, -1e4, -1e4, np.inf, -np.inf, np.inf, -np.inf, np.nan])
    t = np.array([0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    for reduction in ("none", "sum"):
        report = parity.compare(*_pair(LOGITS, reduction), z, t, argnums=0, cotangents=1)
        assert report.same, report.summary()


def test_a_dead_sample_learns_from_scores_alone() -> None:
    z, t = np.array([-200.0], "float32"), np.array([1.0], "float32")
    assert jax.grad(lambda z: F.binary_cross_entropy(F.sigmoid(z), t))(z).tolist() == [0.0]
    assert jax.grad(lambda z: F.binary_cross_entropy_with_logits(z, t))(z).tolist() == [-1.0]


@pytest.mark.parametrize("name", [BCE, LOGITS])
def test_the_mean_of_nothing_is_nan(name: str) -> None:
    nothing = np.zeros((0, 3), "float32")
    assert np.isnan(getattr(F, name)(nothing, nothing))
    assert float(getattr(F, name)(nothing, nothing, reduction="sum")) == 0.0


@pytest.mark.parametrize("name", [BCE, LOGITS])
def test_finite_differences_and_transformations(name: str) -> None:
    rng = np.random.default_rng(0)
    x, t, w = rng.uniform(0.1, 0.9, (2, 3)), rng.uniform(size=(2, 3)), rng.uniform(size=3)
    options = {"pos_weight": w} if name == LOGITS else {}

    def f(x: Any, t: Any) -> jax.Array:
        return getattr(F, name)(x, t, w, **options)

    with jax.enable_x64(True):
        check_grads(jax.jit(f), (x, t), order=2, modes=("rev",))
        bound = 16 * np.finfo("float64").eps
        np.testing.assert_allclose(jax.jit(f)(x, t), f(x, t), rtol=bound)
        np.testing.assert_allclose(jax.vmap(f)(x, t), [f(a, b) for a, b in zip(x, t, strict=True)], rtol=bound)
        np.testing.assert_allclose(jax.jacfwd(f)(x, t), jax.jacrev(f)(x, t), rtol=bound)


def test_a_probability_outside_its_range_under_jit_is_nan_in_loss_and_gradient() -> None:
    p, t = np.array([0.5, 1.5, -0.1, np.nan], "float32"), np.ones(4, "float32")
    losses = jax.jit(lambda p: F.binary_cross_entropy(p, t, reduction="none"))
    np.testing.assert_array_equal(np.isnan(losses(p)), [False, True, True, True])
    np.testing.assert_array_equal(np.isnan(jax.grad(lambda p: losses(p).sum())(p)), [False, True, True, True])
    error, _ = checkify.checkify(lambda p: F.binary_cross_entropy(p, t))(p)
    assert "binary_cross_entropy: input must lie in [0, 1]" in (error.get() or "")


@pytest.mark.parametrize("bad", [1.5, -0.25, np.nan])
def test_refuses_a_probability_outside_its_range(bad: float) -> None:
    p, t = np.array([0.5, bad], "float32"), np.ones(2, "float32")
    with pytest.raises(
        ValueError, match=rf"input must lie in \[0, 1\], but {bad} was given; raw scores belong into .*_with_logits"
    ):
        F.binary_cross_entropy(p, t)


@pytest.mark.parametrize("name", [BCE, LOGITS])
def test_refuses_wrong_shapes_dtypes_and_options(name: str) -> None:
    f, x = getattr(F, name), np.full((2, 3), 0.5, "float32")
    with pytest.raises(
        ValueError, match=rf"{name}: expected arguments of one shape, but input \(2, 3\), target \(3,\) were given"
    ):
        f(x, x[0])
    with pytest.raises(
        TypeError, match="expected arguments of one dtype, but input float32, target float16 were given"
    ):
        f(x, x.astype("float16"))
    with pytest.raises(TypeError, match=f"{name}: target must have a floating dtype, but int32 was given"):
        f(x, x.astype("int32"))
    with pytest.raises(ValueError, match=r"weight of shape \(2,\) does not broadcast to the input's \(2, 3\)"):
        f(x, x, x[:, 0])
    with pytest.raises(
        TypeError, match="expected arguments of one dtype, but input float32, weight float16 were given"
    ):
        f(x, x, x.astype("float16"))
    with pytest.raises(ValueError, match="reduction must be one of 'none', 'mean', 'sum', but None was given"):
        f(x, x, reduction=None)
    for deprecated in ("size_average", "reduce"):
        with pytest.raises(ValueError, match=f"{name}: {deprecated}=True is deprecated in PyTorch"):
            f(x, x, **{deprecated: True})


def test_refuses_a_pos_weight_that_does_not_fit() -> None:
    x = np.full((2, 3), 0.5, "float32")
    with pytest.raises(ValueError, match=r"pos_weight of shape \(2,\) does not broadcast to the input's \(2, 3\)"):
        F.binary_cross_entropy_with_logits(x, x, pos_weight=x[:, 0])


def test_a_value_that_grad_carries_along_is_still_refused() -> None:
    p, t = np.array([0.5, 1.5], "float32"), np.ones(2, "float32")
    with pytest.raises(ValueError, match=r"input must lie in \[0, 1\], but 1.5 was given"):
        jax.grad(F.binary_cross_entropy)(p, t)
    assert np.isnan(jax.jit(jax.grad(F.binary_cross_entropy))(p, t)[1])
