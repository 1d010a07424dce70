"""Lesson 5: three forms of cross-entropy agree in value and gradient, and where they part."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtut import losses as J
from jaxtut import parity
from jaxtut.errors import LabelError
from torch_ref import losses as T

# Logarithms, exponentials and a mean of a few float64 numbers of size 1 to 10.
ROUNDING = 64 * np.finfo("float64").eps


@given(st.sampled_from([(1, 2), (16, 5)]), st.integers(0, 99))
@settings(max_examples=5, deadline=None, derandomize=True)
def test_the_three_forms_agree_in_value_and_gradient(shape: tuple[int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, labels = rng.normal(size=shape) * 3, rng.integers(0, shape[1], shape[0])
    with jax.enable_x64(True):
        value, gradient = jax.jit(jax.value_and_grad(J.cross_entropy))(scores, labels)
        by_notes, its_gradient = jax.jit(jax.value_and_grad(J.cross_entropy_by_notes))(scores, labels)
        formula = J.cross_entropy_gradient(scores, labels)
    x = torch.tensor(scores, requires_grad=True)
    expected = T.cross_entropy(x, torch.tensor(labels))
    (slope,) = torch.autograd.grad(expected, x)
    for v in (value, by_notes):
        np.testing.assert_allclose(v, expected.item(), rtol=ROUNDING)
    for g in (gradient, its_gradient, formula, T.cross_entropy_gradient(x.detach(), torch.tensor(labels))):
        np.testing.assert_allclose(g, slope, atol=ROUNDING)


@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy_by_notes", "cross_entropy_gradient"])
def test_the_twins_agree(name: str) -> None:
    rng = np.random.default_rng(0)
    report = parity.compare(
        getattr(J, name), getattr(T, name), rng.normal(size=(6, 4)) * 4, rng.integers(0, 4, 6), cotangents=1
    )
    assert report.same, report.summary()


def test_the_twins_of_the_notes_formula_agree_in_both_arguments() -> None:
    rng = np.random.default_rng(0)
    p, Y = rng.dirichlet(np.ones(4), 6), np.eye(4)[rng.integers(0, 4, 6)]
    report = parity.compare(J.cross_entropy_of_probabilities, T.cross_entropy_of_probabilities, p, Y, cotangents=1)
    assert report.same, report.summary()


def test_numbers_by_hand() -> None:
    Y = np.array([[1.0, 0.0, 0.0]], "float32")
    ulp = 4 * float(np.finfo("float32").eps)
    for side, array in ((J, jnp.asarray), (T, torch.tensor)):
        for p, expected in (([0.7, 0.2, 0.1], -np.log(0.7)), ([0.1, 0.3, 0.6], -np.log(0.1))):
            value = side.cross_entropy_of_probabilities(array(np.array([p], "float32")), array(Y))
            np.testing.assert_allclose(value, expected, rtol=ulp)
        assert side.one_hot(array(np.array([2, 0])), 3).tolist() == [[0, 0, 1], [1, 0, 0]]
        assert side.cross_entropy_gradient(array(np.zeros((1, 2), "float32")), array(np.array([1]))).tolist() == [
            [0.5, -0.5]
        ]
        np.testing.assert_allclose(side.softmax(array(np.zeros((2, 4), "float32"))), np.full((2, 4), 0.25))


def test_where_the_forms_part_a_probability_underflows() -> None:
    scores, labels = np.array([[200.0, 0.0]], "float32"), np.array([1])
    assert float(J.cross_entropy(scores, labels)) == 200.0
    assert np.isinf(J.cross_entropy_by_notes(scores, labels))
    assert float(T.cross_entropy(torch.tensor(scores), torch.tensor(labels))) == 200.0
    assert torch.isinf(T.cross_entropy_by_notes(torch.tensor(scores), torch.tensor(labels)))


def test_sigmoid_and_binary_cross_entropy_equal_the_safe_form_until_they_saturate() -> None:
    z, t = np.array([-3.0, 0.0, 2.0]), np.array([0.0, 1.0, 1.0])
    with jax.enable_x64(True):
        a, da = jax.value_and_grad(lambda z: J.binary_cross_entropy(jax.nn.sigmoid(z), t))(z)
        b, db = jax.value_and_grad(lambda z: J.binary_cross_entropy_with_logits(z, t))(z)
    np.testing.assert_allclose(a, b, rtol=ROUNDING)
    np.testing.assert_allclose(da, db, rtol=ROUNDING)


def test_one_hot_has_the_dtype_asked_for() -> None:
    assert J.one_hot(np.array([1]), 2).dtype == jnp.float32
    assert J.one_hot(np.array([1]), 2, dtype="float16").dtype == jnp.float16
    assert T.one_hot(torch.tensor([1]), 2, dtype="float64").dtype == torch.float64


@pytest.mark.parametrize(("side", "ones"), [(J, np.ones), (T, torch.ones)], ids=["jax", "torch"])
def test_refuses_shapes_that_do_not_fit(side: Any, ones: Any) -> None:
    with pytest.raises(
        ValueError, match=r"expected two .* of shape \(batch, classes\), but \(2, 3\) and \(2, 2\) were given"
    ):
        side.cross_entropy_of_probabilities(ones((2, 3)), ones((2, 2)))
    with pytest.raises(ValueError, match=r"but \(3,\) and \(3,\) were given"):
        side.cross_entropy_of_probabilities(ones(3), ones(3))


def test_refuses_labels_out_of_range() -> None:
    scores = np.zeros((1, 3), "float32")
    for f in (J.cross_entropy, J.cross_entropy_by_notes, J.cross_entropy_gradient):
        with pytest.raises(LabelError, match=r"labels must lie in \[0, 2\]"):
            f(scores, np.array([3]))
