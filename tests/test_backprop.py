"""Lesson 3: the worked example, local gradients, and the backward pass by hand against both autodiffs."""

from typing import Any

import jax
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxtut import backprop as J
from jaxtut import graph, parity
from torch_ref import backprop as T

NOTES = {"x": 1.0, "y": 2.0, "w": 1.0}
ELSEWHERE = tuple(np.array(v) for v in (0.5, -1.25, 3.0))
SIDES = pytest.mark.parametrize("side", [J, T], ids=["jax", "torch"])


@SIDES
def test_every_number_of_the_notes(side: Any) -> None:
    assert [v.item() for v in side.forward(**NOTES)] == [1.0, -1.0, 1.0]
    assert [v.item() for v in side.local_gradients(**NOTES)] == [-2.0, 1.0, 1.0]
    assert [v.item() for v in side.backward(**NOTES)] == [-2.0, -2.0, -2.0]
    assert side.loss(**NOTES).item() == 1.0
    assert side.gradient(**NOTES).item() == -2.0


@SIDES
def test_another_point_by_hand(side: Any) -> None:
    # ŷ = 1.5, s = 1.5 + 1.25 = 2.75, loss = 7.5625; ∂loss/∂s = 5.5, ∂loss/∂w = 5.5 · 0.5.
    x, y, w = (float(v) for v in ELSEWHERE)
    assert [v.item() for v in side.forward(x, y, w)] == [1.5, 2.75, 7.5625]
    assert [v.item() for v in side.local_gradients(x, y, w)] == [5.5, 1.0, 0.5]
    assert [v.item() for v in side.backward(x, y, w)] == [5.5, 5.5, 2.75]


@SIDES
def test_names_of_the_steps(side: Any) -> None:
    assert side.Forward._fields == ("y_hat", "s", "loss")
    assert side.LocalGradients._fields == ("dloss_ds", "ds_dy_hat", "dy_hat_dw")
    assert side.Backward._fields == ("dloss_ds", "dloss_dy_hat", "dloss_dw")


@pytest.mark.parametrize("name", ["forward", "local_gradients", "backward", "loss"])
def test_the_twins_agree(name: str) -> None:
    report = parity.compare(getattr(J, name), getattr(T, name), *ELSEWHERE, cotangents=2)
    assert report.same, report.summary()


def test_by_hand_is_what_autodiff_and_finite_differences_find() -> None:
    x, y, w = (np.float32(v) for v in ELSEWHERE)
    assert float(J.backward(x, y, w).dloss_dw) == float(J.gradient(x, y, w)) == float(jax.grad(J.loss, 2)(x, y, w))
    with jax.enable_x64(True):
        check_grads(J.loss, ELSEWHERE, order=2, modes=("rev",))


def test_the_graph_shows_the_same_three_steps() -> None:
    g = graph.trace(J.loss, 1.0, 2.0, 1.0)
    assert [np.asarray(g.find(name).value).item() for name in ("y_hat", "s", "loss")] == [1.0, -1.0, 1.0]
    assert [np.asarray(g.find(name).gradient).item() for name in ("loss", "s", "y_hat")] == [1.0, -2.0, -2.0]
    assert float(g.gradient_of("w")) == -2.0
