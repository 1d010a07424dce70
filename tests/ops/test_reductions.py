"""Statistics, products, norms and distances against PyTorch: edges, dtypes, refusals."""

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
from hypothesis.extra.numpy import arrays
from jax.test_util import check_grads

from jaxtut import functional as F
from jaxtut import parity

NAN, INF = float("nan"), float("inf")
few = arrays(np.float32, st.sampled_from([(3,), (2, 3)]), elements=st.sampled_from([0.0, 1.0, -2.0, 3.0, NAN, INF]))
PRODUCTS = [
    [2.0, 0, 3],
    [0.0, 0, 3],
    [NAN, 0, 2],
    [INF, 0, 2],
    [INF, 2, 1],
    [NAN, 2, 3],
    [INF, 0, 0],
    [NAN, 0, 0],
    [-0.0, 2, 1],
]


@pytest.mark.parametrize(
    "x", [*PRODUCTS, [[1.0, 2, INF], [0.0, 1, 2]], [[1.0, 2], [0, 3], [NAN, 0]], [1.0, 0, 2, 0, 3], [2.0, 0, INF, 0, 3]]
)
@pytest.mark.parametrize("name", ["prod", "prod along", "cumprod"])
@pytest.mark.parametrize("cotangent", [1.0, INF])
def test_products_with_zeros_infinities_and_nan(x: list, name: str, cotangent: float) -> None:
    def call(m: Any, x: Any) -> Any:
        return m.prod(x) if name == "prod" else m.prod(x, 0) if name == "prod along" else m.cumprod(x, -1)

    given = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    theirs = call(torch, given)
    (slope,) = torch.autograd.grad(theirs, given, torch.full_like(theirs, cotangent))
    with jax.enable_x64(True):
        y, pull_back = jax.vjp(lambda x: call(F, x), jnp.asarray(x))
        np.testing.assert_array_equal(y, theirs.detach().numpy(), strict=True)
        np.testing.assert_array_equal(pull_back(jnp.full(y.shape, cotangent))[0], slope.numpy(), strict=True)


@given(few, st.sampled_from(["prod", "cumprod", "logsumexp", "var", "std", "norm"]))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_same_as_pytorch_along_a_dimension(x: np.ndarray, name: str) -> None:
    dims = {"norm": (2, -1)}.get(name, (-1,))
    report = parity.compare(lambda x: getattr(F, name)(x, *dims), lambda x: getattr(torch, name)(x, *dims), x)
    assert report.same, report.summary()


@given(few, st.sampled_from([0, 1, 2, 3, 1.5, 0.5, -1, INF, -INF]))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_norms_same_as_pytorch(x: np.ndarray, p: float) -> None:
    report = parity.compare(lambda x: F.vector_norm(x, p, -1), lambda x: torch.linalg.vector_norm(x, p, -1), x)
    assert report.same, report.summary()


def test_values_and_slopes_by_hand() -> None:
    x = np.array([3.0, -4.0, 0.0], "float32")
    assert [float(F.norm(x, p)) for p in (1, 2, INF, -INF, 0)] == [7.0, 5.0, 4.0, 0.0, 2.0]
    assert jax.grad(F.norm)(np.zeros(2, "float32")).tolist() == [0.0, 0.0]
    assert jax.grad(lambda x: F.norm(x, 1))(x).tolist() == [1.0, -1.0, 0.0]
    assert jax.grad(lambda x: F.norm(x, INF))(np.array([2.0, -2.0], "float32")).tolist() == [0.5, -0.5]
    assert F.normalize(np.array([[0.0, 0.0], [0.0, 2.0]], "float32")).tolist() == [[0, 0], [0, 1]]
    numbers = np.array([1.0, 3.0, 5.0], "float32")
    assert (float(F.var(numbers)), float(F.std(numbers)), float(F.var(numbers, correction=0))) == (
        4.0,
        2.0,
        np.float32(8 / 3),
    )
    assert jax.grad(F.std)(numbers).tolist() == [-0.5, 0.0, 0.5]
    assert jax.grad(F.prod)(np.array([2.0, 0.0, 3.0], "float32")).tolist() == [0.0, 6.0, 0.0]
    assert F.cumprod(numbers, 0).tolist() == [1.0, 3.0, 15.0]
    a, b = np.array([[0.0, 0.0], [3.0, 4.0]], "float32"), np.array([[3.0, 4.0]], "float32")
    assert F.cdist(a, b).tolist() == [[5.0], [0.0]]
    assert jax.grad(lambda a: F.cdist(a, b).sum())(a)[1].tolist() == [0.0, 0.0]
    assert F.pdist(a).tolist() == [5.0]
    assert F.pairwise_distance(a, b, eps=0).tolist() == [5.0, 0.0]
    assert F.cosine_similarity(a, b).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("number", [0.1, 1e4, -3.3e-3])
