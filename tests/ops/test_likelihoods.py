"""Kullback-Leibler, Poisson and Gaussian losses against PyTorch."""

import math
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
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

ULPS = 8  # library functions of the two frameworks differ by a few units in the last place
NAN, INF = np.nan, np.inf
# Each call with its arguments; a gradient of ones is compared too.
EDGES: dict[str, tuple[str, dict]] = {
    "kl_div": (
        "F.kl_div(x, t, reduction='none')",
        {"x": [-1.0, -2.0, -INF, NAN, 0.0, -0.5, -INF, -1.0], "t": [0.5, 0.0, 0.0, 0.25, 1.0, -0.125, 0.25, NAN]},
    ),
    "kl_div of logarithms": (
        "F.kl_div(x, t, reduction='none', log_target=True)",
        {"x": [-1.0, -1.0, -INF, -INF, NAN], "t": [0.0, -INF, -INF, 0.0, 0.0]},
    ),
    "kl_div of numbers": ("F.kl_div(x, t, reduction='batchmean')", {"x": -1.0, "t": 0.5}),
    "kl_div, batchmean by the input's rows": (
        "F.kl_div(x, t, reduction='batchmean')",
        {"x": [-1.0, -2.0], "t": [[0.5, 0.5], [0.25, 0.75], [0.5, 0.5]]},
    ),
    "poisson of logarithms": (
        "F.poisson_nll_loss(x, t, full=True, reduction='none')",
        {"x": [0.0, 1.0, -1.0, -INF, INF, NAN, 2.0, 0.0], "t": [0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 1.5, -1.0]},
    ),
    "poisson of rates": (
        "F.poisson_nll_loss(x, t, False, True, reduction='none')",
        {"x": [0.0, 1.0, 0.0, 200.0, INF, NAN], "t": [0.0, 1.0, 2.0, 3.0, 1.0, 2.0]},
    ),
    "poisson without eps": (
        "F.poisson_nll_loss(x, t, False, eps=0, reduction='none')",
        {"x": [0.0, 0.0, 1.0], "t": [0.0, 1.0, 1.0]},
    ),
    "poisson of counts": ("F.poisson_nll_loss(x, t, full=True)", {"x": [0.0, 1.0, 0.5], "t": [0, 1, 4]}),
    "poisson broadcast": ("F.poisson_nll_loss(x, t)", {"x": [[1.0], [2.0]], "t": [[1.0, 2.0, 3.0]]}),
    "gaussian": (
        "F.gaussian_nll_loss(x, t, v, reduction='none')",
        {
            "x": [0.0, 1.0, 2.0, INF, NAN, 1.0, 1.0],
            "t": [0.0] * 5 + [1.0, 0.0],
            "v": [1.0, 0.0, 1e-6, 1.0, 1.0, INF, NAN],
        },
    ),
    "gaussian without eps": (
        "F.gaussian_nll_loss(x, t, v, True, 0.0, 'none')",
        {"x": [1.0, 0.0], "t": [0.0, 0.0], "v": [0.0, 0.0]},
    ),
    "gaussian of small variances": (
        "F.gaussian_nll_loss(x, t, v, eps=0.0, reduction='none')",
        {"x": [0.0, 1e-9], "t": [0.0, 0.0], "v": [1e-24, 1e-24]},
    ),
}


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_edge_points(name: str, dtype: str) -> None:
    call, args = EDGES[name]
    row = Row("", "", args, call, "", Outcome(), Outcome(), "", dtype=dtype)
    theirs = torch_outcome(row)
    assert not theirs.error
    # Each operation by itself, and all in one program.
    for under_jit in (False, True) if dtype == "float32" else (True,):
        assert agree(our_outcome(row, under_jit), theirs, ULPS)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum", "batchmean"])
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_nothing_at_all(reduction: str, shape: tuple[int, ...]) -> None:
    x = np.ones(shape, "float32")
    theirs = TF.kl_div(torch.from_numpy(x), torch.from_numpy(x), reduction=reduction)
    np.testing.assert_array_equal(F.kl_div(x, x, reduction=reduction), theirs.numpy(), strict=True)
    if reduction != "batchmean":
        for name, args in (("poisson_nll_loss", (x, x)), ("gaussian_nll_loss", (x, x, x))):
            theirs = getattr(TF, name)(*map(torch.from_numpy, args), reduction=reduction)
            np.testing.assert_array_equal(getattr(F, name)(*args, reduction=reduction), theirs.numpy(), strict=True)


