"""Shapes, dtypes, NaN, infinities, and integers out of range."""

import numpy as np
import pytest

from jaxtut.parity.diagnosis import Trap

RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 4))


@pytest.mark.parametrize(
    ("jax", "torch", "trap", "words"),
    [
        (X[:, :1], X[:, 0], Trap.SIZE_ONE, "shape (6, 1) in JAX, (6,) in PyTorch"),
        (X[:, None, :1], X[:, :1], Trap.SIZE_ONE, "an axis of size 1 is kept"),
        (X.T, X, Trap.TRANSPOSED, "JAX is the transpose of PyTorch"),
        (np.zeros((4, 6)), X, Trap.AXES, "the axes are in another order"),
        (
            np.ones((2, 5, 7, 3)) * np.arange(3),
            np.ones((2, 3, 5, 7)) * np.arange(3)[:, None, None],
            Trap.AXES,
            "NHWC for NCHW",
        ),
        (X.reshape(2, 12), X, Trap.SHAPE, "the same numbers in another shape"),
        (RNG.standard_normal((2, 12)), X, Trap.SHAPE, "as many elements in another shape"),
        (X.mean(), X, Trap.REDUCTION, "JAX takes the mean, the other side does not reduce"),
        (X, X.sum(), Trap.REDUCTION, "PyTorch takes the sum"),
        (X.mean(axis=1), X, Trap.REDUCTION, "JAX takes the mean over axis 1"),
        (X.max(), X, Trap.REDUCTION, "JAX reduces to one number"),
        (RNG.standard_normal((6, 6)), X[:, 0], Trap.BROADCAST, "broadcast to (N, N) in JAX"),
        (X[:5], X, Trap.SHAPE, "axis 0 differs in length"),
        (
            np.zeros((2, 3, 6, 6)),
            np.zeros((2, 3, 8, 8)),
            Trap.SHAPE,
            "axes 2, 3 differ in length: shape (2, 3, 6, 6) in JAX",
        ),
    ],
)
def test_shapes(see, jax, torch, trap, words):
    section, text = see(jax, torch)
    assert (section, words in text) == (trap, True), text


def test_shapes_of_stacked_gradients(see):
    section, text = see(np.stack([X.T, X.T]), np.stack([X, X]), kind="gradient", name="w")
    assert (section, text.startswith("JAX is the transpose")) == (Trap.TRANSPOSED, True)


@pytest.mark.parametrize(
    ("jax", "torch", "words"),
    [
        (np.float32, np.float64, "dtype float32 in JAX, float64 in PyTorch: a cast or a constant of fewer bits in JAX"),
        (np.float64, np.float16, "fewer bits in PyTorch"),
        (np.int32, np.int64, "without its 64-bit mode JAX has 32 bits"),
        (np.float32, np.int64, "an integer division, a comparison or a cast to integers in PyTorch"),
        (np.bool_, np.float32, "a comparison whose booleans are cast"),
        (np.complex64, np.float32, "a complex result"),
    ],
)
def test_dtypes(see, jax, torch, words):
    section, text = see(np.ones(3, jax), np.ones(3, torch))
    assert (section, words in text) == (Trap.DTYPE, True), text


def test_integers_of_other_widths_are_compared_by_their_numbers(see):
    y = np.array([1, 5, 9], np.int64)
    assert see((y + 1).astype(np.int32), y)[0] == Trap.OFFSET


def test_integers_that_wrap(see):
    torch = np.array([3 * 2**30, 5, -(2**31) - 1])
    section, text = see(torch.astype(np.int32), torch)
    assert (section, "multiples of 2³²" in text) == (Trap.WRAPPED_INTEGERS, True)


def test_bytes_that_saturate(see):
    x = np.array([256.0, -1.0, 7.0, 300.0, 255.0])
    torch = x.astype(np.int64).astype(np.uint8)
    jax = np.clip(x, 0, 255).astype(np.uint8)
    section, text = see(jax, torch, inputs={"x": x})
    assert (section, "outside of 0 to 255" in text) == (Trap.EIGHT_BITS, True)
    assert see(jax, torch)[0] == Trap.EIGHT_BITS


