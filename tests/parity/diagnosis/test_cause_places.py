"""Differences at some elements only: kinks, ties, borders, masks, labels, thresholds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtut.parity.diagnosis import Trap

RNG = np.random.default_rng(0)
X = RNG.standard_normal((5, 6))


def elementwise(slope, x, v):
    return np.stack([slope(x) * c for c in v])


def test_the_slope_of_relu_at_zero(see):
    x = X.copy()
    x[1, 2] = x[3, 3] = 0
    v = RNG.standard_normal((3, 5, 6))
    jax = elementwise(lambda x: np.where(x > 0, 1, np.where(x < 0, 0, 0.5)), x, v)
    torch = elementwise(lambda x: np.where(x > 0, 1.0, 0.0), x, v)
    section, text = see(jax, torch, kind="gradient", name="x", inputs={"x": x}, cotangents=v)
    assert section == Trap.KINK
    assert (
        "only where x is exactly 0: the slope at the kink is 0.5 in JAX, 0 in PyTorch: ½ against 0, jnp.maximum(x, 0) for ReLU"
        in text
    )
    # Without cotangents the slope of one side is known, 0, and not the other's.
    _, text = see(jax, torch, kind="gradient", name="x", inputs={"x": x})
    assert "the slope at the kink is 0 in PyTorch, not in JAX: jnp.maximum(x, 0) has ½ there" in text
    _, text = see(torch, jax, kind="gradient", name="x", inputs={"x": x})
    assert "the slope at the kink is 0 in JAX, not in PyTorch" in text


@pytest.mark.parametrize(
    ("points", "jax_slope", "torch_slope", "words"),
    [
        (
            (1, -1),
            1,
            0,
            "exactly -1 or 1: the slope at the kink is 1 in JAX, 0 in PyTorch: 1 against 0, the bound belongs to the inside",
        ),
        ((1, -1), 0.5, 1, "½ against 1, jnp.clip or jnp.maximum for a clamp"),
        ((3, -3), 1 / 12, 0, "exactly -3 or 3"),
        ((0, 6), 0.5, 0, "exactly 0 or 6: the slope at the kink is 0.5 in JAX, 0 in PyTorch: ½ against 0, jnp.clip"),
        ((0, 0), 1, 0.01, "exactly 0: the slope at the kink is 1 in JAX, 0.01 in PyTorch"),
        ((0, 0), 1, 0, "1 against 0, jnp.abs, or >= for >"),
    ],
)
def test_slopes_at_other_kinks(see, points, jax_slope, torch_slope, words):
    x = X.copy()
    x[0, 1], x[4, 4] = points
    v = RNG.standard_normal((2, 5, 6))
    kinks = np.isin(x, points)
    jax, torch = (np.where(kinks, slope, 0.7) * v for slope in (jax_slope, torch_slope))
    section, text = see(jax, torch, kind="gradient", name="x", inputs={"x": x}, cotangents=v)
    assert (section, words in text) == (Trap.KINK, True), text


def test_half_of_the_slope(see):
    x = X.copy()
    x[0, 0] = 0
    torch = RNG.standard_normal((2, 5, 6))
    _, text = see(np.where(x == 0, 0.5, 1) * torch, torch, kind="gradient", name="x", inputs={"x": x})
    assert "JAX takes half of PyTorch's slope: jnp.clip or jnp.maximum in place of a clamp" in text


def test_an_input_that_stands_at_the_kink_everywhere(see):
    v = RNG.standard_normal((3, 4))
    section, text = see(0.5 * v, 0 * v, kind="gradient", name="x", inputs={"x": np.zeros(4)}, cotangents=v)
    assert (section, "0.5 in JAX, 0 in PyTorch" in text) == (Trap.KINK, True)


def test_a_kink_nobody_has_heard_of(see):
    x = X.copy()
    x[0, :4] = 0.123
    torch = RNG.standard_normal((2, 5, 6))
    section, text = see(np.where(x == 0.123, 0, 1) * torch, torch, kind="gradient", name="x", inputs={"x": x})
    assert (section, "exactly 0.123" in text) == (Trap.KINK, True)


def test_zeros_everywhere_are_no_kink(see):
    # A bias that starts at zero: its gradient may be wrong for any reason.
    torch = RNG.standard_normal((3, 6))
    jax = RNG.standard_normal((3, 6))
    assert see(jax, torch, kind="gradient", name="bias", inputs={"bias": np.zeros(6)}) == ("", "")


def test_the_slope_of_an_absolute_error_where_the_two_are_equal(see):
    x, y = RNG.standard_normal((2, 5, 6))
    x[2, :3] = y[2, :3]
    sign = np.sign(x - y) / x.size
    jax = np.where(x == y, 1 / x.size, sign)[None] * np.ones((3, 1, 1))
    section, text = see(jax, sign[None] * np.ones((3, 1, 1)), kind="gradient", name="x", inputs={"x": x, "y": y})
    assert (section, "only where x equals y" in text, "jnp.abs of the difference" in text) == (Trap.KINK, True, True)


def test_a_bound_that_belongs_to_the_other_branch(see):
    x = X.copy()
    x[1, 1] = x[2, 2] = 0
    section, text = see(np.where(x >= 0, 1.0, 2.0), np.where(x > 0, 1.0, 2.0), inputs={"x": x})
    assert (section, "> for >=" in text) == (Trap.KINK, True)


def test_halves_rounded_to_even(see):
    x = np.r_[np.arange(-4, 5) / 2, 0.3, 1.7, 2.2]
    section, text = see(np.floor(x + 0.5), np.rint(x), inputs={"x": x})
    assert (section, "half-way between whole numbers" in text) == (Trap.KINK, True)


def test_the_channels_whose_hidden_value_is_zero_somewhere(see):
    hidden = RNG.standard_normal((6, 5))
    hidden[2, 3] = 0
    torch = RNG.standard_normal((3, 5, 4))
    jax = torch + (np.arange(5) == 3)[:, None] * RNG.standard_normal((3, 5, 4))
    section, text = see(
        jax, torch, kind="gradient", name="w", inputs={"w": RNG.standard_normal((5, 4))}, values={"hidden": hidden}
    )
    # That only one row parts is seen first, and as true.
    assert section in (Trap.KINK, Trap.ONE_INDEX), text
    hidden[0, 1] = hidden[1, 4] = 0
    jax = torch + np.isin(np.arange(5), (1, 3, 4))[:, None] * RNG.standard_normal((3, 5, 4))
    section, text = see(
        jax, torch, kind="gradient", name="w", inputs={"w": RNG.standard_normal((5, 4))}, values={"hidden": hidden}
    )
    assert (section, "in which hidden is exactly 0 somewhere" in text) == (Trap.KINK, True)


def max_gradient(x, share):
    """The gradient of x.max(axis=1), its equal members each having a share or the first having all."""
    best = x == x.max(axis=1, keepdims=True)
    first = best & (np.cumsum(best, axis=1) == 1)
    return best / best.sum(axis=1, keepdims=True) if share else first.astype(float)


def test_the_tie_of_a_maximum(see):
    x = np.round(2 * X)
    v = RNG.standard_normal((3, 5, 1))
    assert (max_gradient(x, True) != max_gradient(x, False)).any()
    section, text = see(
        v * max_gradient(x, True), v * max_gradient(x, False), kind="gradient", name="x", inputs={"x": x}
    )
    assert section == Trap.TIE
    assert "along axis 1: JAX shares the gradient among equal members, PyTorch gives it to the first" in text
    last = v * max_gradient(x[:, ::-1], False)[:, ::-1]
    _, text = see(last, v * max_gradient(x, False), kind="gradient", name="x", inputs={"x": x})
    assert "JAX gives it to the last, PyTorch gives it to the first" in text


def test_a_tie_of_all_elements(see):
    section, text = see(
        np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]]), kind="gradient", name="x", inputs={"x": np.ones(2)}
    )
    assert (section, "JAX shares" in text) == (Trap.TIE, True)


def test_ties_in_pooling_windows(see):
    x = np.maximum(RNG.standard_normal((2, 4, 6)), 0)
    windows = x.reshape(2, 2, 2, 3, 2).transpose(0, 1, 3, 2, 4).reshape(2, 2, 3, 4)
    best = windows == windows.max(axis=-1, keepdims=True)
    first = best & (np.cumsum(best, axis=-1) == 1)
    v = RNG.standard_normal((3, 2, 2, 3, 1))

    def image(g):
        return (v * g).reshape(3, 2, 2, 3, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(3, 2, 4, 6)

    section, text = see(
        image(best / best.sum(-1, keepdims=True)), image(first), kind="gradient", name="x", inputs={"x": x}
    )
    assert (section, "in its window: JAX shares" in text) == (Trap.TIE, True)


@pytest.mark.parametrize("mode", ["reflect", "edge", "wrap"])
def test_the_border_of_a_convolution(see, mode):
    x, kernel = RNG.standard_normal((2, 8, 8)), RNG.standard_normal((3, 3))

    def convolved(**padding):
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), **padding)
        return sum(kernel[i, j] * padded[:, i : i + 8, j : j + 8] for i in range(3) for j in range(3))

    section, text = see(convolved(mode="constant"), convolved(mode=mode), inputs={"x": x})
    assert (section, "1 wide, at both ends of axes 1 and 2" in text) == (Trap.BORDER, True)


def test_one_side_of_a_border(see):
    torch = RNG.standard_normal((2, 3, 7, 7))
    jax = torch.copy()
    jax[..., -1] += 1
    section, text = see(jax, torch)
    assert (section, "at the end of axis 3" in text) == (Trap.BORDER, True)


def test_a_triangular_mask_that_is_off_by_one(see):
    x = RNG.standard_normal((2, 5, 5))
    section, text = see(np.tril(x, 1), np.tril(x))
    assert (section, "on diagonal 1 of the last two axes" in text) == (Trap.DIAGONAL, True)
    weights = (np.exp(x) * np.tril(np.ones((5, 5)), k) for k in (1, 0))
    section, text = see(*(w / w.sum(axis=-1, keepdims=True) for w in weights))
    assert (section, "one side alone is zero only on diagonal 1" in text) == (Trap.DIAGONAL, True)
    scores = np.where(np.tril(np.ones((5, 5))) > 0, x, -np.inf)
    section, text = see(np.where(np.tril(np.ones((5, 5)), -1) > 0, x, -np.inf), scores)
    assert (section, "−inf differs on diagonal 0" in text) == (Trap.DIAGONAL, True)


def test_another_mask(see):
    x = RNG.uniform(1, 2, (8, 8))
    one, other = RNG.random((2, 8, 8)) < 0.5
    assert see(x * one, x * other)[0] == Trap.MASK
    assert see(one, ~one) == (
        Trap.MASK,
        "the booleans are inverted: True means masked on one side and kept on the other",
    )


def test_another_branch(see):
    x, v = RNG.standard_normal((6, 6)), RNG.standard_normal((3, 6, 6))
    jax, torch = (v * np.where(x > 0, 1.3, s) for s in (0.5, 0.25))
    section, text = see(jax, torch, kind="gradient", name="x", inputs={"x": x})
    assert section == Trap.BRANCH
    assert "only where x is below 0: another branch, JAX 2 times PyTorch there, such as another negative slope" in text


def test_a_formula_that_saturates(see):
    x = np.linspace(-45, 45, 31)
    section, text = see(-np.log(1 / (1 + np.exp(-x))), np.logaddexp(0, -x), inputs={"x": x})
    assert (section, "only where x is above" in text, "saturates there" in text) == (Trap.SATURATED, True, True), text
    v = RNG.standard_normal((2, 31))
    torch = v * 0.1
    section, text = see(np.where(np.abs(x) > 36, 0, 1) * torch, torch, kind="gradient", name="x", inputs={"x": x})
    assert (section, "a naive formula saturates there" in text) == (Trap.SATURATED, True)


def test_without_a_bound_places_must_be_clear(see):
    # What float32 rounds here is near the loose tolerance, and one element lies above it.
    torch = RNG.standard_normal((6, 8)).astype(np.float32)
    jax = (torch + 1e-4 * RNG.uniform(-1, 1, (6, 8))).astype(np.float32)
    jax[2, 3] = torch[2, 3] + np.float32(1e-3)
    assert see(jax, torch, bound=None) == ("", "")
    jax = torch.copy()
    jax[2, 3] += 1
    assert see(jax, torch, bound=None)[0] == Trap.ONE_INDEX


def test_one_element_and_one_channel(see):
    torch = RNG.standard_normal((4, 5, 3))
    jax = torch.copy()
    jax[1, 2, 0] += 1
    section, text = see(jax, torch)
    assert (section, "only the element [1, 2, 0] of 60 parts" in text) == (Trap.ONE_INDEX, True)
    jax = torch.copy()
    jax[:, 4] = 0
    section, text = see(jax, torch)
    assert (section, "only index 4 of axis 1 parts, the last of 5" in text, "JAX is 0 there" in text) == (
        Trap.ONE_INDEX,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([1, -1, 0, 2, -1, 3], "whose label y is negative"),
        ([1, -100, 0, 2, -100, 3], "whose label y is negative: PyTorch ignores −100"),
        ([1, 5, 0, 2, 9, 3], "whose label y is 4 or more: JAX clamps it to the last class"),
        ([1, 5, 0, 2, -1, 3], "whose label y is out of range: JAX clamps or wraps it"),
        ([1, 2, 0, 3, 2, 1], "whose label y is 2"),
    ],
)
def test_rows_of_bad_labels(see, labels, words):
    scores, torch = RNG.standard_normal((6, 4)), RNG.standard_normal((3, 6, 4))
    jax = torch.copy()
    jax[:, [1, 4]] += RNG.standard_normal((3, 2, 4))
    section, text = see(jax, torch, kind="gradient", name="x", inputs={"x": scores, "y": np.array(labels)})
    assert (section, words in text) == (Trap.LABELS, True), text


def test_a_wrong_class(see):
    # Labels of −1 wrap to the last class, or are clamped to the first.
    y, torch = np.array([1, -1, 0, 2]), RNG.standard_normal((3, 5, 8))
    jax = torch.copy()
    jax[:, 4] += 1
    section, text = see(jax, torch, kind="gradient", name="table", inputs={"table": torch[0], "y": y})
    assert (section, "clamps or wraps the entries of y out of range" in text) == (Trap.LABELS, True)


def test_rows_that_an_index_repeats(see):
    index, upstream = np.array([0, 3, 3, 5, 1]), RNG.standard_normal((2, 5, 4))
    torch = np.zeros((2, 8, 4))
    for row, i in enumerate(index):
        torch[:, i] += upstream[:, row]
    jax = torch.copy()
    jax[:, 3] = upstream[:, 2]
    section, text = see(jax, torch, kind="gradient", name="table", inputs={"table": torch[0], "index": index})
    assert (section, "index repeats: set in place of add" in text) == (Trap.REPEATED, True)


def test_entries_that_were_overwritten(see):
    index, torch = np.array([0, 5]), RNG.standard_normal((2, 8, 4))
    jax = torch.copy()
    jax[:, index] = 0
    section, text = see(jax, torch, kind="gradient", name="x", inputs={"x": torch[0], "index": index})
    assert (section, "that index points at; JAX is 0 there" in text) == (Trap.REPEATED, True)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 6), st.integers(2, 6), st.data())
def test_kinks_at_any_place(see, rows, columns, data):
    generator = np.random.default_rng(3)
    x, v = generator.standard_normal((rows, columns)), generator.standard_normal((2, rows, columns))
    i, j = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    x[i, j] = 0
    slopes = np.where(x == 0, 0.5, x > 0)
    if (slopes == 1).any():
        section, _ = see(slopes * v, (x > 0) * v, kind="gradient", name="x", inputs={"x": x}, cotangents=v)
        assert section == Trap.KINK