def test_values_and_slopes_by_hand() -> None:
    x, t = np.array([[0.0, 0.0]], "float32"), np.array([[0.0, 1.0]], "float32")
    assert F.kl_div(x, t, reduction="none").tolist() == [[0.0, 0.0]]
    assert jax.grad(F.kl_div)(x, t, reduction="batchmean").tolist() == [[0.0, -1.0]]
    assert float(F.kl_div(x - 2, t, reduction="batchmean")) == 2.0
    assert float(F.kl_div(x - 2, t)) == 1.0  # the mean is over both classes
    assert float(F.poisson_nll_loss(x, t)) == 1.0
    assert jax.grad(F.poisson_nll_loss)(x, t).tolist() == [[0.5, 0.0]]
    d, v = np.array([1.0, 2.0], "float32"), np.array([1.0, 0.0], "float32")
    assert F.gaussian_nll_loss(d, 0 * d, v + 1e-9, eps=1.0, reduction="none").tolist() == [0.5, 2.0]
    slopes = jax.grad(lambda v: F.gaussian_nll_loss(d, 0 * d, v, eps=1.0, reduction="sum"))(v)
    assert slopes.tolist() == [0.0, -1.5]  # below eps as if at eps


def test_plain_jax_would_differ() -> None:
    x, t = np.log(np.full((2, 4), 0.25, "float32")), np.full((2, 4), 0.25, "float32")
    x, t = x - 1, t
    assert float(jnp.mean(optax.losses.kl_divergence(x, t))) == 4 * float(F.kl_div(x, t))
    clamped = jax.grad(lambda v: jnp.log(jnp.maximum(v, 1.0)))
    assert (float(clamped(0.5)), float(clamped(1.0))) == (0.0, 0.5)


numbers = st.floats(-5, 5, width=32, allow_subnormal=False)
triples = st.sampled_from([(4,), (2, 3), ()]).flatmap(
    lambda shape: st.tuples(*(arrays(np.float32, shape, elements=numbers) for _ in range(3)))
)


@given(st.sampled_from(["kl_div", "poisson_nll_loss", "gaussian_nll_loss"]), triples, st.booleans(), st.booleans())
@settings(max_examples=8, deadline=None, derandomize=True)
def test_same_as_pytorch(name: str, triple: tuple[np.ndarray, ...], log: bool, full: bool) -> None:
    x, t, v = triple
    t, v = np.abs(t), np.abs(v) + np.float32(0.125)
    options = {"kl_div": {"log_target": log}, "poisson_nll_loss": {"log_input": log, "full": full}}.get(
        name, {"full": full}
    )
    x = np.abs(x) if name == "poisson_nll_loss" and not log else x
    args = (x, t, v) if name == "gaussian_nll_loss" else (x, t)
    sides = (lambda *a, m=m: getattr(m, name)(*a, reduction="sum", **options) for m in (F, TF))
    report = parity.compare(*sides, *args, cotangents=1)
    assert report.same, report.summary()


@pytest.mark.parametrize("name", ["kl_div", "poisson_nll_loss", "gaussian_nll_loss"])
def test_finite_differences(name: str) -> None:
    x, t, v = np.array([0.5, -1.0, 2.0]), np.array([0.25, 1.5, 3.0]), np.array([0.5, 2.0, 1.0])
    args = (x, t, v) if name == "gaussian_nll_loss" else (x, t)
    with jax.enable_x64(True):
        check_grads(jax.jit(getattr(F, name)), args, order=2, modes=("rev", "fwd"))


