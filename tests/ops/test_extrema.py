"""Extrema, clamping and order against PyTorch: winners at ties and NaN, dtypes, refusals."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jaxtut import functional as F
from jaxtut import parity

NAN, INF = float("nan"), float("inf")
# Few different numbers, so that ties are everywhere.
tied = arrays(np.float32, st.sampled_from([(4,), (3, 4)]), elements=st.sampled_from([-1.0, 0.0, 2.0, NAN, INF, -INF]))
ROWS = np.array([[1.0, 7, 7, 0], [NAN, 1, NAN, 1], [-INF, -INF, -INF, -INF], [INF, 2, INF, 3], [0, -0.0, 0, 5]])
SELECTING: dict[str, Callable] = {
    "max": lambda m, x: m.max(x, 1),
    "min": lambda m, x: m.min(x, -1, True),
    "sort": lambda m, x: m.sort(x, dim=1, stable=True),
    "sort, descending": lambda m, x: m.sort(x, dim=0, descending=True, stable=True),
    "median": lambda m, x: m.median(x, 1),
    "median, dim 0": lambda m, x: m.median(x, dim=0, keepdim=True),
    "cummax": lambda m, x: m.cummax(x, 1),
    "cummin": lambda m, x: m.cummin(x, 0),
}
WHOLE: dict[str, Callable] = {
    "max": lambda m, x: m.max(x),
    "min": lambda m, x: m.min(x),
    "median": lambda m, x: m.median(x),
    "amax": lambda m, x: m.amax(x, 1),
    "amin": lambda m, x: m.amin(x, (0, 1), keepdim=True),
    "maximum": lambda m, x: m.maximum(x, x[:1]),
    "minimum": lambda m, x: m.minimum(x[:, :1], x),
    "clamp": lambda m, x: m.clamp(x, -1, 2),
    "clamp, arrays": lambda m, x: m.clamp(x, x[:1], x[1:2]),
}


@pytest.mark.parametrize("name", SELECTING)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_places_and_slopes(name: str, dtype: str) -> None:
    call, x = SELECTING[name], ROWS.astype(dtype)
    given = torch.tensor(x, requires_grad=True)
    theirs = call(torch, given)
    weights = np.arange(1.0, 1.0 + theirs.values.numel()).reshape(theirs.values.shape).astype(dtype)
    (slope,) = torch.autograd.grad(theirs.values, given, torch.tensor(weights))
    with jax.enable_x64(True):
        ours = call(F, x)
        _, pull_back = jax.vjp(lambda x: call(F, x).values, jnp.asarray(x))
        np.testing.assert_array_equal(ours.values, theirs.values.detach().numpy(), strict=True)
        np.testing.assert_array_equal(ours.indices, theirs.indices.numpy(), strict=True)
        np.testing.assert_array_equal(pull_back(jnp.asarray(weights))[0], slope.numpy(), strict=True)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("cotangent", [1.0, -3.0, INF])
@pytest.mark.parametrize("rows", [slice(0, 1), slice(1, 2), slice(2, 5), slice(None)])
def test_every_bit_at_ties_and_nan(name: str, cotangent: float, rows: slice) -> None:
    call, x = WHOLE[name], ROWS[rows]
    if name == "clamp, arrays" and len(x) < 2:
        x = np.concatenate([x, x])
    given = torch.tensor(x, requires_grad=True)
    theirs = call(torch, given)
    (slope,) = torch.autograd.grad(theirs, given, torch.full_like(theirs, cotangent))
    with jax.enable_x64(True):
        y, pull_back = jax.vjp(lambda x: call(F, x), jnp.asarray(x))
        np.testing.assert_array_equal(y, theirs.detach().numpy(), strict=True)
        np.testing.assert_array_equal(pull_back(jnp.full(y.shape, cotangent))[0], slope.numpy(), strict=True)


@given(tied, st.sampled_from(["max", "min", "median", "cummax", "cummin"]), st.sampled_from([0, -1]))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_same_as_pytorch_along_a_dimension(x: np.ndarray, name: str, dim: int) -> None:
    report = parity.compare(lambda x: getattr(F, name)(x, dim), lambda x: getattr(torch, name)(x, dim), x)
    assert report.same, report.summary()


@given(tied, st.sampled_from(["max", "min", "median", "amax", "amin"]))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_same_as_pytorch_over_the_whole_array(x: np.ndarray, name: str) -> None:
    report = parity.compare(getattr(F, name), getattr(torch, name), x)
    assert report.same, report.summary()


def test_values_and_slopes_by_hand() -> None:
    x = np.array([3.0, 5.0, 5.0, 1.0], "float32")
    value, index = F.max(x, 0)
    assert (float(value), int(index)) == (5.0, 1)
    assert jax.grad(lambda x: F.max(x, 0)[0])(x).tolist() == [0, 1, 0, 0]
    assert jax.grad(F.max)(x).tolist() == jax.grad(F.amax)(x).tolist() == [0, 0.5, 0.5, 0]
    assert (float(F.min(x)), float(F.median(x))) == (1.0, 3.0)  # the lower of 3 and 5
    weights = np.array([1.0, 10.0, 100.0, 1000.0], "float32")
    assert jax.grad(lambda x: (F.sort(x).values * weights).sum())(x).tolist() == [10, 100, 1000, 1]
    assert jax.grad(lambda x: (F.cummax(x, 0).values * weights).sum())(x).tolist() == [1, 10, 1100, 0]
    assert jax.grad(lambda x: F.clamp(x, 1, 3).sum())(x).tolist() == [1, 0, 0, 1]
    top, places = F.topk(x, 3)
    assert (top.tolist(), places.tolist()) == ([5, 5, 3], [1, 2, 0])
    assert jax.grad(lambda x: F.topk(x, 2, largest=False).values.sum())(x).tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("largest", [True, False])
def test_topk_returns_any_of_the_equal_and_its_slopes_follow(largest: bool) -> None:
    x = np.array([1.0, 1, 1, 2, 0, 1], "float32")
    ours, theirs = F.topk(x, 3, largest=largest), torch.topk(torch.tensor(x), 3, largest=largest)
    np.testing.assert_array_equal(ours.values, theirs.values)
    slope = jax.grad(lambda x: F.topk(x, 3, largest=largest).values.sum())(x)
    assert np.flatnonzero(slope).tolist() == sorted(ours.indices.tolist())


@pytest.mark.parametrize("name", ["max", "min", "median", "sort", "cummax", "cummin", "topk"])
def test_an_array_of_rank_0(name: str) -> None:
    argument = 1 if name == "topk" else 0
    x = np.float32(2.0)
    found = getattr(F, name)(x, argument)
    assert (found.values.shape, found.indices.shape, float(found.values), int(found.indices)) == ((), (), 2.0, 0)
    assert float(jax.grad(lambda x: getattr(F, name)(x, argument).values)(x)) == 1.0


DTYPES = ("bool", "uint8", "int8", "int32", "int64", "float16", "bfloat16", "float32", "float64")
CALLS: dict[str, Callable] = {
    "max": lambda m, x: m.max(x),
    "min along": lambda m, x: m.min(x, 0).values,
    "amax": lambda m, x: m.amax(x),
    "maximum": lambda m, x: m.maximum(x, x),
    "sort": lambda m, x: m.sort(x).values,
    "topk": lambda m, x: m.topk(x, 1).values,
    "median": lambda m, x: m.median(x),
    "cummax": lambda m, x: m.cummax(x, 0).values,
    "clamp, integers": lambda m, x: m.clamp(x, 0, 1),
    "clamp, floats": lambda m, x: m.clamp(x, 0.5, 1.5),
    "clamp, arrays": lambda m, x: m.clamp(x, x, x),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_dtype_is_pytorchs(name: str, dtype: str) -> None:
    call = CALLS[name]
    with jax.enable_x64(True):
        x = jnp.ones(2, dtype)
        try:
            expected = str(call(torch, torch.ones(2, dtype=getattr(torch, dtype))).dtype).removeprefix("torch.")
        except RuntimeError:  # NotImplementedError among them
            with pytest.raises(TypeError):
                call(F, x)
        else:
            assert call(F, x).dtype == expected


def test_a_number_as_bound_must_fit_and_comes_round_where_there_are_no_negative_ones() -> None:
    x = np.array([1, 5], "uint8")
    assert F.clamp(x, -1, 2).tolist() == torch.clamp(torch.tensor(x), -1, 2).tolist() == [2, 2]
    with pytest.raises(ValueError, match="clamp: max must fit into uint8, but 300 was given"):
        F.clamp(x, 0, 300)


@pytest.mark.parametrize("name", ["max", "min", "median", "cummax", "cummin", "sort"])
def test_transformations(name: str) -> None:
    x = np.array([[3.0, 1.0, 2.0], [0.5, 4.0, -1.0]])

    def f(x: jax.Array) -> jax.Array:
        return getattr(F, name)(x, 0).values ** 2

    with jax.enable_x64(True):
        plain = [f(row) for row in x]
        np.testing.assert_array_equal(jax.vmap(f)(x), plain)
        np.testing.assert_array_equal(jax.vmap(jax.jit(f))(x), plain)
        np.testing.assert_array_equal(jax.jacfwd(f)(x[0]), jax.jacrev(f)(x[0]))
        np.testing.assert_array_equal(
            jax.hessian(lambda x: f(x).sum())(x[0]).sum(), jax.jacfwd(jax.grad(lambda x: f(x).sum()))(x[0]).sum()
        )


def test_integers_may_pass_through_a_differentiated_function() -> None:
    def f(x: jax.Array, n: jax.Array) -> jax.Array:
        return x * (F.amax(n) * F.clamp(n, 0, 3).sum() * F.maximum(n, n)[0]).astype(x.dtype)

    assert float(jax.grad(jax.jit(f))(np.float32(2.0), np.array([2, 5]))) == 50.0


@pytest.mark.parametrize("name", ["max", "min"])
def test_extrema_refuse_what_pytorch_refuses(name: str) -> None:
    f, x = getattr(F, name), np.ones((2, 3), "float32")
    with pytest.raises(TypeError, match=f"{name}: input must be an array, but list was given"):
        f([1.0])
    with pytest.raises(TypeError, match=rf"{name}: dim must be an integer, but \(0, 1\) was given"):
        f(x, (0, 1))
    with pytest.raises(TypeError, match=f"{name}: keepdim needs dim"):
        f(x, keepdim=True)
    with pytest.raises(ValueError, match=rf"{name}: dim must lie in \[-2, 1\] for an array of rank 2, but 2 was given"):
        f(x, 2)
    with pytest.raises(ValueError, match=rf"{name}: expected at least one element to choose from, but shape \(0,\)"):
        f(x[:0, 0])
    with pytest.raises(ValueError, match=rf"{name}: expected at least one element to choose from, but shape \(0, 3\)"):
        f(x[:0], 0)
    assert f(x[:0], 1).values.shape == (0,)
    with pytest.raises(ValueError, match=rf"{name}: expected shapes that broadcast, but input \(2, 3\), other \(2,\)"):
        f(x, x[:, 0])
    with pytest.raises(TypeError, match=f"{name}imum: other must be an array, but float was given"):
        getattr(F, f"{name}imum")(x, 1.0)
    with pytest.raises(ValueError, match=rf"a{name}: dim must name each dimension once, but \(0, -2\) was given"):
        getattr(F, f"a{name}")(x, (0, -2))
    with pytest.raises(TypeError, match=f"a{name}: dim must be an integer, but 1.0 was given"):
        getattr(F, f"a{name}")(x, 1.0)
    with pytest.raises(ValueError, match=f"a{name}: expected at least one element to choose from"):
        getattr(F, f"a{name}")(x[:0])


def test_the_others_refuse_what_pytorch_refuses() -> None:
    x = np.ones(3, "float32")
    with pytest.raises(ValueError, match="clamp: expected min, max or both, but neither was given"):
        F.clamp(x)
    with pytest.raises(TypeError, match="clamp: min and max must both be arrays or both be numbers"):
        F.clamp(x, x, 2)
    with pytest.raises(TypeError, match="clamp: min must be an array or a number, but 'a' was given"):
        F.clamp(x, "a")
    with pytest.raises(TypeError, match="clamp: expected integers or floats, but booleans alone were given"):
        F.clamp(x > 0, False, True)
    with pytest.raises(ValueError, match=r"topk: k must lie in \[0, 3\], but 4 was given"):
        F.topk(x, 4)
    with pytest.raises(TypeError, match=r"topk: k must be an integer, but 1.0 was given"):
        F.topk(x, 1.0)
    with pytest.raises(TypeError, match="topk: input must have an integer or a floating dtype, but bool was given"):
        F.topk(x > 0, 1)
    with pytest.raises(TypeError, match="median: keepdim needs dim"):
        F.median(x, keepdim=True)
    with pytest.raises(ValueError, match="median: expected at least one element to choose from"):
        F.median(np.ones(0, "int32"))
    for name in ("sort", "cummax", "cummin"):
        with pytest.raises(
            ValueError, match=rf"{name}: dim must lie in \[-1, 0\] for an array of rank 1, but 1 was given"
        ):
            getattr(F, name)(x, 1)