def test_the_spread_of_equal_numbers_is_zero_and_has_slope_zero(number: float) -> None:
    x = np.full((3, 7), number, "float32")
    for f in (F.std, F.var):
        assert float(f(x)) == 0.0
        assert not jax.grad(f)(x).any()
        assert not jax.grad(lambda x, f=f: f(x, 1).sum())(x).any()


@pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0")
@pytest.mark.parametrize("x", [[5.0], [1.0, 2.0], [2.0, 2.0], [INF, 1.0], 3.0, [[1.0], [2.0]], []])
@pytest.mark.parametrize(
    "options", [{}, {"correction": 0}, {"correction": 2}, {"correction": 5}, {"dim": 0, "correction": 5}, {"dim": -1}]
)
@pytest.mark.parametrize("name", ["std", "var"])
def test_spread_without_a_degree_of_freedom(x: list, options: dict, name: str) -> None:
    given = torch.tensor(x, requires_grad=True)
    theirs = getattr(torch, name)(given, **options)
    (slope,) = torch.autograd.grad(theirs.sum(), given)
    found, gradient = jax.value_and_grad(lambda x: getattr(F, name)(x, **options).sum())(np.asarray(x, "float32"))
    np.testing.assert_array_equal(found, theirs.sum().detach().numpy())
    np.testing.assert_allclose(gradient, slope.numpy(), rtol=float(np.finfo("float32").eps))


def test_unbiased_stands_where_pytorch_has_it() -> None:
    x = np.array([[1.0, 3.0], [2.0, 8.0]], "float32")
    for f, g in ((F.std, torch.std), (F.var, torch.var)):
        given = torch.tensor(x)
        for args in ((False,), (True,), (1, False), (0, True, True), (None, False, True), ((0, 1), False)):
            np.testing.assert_allclose(
                f(x, *args), g(given, *args).numpy(), rtol=float(np.finfo("float32").eps), strict=True
            )


DTYPES = ("bool", "uint8", "int8", "int32", "int64", "float16", "bfloat16", "float32", "float64")
CALLS: dict[str, Callable] = {
    "std": lambda m, x: m.std(x),
    "var": lambda m, x: m.var(x, 0),
    "logsumexp": lambda m, x: m.logsumexp(x, 0),
    "prod": lambda m, x: m.prod(x),
    "cumprod": lambda m, x: m.cumprod(x, 0),
    "norm": lambda m, x: m.norm(x),
    "pdist": lambda m, x: m.pdist(x),
    "cdist": lambda m, x: m.cdist(x, x),
    "normalize": lambda m, x: m.normalize(x),
    "cosine_similarity": lambda m, x: m.cosine_similarity(x, x),
    "pairwise_distance": lambda m, x: m.pairwise_distance(x, x),
}


class _Torch:
    def __getattr__(self, name: str) -> Callable:
        return getattr(TF, name, None) or getattr(torch, name)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_dtype_is_pytorchs(name: str, dtype: str) -> None:
    call = CALLS[name]
    with jax.enable_x64(True):
        x = jnp.ones((2, 2), dtype)
        try:
            expected = str(call(_Torch(), torch.ones(2, 2, dtype=getattr(torch, dtype))).dtype).removeprefix("torch.")
        except RuntimeError:
            with pytest.raises(TypeError):
                call(F, x)
        else:
            assert call(F, x).dtype == expected


def test_a_given_dtype() -> None:
    with jax.enable_x64(True):
        x = np.array([3.0, 4.0], "float32")
        assert F.norm(x, 2, dtype="float64").dtype == F.prod(x, dtype="float64").dtype == "float64"
        assert F.cumprod(np.array([1, 2]), 0, dtype="float32").dtype == "float32"
        for dtype in ("float16", "int32"):
            with pytest.raises(
                TypeError, match=f"vector_norm: dtype must be floating and hold float32, but {dtype} was given"
            ):
                F.vector_norm(x, dtype=dtype)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, 1.5, 0.5])
def test_finite_differences(p: float) -> None:
    order = 2 if p in (1.5, 2.0) else 1  # below 1 the second differences are too coarse
    with jax.enable_x64(True):
        a, b = np.array([[0.5, -1.0], [2.0, 0.3]]), np.array([[1.5, 0.25], [-1.0, 2.0]])
        check_grads(lambda a: F.vector_norm(a, p, 1), (a,), order=order, modes=("fwd", "rev"))
        check_grads(lambda a, b: F.cdist(a, b, p), (a, b), order=order, modes=("fwd", "rev"))
        check_grads(lambda a: F.pdist(a, p), (a,), order=order, modes=("fwd", "rev"))


def test_finite_differences_of_products_and_spreads() -> None:
    with jax.enable_x64(True):
        a = np.array([[0.5, -1.0], [2.0, 0.3]])
        for f in (lambda a: F.prod(a, 1), lambda a: F.cumprod(a, 0), lambda a: F.std(a, 1), F.normalize):
            check_grads(f, (a,), order=2, modes=("fwd", "rev"))