DTYPES = ("bool", "uint8", "int32", "int64", "float16", "float32", "float64")


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", DTYPES)
def test_the_dtypes_of_pytorch(first: str, second: str) -> None:
    calls = {
        "kl_div": ({},),
        "poisson_nll_loss": tuple({"log_input": a, "full": b} for a in (True, False) for b in (True, False)),
        "gaussian_nll_loss": ({"var": 0.5},),
    }
    x, t = np.ones(3, first), np.full(3, 1, second)
    with jax.enable_x64(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, options in ((name, o) for name, all_options in calls.items() for o in all_options):
            try:
                expected = getattr(TF, name)(torch.from_numpy(x), torch.from_numpy(t), **options).numpy().dtype
            except RuntimeError:
                with pytest.raises(TypeError, match=f"{name}: (input|target) must"):
                    getattr(F, name)(x, t, **options)
            else:
                assert getattr(F, name)(x, t, **options).dtype == expected, (name, options)


VARIANCES = {
    (): [(), (1,)],
    (3,): [(3,), (), (1,), (2,), (1, 3)],
    (2, 3): [(2, 3), (2,), (2, 1), (1, 3), (1, 1), (3,), (), (2, 2)],
    (2, 2): [(2,)],
    (1, 3): [(0, 1)],
}


@pytest.mark.parametrize(("shape", "variance"), [(s, v) for s, all_v in VARIANCES.items() for v in all_v])
def test_the_shapes_of_a_variance(shape: tuple[int, ...], variance: tuple[int, ...]) -> None:
    x, t = np.full(shape, 2.0, "float32"), np.zeros(shape, "float32")
    v = np.arange(1, 1 + math.prod(variance), dtype="float32").reshape(variance)
    try:
        expected = TF.gaussian_nll_loss(*map(torch.from_numpy, (x, t, v)), reduction="none")
    except ValueError:
        with pytest.raises(ValueError, match="gaussian_nll_loss: var must have shape"):
            F.gaussian_nll_loss(x, t, v)
    else:
        assert F.gaussian_nll_loss(x, t, v, reduction="none").shape == expected.shape
        report = parity.compare(F.gaussian_nll_loss, TF.gaussian_nll_loss, x, t, v, cotangents=1)
        assert report.same, report.summary()


def test_a_negative_variance_is_nan_where_values_are_hidden() -> None:
    x, v = np.array([1.0, 2.0], "float32"), np.array([-1.0, 1.0], "float32")
    loss = jax.jit(lambda x, v: F.gaussian_nll_loss(x, 0 * x, v, reduction="none"))(x, v)
    assert np.isnan(loss).tolist() == [True, False]
    for slopes in jax.jit(jax.grad(lambda x, v: F.gaussian_nll_loss(x, 0 * x, v, reduction="sum"), argnums=(0, 1)))(
        x, v
    ):
        assert np.isnan(slopes).tolist() == [True, False]
    with pytest.raises(ValueError, match=r"gaussian_nll_loss: var must not be negative, but -1\.0 was given"):
        F.gaussian_nll_loss(x, x, v)
    with pytest.raises(ValueError, match=r"gaussian_nll_loss: var must not be negative, but -0\.5 was given"):
        F.gaussian_nll_loss(x, x, -0.5)


def test_refuses_wrong_shapes_dtypes_and_options() -> None:
    x = np.ones((2, 3), "float32")
    with pytest.raises(ValueError, match=r"kl_div: expected shapes that broadcast, but input \(2, 3\), target \(2,\)"):
        F.kl_div(x, x[:, 0])
    with pytest.raises(
        ValueError, match="kl_div: reduction must be one of 'batchmean', 'none', 'mean', 'sum', but 'x'"
    ):
        F.kl_div(x, x, reduction="x")
    for name in ("poisson_nll_loss", "gaussian_nll_loss"):
        more = (1.0,) if name == "gaussian_nll_loss" else ()
        with pytest.raises(
            ValueError, match=f"{name}: reduction must be one of 'none', 'mean', 'sum', but 'batchmean'"
        ):
            getattr(F, name)(x, x, *more, reduction="batchmean")
        with pytest.raises(
            ValueError, match=rf"{name}: expected shapes that broadcast, but input \(2, 3\), target \(2,\)"
        ):
            getattr(F, name)(x, x[:, 0], *more)
        with pytest.raises(TypeError, match=f"{name}: eps must be a number, but None was given"):
            getattr(F, name)(x, x, *more, eps=None)
    with pytest.raises(TypeError, match="gaussian_nll_loss: var must be an array, but int was given"):
        F.gaussian_nll_loss(x, x, 1)
    with pytest.raises(TypeError, match="gaussian_nll_loss: var must have a floating dtype, but int32 was given"):
        F.gaussian_nll_loss(x, x, x.astype("int32"))
    for name in ("kl_div", "poisson_nll_loss"):
        with pytest.raises(TypeError, match=f"{name}: input must be an array, but list was given"):
            getattr(F, name)([1.0], x)
        for deprecated in ("size_average", "reduce"):
            with pytest.raises(ValueError, match=f"{name}: {deprecated}=True is deprecated in PyTorch"):
                getattr(F, name)(x, x, **{deprecated: True})


def test_a_negative_variance_is_refused_under_grad_too() -> None:
    x, v = np.ones(2, "float32"), np.array([1.0, -1.0], "float32")
    with pytest.raises(ValueError, match=r"var must not be negative, but -1\.0 was given"):
        jax.grad(F.gaussian_nll_loss, argnums=2)(x, x, v)
