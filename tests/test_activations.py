"""Lesson 4: values and slopes of the popular functions, and why a network needs one."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtut import activations as J
from jaxtut import parity
from torch_ref import activations as T

NAMES = ("step", "sigmoid", "tanh", "relu", "leaky_relu", "softmax")
POINTS = np.array([[-1e4, -100.0, -1.0, -0.0], [0.0, 1.0, 100.0, 1e4]])
# The table in the lesson: value and slope at 0.
AT_ZERO = {
    "step": (1.0, 0.0),
    "sigmoid": (0.5, 0.25),
    "tanh": (0.0, 1.0),
    "relu": (0.0, 0.0),
    "leaky_relu": (0.0, 0.01),
}
SIDES = [pytest.param(J, jnp.asarray, id="jax"), pytest.param(T, torch.tensor, id="torch")]


@pytest.mark.parametrize("name", NAMES)
def test_the_twins_agree_at_kinks_and_in_saturation(name: str) -> None:
    report = parity.compare(getattr(J, name), getattr(T, name), POINTS, cotangents=2)
    assert report.same, report.summary()


@pytest.mark.parametrize(("side", "array"), SIDES)
@pytest.mark.parametrize("name", AT_ZERO)
def test_the_table_at_zero(side: Any, array: Any, name: str) -> None:
    f, zero = getattr(side, name), array(np.zeros(1, "float32"))
    value, slope = np.array(AT_ZERO[name], "float32")
    assert f(zero).tolist() == [value]
    assert side.slope(f, zero).tolist() == [slope]


@pytest.mark.parametrize(("side", "array"), SIDES)
def test_the_slopes_of_the_table_elsewhere(side: Any, array: Any) -> None:
    points = np.array([-2.0, -0.5, 0.25, 3.0], "float32")
    x, ulp = array(points), 4 * float(np.finfo("float32").eps)
    s, t = 1 / (1 + np.exp(-points)), np.tanh(points)
    np.testing.assert_allclose(side.slope(side.sigmoid, x), s * (1 - s), rtol=ulp * 4)
    np.testing.assert_allclose(side.slope(side.tanh, x), 1 - t**2, atol=ulp)
    np.testing.assert_allclose(side.tanh(x), 2 * np.asarray(side.sigmoid(2 * x)) - 1, atol=ulp)
    np.testing.assert_array_equal(side.slope(side.relu, x), [0, 0, 1, 1])
    np.testing.assert_array_equal(side.slope(side.leaky_relu, x), np.array([0.01, 0.01, 1, 1], "float32"))
    np.testing.assert_array_equal(side.slope(side.step, x), [0, 0, 0, 0])
    np.testing.assert_array_equal(side.softmax(array(np.zeros(4, "float32"))), [0.25] * 4)


@given(st.tuples(*[st.integers(1, 6)] * 3), st.integers(0, 99))
@settings(max_examples=4, deadline=None, derandomize=True)
def test_two_linear_layers_collapse_to_one(sizes: tuple[int, int, int], seed: int) -> None:
    features, hidden, outputs = sizes
    rng = np.random.default_rng(seed)
    shapes = ((5, features), (hidden, features), (hidden,), (outputs, hidden), (outputs,))
    x, *layers = (rng.integers(-4, 5, s).astype("float32") for s in shapes)  # whole numbers: no rounding
    W, b = J.collapse(*layers)
    np.testing.assert_array_equal(J.stacked_linear(x, *layers), x @ W.T + b[None])
    W, b = T.collapse(*map(torch.tensor, layers))
    np.testing.assert_array_equal(
        T.stacked_linear(torch.tensor(x), *map(torch.tensor, layers)), torch.tensor(x) @ W.T + b
    )


def test_with_a_relu_between_they_do_not() -> None:
    # |x| = relu(x) + relu(−x) is not linear: the halves of its graph have different slopes.
    W1, b1, W2, b2 = (np.array(a, "float32") for a in ([[1], [-1]], [0, 0], [[1, 1]], [0]))

    def network(x: Any) -> jax.Array:
        return J.stacked_linear(J.relu(J.F.linear(x, W1, b1)), np.eye(2, dtype="float32"), b1, W2, b2)

    assert network(np.array([[-3.0], [0.0], [3.0]], "float32")).tolist() == [[3.0], [0.0], [3.0]]
    W, b = J.collapse(W1, b1, W2, b2)
    assert (W.tolist(), b.tolist()) == ([[0.0]], [0.0])


def test_the_twins_of_the_collapse_agree() -> None:
    rng = np.random.default_rng(0)
    arrays = tuple(rng.normal(size=s) for s in ((5, 4), (6, 4), (6,), (3, 6), (3,)))
    for ours, theirs, args in ((J.stacked_linear, T.stacked_linear, arrays), (J.collapse, T.collapse, arrays[1:])):
        report = parity.compare(ours, theirs, *args, cotangents=1)
        assert report.same, report.summary()
