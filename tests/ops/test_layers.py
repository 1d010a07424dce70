"""Convolutions, poolings, normalizations, dropout, attention and resampling: what random calls do not reach."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from PIL import Image

from jaxtut import functional as F

RNG = np.random.default_rng(0)
EPS = float(np.finfo("float32").eps)
STRANGE = np.array([np.nan, np.inf, -np.inf, -np.inf, 0.0, -0.0, 1.0, 1.0])
SHAPES = {1: (2, 3, 9), 2: (2, 3, 6, 7), 3: (2, 2, 5, 6, 4)}
POOLINGS = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 1, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    {"kernel_size": 2, "stride": 2, "dilation": 2},
]


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("options", POOLINGS, ids=str)
@pytest.mark.parametrize("strange", [False, True])
def test_every_bit_of_max_pooling(axes: int, options: dict[str, Any], strange: bool) -> None:
    x = RNG.choice(STRANGE if strange else np.array([-1.0, 0.0, 1.0, 2.0]), SHAPES[axes]).astype("float32")
    name, tensor = f"max_pool{axes}d", torch.tensor(x, requires_grad=True)
    expected, where = getattr(TF, name)(tensor, **options, return_indices=True)
    cotangent = RNG.integers(-4, 5, expected.shape).astype("float32")
    with jax.enable_x64(True):
        (value, index), pull_back = jax.vjp(lambda x: getattr(F, name)(x, **options, return_indices=True), x)
        (slope,) = pull_back((jnp.asarray(cotangent), np.zeros(index.shape, jax.dtypes.float0)))
    np.testing.assert_array_equal(value, expected.detach().numpy(), strict=True)
    np.testing.assert_array_equal(index, where.numpy(), strict=True)
    np.testing.assert_array_equal(slope, torch.autograd.grad(expected, tensor, torch.tensor(cotangent))[0], strict=True)


def test_the_largest_of_a_whole_image_compiles_at_once() -> None:
    # Ten thousand members in one window: unrolled one by one, they would not be compiled in an hour.
    x = RNG.normal(size=(2, 1, 100, 100)).astype("float32")
    tensor = torch.tensor(x, requires_grad=True)
    value, slope = jax.jit(jax.value_and_grad(lambda x: F.adaptive_max_pool2d(x, 1).sum()))(x)
    TF.adaptive_max_pool2d(tensor, 1).sum().backward()
    np.testing.assert_array_equal(slope, tensor.grad, strict=True)
    assert value == x.max(axis=(1, 2, 3)).sum()


@pytest.mark.parametrize(("axes", "size"), [(1, 1), (1, 3), (1, 5), (2, 1), (2, 3), (2, 5), (3, 1), (3, 2)])
def test_every_bit_of_adaptive_max_pooling(axes: int, size: int) -> None:
    x = RNG.choice(STRANGE, SHAPES[axes]).astype("float32")
    name, tensor = f"adaptive_max_pool{axes}d", torch.tensor(x, requires_grad=True)
    expected, where = getattr(TF, name)(tensor, size, return_indices=True)
    with jax.enable_x64(True):
        value, index = jax.jit(lambda x: getattr(F, name)(x, size, return_indices=True))(x)
    np.testing.assert_array_equal(value, expected.detach().numpy(), strict=True)
    np.testing.assert_array_equal(index, where.numpy(), strict=True)
    slope = jax.jit(jax.grad(lambda x: jnp.where(jnp.isfinite(y := getattr(F, name)(x, size)), y, 0).sum()))(x)
    torch.where(torch.isfinite(expected), expected, 0).sum().backward()
    np.testing.assert_array_equal(slope, tensor.grad)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("avg_pool2d", {"kernel_size": 3, "stride": 2, "padding": 1}),
        ("avg_pool2d", {"kernel_size": 2, "ceil_mode": True, "count_include_pad": False}),
        ("adaptive_avg_pool2d", {"output_size": (2, 4)}),
        ("max_pool2d", {"kernel_size": 2}),
        ("unfold", {"kernel_size": 2}),
        ("pad", {"pad": (2, 1, 1, 0), "mode": "reflect"}),
        ("interpolate", {"size": (3, 5), "mode": "nearest"}),
        ("pixel_unshuffle", {"downscale_factor": 1}),
    ],
)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_pixel_that_is_not_finite_touches_only_what_sees_it(name: str, options: dict[str, Any], bad: float) -> None:
    image = RNG.standard_normal((1, 2, 6, 7)).astype("float32")
    image[0, 1, 2, 3] = bad
    np.testing.assert_array_equal(
        np.isfinite(getattr(F, name)(image, **options)),
        torch.isfinite(getattr(TF, name)(torch.tensor(image), **options)),
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["conv2d", "conv_transpose2d"])
def test_a_pixel_that_is_not_finite_in_a_convolution(name: str, bad: float) -> None:
    image = RNG.standard_normal((2, 3, 8, 8)).astype("float32")
    image[0, 1, 4, 3] = bad
    kernel = RNG.uniform(0.5, 1, (3, 3, 3, 3)).astype("float32")
    ours, theirs = (
        getattr(F, name)(image, kernel, padding=1),
        getattr(TF, name)(*map(torch.tensor, (image, kernel)), padding=1),
    )
    np.testing.assert_array_equal(np.isfinite(ours), torch.isfinite(theirs))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"dilation": 2}, {"groups": 3}], ids=str)
@pytest.mark.parametrize("compiled", [False, True])
def test_equal_patches_give_equal_bits(dtype: str, options: dict[str, Any], compiled: bool) -> None:
    # A tile repeated over the image: a tie in the pooling that follows is decided by these bits.
    tile = RNG.standard_normal((2, 3, 4, 4))
    kernel = RNG.standard_normal((6, 3 // options.get("groups", 1), 3, 3))
    with jax.enable_x64(True):
        x, w = (jnp.asarray(a, dtype) for a in (np.tile(tile, (1, 1, 4, 4)), kernel))
        f = lambda x, w: F.conv2d(x, w, **options)  # noqa: E731
        y = np.asarray((jax.jit(f) if compiled else f)(x, w))
    step = 4 // options.get("stride", 1)
    inner = y[:, :, 1:-1, 1:-1]
    np.testing.assert_array_equal(inner[:, :, : -step or None, :][:, :, : inner.shape[2] - step], inner[:, :, step:])
    np.testing.assert_array_equal(inner[:, :, :, : inner.shape[3] - step], inner[:, :, :, step:])


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 2, "padding": 1, "output_padding": 1}, {"dilation": 2, "groups": 2}, {"padding": 2}],
    ids=str,
)
def test_every_bit_of_transposed_convolution_on_whole_numbers(axes: int, options: dict[str, Any]) -> None:
    groups = options.get("groups", 1)
    x = RNG.integers(-4, 5, (2, 4, *(5, 4, 3)[:axes])).astype("float32")
    w = RNG.integers(-4, 5, (4, 3, *(3, 2, 3)[:axes])).astype("float32")
    b = RNG.integers(-4, 5, 3 * groups).astype("float32")
    name = f"conv_transpose{axes}d"
    ours, theirs = getattr(F, name)(x, w, b, **options), getattr(TF, name)(*map(torch.tensor, (x, w, b)), **options)
    np.testing.assert_array_equal(ours, theirs.numpy(), strict=True)
    np.testing.assert_array_equal(getattr(F, name)(x[0], w, b, **options), theirs[0].numpy(), strict=True)


@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_running_statistics_are_those_of_the_module(momentum: float | None) -> None:
    module = torch.nn.BatchNorm1d(3, momentum=momentum)
    x, mean, variance = np.zeros((6, 3, 5), "float32"), np.zeros(3, "float32"), np.ones(3, "float32")
    for i in range(4):
        x = (RNG.standard_normal((6, 3, 5)) * 2 + 1).astype("float32")
        expected = module(torch.tensor(x)).detach().numpy()
        y, mean, variance = F.batch_norm_with_stats(
            x, mean, variance, training=True, momentum=momentum, num_batches_tracked=i
        )
        np.testing.assert_allclose(y, expected, atol=64 * EPS)
        np.testing.assert_allclose(mean, module.running_mean, rtol=64 * EPS, atol=8 * EPS)
        np.testing.assert_allclose(variance, module.running_var, rtol=64 * EPS)
    evaluated, *same = F.batch_norm_with_stats(x, mean, variance)
    np.testing.assert_allclose(evaluated, module.eval()(torch.tensor(x)).detach().numpy(), atol=64 * EPS)
    np.testing.assert_array_equal(same[0], mean)
    assert F.batch_norm_with_stats(x, None, None, training=True)[1:] == (None, None)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("layer_norm", ((64,),)),
        ("group_norm", (2,)),
        ("instance_norm", ()),
        ("batch_norm", (None, None, None, None, True)),
    ],
)
def test_a_small_spread_around_a_large_mean(name: str, args: tuple) -> None:
    x = (1000 + 0.01 * RNG.standard_normal((8, 4, 64))).astype("float32")
    with jax.enable_x64(True):
        truth = np.asarray(getattr(F, name)(x.astype("float64"), *args))
    ours = np.abs(np.asarray(getattr(F, name)(x, *args)) - truth).max()
    theirs = np.abs(getattr(TF, name)(torch.tensor(x), *args).numpy() - truth).max()
    assert ours <= theirs


def test_dropout_keeps_the_expectation():
    x, key = np.full((200, 500), 3.0, "float32"), jax.random.key(0)
    y = F.dropout(x, 0.3, key=key)
    assert set(np.unique(y)) == {np.float32(0), np.float32(3 / 0.7)}
    assert abs(float((y == 0).mean()) - 0.3) < 0.01
    np.testing.assert_array_equal(jax.grad(lambda x: F.dropout(x, 0.3, key=key).sum())(x), y / 3)
    np.testing.assert_array_equal(F.dropout(x, 0.3, training=False), x)
    np.testing.assert_array_equal(F.dropout(x, 0.0, key=key), x)
    assert np.isnan(F.dropout(np.full(3, np.nan, "float32"), 1.0, key=key)).all()
    assert not (np.asarray(y) == F.dropout(x, 0.3, key=jax.random.key(1))).all()


@pytest.mark.parametrize(
    ("name", "shape"),
    [("dropout1d", (9, 5)), ("dropout1d", (4, 9, 5)), ("dropout2d", (4, 9, 2, 3)), ("dropout3d", (9, 2, 2, 2))],
)
def test_whole_channels_are_left_out(name: str, shape: tuple[int, ...]) -> None:
    y = np.asarray(getattr(F, name)(np.ones(shape, "float32"), 0.5, key=jax.random.key(0)))
    channels = y.reshape(*shape[: len(shape) - (2 if name != "dropout3d" else 3) + (name == "dropout1d")], -1)
    assert set(np.unique(channels.sum(-1) / channels.shape[-1])) == {0.0, 2.0}


def test_dropout2d_of_three_dimensions_warns_as_pytorch_does():
    with pytest.warns(UserWarning, match="is read as \\(batch, channels, ...\\)"):
        F.dropout2d(np.ones((2, 3, 4), "float32"), key=jax.random.key(0))


def test_alpha_dropout_keeps_mean_and_variance():
    x = RNG.standard_normal((500, 400)).astype("float32")
    for y in (
        F.alpha_dropout(x, 0.4, True, key=jax.random.key(0)),
        F.feature_alpha_dropout(x.T, 0.4, True, key=jax.random.key(1)),
    ):
        assert abs(float(y.mean())) < 0.02
        assert abs(float(y.std()) - 1) < 0.02


def test_a_query_that_sees_no_key_gets_zero_and_passes_no_gradient():
    q, k, v = (RNG.standard_normal((3, 4)).astype("float32") for _ in range(3))
    mask = np.array([[True, False, True], [False, False, False], [True, True, True]])
    tensors = [torch.tensor(a, requires_grad=True) for a in (q, k, v)]
    expected = TF.scaled_dot_product_attention(*tensors, attn_mask=torch.tensor(mask))
    value, pull_back = jax.vjp(lambda *a: F.scaled_dot_product_attention(*a, attn_mask=mask), q, k, v)
    np.testing.assert_allclose(value, expected.detach().numpy(), atol=8 * EPS)
    assert (np.asarray(value)[1] == 0).all()
    for ours, theirs in zip(pull_back(jnp.ones_like(value)), torch.autograd.grad(expected.sum(), tensors), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=8 * EPS)


@pytest.mark.parametrize("options", [{"attn_mask": np.array([[True, False, True]] * 3)}, {"is_causal": True}], ids=str)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_key_that_is_no_number_spreads_as_in_pytorch(options: dict[str, Any], bad: float) -> None:
    q = np.ones((3, 4), "float32")
    k, v = q.copy(), np.arange(12, dtype="float32").reshape(3, 4)
    k[1, 0] = bad
    expected = TF.scaled_dot_product_attention(
        *map(torch.tensor, (q, k, v)), **{n: torch.tensor(o) if n == "attn_mask" else o for n, o in options.items()}
    )
    np.testing.assert_array_equal(np.isnan(F.scaled_dot_product_attention(q, k, v, **options)), torch.isnan(expected))


def test_attention_with_dropout_is_a_mean_of_fewer_values():
    q, k, v = (np.ones((1, 400, 4), "float32") for _ in range(3))
    y = F.scaled_dot_product_attention(q, k, v, dropout_p=0.5, dropout_key=jax.random.key(0))
    assert abs(float(y.mean()) - 1) < 0.02
    assert float(y.std()) > 0.01


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_takes_pytorchs_pixels_at_every_size(mode: str, dtype: str) -> None:
    for size in (7, 24):
        x = np.arange(size, dtype=dtype).reshape(1, 1, size)
        with jax.enable_x64(True):
            for out in range(1, 3 * size, 5):
                np.testing.assert_array_equal(
                    F.interpolate(x, out, mode=mode), TF.interpolate(torch.tensor(x), out, mode=mode)
                )
            for factor in (0.7, 1.3, 1.7, 2.9):
                expected = TF.interpolate(torch.tensor(x), scale_factor=factor, mode=mode)
                np.testing.assert_array_equal(F.interpolate(x, scale_factor=factor, mode=mode), expected)


# Sizes whose quotients put some (i + ½) · scale half way between two pixels; (rows, columns) add up to 128 or less, or to more.
@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((2,), (41,)),
        ((14,), (287,)),
        ((14, 2), (23, 41)),
        ((14, 2), (23, 130)),
        ((4, 2), (87, 41)),
        ((4, 2), (88, 41)),
        ((1, 2, 4), (1, 41, 82)),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pixels_half_way_between_two(shape: tuple[int, ...], size: tuple[int, ...], dtype: str) -> None:
    x = np.arange(math.prod(shape), dtype=dtype).reshape(1, 1, *shape)
    expected = TF.interpolate(torch.tensor(x), size, mode="nearest-exact")
    with jax.enable_x64(True):
        value, pull_back = jax.vjp(lambda a: F.interpolate(a, size, mode="nearest-exact"), x)
        np.testing.assert_array_equal(value, expected)
        # How often each pixel was taken: PyTorch's own gradient does not always agree with its result.
        np.testing.assert_array_equal(
            pull_back(jnp.ones_like(value))[0].ravel(),
            np.bincount(expected.numpy().astype(int).ravel(), minlength=x.size),
        )


@pytest.mark.parametrize("factor", [1.01, 2.02, 2.0])
@pytest.mark.parametrize("rows", [1, 200])
def test_factors_that_round_to_the_same_or_twice_the_size(factor: float, rows: int) -> None:
    x = np.arange(40 * rows, dtype="float32").reshape(1, 1, rows, 40)
    expected = TF.interpolate(torch.tensor(x), scale_factor=(1.0, factor), mode="nearest")
    np.testing.assert_array_equal(F.interpolate(x, scale_factor=(1.0, factor)), expected)


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_sampling_at_the_edges_and_where_there_is_no_number(mode: str, padding_mode: str, aligned: bool) -> None:
    image = np.arange(1, 13, dtype="float32").reshape(1, 1, 3, 4)
    edges = np.array([-1.0, 1.0, 0.0, -1.5, 1.5, 3.2, -7.1], "float32")
    grid = np.stack(np.meshgrid(edges, edges), -1)[None]
    options = {"mode": mode, "padding_mode": padding_mode, "align_corners": aligned}
    tensors = [torch.tensor(a, requires_grad=True) for a in (image, grid)]
    expected = TF.grid_sample(*tensors, **options)
    value, pull_back = jax.vjp(lambda *a: F.grid_sample(*a, **options), image, grid)
    np.testing.assert_allclose(value, expected.detach().numpy(), atol=64 * EPS)
    for ours, theirs in zip(pull_back(jnp.ones_like(value)), torch.autograd.grad(expected.sum(), tensors), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=512 * EPS)
    nothing = np.full((1, 1, 1, 2), np.nan, "float32")
    np.testing.assert_array_equal(
        F.grid_sample(image, nothing, **options), TF.grid_sample(torch.tensor(image), torch.tensor(nothing), **options)
    )


@pytest.mark.parametrize("p", [np.inf, -np.inf])
def test_power_pooling_at_infinity_takes_magnitudes(p: float) -> None:
    x = np.array([[[-5.0, 1.0], [2.0, -3.0]]], "float32")
    np.testing.assert_array_equal(F.lp_pool2d(x, p, 2), TF.lp_pool2d(torch.tensor(x), p, 2))
    assert float(F.lp_pool2d(x, p, 2).item()) == (5.0 if p > 0 else 1.0)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(3, 4), (8, 9), (1, 1)])
def test_aligned_corners_with_a_filter(mode: str, size: tuple[int, int]) -> None:
    x = RNG.standard_normal((1, 1, 5, 7)).astype("float32")
    options = {"mode": mode, "align_corners": True, "antialias": True}
    np.testing.assert_allclose(
        F.interpolate(x, size, **options), TF.interpolate(torch.tensor(x), size, **options), atol=64 * EPS
    )


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("size", [(3, 4), (8, 9), (1, 1)])
def test_a_filter_is_pillow_s(mode: str, size: tuple[int, int]) -> None:
    x = RNG.standard_normal((5, 7)).astype("float32")
    expected = Image.fromarray(x).resize(size[::-1], getattr(Image.Resampling, mode.upper()))
    np.testing.assert_allclose(
        F.interpolate(x[None, None], size, mode=mode, antialias=True)[0, 0], np.asarray(expected), atol=16 * EPS
    )


def test_values_by_hand():
    np.testing.assert_array_equal(F.avg_pool1d(np.array([[0.0, 3.0, 6.0]], "float32"), 3, 1, 1), [[1.0, 3.0, 3.0]])
    np.testing.assert_array_equal(
        F.pixel_shuffle(np.arange(4.0, dtype="float32").reshape(4, 1, 1), 2), [[[0, 1], [2, 3]]]
    )
    x = np.array([[1.0, 3.0]], "float32")
    np.testing.assert_allclose(F.layer_norm(x, (2,), eps=0.0), [[-1.0, 1.0]])
    np.testing.assert_allclose(F.rms_norm(x, (2,), eps=0.0), x / np.sqrt(5))
    np.testing.assert_allclose(F.interpolate(x[None], 4, mode="linear"), [[[1.0, 1.5, 2.5, 3.0]]])
    np.testing.assert_allclose(F.interpolate(x[None], 3, mode="linear", align_corners=True), [[[1.0, 2.0, 3.0]]])
    q = np.zeros((1, 2), "float32")
    np.testing.assert_allclose(
        F.scaled_dot_product_attention(q, np.eye(2, dtype="float32"), np.eye(2, dtype="float32")), [[0.5, 0.5]]
    )


@pytest.mark.parametrize("jit", [False, True])
def test_a_convolution_with_one_window_and_pixels_left_over(jit: bool) -> None:
    # XLA ends the whole process on the float64 gradients of `lax.conv_general_dilated` here.
    x, w = RNG.standard_normal((1, 4, 6, 5)), RNG.standard_normal((4, 1, 2, 3))
    options = {"stride": (2, 3), "padding": (1, 0), "groups": 4}
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, w)]
    y = TF.conv2d(*tensors, **options)
    cotangent = RNG.standard_normal(tuple(y.shape))
    expected = torch.autograd.grad(y, tensors, torch.tensor(cotangent))
    with jax.enable_x64(True):

        def pulled(x, w, cotangent):
            return jax.vjp(lambda x, w: F.conv2d(x, w, **options), x, w)[1](cotangent)

        gradients = (jax.jit(pulled) if jit else pulled)(x, w, cotangent)
    for ours, theirs in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6 * EPS)
