"""Layers in a row give the values and gradients of the operations one by one, in PyTorch's order, whatever lies between."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxtut.functional as F
from jaxtut import feature_maps
from jaxtut.feature_maps import Convolution, MaxPooling

RNG = np.random.default_rng(0)


def whole(*shape: int) -> np.ndarray:
    return RNG.integers(-3, 4, shape).astype("float32")


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_values_and_gradients_are_those_of_the_operations(axes: int) -> None:
    x, w, b = whole(4, 2, *[13] * axes), whole(3, 2, *[3] * axes), whole(3)
    v = whole(6, 1, *[2] * axes)
    convolution, pooling = (getattr(F, f"{name}{axes}d") for name in ("conv", "max_pool"))

    def in_a_row(x: Any, w: Any, b: Any, v: Any) -> Any:
        layers = [Convolution(w, b, stride=2, padding=1), F.relu, MaxPooling(3, 2, 1), Convolution(v, groups=3), F.relu]
        return feature_maps.apply(layers, x)

    def one_by_one(x: Any, w: Any, b: Any, v: Any) -> Any:
        x = pooling(F.relu(convolution(x, w, b, stride=2, padding=1)), 3, 2, 1)
        return F.relu(convolution(x, v, groups=3))

    _same(in_a_row, one_by_one, x, w, b, v)


def test_a_function_of_whole_images_has_them_in_pytorchs_order() -> None:
    x, w = whole(4, 2, 9, 9), whole(3, 2, 3, 3)
    seen = []

    def mirrored(x: jax.Array) -> jax.Array:
        seen.append(x.shape)
        return x[:, :, ::-1] * jnp.arange(3, dtype=x.dtype).reshape(1, 3, 1, 1)

    _same(
        lambda x, w: feature_maps.apply([MaxPooling(2), Convolution(w), mirrored, MaxPooling(2)], x),
        lambda x, w: F.max_pool2d(mirrored(F.conv2d(F.max_pool2d(x, 2), w)), 2),
        x,
        w,
    )
    assert set(seen) == {(4, 3, 2, 2)}


def test_at_a_tie_the_first_of_the_window_wins() -> None:
    x, w = np.ones((2, 1, 6, 6), "float32"), np.ones((1, 1, 3, 3), "float32")
    _same(
        lambda x, w: feature_maps.apply([Convolution(w), F.relu, MaxPooling(2)], x),
        lambda x, w: F.max_pool2d(F.relu(F.conv2d(x, w)), 2),
        x,
        w,
    )


def _same(ours: Callable[..., Any], theirs: Callable[..., Any], *args: np.ndarray) -> None:
    def both(function: Callable[..., Any]) -> Any:
        value = function(*args)
        return value, jax.grad(lambda *args: (function(*args) ** 2).sum(), tuple(range(len(args))))(*args)

    for a, b in zip(jax.tree.leaves(both(ours)), jax.tree.leaves(both(theirs)), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def test_names_cost_no_transposition() -> None:
    x, w = jnp.ones((8, 1, 12, 12)), jnp.ones((4, 1, 3, 3))

    def compiled(name: str | None) -> str:
        layers = [Convolution(w, name=name), F.relu, MaxPooling(2)]
        return jax.jit(lambda x: feature_maps.apply(layers, x)).lower(x).compile().as_text() or ""

    assert compiled("conv").count("transpose(") == compiled(None).count("transpose(")


@pytest.mark.parametrize(
    ("error", "message", "layers", "images"),
    [
        (
            TypeError,
            "a layer must be a Convolution, a MaxPooling or a function, but int was given",
            [3],
            whole(1, 1, 4, 4),
        ),
        (
            ValueError,
            r"images must have shape \(batch, channels, \*size\), but \(4, 4\) was given",
            [F.relu],
            whole(4, 4),
        ),
        (
            ValueError,
            r"conv2d: weight of shape \(1, 2, 3, 3\) .* but input of shape \(1, 1, 4, 4\) has 1",
            [Convolution(whole(1, 2, 3, 3))],
            whole(1, 1, 4, 4),
        ),
        (
            ValueError,
            r"max_pool2d: the window \(5, 5\) .* is larger than the padded image of shape \(2, 2\)",
            [Convolution(whole(1, 1, 3, 3)), MaxPooling(5)],
            whole(1, 1, 4, 4),
        ),
        (ValueError, r"bias", [Convolution(whole(1, 1, 3, 3), whole(2))], whole(1, 1, 4, 4)),
    ],
    ids=["layer", "images", "channels", "window", "bias"],
)
def test_what_is_refused(error: type[Exception], message: str, layers: list[Any], images: np.ndarray) -> None:
    with pytest.raises(error, match=message):
        feature_maps.apply(layers, images)


@pytest.mark.parametrize("function", feature_maps.ELEMENTWISE, ids=lambda function: function.__name__)
def test_elementwise_functions_give_the_same_bits_in_every_order(function: Callable[[Any], Any]) -> None:
    x = RNG.standard_normal((3, 2, 5, 4)).astype("float32")
    np.testing.assert_array_equal(np.moveaxis(function(np.moveaxis(x, 0, -1).copy()), -1, 0), function(x))


def test_an_image_without_channels_is_refused_as_by_pooling() -> None:
    empty = np.ones((2, 0, 6, 6), "float32")
    with pytest.raises(ValueError, match=r"only the batch may be empty, but input of shape \(2, 0, 6, 6\) was given"):
        feature_maps.apply([MaxPooling(2)], empty)
