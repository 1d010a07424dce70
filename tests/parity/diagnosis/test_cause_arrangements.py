"""The same numbers in other places: axes, flips, shifts, flattens, blocks, leaves; and gradients that are cut off."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtut.parity.diagnosis import Trap

RNG = np.random.default_rng(0)
STACK = RNG.standard_normal((3, 12, 12))
IMAGE = RNG.standard_normal((2, 3, 4, 5))
KERNELS = RNG.standard_normal((3, 6, 4, 5, 5))


def test_a_transposed_weight(see):
    section, text = see(STACK.swapaxes(1, 2), STACK, kind="gradient", name="w")
    assert (section, "JAX is the transpose of PyTorch" in text) == (Trap.TRANSPOSED, True)
    section, text = see(KERNELS.swapaxes(3, 4), KERNELS, kind="gradient", name="w")
    assert (section, "axes 2 and 3 are swapped" in text) == (Trap.TRANSPOSED, True)


def test_a_transposed_square_weight_is_seen_in_the_product(see):
    x, w, b = RNG.standard_normal((7, 4)), RNG.standard_normal((4, 4)), RNG.standard_normal(4)
    section, text = see(x @ w + b, x @ w.T + b, inputs={"x": x, "w": w, "b": b})
    assert (section, "the product of x and wᵀ" in text) == (Trap.TRANSPOSED, True)


def test_three_axes_in_another_order(see):
    x = RNG.standard_normal((4, 4, 4))
    section, text = see(x.transpose(1, 2, 0), x)
    assert (section, "in the order (1, 2, 0)" in text) == (Trap.AXES, True)


def test_a_flipped_kernel(see):
    section, text = see(KERNELS[..., ::-1, ::-1], KERNELS, kind="gradient", name="w")
    assert (section, "axes 2 and 3 reversed: a convolution flips the kernel" in text) == (Trap.FLIPPED, True)
    section, text = see(IMAGE[:, ::-1], IMAGE)
    assert (section, text) == (Trap.FLIPPED, "JAX is PyTorch with axis 1 reversed")


@pytest.mark.parametrize("shift", [1, -1, 3])
def test_a_shift(see, shift):
    section, text = see(np.roll(STACK, shift, axis=2), STACK, kind="gradient", name="x")
    assert (section, f"rolled by {shift} along axis 1" in text) == (Trap.SHIFTED, True)


def test_a_flatten_of_another_layout(see):
    x, w = RNG.standard_normal((5, 3, 4, 2)), RNG.standard_normal((7, 24))
    gradient = RNG.standard_normal((3, 7, 24))
    moved = gradient.reshape(3, 7, 3, 4, 2).transpose(0, 1, 3, 4, 2).reshape(3, 7, 24)
    section, text = see(moved, gradient, kind="gradient", name="w", inputs={"w": w, "x": x})
    assert section == Trap.FLATTEN
    assert (
        "along axis 1, JAX flattens (H, W, C) where PyTorch flattens (C, H, W), with (C, H, W) = (3, 4, 2) as in x"
        in text
    )
    section, text = see(gradient, moved, kind="gradient", name="w", inputs={"w": w, "x": x})
    assert "JAX flattens (C, H, W) where PyTorch flattens (H, W, C)" in text
    section, text = see(moved, gradient, kind="gradient", name="w", inputs={"w": w})
    assert (section, "taken as 3 × 8" in text) == (Trap.FLATTEN, True)


def test_a_reshape_in_place_of_a_transpose(see):
    section, text = see(IMAGE.reshape(2, 4, 5, 3), IMAGE.transpose(0, 2, 3, 1))
    assert (section, "a reshape in place of a transpose" in text) == (Trap.FLATTEN, True)
    gradient = RNG.standard_normal((2, 60))
    jax = gradient.reshape(2, 4, 5, 3).transpose(0, 3, 1, 2)
    assert see(jax, gradient.reshape(2, 3, 4, 5))[0] == Trap.FLATTEN


def test_gates_in_another_order(see):
    w = RNG.standard_normal((12, 5))
    i, f, g, o = w.reshape(4, 3, 5)
    section, text = see(np.concatenate([i, f, o, g]), w)
    assert (section, "4 blocks in the order (0, 1, 3, 2)" in text) == (Trap.PERMUTED, True)


def test_channels_in_another_order(see):
    order = [0, 4, 2, 3, 1, 5]
    section, text = see(KERNELS[:, order], KERNELS, kind="gradient", name="w")
    assert (section, "along axis 0 1 and 4 exchanged" in text) == (Trap.PERMUTED, True)
    section, text = see(KERNELS[:, [2, 4, 0, 3, 5, 1]], KERNELS, kind="gradient", name="w")
    assert (section, "in the order (2, 4, 0, 3, 5, 1)" in text) == (Trap.PERMUTED, True)


def test_numbers_scattered_without_a_rule(see):
    order = RNG.permutation(144)
    section, _ = see(STACK.reshape(3, 144)[:, order].reshape(STACK.shape), STACK, kind="gradient", name="w")
    assert section == Trap.OTHER_PLACES


def test_two_leaves_swapped(see):
    a, b = RNG.standard_normal((2, 3, 6))
    section, text = see(b, a, kind="gradient", name="a", gradients={"b": (a, b)})
    assert (section, text) == (Trap.SWAPPED, "the gradients of a and b are swapped")


def test_another_output(see):
    mean, deviation = RNG.standard_normal((2, 6))
    section, text = see(deviation, mean, name="mean", values={"mean": mean, "deviation": deviation})
    assert (section, "JAX's mean is PyTorch's deviation" in text) == (Trap.SWAPPED, True)


def test_the_conjugate(see):
    x = RNG.standard_normal((3, 4)) + 1j * RNG.standard_normal((3, 4))
    assert see(x.conj(), x, kind="gradient", name="x")[0] == Trap.CONJUGATE
    assert see(0.5 * x, x, kind="gradient", name="x")[0] == Trap.ONE_HALF


def test_gradients_that_are_cut_off(see):
    w, b = RNG.standard_normal((3, 4, 5)), RNG.standard_normal((3, 5))
    section, text = see(0 * b, b, kind="gradient", name="fc.bias", gradients={"fc.weight": (w, w)})
    assert section == Trap.CUT
    assert "the gradient of the bias fc.bias alone, while the other gradients agree, is cut off in JAX" in text
    _, text = see(0 * b, b, kind="gradient", name="fc.bias", gradients={"fc.weight": (0 * w, w)})
    assert "every gradient is cut off in JAX" in text
    _, text = see(0 * w, w, kind="gradient", name="w")
    assert "the gradient of w is cut off in JAX" in text
    section, text = see(w, 0 * w, kind="gradient", name="w")
    assert (section, "PyTorch's gradient has zeros only" in text) == (Trap.CUT, True)
    assert see(0 * w, w)[0] == Trap.CUT


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.data())
def test_every_swap_and_flip_is_found(see, shape, data):
    torch = np.random.default_rng(1).standard_normal((2, *shape))
    axis = data.draw(st.integers(1, len(shape)))
    for jax, sections in (
        (np.flip(torch, axis), (Trap.FLIPPED, Trap.TRANSPOSED, Trap.SIGN)),
        (np.roll(torch, 1, axis), (Trap.SHIFTED, Trap.FLIPPED)),
    ):
        changed = shape[axis - 1] > 1
        assert see(jax, torch, kind="gradient", name="x")[0] in (sections if changed else ("",))
