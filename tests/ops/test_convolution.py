"""Convolution against PyTorch: strides, padding, dilation, groups."""

from typing import Any

import jax
import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from jaxtut import functional as F
from jaxtut import parity

OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"stride": 2, "padding": 1},
    {"stride": (1, 2), "padding": (2, 0), "dilation": (2, 1)},
    {"padding": "same"},
    {"padding": "same", "dilation": 3},
    {"padding": "valid", "groups": 2},
    {"groups": 4, "dilation": [2], "stride": np.int64(2)},
)
# Batch, rows and columns of the image; rows and columns of the kernel.
SIZES = (((2, 7, 8), (2, 3)), ((1, 8, 7), (3, 2)), ((0, 7, 7), (1, 1)))


def _arrays(options: dict[str, Any], sizes: tuple, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    (batch, *image), kernel = sizes
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(batch, 4, *image)),
        rng.normal(size=(4, 4 // options.get("groups", 1), *kernel)),
        rng.normal(size=4),
    )


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@given(st.sampled_from(SIZES), st.booleans(), st.integers(0, 99))
@settings(max_examples=3, deadline=None, derandomize=True)
@pytest.mark.filterwarnings(
    "ignore:Using padding='same' with even kernel lengths:UserWarning"
)  # PyTorch's own, of its speed
def test_every_bit_on_whole_numbers(options: dict[str, Any], sizes: tuple, bias: bool, seed: int) -> None:
    # Sums of small whole numbers have no rounding, in whatever order they are taken.
    x, w, b = (np.round(4 * a).astype("float32") for a in _arrays(options, sizes, seed))
    args = (x, w, b) if bias else (x, w)
    y, pull_back = jax.vjp(lambda *a: F.conv2d(*a, **options), *args)
    cotangent = np.round(np.random.default_rng(1).normal(size=y.shape) * 4).astype("float32")
    tensors: list[Any] = [torch.tensor(a, requires_grad=True) for a in args]
    expected = TF.conv2d(*tensors, **options)
    np.testing.assert_array_equal(y, expected.detach().numpy(), strict=True)
    gradients = torch.autograd.grad(expected, tensors, torch.tensor(cotangent))
    for ours, theirs in zip(pull_back(cotangent), gradients, strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)


@pytest.mark.parametrize("options", [OPTIONS[1], OPTIONS[4], OPTIONS[6]], ids=str)
def test_same_as_pytorch(options: dict[str, Any]) -> None:
    plain = {k: int(v) if isinstance(v, np.integer) else v for k, v in options.items()}
    args = _arrays(options, SIZES[0], 0)
    report = parity.compare(lambda *a: F.conv2d(*a, **options), lambda *a: TF.conv2d(*a, **plain), *args, cotangents=1)
    assert report.same, report.summary()


def test_one_image_without_a_batch() -> None:
    x, w, b = (np.round(4 * a).astype("float32") for a in _arrays({}, SIZES[0], 0))
    expected = TF.conv2d(torch.tensor(x[0]), torch.tensor(w), torch.tensor(b)).numpy()
    np.testing.assert_array_equal(F.conv2d(x[0], w, b), expected, strict=True)


def test_values_by_hand_the_kernel_is_not_flipped() -> None:
    image = np.arange(9, dtype="float32").reshape(1, 1, 3, 3)
    kernel = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]], "float32")
    np.testing.assert_array_equal(F.conv2d(image, kernel)[0, 0], [[4310.0, 5421.0], [7643.0, 8754.0]])


def test_finite_differences_and_transformations() -> None:
    x, w, b = _arrays({}, ((2, 4, 4), (2, 2)), 0)

    def f(x: Any, w: Any, b: Any) -> jax.Array:
        return F.conv2d(x, w, b, stride=2, padding=1)

    with jax.enable_x64(True):
        check_grads(jax.jit(f), (x, w, b), order=2, modes=("rev",))
        bound = 64 * np.finfo("float64").eps  # sums of 16 products in another order
        plain = f(x, w, b)
        np.testing.assert_allclose(jax.jit(f)(x, w, b), plain, atol=bound)
        np.testing.assert_allclose(jax.vmap(f, (0, None, None))(x, w, b), plain, atol=bound)
        np.testing.assert_allclose(
            jax.jvp(f, (x, w, b), (x, w * 0, b * 0))[1], plain - b.reshape(1, -1, 1, 1), atol=bound
        )


