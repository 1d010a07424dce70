"""Margins between the scores of classes against PyTorch."""

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
from jaxtut.errors import LabelError
from jaxtut.parity.conventions import Outcome, Row
from jaxtut.parity.conventions.measure import agree, our_outcome, torch_outcome

NAN, INF = np.nan, np.inf
NAMES = ("multi_margin_loss", "multilabel_margin_loss")
REDUCTIONS = ("none", "mean", "sum")
ONE = {
    "x": [[0.25, 0.5, 1.0], [1.0, 0.0, 1.0], [NAN, 0.0, 1.0], [INF, 1.0, 2.0], [0.0, NAN, -INF], [INF, 1.0, INF]],
    "y": [2, 0, 0, 0, 2, 0],
}
MANY = {
    "x": [[0.25, 0.5, 1.0, 2.0], [1.0, 0.0, 1.0, NAN], [INF, 0.0, 1.0, 2.0], [0.0] * 4, [0.0, 1.0, 2.0, 1.0]],
    "y": [[3, 0, -1, 1], [0, 0, -1, -1], [-1, 0, 0, 0], [0, 1, 2, 3], [1, 3, -1, 0]],
}
OPTIONS = ("p=1", "p=2", "margin=0.5", "margin=0", "margin=-1.0", "p=2.0, margin=2", "margin=float('nan')")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("options", OPTIONS)
def test_edge_points_of_one_label(options: str, reduction: str, dtype: str) -> None:
    _same(f"F.multi_margin_loss(x, y, {options}, reduction='{reduction}')", ONE, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_edge_points_of_many_labels(reduction: str, dtype: str) -> None:
    _same(f"F.multilabel_margin_loss(x, y, reduction='{reduction}')", MANY, dtype)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("p", [1, 2])
def test_weights_of_the_classes(reduction: str, p: int) -> None:
    args = {"x": [[0.25, 0.5, 1.0], [1.0, 0.0, 1.0]], "y": [2, 0], "w": [0.5, 1.0, 4.0]}
    _same(f"F.multi_margin_loss(x, y, p={p}, weight=w, reduction='{reduction}')", args, "float32", fixed=("w",))


def _same(call: str, args: dict, dtype: str, fixed: tuple[str, ...] = ()) -> None:
    row = Row("", "", args, call, "", Outcome(), Outcome(), "", dtype=dtype, fixed=fixed)
    theirs = torch_outcome(row)
    assert not theirs.error
    for under_jit in (False, True) if dtype == "float32" else (True,):
        assert agree(our_outcome(row, under_jit), theirs, ulps=2)


@pytest.mark.parametrize("name", NAMES)
def test_an_infinite_cotangent(name: str) -> None:
    x, y = (np.array(v) for v in (MANY if name == "multilabel_margin_loss" else ONE).values())
    for row, labels in zip(x.astype("float32"), y, strict=True):
        _, pull_back = jax.vjp(lambda x, labels=labels: getattr(F, name)(x, labels), row)
        theirs = torch.tensor(row, requires_grad=True)
        (slope,) = torch.autograd.grad(getattr(TF, name)(theirs, torch.tensor(labels)), theirs, torch.tensor(INF))
        np.testing.assert_array_equal(pull_back(np.float32(INF))[0], slope.numpy(), strict=True)


def test_values_and_slopes_by_hand() -> None:
    x = np.array([[0.0, 1.0, 3.0, 1.0]], "float32")
    assert float(F.multi_margin_loss(x, np.array([1]))) == 1.0  # (0 + 3 + 1) / 4
    assert jax.grad(F.multi_margin_loss)(x, np.array([1])).tolist() == [[0.0, -0.5, 0.25, 0.25]]
    assert float(F.multi_margin_loss(x, np.array([1]), p=2)) == 2.5  # (0 + 9 + 1) / 4
    assert jax.grad(F.multi_margin_loss)(x, np.array([1]), p=2).tolist() == [[0.0, -2.0, 1.5, 0.5]]
    many = np.array([[1, 0, -1, 2]])
    assert float(F.multilabel_margin_loss(x, many)) == 2.5  # (3 + 1 + 4 + 2) / 4
    assert jax.grad(F.multilabel_margin_loss)(x, many).tolist() == [[-0.5, -0.5, 0.5, 0.5]]


rows = st.sampled_from([(1, 3), (2, 4), (3, 2)]).flatmap(
    lambda shape: st.tuples(
        arrays(np.float32, shape, elements=st.sampled_from([-1.0, 0.0, 0.5, 1.0]) | st.floats(-5, 5, width=32)),
        arrays(np.int64, shape, elements=st.integers(-1, shape[1] - 1)),
    )
)


@given(st.sampled_from(NAMES), rows, st.sampled_from(REDUCTIONS))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_same_as_pytorch(name: str, row: tuple[np.ndarray, np.ndarray], reduction: str) -> None:
    x, y = row
    labels = y if name == "multilabel_margin_loss" else np.maximum(y[:, 0], 0)
    sides = (lambda *a, m=m: getattr(m, name)(*a, reduction=reduction) for m in (F, TF))
    report = parity.compare(*sides, x, labels, cotangents=1)
    assert report.same, report.summary()


@pytest.mark.parametrize("name", NAMES)
def test_finite_differences(name: str) -> None:
    x = np.array([[0.5, -1.0, 2.25], [2.5, 0.25, 1.0]])
    y = np.array([[1, 0, -1], [2, -1, -1]]) if name == "multilabel_margin_loss" else np.array([1, 2])
    with jax.enable_x64(True):
        check_grads(lambda x: jax.jit(getattr(F, name))(x, y), (x,), order=2, modes=("rev", "fwd"))
        w = np.array([0.5, 2.0, 1.0])
        if name == "multi_margin_loss":
            check_grads(lambda x, w: F.multi_margin_loss(x, y, 2, weight=w), (x, w), order=2, modes=("rev", "fwd"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [3, 7, -2, -100])
def test_a_label_out_of_range(name: str, bad: int) -> None:
    f, x, least = getattr(F, name), np.array([[0.5, -1.0, 2.0], [2.5, 0.25, 1.0]], "float32"), 0
    y, where = np.array([1, bad]), "[1]"
    if name == "multilabel_margin_loss":
        y, where, least = np.array([[1, -1, 0], [0, -1, bad]]), "[1, 2]", -1
    with pytest.raises(RuntimeError):
        getattr(TF, name)(torch.from_numpy(x), torch.from_numpy(y))
    message = f"{name}: target{where} is {bad}, but labels must lie in [{least}, 2]"
    with pytest.raises(LabelError) as error:
        f(x, y)
    assert str(error.value) == message
    losses = jax.jit(lambda x, y: f(x, y, reduction="none"))(x, y)
    slopes = jax.jit(jax.grad(lambda x, y: f(x, y, reduction="sum")))(x, y)
    assert np.isnan(losses).tolist() == [False, True]
    assert np.isnan(slopes).tolist() == [[False] * 3, [True] * 3]
    each = jax.vmap(f)(x, y)
    assert np.isnan(each).tolist() == [False, True]


SHAPES = {
    "multi_margin_loss": [
        *[((2, 3), y) for y in ((2,), (3,), (2, 1), (), (2, 3))],
        *[((1, 3), y) for y in ((1,), (), (1, 1))],
        *[((3,), y) for y in ((), (1,), (3,))],
        *[((), y) for y in ((), (1,))],
        ((0, 3), (0,)),
        ((2, 0), (2,)),
        ((0,), ()),
        ((2, 3, 4), (2, 4)),
    ],
    "multilabel_margin_loss": [
        *[((2, 3), y) for y in ((2, 3), (3,), (2,), (2, 4))],
        *[((3,), y) for y in ((3,), (1, 3))],
        *[((1,), y) for y in ((1,), ())],
        *[((), y) for y in ((), (1,))],
        ((1, 3), (3,)),
        ((0, 3), (0, 3)),
        ((2, 0), (2, 0)),
        ((0,), (0,)),
        ((2, 3, 4), (2, 3, 4)),
    ],
}


@pytest.mark.parametrize(("name", "first", "second"), [(n, *s) for n, shapes in SHAPES.items() for s in shapes])
def test_the_shapes_of_pytorch(name: str, first: tuple[int, ...], second: tuple[int, ...]) -> None:
    args = np.linspace(0, 1, int(np.prod(first)), dtype="float32").reshape(first), np.zeros(second, "int64")
    try:
        expected = getattr(TF, name)(*map(torch.from_numpy, args), reduction="none").numpy()
    except RuntimeError:
        with pytest.raises(ValueError, match=f"{name}: (input|target) must have"):
            getattr(F, name)(*args, reduction="none")
    else:
        sides = (lambda *a, m=m: getattr(m, name)(*a, reduction="none") for m in (F, TF))
        report = parity.compare(*sides, *args, cotangents=1)
        assert report.same, report.summary()
        assert getattr(F, name)(*args, reduction="none").shape == expected.shape


@pytest.mark.parametrize("name", NAMES)
def test_nothing_at_all(name: str) -> None:
    x, y = np.zeros((0, 3), "float32"), np.zeros((0, 3) if name == "multilabel_margin_loss" else 0, "int32")
    assert getattr(F, name)(x, y, reduction="none").shape == (0,)
    assert float(getattr(F, name)(x, y, reduction="sum")) == 0.0  # PyTorch returns what the memory held
    assert np.isnan(getattr(F, name)(x, y))


@pytest.mark.parametrize("name", NAMES)
def test_refuses_wrong_shapes_dtypes_and_options(name: str) -> None:
    f, x = getattr(F, name), np.ones((2, 3), "float32")
    y = np.zeros((2, 3), "int32") if name == "multilabel_margin_loss" else np.zeros(2, "int32")
    for dtype in ("float16", "int32"):
        with pytest.raises(
            TypeError, match=f"{name}: input must (be float32 or float64|have a floating dtype), but {dtype}"
        ):
            f(x.astype(dtype), y)
    with pytest.raises(TypeError, match=f"{name}: target must have an integer dtype, but float32 was given"):
        f(x, y.astype("float32"))
    with pytest.raises(ValueError, match=rf"{name}: target must have .*\(2,.* but \(1,.* was given"):
        f(x, y[:1])
    with pytest.raises(
        ValueError, match=r"input must have shape \(batch, classes\) or \(classes,\), with classes, but"
    ):
        f(x[:, :0], y)
    with pytest.raises(ValueError, match=f"{name}: reduction must be one of 'none', 'mean', 'sum', but None was given"):
        f(x, y, reduction=None)
    for deprecated in ("size_average", "reduce"):
        with pytest.raises(ValueError, match=f"{name}: {deprecated}=True is deprecated in PyTorch"):
            f(x, y, **{deprecated: True})


def test_refuses_options_of_multi_margin_loss() -> None:
    x, y = np.ones((2, 3), "float32"), np.zeros(2, "int32")
    for p in (3, 1.5, "a"):
        with pytest.raises(ValueError, match=f"multi_margin_loss: p must be 1 or 2, but {p!r} was given"):
            F.multi_margin_loss(x, y, p=p)
    with pytest.raises(TypeError, match="multi_margin_loss: margin must be a number, but None was given"):
        F.multi_margin_loss(x, y, margin=None)
    with pytest.raises(ValueError, match=r"multi_margin_loss: weight must have shape \(3,\), but \(2, 3\) was given"):
        F.multi_margin_loss(x, y, weight=x)
    with pytest.raises(
        TypeError, match="expected arguments of one dtype, but input float32, weight float16 were given"
    ):
        F.multi_margin_loss(x, y, weight=x[0].astype("float16"))
