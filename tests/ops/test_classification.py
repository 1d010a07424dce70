"""Cross-entropy and negative log-likelihood against PyTorch: options, ignored labels, labels out of range."""

from collections.abc import Callable, Iterator

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
from jaxtut.errors import LabelError
from jaxtut.ops import row_programs

NAMES = ("cross_entropy", "nll_loss")
REDUCTIONS = ("none", "mean", "sum")
CLASSES = 3
SHAPES = ((3,), (4, 3), (2, 3, 2), (2, 3, 2, 2), (0, 3))
WEIGHT = np.array([0.5, 0.0, 2.0], "float32")


@pytest.fixture(autouse=True, params=[row_programs.MANY, 0], ids=["few", "many"])
def many(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have every loss be computed as that of a few scores, and as that of many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_programs, "MANY", request.param)
        yield


SCORES = np.random.default_rng(0).normal(size=(4, CLASSES)).astype("float32")


def _pair(name: str, **options: object) -> tuple[Callable, Callable]:
    """The two functions of scores, labels and perhaps class weights."""
    return tuple(lambda x, y, *w, m=m: getattr(m, name)(x, y, *w, **options) for m in (F, TF))  # type: ignore[return-value]


def _labels(shape: tuple[int, ...], rng: np.random.Generator, ignored: int) -> np.ndarray:
    y = rng.integers(0, CLASSES, shape[:1] + shape[2:] if len(shape) > 1 else ())
    return np.where(rng.uniform(size=y.shape) < 0.2, ignored, y)


