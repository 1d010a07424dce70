"""Factors: between the whole of two quantities, along an axis, and the meaning of the number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtut.parity.diagnosis import Trap
from jaxtut.parity.diagnosis.factors import Interval, factor_between

RNG = np.random.default_rng(0)
X = RNG.standard_normal((32, 8))


@pytest.mark.parametrize(
    ("factor", "trap", "words"),
    [
        (-1, Trap.SIGN, "the sign is wrong"),
        (-0.5, Trap.ONE_HALF, "the wrong sign, and PyTorch's MSE has no 1/2"),
        (0.5, Trap.ONE_HALF, "JAX is 0.5 times PyTorch everywhere: PyTorch's MSE has no 1/2 (optax.l2_loss has)"),
        (2, Trap.ONE_HALF, "a 1/2 is left out in JAX"),
        (32, Trap.MEAN_FOR_SUM, "N = 32, the length of axis 0 of x: a sum in place of a mean"),
        (1 / 8, Trap.MEAN_FOR_SUM, "1/N for N = 8, the length of axis 1 of x: a mean in place of a sum"),
        (256, Trap.MEAN_FOR_SUM, "N = 256, the number of elements of x"),
        (1 / 56, Trap.MEAN_FOR_SUM, "the product of axes 1, 2 of image"),
        (
            31 / 32,
            Trap.VARIANCE,
            "(n − 1)/n for n = 32, the length of axis 0 of x: n below JAX's variance and n − 1 below PyTorch's",
        ),
        (32 / 31, Trap.VARIANCE, "n/(n − 1) for n = 32, the length of axis 0 of x: n − 1 below JAX's variance"),
        (np.sqrt(7 / 8), Trap.VARIANCE, "the root of (n − 1)/n for n = 8"),
        (1 / np.sqrt(8), Trap.SQRT_D, "1/√d for d = 8, the length of axis 1 of x: the scale is in JAX alone"),
        (np.sqrt(32), Trap.SQRT_D, "√d for d = 32, the length of axis 0 of x: the scale 1/√d is in PyTorch alone"),
        (1 / 0.9, Trap.DROPOUT, "1/(1 − p) for p = 0.1: dropout scales in JAX alone"),
        (0.7, Trap.DROPOUT, "1 − p for p = 0.3: dropout scales in PyTorch alone"),
        (1.702, Trap.GELU, "1.702"),
        (np.log(2), Trap.LOG_BASE, "ln 2"),
        (1 / np.log(10), Trap.LOG_BASE, "ln 10"),
        (2 / np.sqrt(np.pi), Trap.FACTOR, "2/√π"),
        (1 / 255, Trap.FACTOR, "255"),
        (0.37, Trap.FACTOR, "the factor is temperature itself"),
        (1 / 0.37, Trap.FACTOR, "1/temperature"),
        (32 / 7, Trap.FACTOR, "a constant factor (relative difference 3.57142857)"),
        (8 / 32, Trap.MEAN_FOR_SUM, "8/32, lengths of two axes of x: a mean over the other axis"),
        (1.0373, Trap.FACTOR, "a constant factor (relative difference 0.0373)"),
        (1 + 1e-6, Trap.FACTOR, "JAX is 1.000001 times PyTorch everywhere"),
        (np.float64(np.float32(0.1)) / 0.1, Trap.CONSTANT, "1 + 1.49e-08: a constant that was rounded to float32"),
    ],
)
@pytest.mark.parametrize("kind", ["value", "gradient"])
def test_the_meaning_of_a_factor(see, kind, factor, trap, words):
    torch = X if kind == "value" else np.stack([X, RNG.standard_normal(X.shape)])
    inputs = {"x": X, "image": np.zeros((3, 7, 8, 5)), "temperature": np.array(0.37)}
    section, text = see(factor * torch, torch, kind=kind, name="x", inputs=inputs)
    assert (section, words in text) == (trap, True), text


def test_mean_squared_error_with_a_half(see):
    x, y = RNG.standard_normal((2, 16, 3))
    section, text = see(np.mean((x - y) ** 2) / 2, np.mean((x - y) ** 2), inputs={"x": x, "y": y})
    assert section == Trap.ONE_HALF
    assert text.startswith("JAX is 0.5 times PyTorch everywhere")


def test_standard_deviations(see):
    x = RNG.standard_normal((10, 6))
    section, text = see(x.std(axis=0), x.std(axis=0, ddof=1), inputs={"x": x})
    assert section == Trap.VARIANCE
    assert "n = 10, the length of axis 0 of x" in text


def test_several_meanings_are_all_said(see):
    torch = RNG.standard_normal((2, 5))
    _, text = see(torch / 2, torch, inputs={"x": torch})
    assert "optax.l2_loss" in text
    assert "1/N for N = 2, the length of axis 0" in text


def test_a_mean_over_labels_that_count(see):
    losses, y = RNG.uniform(1, 2, 8), np.array([1, 2, -100, 0, 3, -100, 2, 1])
    counted = losses[y >= 0]
    section, text = see(counted.sum() / 8, counted.mean(), inputs={"x": RNG.standard_normal((8, 9)), "y": y})
    assert section == Trap.WEIGHTED_MEAN
    assert "the share of y that is not -100" in text


def test_a_mean_over_class_weights(see):
    losses, y, weight = RNG.uniform(1, 2, 8), RNG.integers(0, 5, 8), RNG.uniform(1, 2, 5)
    total = (losses * weight[y]).sum()
    section, text = see(total / 8, total / weight[y].sum(), inputs={"y": y, "weight": weight})
    assert section == Trap.WEIGHTED_MEAN
    assert "the mean of weight[y]" in text


def test_a_factor_shared_by_every_gradient_is_said_so(see):
    w, b = RNG.standard_normal((2, 4, 5)), RNG.standard_normal((2, 5))
    _, text = see(w / 2, w, kind="gradient", name="w", gradients={"b": (b / 2, b)})
    assert "in every gradient" in text
    _, text = see(w / 2, w, kind="gradient", name="w", gradients={"b": (b, b)})
    assert "in this gradient alone" in text
    _, text = see(w / 2, w, kind="gradient", name="w", gradients={"b": (b / 3, b)})
    assert "everywhere" in text


def test_a_single_number_always_has_a_factor_and_only_a_known_one_counts(see):
    assert see(1.0373 * 0.61, 0.61) == ("", "")
    assert see(-0.61, 0.61)[0] == Trap.SIGN
    # All three cotangents have it too, since a gradient is linear in them.
    torch = RNG.standard_normal((3, 1))
    assert see(1.0373 * torch, torch, kind="gradient", name="w") == ("", "")


def test_one_element_that_does_not_fit_is_enough(see):
    jax = 0.5 * X
    jax[3, 4] *= 1 + 1e-9
    assert see(jax, X)[0] != Trap.ONE_HALF


def test_weights_along_an_axis(see):
    weight, torch = RNG.uniform(1, 2, 8), RNG.standard_normal((3, 32, 8))
    section, text = see(torch * weight, torch, kind="gradient", name="x", inputs={"x": X, "weight": weight})
    assert (section, "times weight along axis 1" in text) == (Trap.AXIS_FACTOR, True)
    _, text = see(torch / weight, torch, kind="gradient", name="x", inputs={"x": X, "weight": weight})
    assert "times 1/weight along axis 1" in text
    y = RNG.integers(0, 8, 32)
    _, text = see(torch * weight[y][:, None], torch, kind="gradient", name="x", inputs={"weight": weight, "y": y})
    assert "times weight[y] along axis 0" in text
    _, text = see(torch * RNG.uniform(1, 2, 8), torch, kind="gradient", name="x", inputs={"x": X})
    assert "a factor for each index of axis 1" in text


def test_proportional_rows_have_factors_without_a_meaning(see):
    upstream, other, x = RNG.standard_normal((3, 4)), RNG.standard_normal((3, 4)), RNG.standard_normal(6)
    # The gradient of a weight for one sample is δ xᵀ: any change of δ gives each row its factor.
    jax, torch = other[:, :, None] * x, upstream[:, :, None] * x
    assert see(jax, torch, kind="gradient", name="w") == ("", "")


@settings(max_examples=60, deadline=None)
@given(
    st.floats(1e-6, 1e6).filter(lambda f: abs(f - 1) > 1e-7),
    st.sampled_from([1, -1]),
    st.lists(st.integers(2, 5), min_size=1, max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_every_factor_is_found(see, factor, sign, shape, seed):
    torch = np.random.default_rng(seed).uniform(1, 2, (3, *shape, 2))
    section, text = see(sign * factor * torch, torch, kind="gradient", name="x")
    assert section
    assert section == Trap.SIGN or np.isclose(float(text.split()[2]), sign * factor, rtol=1e-8)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(2, 40), min_size=2, max_size=3), st.data())
def test_every_length_of_an_axis_is_named(see, shape, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    x = np.random.default_rng(0).standard_normal(shape)
    section, text = see(x * shape[axis], x, name="x", inputs={"x": x})
    assert section in (Trap.MEAN_FOR_SUM, Trap.ONE_HALF)
    assert f"N = {shape[axis]}, the length of axis {shape.index(shape[axis])} of x" in text


@settings(max_examples=40, deadline=None)
@given(st.floats(-1e3, 1e3).filter(lambda f: abs(f) > 1e-3), st.integers(0, 2**32 - 1))
def test_the_interval_holds_the_factor(factor, seed):
    generator = np.random.default_rng(seed)
    b = generator.standard_normal(20)
    tolerance = 1e-10 * np.abs(b) * max(1, abs(factor))
    found = factor_between(factor * b + generator.uniform(-1, 1, 20) * tolerance, b, tolerance)
    assert found is not None
    assert found.holds(factor)


def test_an_interval():
    interval = Interval(1.9, 2.1)
    assert interval.middle == 2
    assert interval.negated() == Interval(-2.1, -1.9)
    assert not interval.holds(3)
    assert interval.names(2) is False  # too wide beside the distance from 1
    assert Interval(1.999, 2.001).names(2)
