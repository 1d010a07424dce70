"""Hinges and their smooth relatives against PyTorch."""

import warnings

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
from jaxtut.parity.conventions import Outcome, Row
from jaxtut.parity.conventions.measure import agree, our_outcome, torch_outcome

ULPS = 8  # library functions of the two frameworks differ by a few units in the last place
NAN, INF = np.nan, np.inf
NAMES = ("soft_margin_loss", "hinge_embedding_loss", "margin_ranking_loss", "multilabel_soft_margin_loss")
SCORES = [1.0, 1.0, 0.5, 2.0, -1.0, -1.0, NAN, NAN, INF, -INF, 0.5, 0.0, -0.0, INF, -INF, 2.0]
SIGNS = [1, -1, -1, -1, 1, -1, 1, -1, -1, -1, 0, 0, 1, 1, 1, 0]
RANKED = {
    "a": [1.0, 2.0, 0.0, NAN, INF, INF, -INF, 1.0, 1.0],
    "b": [1.0, 1.0, 1.0, 0.0, 0.0, INF, 0.0, 1.0, 0.0],
    "t": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0, 0.0],
}
EDGES: dict[str, tuple[str, dict]] = {
    "soft_margin": (
        "F.soft_margin_loss(x, t, reduction='none')",
        {
            "x": [0.0, 1.0, -1.0, 50.0, -100.0, INF, -INF, NAN, 0.0, 80.0, -88.5, 1000.0, 0.5],
            "t": [1, 1, 1, 1, 1, 1, 1, 1, 0, -1, 1, -1, 2],
        },
    ),
    "multilabel_soft_margin": (
        "F.multilabel_soft_margin_loss(x, t, reduction='none')",
        {
            "x": [[0.5, 1.0, -1.0], [50.0, -50.0, 1e4], [INF, -INF, 1.0], [-INF, INF, 1.0], [NAN, 1.0, 1.0]],
            "t": [[1.0, 0.0, 0.5], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 0.0, 1.0]],
        },
    ),
    "multilabel_soft_margin, weights": (
        "F.multilabel_soft_margin_loss(x, t, w)",
        {"x": [[0.5, 1.0], [-1.0, 2.0]], "t": [[1, 0], [0, 1]], "w": [0.5, 2.0]},
    ),
    "multilabel_soft_margin, along the input's last axis": (
        "F.multilabel_soft_margin_loss(x, t, reduction='none')",
        {"x": [0.5, 1.0], "t": [[1, 0], [0, 1], [1, 1]]},
    ),
    **{
        f"hinge_embedding, margin {m}": (
            f"F.hinge_embedding_loss(x, t, margin={m}, reduction='none')",
            {"x": SCORES, "t": SIGNS},
        )
        for m in ("1.0", "0.5", "0", "-1", "float('nan')")
    },
    **{
        f"margin_ranking, margin {m}": (f"F.margin_ranking_loss(a, b, t, {m}, reduction='none')", RANKED)
        for m in ("0", "0.5", "1.0", "-1", "float('nan')")
    },
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


def test_values_and_slopes_by_hand() -> None:
    x, t = np.array([0.5, 1.0, 3.0], "float32"), np.array([1, -1, -1])
    assert F.hinge_embedding_loss(x, t, reduction="none").tolist() == [0.5, 0.0, 0.0]
    assert jax.grad(F.hinge_embedding_loss)(x, t, reduction="sum").tolist() == [1.0, -1.0, 0.0]
    assert F.margin_ranking_loss(x, 0 * x, t, margin=1, reduction="none").tolist() == [0.5, 2.0, 4.0]
    assert jax.grad(F.margin_ranking_loss)(x, x, t, reduction="sum").tolist() == [-1.0, 1.0, 1.0]
    zero = np.zeros(2, "float32")
    assert jax.grad(F.soft_margin_loss)(zero, np.array([1, -1]), reduction="sum").tolist() == [-0.5, 0.5]
    assert jax.grad(F.multilabel_soft_margin_loss)(zero, np.array([1, 0]), reduction="sum").tolist() == [-0.25, 0.25]


def test_plain_jax_would_differ() -> None:
    hinge = [float(jax.grad(lambda x, f=f: f(1 - x))(1.0)) for f in (jax.nn.relu, lambda z: jnp.maximum(z, 0))]
    assert hinge == [0.0, -0.5]
    assert float(jax.nn.softplus(jnp.float32(100.0))) == 100.0


def test_an_overflow_as_in_pytorch_and_what_to_take_instead() -> None:
    x, t = np.array([-100.0], "float32"), np.array([1.0], "float32")
    assert np.isinf(F.soft_margin_loss(x, t))
    assert np.isnan(jax.grad(F.soft_margin_loss)(x, t)[0])
    assert float(F.binary_cross_entropy_with_logits(x, (t + 1) / 2)) == 100.0


def _arguments(name: str, x: np.ndarray, y: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, ...]:
    return (x, y, t) if name == "margin_ranking_loss" else (x, t)


numbers = st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]) | st.floats(-20, 20, width=32, allow_subnormal=False)
triples = st.sampled_from([(4,), (2, 3)]).flatmap(
    lambda shape: st.tuples(
        *(arrays(np.float32, shape, elements=numbers) for _ in range(2)),
        arrays(np.int64, shape, elements=st.sampled_from([-1, 1])),
    )
)