@given(
    st.sampled_from(NAMES),
    st.sampled_from(SHAPES),
    st.sampled_from(REDUCTIONS),
    st.booleans(),
    st.sampled_from([0.0, 0.1, 1.0]),
    st.sampled_from([-100, 1]),
    st.integers(0, 99),
)
@settings(max_examples=7, deadline=None, derandomize=True)
def test_same_as_pytorch(
    name: str, shape: tuple[int, ...], reduction: str, weighted: bool, smoothing: float, ignored: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    options = {"label_smoothing": smoothing} if name == "cross_entropy" else {}
    args = [rng.normal(size=shape) * 4, _labels(shape, rng, ignored)] + [WEIGHT] * weighted
    pair = _pair(name, reduction=reduction, ignore_index=ignored, **options)
    report = parity.compare(*pair, *args, argnums=0, cotangents=2)
    assert report.same, report.summary()


@given(
    st.sampled_from(SHAPES), st.sampled_from(REDUCTIONS), st.booleans(), st.sampled_from([0.0, 0.1]), st.integers(0, 99)
)
@settings(max_examples=4, deadline=None, derandomize=True)
def test_same_as_pytorch_with_probabilities(
    shape: tuple[int, ...], reduction: str, weighted: bool, smoothing: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    args = [rng.normal(size=shape) * 4, rng.uniform(size=shape)] + [WEIGHT] * weighted
    pair = _pair("cross_entropy", reduction=reduction, label_smoothing=smoothing)
    report = parity.compare(*pair, *args, argnums=(0, 1), cotangents=2)
    assert report.same, report.summary()


@pytest.mark.parametrize("name", NAMES)
def test_same_at_infinities_nan_ties_and_large_scores(name: str) -> None:
    inf = np.inf
    x = np.array(
        [[inf, 0, 1], [-inf, 0, 1], [0, -inf, 1], [np.nan, 0, 1], [np.nan, 0, 1], [1e4, -1e4, 1e4], [0, 0, 0]],
        "float32",
    )
    y = np.array([1, 0, 0, 0, -100, 1, 2])
    report = parity.compare(*_pair(name, reduction="none"), x, y)
    assert report.same, report.summary()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_all_ignored(name: str, reduction: str, weighted: bool) -> None:
    y = np.full(4, -100)
    ours, theirs = _pair(name, reduction=reduction)
    weight = (WEIGHT,) if weighted else ()
    expected = theirs(torch.tensor(SCORES), torch.tensor(y), *map(torch.tensor, weight)).numpy()
    np.testing.assert_array_equal(ours(SCORES, y, *weight), expected)
    assert np.isnan(ours(SCORES, y, *weight)).all() == (reduction == "mean")


def test_values_and_gradients_by_hand() -> None:
    scores = np.log(np.array([[1.0, 2.0, 5.0], [4.0, 2.0, 2.0]], "float32"))  # softmax: [1, 2, 5] / 8 and [4, 2, 2] / 8
    y = np.array([2, 0])
    ulp = 4 * float(np.finfo("float32").eps)
    np.testing.assert_allclose(F.cross_entropy(scores, y), -(np.log(5 / 8) + np.log(4 / 8)) / 2, rtol=ulp)
    expected = np.array([[1 / 8, 2 / 8, -3 / 8], [-4 / 8, 2 / 8, 2 / 8]]) / 2
    np.testing.assert_allclose(jax.grad(F.cross_entropy)(scores, y), expected, atol=ulp)
    # With class weights the mean divides by their sum, here 2 + 0.5.
    weighted = -(2 * np.log(5 / 8) + 0.5 * np.log(4 / 8)) / 2.5
    np.testing.assert_allclose(F.cross_entropy(scores, y, WEIGHT), weighted, rtol=ulp)


def test_ignored_samples_get_no_gradient_and_do_not_count() -> None:
    y = np.array([0, -100, 2, -100])
    gradient = jax.grad(F.cross_entropy)(SCORES, y)
    np.testing.assert_array_equal(gradient[jnp.array([1, 3])], np.zeros((2, CLASSES)))
    ulp = 4 * float(np.finfo("float32").eps)
    np.testing.assert_allclose(F.cross_entropy(SCORES, y), F.cross_entropy(SCORES[::2], y[::2]), rtol=ulp)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint32", "int64"])
def test_labels_of_any_width(dtype: str) -> None:
    # 8 bits cannot count to 300: a class must not come round again.
    scores = np.random.default_rng(0).normal(size=(2, 300)).astype("float32")
    expected = TF.cross_entropy(torch.tensor(scores), torch.tensor([0, 43])).item()
    np.testing.assert_allclose(
        F.cross_entropy(scores, np.array([0, 43], dtype)), expected, rtol=8 * float(np.finfo("float32").eps)
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [-1, 3, 1000])
def test_refuses_a_label_out_of_range(name: str, bad: int) -> None:
    y = np.array([0, bad, 1, 2])
    for kind in (LabelError, ValueError, IndexError):
        with pytest.raises(kind, match=rf"{name}: target\[1\] is {bad}, but labels must lie in \[0, 2\]"):
            getattr(F, name)(SCORES, y)
    with pytest.raises(LabelError):
        jax.grad(getattr(F, name))(SCORES, y)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [-1, 3, 1000])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_label_out_of_range_under_jit_is_nan_in_loss_and_gradient(name: str, bad: int, smoothing: float) -> None:
    options = {"label_smoothing": smoothing} if name == "cross_entropy" else {}

    def losses(x: jax.Array, y: jax.Array) -> jax.Array:
        return getattr(F, name)(x, y, reduction="none", **options)

    y = np.array([0, bad, 1, 2])
    only = np.array([False, True, False, False])
    np.testing.assert_array_equal(np.isnan(jax.jit(losses)(SCORES, y)), only)
    gradient = jax.jit(jax.grad(lambda x, y: losses(x, y).sum()))(SCORES, y)
    np.testing.assert_array_equal(np.isnan(gradient), np.repeat(only[:, None], CLASSES, axis=1))


@pytest.mark.parametrize("name", NAMES)
def test_a_label_out_of_range_under_vmap_is_nan_in_loss_and_gradient(name: str) -> None:
    y = np.array([0, 3, 1, -1])
    loss, gradient = jax.vmap(jax.value_and_grad(getattr(F, name)))(SCORES, y)
    np.testing.assert_array_equal(np.isnan(loss), [False, True, False, True])
    np.testing.assert_array_equal(np.isnan(gradient).all(1), [False, True, False, True])
    np.testing.assert_array_equal(np.isnan(gradient).any(1), [False, True, False, True])


@pytest.mark.parametrize("name", NAMES)
def test_checkify_finds_the_label_by_name(name: str) -> None:
    checked = jax.jit(checkify.checkify(getattr(F, name)))
    error, _ = checked(SCORES, np.array([0, 3, 1, 2]))
    assert f"{name}: a label lies outside [0, 2]" in (error.get() or "")
    error, _ = checked(SCORES, np.array([0, 2, 1, -100]))
    assert error.get() is None


@pytest.mark.parametrize("name", NAMES)
def test_finite_differences_and_transformations(name: str) -> None:
    y = np.array([0, 2, 1, -100])
    f = _pair(name, weight=np.array([1.0, 2.0, 0.5]))[0]
    with jax.enable_x64(True):
        x = np.asarray(SCORES, "float64")
        check_grads(jax.jit(lambda x: f(x, y)), (x,), order=2, modes=("rev",))
        bound = 8 * np.finfo("float64").eps
        np.testing.assert_allclose(jax.jit(f)(x, y), f(x, y), rtol=bound)
        np.testing.assert_allclose(jax.jacfwd(f)(x, y), jax.jacrev(f)(x, y), atol=bound)
        each = jax.vmap(lambda x, y: getattr(F, name)(x, y, reduction="none"))(x, y)
        np.testing.assert_allclose(each, getattr(F, name)(x, y, reduction="none"), rtol=bound)


@pytest.mark.parametrize("name", NAMES)
def test_refuses_wrong_shapes_dtypes_and_options(name: str) -> None:
    f, y = getattr(F, name), np.array([0, 1, 2, 0])
    with pytest.raises(
        ValueError, match=rf"{name}: target must have shape \(4,\) for an input of shape \(4, 3\), but \(3,\) was given"
    ):
        f(SCORES, y[:3])
    with pytest.raises(ValueError, match="input must have a dimension of classes, but a 0-d array was given"):
        f(np.float32(1.0), np.int32(0))
    with pytest.raises(TypeError, match=f"{name}: input must have a floating dtype, but int32 was given"):
        f(SCORES.astype("int32"), y)
    with pytest.raises(TypeError, match=f"{name}: target must have an integer dtype, but bool was given"):
        f(SCORES, y.astype(bool))
    with pytest.raises(TypeError, match=f"{name}: target must be an array, but list was given"):
        f(SCORES, [0, 1, 2, 0])
    with pytest.raises(ValueError, match=rf"{name}: weight must have shape \(3,\), but \(2,\) was given"):
        f(SCORES, y, WEIGHT[:2])
    with pytest.raises(
        TypeError, match="expected arguments of one dtype, but input float32, weight float16 were given"
    ):
        f(SCORES, y, WEIGHT.astype("float16"))
    with pytest.raises(ValueError, match="reduction must be one of 'none', 'mean', 'sum', but 'average' was given"):
        f(SCORES, y, reduction="average")
    for deprecated in ("size_average", "reduce"):
        with pytest.raises(ValueError, match=f"{name}: {deprecated}=False is deprecated in PyTorch"):
            f(SCORES, y, **{deprecated: False})


def test_refuses_wrong_probabilities_and_smoothing() -> None:
    p = np.full((4, 3), 1 / 3, "float32")
    with pytest.raises(ValueError, match=r"label_smoothing must lie in \[0, 1\], but 1.5 was given"):
        F.cross_entropy(SCORES, p, label_smoothing=1.5)
    with pytest.raises(
        ValueError, match="ignore_index needs labels, but the target holds probabilities and 1 was given"
    ):
        F.cross_entropy(SCORES, p, ignore_index=1)
    with pytest.raises(
        ValueError, match=r"expected arguments of one shape, but input \(4, 3\), target \(3, 3\) were given"
    ):
        F.cross_entropy(SCORES, p[:3])
    with pytest.raises(
        TypeError, match="expected arguments of one dtype, but input float32, target float16 were given"
    ):
        F.cross_entropy(SCORES, p.astype("float16"))
    with pytest.raises(TypeError, match="nll_loss: target must have an integer dtype, but float32 was given"):
        F.nll_loss(SCORES, p)
