"""Lesson 1: the Jacobian whole, by rows, by columns, and its products, on both packages and against numbers worked out by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtut import jacobian as J
from jaxtut import parity
from torch_ref import jacobian as T

X = np.array([2.0, 0.0, 3.0])
# f(x) = (x₁·x₂, x₃·sin x₂), so J = [[x₂, x₁, 0], [0, x₃·cos x₂, sin x₂]].
BY_HAND = np.array([[0.0, 2.0, 0.0], [0.0, 3.0, 0.0]])
SIDES = [
    pytest.param(J, jnp.asarray, id="jax"),
    pytest.param(T, lambda x: torch.tensor(x, dtype=torch.float32), id="torch"),
]


@pytest.mark.parametrize(("side", "array"), SIDES)
@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_the_whole_jacobian_by_hand(side: Any, array: Any, mode: Any) -> None:
    np.testing.assert_array_equal(side.jacobian(side.example, array(X), mode=mode), BY_HAND)


@pytest.mark.parametrize(("side", "array"), SIDES)
def test_rows_columns_and_products_by_hand(side: Any, array: Any) -> None:
    x = array(X)
    np.testing.assert_array_equal(side.jacobian_by_rows(side.example, x), BY_HAND)
    np.testing.assert_array_equal(side.jacobian_by_columns(side.example, x), BY_HAND)
    y, vJ = side.vector_jacobian_product(side.example, x, array([1.0, 10.0]))
    np.testing.assert_array_equal(y, [0.0, 0.0])
    np.testing.assert_array_equal(vJ, [0.0, 32.0, 0.0])
    y, Jv = side.jacobian_vector_product(side.example, x, array([5.0, 1.0, 7.0]))
    np.testing.assert_array_equal(y, [0.0, 0.0])
    np.testing.assert_array_equal(Jv, [2.0, 3.0])


@given(st.tuples(st.integers(1, 4), st.integers(1, 4)), st.integers(0, 99))
@settings(max_examples=6, deadline=None, derandomize=True)
def test_products_are_products_with_the_jacobian(shape: tuple[int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    A, x, v, u = (rng.integers(-4, 5, s).astype("float32") for s in (shape, shape[1], shape[0], shape[1]))

    def f(x: Any) -> jax.Array:
        return jnp.asarray(A) @ x  # whole numbers: no rounding

    np.testing.assert_array_equal(J.jacobian(f, x), A)
    np.testing.assert_array_equal(J.vector_jacobian_product(f, x, v)[1], v @ A)
    np.testing.assert_array_equal(J.jacobian_vector_product(f, x, u)[1], A @ u)


def test_arrays_of_any_rank() -> None:
    x = np.arange(6, dtype="float32").reshape(2, 3)
    for mode in ("forward", "reverse"):
        ours = J.jacobian(lambda x: x.T @ x, x, mode)
        theirs = T.jacobian(lambda x: x.T @ x, torch.tensor(x), mode)
        assert ours.shape == (3, 3, 2, 3)
        np.testing.assert_array_equal(ours, theirs)


def test_the_twins_have_the_same_gradients() -> None:
    report = parity.compare(J.example, T.example, np.array([1.3, -0.4, 2.0]))
    assert report.same, report.summary()


def test_the_cheaper_mode_has_fewer_passes() -> None:
    for side in (J, T):
        assert side.cheaper_mode(inputs=784, outputs=1) == "reverse"
        assert side.cheaper_mode(inputs=1, outputs=784) == "forward"
        assert side.cheaper_mode(inputs=3, outputs=3) == "reverse"


@pytest.mark.parametrize(("side", "array"), SIDES)
def test_refuses_wrong_modes_and_shapes(side: Any, array: Any) -> None:
    x = array(X)
    with pytest.raises(
        ValueError, match="jacobian: mode must be 'auto', 'forward' or 'reverse', but 'sideways' was given"
    ):
        side.jacobian(side.example, x, "sideways")
    with pytest.raises(
        ValueError, match=r"vector_jacobian_product: v must have the shape of f\(x\), \(2,\), but \(3,\) was given"
    ):
        side.vector_jacobian_product(side.example, x, x)
    with pytest.raises(
        ValueError, match=r"jacobian_vector_product: v must have the shape of x, \(3,\), but \(2,\) was given"
    ):
        side.jacobian_vector_product(side.example, x, x[:2])


@pytest.mark.parametrize("name", ["jacobian", "jacobian_by_rows", "jacobian_by_columns"])
def test_refuses_whole_numbers(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name}: x must have a floating dtype, but int32 was given"):
        getattr(J, name)(J.example, np.array([1, 2, 3]))