def test_products_with_a_zero_by_finite_differences() -> None:
    with jax.enable_x64(True):
        for x in ([2.0, 0.0, 3.0, 0.5], [0.0, 1.5, 0.0, 2.0]):
            check_grads(lambda x: F.cumprod(x, 0), (np.array(x),), order=1, modes=("fwd", "rev"))
            check_grads(lambda x: F.prod(x, 0), (np.array(x),), order=1, modes=("fwd", "rev"))
            check_grads(F.prod, (np.array(x),), order=1, modes=("fwd", "rev"))


def test_what_pytorch_segfaults_at() -> None:
    assert F.pdist(np.zeros((0, 2), "float32")).shape == (0,)  # backward through it ends PyTorch 2.13's process
    assert jax.grad(lambda x: F.pdist(x).sum())(np.zeros((0, 2), "float32")).shape == (0, 2)


def test_statistics_and_products_refuse_what_pytorch_refuses() -> None:
    x = np.ones((2, 3), "float32")
    for name in ("std", "var"):
        f = getattr(F, name)
        with pytest.raises(TypeError, match=f"{name}: expected unbiased or correction, but both were given"):
            f(x, unbiased=True, correction=1)
        with pytest.raises(TypeError, match=f"{name}: unbiased was given twice"):
            f(x, False, True)
        with pytest.raises(TypeError, match=f"{name}: input must have a floating dtype, but int32 was given"):
            f(x.astype("int32"))
        with pytest.raises(TypeError, match=f"{name}: dim must be an integer or a tuple of them, but 'a' was given"):
            f(x, "a")
        with pytest.raises(ValueError, match=rf"{name}: dim=\(\) is not taken; write dim=None"):
            f(x, ())
    with pytest.raises(TypeError, match="logsumexp: dim must be an integer or a tuple of them, but None was given"):
        F.logsumexp(x, None)
    with pytest.raises(ValueError, match=r"logsumexp: dim=\(\) needs keepdim=True"):
        F.logsumexp(x, ())
    with pytest.raises(TypeError, match="prod: keepdim needs dim"):
        F.prod(x, keepdim=True)
    with pytest.raises(TypeError, match=r"prod: dim must be an integer, but \(0,\) was given"):
        F.prod(x, (0,))
    with pytest.raises(ValueError, match=r"cumprod: dim must lie in \[-2, 1\]"):
        F.cumprod(x, 2)


def test_norms_and_distances_refuse_what_pytorch_refuses() -> None:
    x = np.ones((2, 3), "float32")
    with pytest.raises(TypeError, match="vector_norm: ord must be a number, but 'fro' was given"):
        F.vector_norm(x, "fro")
    with pytest.raises(ValueError, match="norm: p must be a number or 'fro', but 'nuc' was given"):
        F.norm(x, "nuc")
    with pytest.raises(ValueError, match="norm: p='fro' takes one or two dimensions"):
        F.norm(x[None], "fro", (0, 1, 2))
    with pytest.raises(ValueError, match="norm: expected at least one element to choose from"):
        F.norm(x[:0], INF)
    with pytest.raises(
        ValueError, match=r"normalize: dim must lie in \[-1, 0\] for an array of rank 1, but 1 was given"
    ):
        F.normalize(x[0])
    with pytest.raises(
        ValueError, match=r"cdist: expected vectors of one length, but x1 \(2, 3\), x2 \(2, 2\) were given"
    ):
        F.cdist(x, x[:, :2])
    with pytest.raises(ValueError, match="cdist: expected at least two dimensions"):
        F.cdist(x[0], x)
    with pytest.raises(ValueError, match="cdist: expected batches that broadcast"):
        F.cdist(np.ones((2, 2, 3), "float32"), np.ones((3, 2, 3), "float32"))
    with pytest.raises(ValueError, match="cdist: compute_mode must be one of"):
        F.cdist(x, x, compute_mode="x")
    with pytest.raises(ValueError, match=r"cdist: p must lie in \[0, inf\], but -1.0 was given"):
        F.cdist(x, x, -1.0)
    with pytest.raises(TypeError, match="cdist: x2 must have dtype float32 or float64, but float16 was given"):
        F.cdist(x, x.astype("float16"))
    with pytest.raises(ValueError, match=r"pdist: input must have shape \(any, any\), but \(3,\) was given"):
        F.pdist(x[0])
    with pytest.raises(
        TypeError, match="pairwise_distance: x1 must have an integer or a floating dtype, but bool was given"
    ):
        F.pairwise_distance(x > 0, x)
    with pytest.raises(ValueError, match="pairwise_distance: p=inf needs vectors with elements"):
        F.pairwise_distance(x[:, :0], x[:, :0], INF)
    with pytest.raises(
        TypeError, match="cosine_similarity: x1 with x2 must have a floating dtype, but int32 was given"
    ):
        F.cosine_similarity(x.astype("int32"), x.astype("int32"))
    with pytest.raises(ValueError, match="cosine_similarity: expected shapes that broadcast"):
        F.cosine_similarity(x, x[:, :2])
