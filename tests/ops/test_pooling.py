"""Max-pooling against PyTorch, bit for bit: ties, NaN, padding, windows over the edge."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from jaxtut import functional as F
from jaxtut import parity
from jaxtut.native import machine

OPTIONS: tuple[dict[str, Any], ...] = (
    {"kernel_size": 2},
    {"kernel_size": (3, 2), "stride": (1, 2), "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    {"kernel_size": 2, "stride": 3, "ceil_mode": True},
    {"kernel_size": 3, "padding": (1, 0), "dilation": (2, 1)},
    {"kernel_size": [1], "stride": 1},
)
SHAPES = ((2, 3, 7, 8), (3, 8, 7), (0, 3, 7, 7))
# Whole numbers from a few, so that most windows have ties; and what is not finite.
FEW = np.array([-1.0, -0.0, 0.0, 1.0, 2.0])
STRANGE = np.array([np.nan, np.inf, -np.inf, -np.inf, 0.0, 1.0])


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@given(st.sampled_from(SHAPES), st.sampled_from(["float32", "float64"]), st.booleans(), st.integers(0, 99))
@settings(max_examples=4, deadline=None, derandomize=True)
def test_every_bit_with_ties_nan_and_infinities(
    options: dict[str, Any], shape: tuple[int, ...], dtype: str, strange: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.choice(STRANGE if strange else FEW, shape).astype(dtype)
    x = torch.tensor(image, requires_grad=True)
    expected = TF.max_pool2d(x, **options)
    cotangent = np.round(4 * rng.normal(size=expected.shape)).astype(dtype)  # whole, so that sums have no rounding
    with jax.enable_x64(True):
        y, pull_back = jax.vjp(lambda x: F.max_pool2d(x, **options), image)
        (gradient,) = pull_back(cotangent)
    np.testing.assert_array_equal(y, expected.detach().numpy(), strict=True)
    np.testing.assert_array_equal(np.signbit(y), np.signbit(expected.detach().numpy()))
    (slope,) = torch.autograd.grad(expected, x, torch.tensor(cotangent))
    np.testing.assert_array_equal(gradient, slope, strict=True)


def test_same_as_pytorch_by_the_engine() -> None:
    image = np.random.default_rng(0).normal(size=(2, 3, 7, 8))
    report = parity.compare(lambda x: F.max_pool2d(x, 2), lambda x: TF.max_pool2d(x, 2), image)
    assert report.verdict == "bit-identical", report.summary()


def test_the_winner_by_hand() -> None:
    def gradient(window: list[list[float]], **options: Any) -> list:
        return jax.grad(lambda x: F.max_pool2d(x, 2, **options).sum())(np.array([window], "float32"))[0].tolist()

    nan, inf = np.nan, np.inf
    assert gradient([[1, 5], [5, 2]]) == [[0, 1], [0, 0]]  # the first of the equal
    assert gradient([[nan, 5], [nan, 2]]) == [[0, 0], [1, 0]]  # the last NaN
    assert gradient([[-inf, -inf], [-inf, -inf]]) == [[1, 0], [0, 0]]
    assert gradient([[-inf, -inf], [-inf, -inf]], padding=1) == [[1, 1], [1, 1]]  # padding never wins


def test_a_window_that_lies_in_the_padding_alone_gives_nothing_back() -> None:
    # PyTorch's gradient writes beyond the image here.
    image = jnp.ones((2, 3, 7, 8))
    y, pull_back = jax.vjp(lambda x: F.max_pool2d(x, (2, 1), 1, (1, 0), (8, 1)), image)
    np.testing.assert_array_equal(y, np.full((2, 3, 1, 8), -np.inf, "float32"))
    np.testing.assert_array_equal(pull_back(jnp.ones_like(y))[0], np.zeros_like(image))


def test_plain_jax_would_split_ties() -> None:
    window = jnp.array([[[1.0, 5.0], [5.0, 2.0]]])
    assert jax.grad(lambda x: x.reshape(1, 1, 2, 1, 2).max((2, 4)).sum())(window)[0].tolist() == [[0, 0.5], [0.5, 0]]


def test_finite_differences_and_transformations() -> None:
    image = np.random.default_rng(0).permutation(72).reshape(2, 1, 6, 6) / 8.0

    def f(x: Any) -> jax.Array:
        return F.max_pool2d(x, 3, stride=2, padding=1)

    with jax.enable_x64(True):
        check_grads(jax.jit(f), (image,), order=2, modes=("rev",))
        np.testing.assert_array_equal(jax.jit(f)(image), f(image))
        np.testing.assert_array_equal(jax.vmap(f)(image), f(image))
        np.testing.assert_array_equal(jax.jvp(f, (image,), (image,))[1], f(image))  # the winner's tangent is the winner


@pytest.mark.skipif(machine.host() is None or jax.default_backend() != "cpu", reason="no loops of ours")
def test_windows_that_overlap_give_back_by_a_loop_in_pytorchs_order() -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(size=(2, 3, 15, 14)).astype("float32")
    options: dict[str, Any] = {"kernel_size": 3, "stride": 2, "padding": 1}
    x = torch.tensor(image, requires_grad=True)
    expected = TF.max_pool2d(x, **options)
    cotangent = rng.normal(size=expected.shape).astype("float32")
    (theirs,) = torch.autograd.grad(expected, x, torch.tensor(cotangent))

    def gradient(x: Any, y: Any, options: Any = options) -> Any:
        return jax.vjp(lambda x: F.max_pool2d(x, **options), x)[1](y)[0]

    compiled = jax.jit(gradient)
    np.testing.assert_array_equal(compiled(image, cotangent), theirs)
    assert "@jaxtut_" in compiled.lower(image, cotangent).as_text()
    apart = jax.jit(lambda x, y: gradient(x, y, {"kernel_size": 2}))
    assert "@jaxtut_" not in apart.lower(image, np.ones((2, 3, 7, 7), "float32")).as_text()
    exported = jax.export.export(compiled)(image, cotangent)  # refuses calls that another process does not have
    np.testing.assert_allclose(exported.call(image, cotangent), theirs, rtol=1e-6, atol=1e-6)
    with jax.disable_jit():
        np.testing.assert_allclose(gradient(image, cotangent), theirs, rtol=1e-6, atol=1e-6)


REFUSED: tuple[tuple[type[Exception], str, tuple[int, ...], dict[str, Any]], ...] = (
    (ValueError, r"max_pool2d: input must have shape .* but \(4, 4\) was given", (4, 4), {"kernel_size": 2}),
    (ValueError, r"only the batch may be empty, but input of shape \(2, 0, 4, 4\)", (2, 0, 4, 4), {"kernel_size": 2}),
    (ValueError, "kernel_size must be at least 1, but 0 was given", (1, 4, 4), {"kernel_size": 0}),
    (
        ValueError,
        r"kernel_size must be an integer or 2 of them, but \(2, 2, 2\)",
        (1, 4, 4),
        {"kernel_size": (2, 2, 2)},
    ),
    (TypeError, "kernel_size must be an integer or 2 of them, but 2.0 was given", (1, 4, 4), {"kernel_size": 2.0}),
    (ValueError, "stride must be at least 1, but 0 was given", (1, 4, 4), {"kernel_size": 2, "stride": 0}),
    (ValueError, "dilation must be at least 1, but 0 was given", (1, 4, 4), {"kernel_size": 2, "dilation": 0}),
    (ValueError, "padding must be at least 0, but -1 was given", (1, 4, 4), {"kernel_size": 2, "padding": -1}),
    (
        ValueError,
        r"padding must be at most half of kernel_size=\(3, 3\), but \(2, 2\)",
        (1, 4, 4),
        {"kernel_size": 3, "padding": 2},
    ),
    (
        ValueError,
        r"the window \(5, 5\) .* is larger than the padded image of shape \(4, 4\)",
        (1, 4, 4),
        {"kernel_size": 5},
    ),
)


@pytest.mark.parametrize(("kind", "message", "shape", "options"), REFUSED, ids=[m[:40] for _, m, _, _ in REFUSED])
def test_refuses_wrong_shapes_and_options(
    kind: type[Exception], message: str, shape: tuple[int, ...], options: dict[str, Any]
) -> None:
    with pytest.raises(kind, match=message):
        F.max_pool2d(np.ones(shape, "float32"), **options)


def test_refuses_wrong_dtypes() -> None:
    with pytest.raises(
        TypeError, match="max_pool2d: input must have an integer or a floating dtype, but bool was given"
    ):
        F.max_pool2d(np.ones((1, 4, 4), bool), 2)
    with pytest.raises(TypeError, match="max_pool2d: input must be an array, but list was given"):
        F.max_pool2d([[[1.0]]], 1)  # pyright: ignore[reportArgumentType]
