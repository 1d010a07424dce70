"""Losses between embeddings against PyTorch."""

import math
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
NAMES = ("cosine_embedding_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss")
TRIPLETS = NAMES[1:]
COSINES = {
    "a": [[1.0, 0.0], [0.0, 0.0], [1.0, 2.0], [NAN, 0.0], [INF, 1.0], [1e-20, 0.0], [1.0, 1.0], [1e30, 1.0]],
    "b": [[0.0, 1.0], [3.0, 4.0], [-2.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [0.0, 1.0], [1.0, 1.0]],
    "t": [-1, 1, -1, 1, 1, -1, 0, 1],
}
TRIPLES = {
    "a": [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0], [NAN, 0.0], [INF, 0.0], [1.0, 2.0], [0.0, 0.0], [0.0, 0.0]],
    "p": [[0.0, 0.0], [3.0, 4.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0], [1.0, 2.0], [1.0, 1.0], [2.0, 0.0]],
    "n": [[0.0, 0.0], [0.0, 1.0], [1.0, 2.0], [1.0, 0.0], [0.0, 1.0], [1.0, 2.0], [0.25, 0.25], [1.0, 0.0]],
}
NORMS = ("2", "1", "float('inf')", "0", "0.5", "3", "1.5", "-1", "float('-inf')", "float('nan')")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("margin", ["0", "0.5", "-2", "float('nan')"])
@pytest.mark.parametrize("sign", [1, -1])
def test_edge_points_of_the_cosine(margin: str, sign: int, dtype: str) -> None:
    args = COSINES | {"t": [sign * t for t in COSINES["t"]]}
    _same(f"F.cosine_embedding_loss(a, b, t, {margin}, reduction='none')", args, dtype)


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("p", NORMS)
def test_edge_points_of_every_norm(p: str, swap: bool) -> None:
    _same(f"F.triplet_margin_loss(a, p, n, p={p}, eps=0.0, swap={swap}, reduction='none')", TRIPLES, "float32")


@pytest.mark.parametrize("swap", [False, True])
def test_edge_points_of_a_distance(swap: bool) -> None:
    squared = "distance_function=lambda x, y: ((x - y) ** 2).sum(-1)"
    _same(f"F.triplet_margin_with_distance_loss(a, p, n, {squared}, swap={swap}, reduction='none')", TRIPLES, "float32")


def _same(call: str, args: dict, dtype: str) -> None:
    row = Row("", "", args, call, "", Outcome(), Outcome(), "", dtype=dtype)
    theirs = torch_outcome(row)
    assert not theirs.error
    for under_jit in (False, True) if dtype == "float32" else (True,):
        assert agree(our_outcome(row, under_jit), theirs, ULPS)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, math.inf, 0, 0.5])
def test_an_infinite_cotangent(p: float) -> None:
    anchor, positive, negative = (np.array(v, "float32") for v in TRIPLES.values())
    options = {"p": p, "eps": 0.0, "reduction": "none"}
    y, pull_back = jax.vjp(lambda *a: F.triplet_margin_loss(*a, **options), anchor, positive, negative)
    theirs = [torch.tensor(x, requires_grad=True) for x in (anchor, positive, negative)]
    loss = TF.triplet_margin_loss(*theirs, **options)
    slopes = torch.autograd.grad(loss, theirs, torch.full_like(loss, INF), allow_unused=True)
    for ours, slope, x in zip(pull_back(jnp.full(y.shape, INF, y.dtype)), slopes, theirs, strict=True):
        np.testing.assert_array_equal(ours, torch.zeros_like(x) if slope is None else slope)