@given(st.sampled_from(NAMES), triples, st.sampled_from(["none", "mean", "sum"]))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_same_as_pytorch(name: str, triple: tuple[np.ndarray, ...], reduction: str) -> None:
    sides = (lambda *a, m=m: getattr(m, name)(*a, reduction=reduction) for m in (F, TF))
    report = parity.compare(*sides, *_arguments(name, *triple), cotangents=1)
    assert report.same, report.summary()


@pytest.mark.parametrize("name", NAMES)
def test_finite_differences(name: str) -> None:
    x, y, t = np.array([[0.5, -1.0], [2.5, 0.25]]), np.array([[1.0, 0.5], [-1.0, 2.0]]), np.array([[1, -1], [1, -1]])
    args = _arguments(name, x, y, t)
    with jax.enable_x64(True):
        check_grads(lambda *a: jax.jit(getattr(F, name))(*a, args[-1]), args[:-1], order=2, modes=("rev", "fwd"))


@pytest.mark.parametrize("name", NAMES)
def test_the_mean_of_nothing_is_nan(name: str) -> None:
    nothing = np.zeros((0, 3), "float32")
    assert np.isnan(getattr(F, name)(*_arguments(name, nothing, nothing, nothing)))
    assert float(getattr(F, name)(*_arguments(name, nothing, nothing, nothing), reduction="sum")) == 0.0


DTYPES = ("bool", "uint8", "int32", "int64", "float16", "float32", "float64")


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_the_dtypes_of_pytorch(name: str, first: str, second: str) -> None:
    args = _arguments(name, np.ones(3, first), np.ones(3, first), np.ones(3, second))
    with jax.enable_x64(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = getattr(TF, name)(*map(torch.from_numpy, args)).numpy().dtype
        except RuntimeError:
            with pytest.raises(TypeError, match=f"{name}: (input|input1|target) must"):
                getattr(F, name)(*args)
        else:
            assert getattr(F, name)(*args).dtype == expected


SHAPES = [
    ((2, 3), (3,)),
    ((3,), (2, 3)),
    ((2, 3), (2, 1)),
    ((2, 1), (2, 3)),
    ((2, 3), ()),
    ((), ()),
    ((), (1,)),
    ((2,), (3,)),
    ((2, 3, 4), (2, 3, 4)),
    ((0, 3), (0, 3)),
    ((2, 0), (2, 0)),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("first", "second"), SHAPES)
def test_the_shapes_of_pytorch(name: str, first: tuple[int, ...], second: tuple[int, ...]) -> None:
    x = np.linspace(0, 1, int(np.prod(first)), dtype="float32").reshape(first)
    args = _arguments(name, x, x, np.ones(second, "int64"))
    try:
        expected = getattr(TF, name)(*map(torch.from_numpy, args), reduction="none").numpy()
    except (RuntimeError, IndexError):
        with pytest.raises(ValueError, match=f"{name}: "):
            getattr(F, name)(*args, reduction="none")
    else:
        assert getattr(F, name)(*args, reduction="none").shape == expected.shape
        report = parity.compare(getattr(F, name), getattr(TF, name), *args, cotangents=1)
        assert report.same, report.summary()


@pytest.mark.parametrize("name", NAMES)
def test_refuses_wrong_shapes_dtypes_and_options(name: str) -> None:
    f, x = getattr(F, name), np.ones((2, 3), "float32")
    args = _arguments(name, x, x, x)
    with pytest.raises(ValueError, match=f"{name}: reduction must be one of 'none', 'mean', 'sum', but 'batchmean'"):
        f(*args, reduction="batchmean")
    with pytest.raises(TypeError, match=f"{name}: (input|input1) must be an array, but list was given"):
        f([1.0], *args[1:])
    with pytest.raises(TypeError, match=f"{name}: target must be an array, but float was given"):
        f(*args[:-1], 1.0)
    for deprecated in ("size_average", "reduce"):
        with pytest.raises(ValueError, match=f"{name}: {deprecated}=True is deprecated in PyTorch"):
            f(*args, **{deprecated: True})
    if name in ("hinge_embedding_loss", "margin_ranking_loss"):
        with pytest.raises(TypeError, match=f"{name}: margin must be a number, but None was given"):
            f(*args, margin=None)


def test_refuses_what_does_not_broadcast() -> None:
    x = np.ones((2, 3), "float32")
    with pytest.raises(ValueError, match=r"soft_margin_loss: target must broadcast to the input's shape \(3,\)"):
        F.soft_margin_loss(x[0], x)
    with pytest.raises(
        ValueError, match=r"expected shapes that broadcast, but input \(2, 3\), target \(2,\) were given"
    ):
        F.hinge_embedding_loss(x, x[:, 0])
    with pytest.raises(ValueError, match="margin_ranking_loss: expected arguments of one rank, but input1"):
        F.margin_ranking_loss(x, x[0], x)
    with pytest.raises(ValueError, match="multilabel_soft_margin_loss: input must have a dimension of classes"):
        F.multilabel_soft_margin_loss(x[0, 0], x[0, 0])
    with pytest.raises(
        ValueError, match=r"expected shapes that broadcast, but losses \(2, 3\), weight \(2,\) were given"
    ):
        F.multilabel_soft_margin_loss(x, x, x[:, 0])
