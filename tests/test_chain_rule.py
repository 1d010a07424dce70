"""Lesson 2: the numbers of the notes, with both divisors, on both packages."""

from typing import Any

import jax
import numpy as np
import pytest
import torch
from jax.test_util import check_grads

from jaxtut import chain_rule as J
from jaxtut import parity
from torch_ref import chain_rule as T

X = (1.0, 2.0)
SIDES = pytest.mark.parametrize("side", [J, T], ids=["jax", "torch"])
# One float32 rounding of 1/3 and of what it is multiplied by.
ROUNDING = 2 * float(np.finfo("float32").eps)


@SIDES
@pytest.mark.parametrize("c", [2, 3])
def test_every_number_of_the_notes(side: Any, c: int) -> None:
    y, z, L = (v.tolist() for v in side.forward(X, divisor=c))
    assert (y, z) == ([3.0, 4.0], [18.0, 32.0])
    np.testing.assert_allclose(L, 50 / c, rtol=ROUNDING)
    dL_dz, dz_dy, dL_dy, dy_dx, dL_dx = (np.asarray(v.tolist()) for v in side.backward(X, divisor=c))
    np.testing.assert_allclose(dL_dz, [[1 / c, 1 / c]], rtol=ROUNDING)
    np.testing.assert_array_equal(dz_dy, [[12.0, 0.0], [0.0, 16.0]])
    np.testing.assert_allclose(dL_dy, [[12 / c, 16 / c]], rtol=ROUNDING)
    np.testing.assert_array_equal(dy_dx, np.eye(2))
    np.testing.assert_array_equal(dL_dx, dL_dy)


@SIDES
def test_the_printed_gradient_belongs_to_divisor_2_and_the_formula_to_3(side: Any) -> None:
    assert side.backward(X, divisor=2).dL_dx.tolist() == [[6.0, 8.0]]
    np.testing.assert_allclose(side.backward(X).dL_dx.tolist(), [[4.0, 16 / 3]], rtol=ROUNDING)


@pytest.mark.parametrize("c", [2, 3, 0.7])
@pytest.mark.parametrize("name", ["forward", "backward"])
def test_the_twins_agree(name: str, c: float) -> None:
    report = parity.compare(getattr(J, name), getattr(T, name), np.array([1.5, -2.0, 0.3]), c, cotangents=2)
    assert report.same, report.summary()


@pytest.mark.parametrize("c", [2, 3])
def test_by_hand_is_what_autodiff_finds(c: int) -> None:
    x = np.array([1.0, 2.0, -0.5], "float32")
    gradient = jax.grad(lambda x: J.forward(x, c).L)(x)
    np.testing.assert_allclose(J.backward(x, c).dL_dx[0], gradient, rtol=2 * ROUNDING)
    with jax.enable_x64(True):
        check_grads(lambda x: J.forward(x, c).L, (np.asarray(x, "float64"),), order=1, modes=("rev",))


@SIDES
def test_gradients_are_rows(side: Any) -> None:
    backward = side.backward(X)
    assert [tuple(v.shape) for v in backward] == [(1, 2), (2, 2), (1, 2), (2, 2), (1, 2)]


@SIDES
def test_whole_numbers_are_taken(side: Any) -> None:
    assert side.backward((1, 2), 2).dL_dx.tolist() == [[6.0, 8.0]]


@SIDES
@pytest.mark.parametrize("name", ["forward", "backward"])
def test_refuses_what_is_no_vector_and_a_divisor_of_zero(side: Any, name: str) -> None:
    f = getattr(side, name)
    with pytest.raises(
        ValueError, match=rf"{name}: x must be a vector of features, but .* of shape \(1, 2\) was given"
    ):
        f(torch.ones(1, 2) if side is T else np.ones((1, 2)))
    with pytest.raises(ValueError, match=f"{name}: divisor must not be 0"):
        f(X, 0)