def test_values_and_slopes_by_hand() -> None:
    a, b = np.array([[1.0, 0.0], [3.0, 4.0]], "float32"), np.array([[0.0, 2.0], [3.0, 4.0]], "float32")
    assert F.cosine_embedding_loss(a, b, np.array([1, -1]), reduction="none").tolist() == [1.0, 1.0]
    slope = jax.grad(F.cosine_embedding_loss)(a[:1], b[:1], np.array([-1]))  # the cosine is 0, the margin too
    assert slope.tolist() == [[0.0, 1.0]]
    a, p, n = (np.array([v], "float32") for v in ([0.0, 0.0], [3.0, 4.0], [0.0, 6.0]))
    f = F.triplet_margin_loss
    assert float(f(a, p, n, eps=0.0)) == 0.0
    assert [s.tolist() for s in jax.grad(f, argnums=(1, 2))(a, p, n + 0, eps=0.0)] == [
        [[np.float32(0.6), np.float32(0.8)]],
        [[0.0, -1.0]],
    ]
    assert float(f(a, p, n, p=1, eps=0.0)) == 2.0
    assert float(f(a, p, n, p=math.inf, margin=3, eps=0.0)) == 1.0
    assert float(f(a, p, n, p=0, margin=3, eps=0.0)) == 4.0
    assert (
        float(f(a, p, n, swap=True, p=1, eps=0.0)) == 3.0
    )  # the positive one is 5 from the negative one, the anchor 6


def test_plain_jax_would_differ() -> None:
    assert np.isnan(jax.grad(lambda x: jnp.linalg.norm(x))(jnp.zeros(2))).all()
    same = np.ones((1, 2), "float32")
    slope = jax.grad(F.triplet_margin_loss)(same, same, same + 1, margin=2.0, eps=0.0)
    assert np.isfinite(slope).all()


numbers = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]) | st.floats(-5, 5, width=32, allow_subnormal=False)
triples = st.tuples(*(arrays(np.float32, (2, 3), elements=numbers) for _ in range(3)))


@given(st.sampled_from(NAMES), triples, st.sampled_from([1, 2, 3, math.inf]), st.booleans())
@settings(max_examples=8, deadline=None, derandomize=True)
def test_same_as_pytorch(name: str, triple: tuple[np.ndarray, ...], p: float, swap: bool) -> None:
    options = {"p": p, "swap": swap} if name == "triplet_margin_loss" else {}
    args = (*triple[:2], np.array([1, -1])) if name == "cosine_embedding_loss" else triple
    sides = (lambda *a, m=m: getattr(m, name)(*a, **options) for m in (F, TF))
    report = parity.compare(*sides, *args, cotangents=1)
    assert report.same, report.summary()


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 0.5, math.inf])
def test_finite_differences_of_triplets(p: float) -> None:
    a, q, n = (
        np.array([[0.5, -1.0], [2.0, 0.25]]),
        np.array([[1.0, 1.5], [-1.0, 2.0]]),
        np.array([[0.0, 1.0], [2.5, 3.0]]),
    )
    with jax.enable_x64(True):
        for swap in (False, True):
            f = jax.jit(lambda *x, swap=swap: F.triplet_margin_loss(*x, margin=3.0, p=p, swap=swap))
            check_grads(f, (a, q, n), order=2 if p == 2 and swap else 1, modes=("rev", "fwd"))


def test_finite_differences_of_the_cosine() -> None:
    a, b, t = np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([[1.0, 1.5], [1.0, 2.0]]), np.array([1, -1])
    with jax.enable_x64(True):
        check_grads(lambda a, b: jax.jit(F.cosine_embedding_loss)(a, b, t), (a, b), order=2, modes=("rev", "fwd"))


DTYPES = ("bool", "int64", "float16", "float32", "float64")


