"""Axes: reductions, softmaxes of attention, rows of a table, flattened images, swapped channels of kernels."""

import numpy as np
import pytest

from jaxtut.parity.diagnosis import Trap
from jaxtut.parity.diagnosis.reductions import REDUCTIONS

RNG = np.random.default_rng(0)
SQUARE = RNG.uniform(0.5, 2, (5, 5))


@pytest.mark.parametrize("what", REDUCTIONS)
def test_a_reduction_along_another_axis(see, what):
    reduce = REDUCTIONS[what]
    section, text = see(reduce(SQUARE, (0,)), reduce(SQUARE, (1,)), inputs={"x": SQUARE})
    assert (section, "of x along axis 0, PyTorch along axis 1" in text) == (Trap.REDUCED_AXIS, True), text


def test_another_reduction_along_the_same_axis(see):
    section, text = see(SQUARE.max(1), SQUARE.min(1), inputs={"x": SQUARE})
    assert (section, text) == (Trap.REDUCED_AXIS, "JAX is the maximum of x along axis 1, PyTorch the minimum")


def test_a_reduction_that_keeps_its_axes(see):
    x = RNG.standard_normal((2, 4, 4))
    _, text = see(x.mean((0, 1), keepdims=True), x.mean((0, 2)).reshape(1, 1, 4), inputs={"x": x})
    assert "along axes 0, 1, PyTorch along axes 0, 2" in text


def test_the_same_reduction_of_other_numbers_is_none(see):
    assert see(SQUARE.sum(0) + RNG.standard_normal(5), SQUARE.sum(1), inputs={"x": SQUARE}) == ("", "")


def attended(q, k, v, axis=-1, scale=None, mask=None):
    scores = q @ k.swapaxes(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    scores = scores if mask is None else np.where(mask, scores, -np.inf)
    e = np.exp(scores)
    return e / e.sum(axis=axis, keepdims=True) @ v


@pytest.mark.parametrize(
    ("options", "trap", "words"),
    [
        (
            {"axis": -2},
            Trap.SOFTMAX_AXIS,
            "a softmax along the axis of the queries in JAX, a softmax along the axis of the keys in PyTorch",
        ),
        ({"scale": 1.0}, Trap.SQRT_D, "scores as they are in JAX, scores over √d in PyTorch"),
        ({"mask": np.tril(np.ones((5, 5), bool))}, Trap.MASK, "a causal mask in JAX, no mask in PyTorch"),
    ],
)
def test_attention(see, options, trap, words):
    q, k, v = (RNG.standard_normal((2, 5, 4)) for _ in range(3))
    section, text = see(attended(q, k, v, **options), attended(q, k, v), inputs={"q": q, "k": k, "v": v})
    assert (section, text) == (trap, f"attention of q, k, v: {words}")


def test_other_rows_of_a_table(see):
    table, y = RNG.standard_normal((7, 3)), np.array([0, 4, 2, 1])
    section, text = see(table[y + 1], table[y], inputs={"e": table, "y": y})
    assert section == Trap.OTHER_PLACES
    assert "1 for 0, 5 for 4, 3 for 2, 2 for 1, each 1 further: an index that counts from 1" in text


def test_a_product_with_an_image_flattened_in_another_order(see):
    x, w, bias = RNG.standard_normal((2, 3, 4, 4)), RNG.standard_normal((6, 48)), RNG.standard_normal(6)
    jax, torch = (y.reshape(2, -1) @ w.T + bias for y in (x.transpose(0, 2, 3, 1), x))
    section, text = see(jax, torch, inputs={"x": x, "w": w, "b": bias})
    assert (section, "in the order (0, 2, 3, 1)" in text) == (Trap.FLATTEN, True)


def test_a_slope_is_no_step(see):
    x = RNG.standard_normal((6, 8))
    section, _ = see(np.where(x > 0, x, 0.02 * x), np.where(x > 0, x, 0.01 * x), inputs={"x": x})
    assert section == Trap.BRANCH