ONES = np.ones
REFUSED: tuple[tuple[type[Exception], str, tuple, dict[str, Any]], ...] = (
    (ValueError, r"conv2d: input must have shape .* but \(4, 4\) was given", ((4, 4), (1, 1, 2, 2)), {}),
    (ValueError, r"conv2d: weight must have shape .* but \(1, 2, 2\) was given", ((1, 1, 4, 4), (1, 2, 2)), {}),
    (ValueError, r"at least one output channel .* but \(0, 1, 2, 2\) was given", ((1, 1, 4, 4), (0, 1, 2, 2)), {}),
    (ValueError, r"a kernel of at least 1×1, but \(1, 1, 0, 2\) was given", ((1, 1, 4, 4), (1, 1, 0, 2)), {}),
    (ValueError, "groups=1 expects 1 input channels, but input of shape .* has 2", ((1, 2, 4, 4), (1, 1, 2, 2)), {}),
    (ValueError, "3 output channels are not divisible by groups=2", ((1, 2, 4, 4), (3, 1, 2, 2)), {"groups": 2}),
    (ValueError, "groups must be a positive integer, but 0 was given", ((1, 1, 4, 4), (1, 1, 2, 2)), {"groups": 0}),
    (ValueError, "stride must be at least 1, but 0 was given", ((1, 1, 4, 4), (1, 1, 2, 2)), {"stride": 0}),
    (
        ValueError,
        r"stride must be an integer or 2 of them, but \(1, 1, 1\)",
        ((1, 1, 4, 4), (1, 1, 2, 2)),
        {"stride": (1, 1, 1)},
    ),
    (
        TypeError,
        "dilation must be an integer or 2 of them, but 1.5 was given",
        ((1, 1, 4, 4), (1, 1, 2, 2)),
        {"dilation": 1.5},
    ),
    (
        TypeError,
        "padding must be an integer or 2 of them, but True was given",
        ((1, 1, 4, 4), (1, 1, 2, 2)),
        {"padding": True},
    ),
    (ValueError, "padding must be at least 0, but -1 was given", ((1, 1, 4, 4), (1, 1, 2, 2)), {"padding": -1}),
    (
        ValueError,
        "padding must be 'valid', 'same' or integers, but 'SAME' was given",
        ((1, 1, 4, 4), (1, 1, 2, 2)),
        {"padding": "SAME"},
    ),
    (ValueError, "padding='same' needs stride 1", ((1, 1, 4, 4), (1, 1, 2, 2)), {"padding": "same", "stride": 2}),
    (
        ValueError,
        r"kernel of size \(5, 2\) .* is larger than the padded image of size \(4, 4\)",
        ((1, 1, 4, 4), (1, 1, 5, 2)),
        {},
    ),
    (ValueError, r"bias must have shape \(2,\), but \(1,\) was given", ((1, 1, 4, 4), (2, 1, 2, 2), (1,)), {}),
)


@pytest.mark.parametrize(("kind", "message", "shapes", "options"), REFUSED, ids=[m[:40] for _, m, _, _ in REFUSED])
def test_refuses_wrong_shapes_and_options(
    kind: type[Exception], message: str, shapes: tuple, options: dict[str, Any]
) -> None:
    arrays: list[Any] = [ONES(shape, "float32") for shape in shapes]
    with pytest.raises(kind, match=message):
        F.conv2d(*arrays, **options)


def test_refuses_wrong_dtypes() -> None:
    x, w = ONES((1, 1, 4, 4), "float32"), ONES((1, 1, 2, 2), "float32")
    with pytest.raises(TypeError, match="conv2d: input must have a floating dtype, but int32 was given"):
        F.conv2d(x.astype("int32"), w)
    with pytest.raises(
        TypeError, match="expected arguments of one dtype, but input float32, weight float16 were given"
    ):
        F.conv2d(x, w.astype("float16"))
    with pytest.raises(TypeError, match="expected arguments of one dtype, but input float32, bias float16 were given"):
        F.conv2d(x, w, ONES(1, "float16"))