@pytest.mark.parametrize("dtypes", [(a, b, c) for a in DTYPES for b in DTYPES for c in DTYPES[1:]])
def test_the_dtypes_of_pytorch(dtypes: tuple[str, ...]) -> None:
    with jax.enable_x64(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in NAMES:
            shapes = ((1, 3), (1, 3), (1,)) if name == "cosine_embedding_loss" else ((1, 3),) * 3
            args = [np.ones(s, d) for s, d in zip(shapes, dtypes, strict=True)]
            try:
                expected = getattr(TF, name)(*map(torch.from_numpy, args)).numpy().dtype
            except RuntimeError:
                with pytest.raises(TypeError, match=f"{name}: (anchor|positive) must"):
                    getattr(F, name)(*args)
            else:
                assert getattr(F, name)(*args).dtype == expected, name


COSINE_SHAPES = [
    *[((2, 3), (2, 3), t) for t in ((2,), (1,), (), (3,), (2, 1))],
    *[((3,), (3,), t) for t in ((), (1,))],
    *[((2, 3), b, (2,)) for b in ((1, 3), (2, 1), (3,), (2, 4))],
    ((1, 3), (1, 3), (4,)),
    ((), (), ()),
    ((0, 3), (0, 3), (0,)),
    ((2, 0), (2, 0), (2,)),
    ((2, 3, 4), (2, 3, 4), (2,)),
]
TRIPLET_SHAPES = [
    *[((2, 3), p, (2, 3)) for p in ((2, 3), (1, 3), (2, 1), (3,), (2, 4), (4, 3))],
    ((3,), (3,), (3,)),
    ((), (), ()),
    ((0, 3), (0, 3), (0, 3)),
    ((2, 0), (2, 0), (2, 0)),
    ((0,), (0,), (0,)),
    ((2, 1), (2, 3), (2, 4)),
    ((2, 3, 4), (2, 3, 4), (2, 3, 4)),
]


@pytest.mark.parametrize(
    ("name", "shapes"),
    [(NAMES[0], s) for s in COSINE_SHAPES] + [(n, s) for n in TRIPLETS for s in TRIPLET_SHAPES],
)
def test_the_shapes_of_pytorch(name: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    generator = np.random.default_rng(0)
    args = [generator.standard_normal(s).astype("float32") for s in shapes]
    args = [np.asarray(x) for x in args]
    if name == NAMES[0]:
        args[2] = np.ones(shapes[2], "int64")
    try:
        expected = getattr(TF, name)(*map(torch.from_numpy, args), reduction="none").numpy()
    except RuntimeError:
        with pytest.raises(ValueError, match=f"{name}: expected"):
            getattr(F, name)(*args, reduction="none")
    else:
        assert getattr(F, name)(*args, reduction="none").shape == expected.shape
        report = parity.compare(getattr(F, name), getattr(TF, name), *args, cotangents=1)
        assert report.same, report.summary()


def test_refuses_norms_that_nothing_has() -> None:
    nothing = np.ones((2, 0), "float32")
    for p in (math.inf, -math.inf, -1):
        with pytest.raises(
            ValueError, match=r"the norm with p = .* needs features, but arrays of shape \(2, 0\) have none"
        ):
            F.triplet_margin_loss(nothing, nothing, nothing, p=p)
    assert F.triplet_margin_loss(nothing, nothing, nothing, p=0, reduction="none").tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", NAMES)
def test_refuses_wrong_dtypes_and_options(name: str) -> None:
    f, x = getattr(F, name), np.ones((2, 3), "float32")
    args = (x, x, np.ones(2, "int32")) if name == NAMES[0] else (x, x, x)
    with pytest.raises(TypeError, match=f"{name}: (input1|anchor) must be an array, but list was given"):
        f([1.0], *args[1:])
    with pytest.raises(ValueError, match=f"{name}: reduction must be one of 'none', 'mean', 'sum', but 'x' was given"):
        f(*args, reduction="x")
    with pytest.raises(TypeError, match=f"{name}: margin must be a number, but None was given"):
        f(*args, margin=None)
    if name in TRIPLETS:
        for margin in (0, -1.0):
            with pytest.raises(ValueError, match=f"{name}: margin must be positive, but {margin} was given"):
                f(*args, margin=margin)
        with pytest.raises(ValueError, match=f"{name}: expected arguments of one rank, but anchor"):
            f(x, x[0], x)
    if name != NAMES[2]:
        for deprecated in ("size_average", "reduce"):
            with pytest.raises(ValueError, match=f"{name}: {deprecated}=True is deprecated in PyTorch"):
                f(*args, **{deprecated: True})


def test_refuses_options_of_triplet_margin_loss() -> None:
    x = np.ones((2, 3), "float32")
    for option in ("p", "eps"):
        with pytest.raises(TypeError, match=f"triplet_margin_loss: {option} must be a number, but 'a' was given"):
            F.triplet_margin_loss(x, x, x, **{option: "a"})
    with pytest.raises(ValueError, match=r"but anchor \(2, 3\), positive \(2, 2\) were given"):
        F.triplet_margin_loss(x, x[:, :2], x)