def nan_at(where):
    return np.where(where, np.nan, X)


@pytest.mark.parametrize("side", ["JAX", "PyTorch"])
def test_nan_at_zero(see, side):
    x = X.copy()
    x[1, 2] = x[4, 0] = 0
    sides = [nan_at(x == 0)[None], X[None]]
    section, text = see(*(sides if side == "JAX" else sides[::-1]), kind="gradient", name="x", inputs={"x": x})
    assert (section, f"{side} is NaN exactly where x is 0" in text) == (Trap.NAN_AT_ZERO, True)


def test_nan_in_rows(see):
    x = X.copy()
    x[2] = 0
    section, text = see(nan_at((x == 0).all(axis=1, keepdims=True)), X, inputs={"x": x})
    assert (section, "rows of x that are 0: the norm of 0" in text) == (Trap.NAN_AT_ZERO, True)
    x[2] = 1.5
    section, text = see(nan_at((x == 1.5).all(axis=1, keepdims=True)), X, inputs={"x": x})
    assert (section, "rows of x that are constant: the root of a variance of 0" in text) == (Trap.NAN_AT_ZERO, True)
    x[2] = -np.inf
    section, text = see(nan_at(np.isinf(x)), np.where(np.isinf(x), 0, X), inputs={"x": x})
    assert (section, "−inf throughout: the softmax of nothing" in text) == (Trap.NAN, True)


def test_nan_everywhere_at_zero(see):
    section, text = see(np.full((3, 4), np.nan), np.zeros((3, 4)), kind="gradient", name="x", inputs={"x": np.zeros(4)})
    assert (section, "x is 0 everywhere" in text) == (Trap.NAN_AT_ZERO, True)


def test_labels_under_jit(see):
    y = np.array([0, 1, 7, 3, 2, -1])
    bad = (y < 0) | (y >= 4)
    for jax, torch in ((np.nan, 1.3), (np.where(bad, np.nan, 1.0), np.ones(6))):
        section, text = see(jax, torch, inputs={"x": X, "y": y})
        assert (section, "y has labels out of range: [-1, 7]" in text) == (Trap.LABEL_UNDER_JIT, True)


def test_overflow(see):
    x = 200 * X
    with np.errstate(all="ignore"):
        jax, torch = np.log(1 + np.exp(4 * x)), np.logaddexp(0, 4 * x)
    assert np.isinf(jax).any()
    section, text = see(jax, torch, inputs={"x": x})
    assert (section, "JAX is not finite exactly where |" in text) == (Trap.OVERFLOW, True)
    section, text = see(np.nan, 1.0, inputs={"x": 200 + X})
    assert (section, "exp overflows" in text) == (Trap.OVERFLOW, True)


def test_nan_and_infinity_without_a_sign(see):
    bad = np.zeros(X.shape, bool)
    bad[1, 1] = bad[3, 2] = True
    section, text = see(nan_at(bad), X, inputs={"x": X})
    assert (section, "NaN in JAX alone, at 2 of 24 elements" in text) == (Trap.NAN, True)
    section, text = see(np.where(bad, np.inf, X), X, inputs={"x": X})
    assert (section, "JAX is infinite at 2 of 24 elements" in text) == (Trap.OVERFLOW, True)


def test_another_mask_of_infinities(see):
    one, other = RNG.random((2, 6, 4)) < 0.5
    section, text = see(np.where(one, X, -np.inf), np.where(other, X, -np.inf))
    assert (section, "−inf stands at other places" in text) == (Trap.MASK, True)


def test_equal_infinities_are_no_difference(see):
    x = np.where(X > 1, -np.inf, X)
    assert see(x, x) == ("", "")
    assert see(2 * x, x)[0] == Trap.ONE_HALF
