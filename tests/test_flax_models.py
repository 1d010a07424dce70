"""The Flax modules against the flat-parameter models and PyTorch: conversion both ways, values, gradients, files."""

import inspect
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx
from safetensors.torch import load_file

import torch_ref.cnn
import torch_ref.ffn
from jaxtut import cnn, ffn, flax_models, parameters, parity
from jaxtut.flax_models import CNN, FFN, from_params, load_params, to_params
from jaxtut.torch_random import Generator

FFN_SIZES = (7, 5, 3)
WIDE = (2, 20, 24)  # not square, so that rows and columns would be mistaken for each other
SQUARE = (1, 20, 20)
# Sums of at most a few hundred float32 products, in another order; the numbers are of size 1.
ROUNDING = 64 * float(np.finfo("float32").eps)


def _ffn_params() -> dict[str, jax.Array]:
    return ffn.init(Generator(0), *FFN_SIZES)


def _cnn_params(shape: tuple[int, int, int] = WIDE) -> dict[str, jax.Array]:
    return cnn.init(Generator(1), shape, 4)


def _numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@cache
def _drawn_by_flax(kind: str) -> flax_models.Module:
    return FFN(*FFN_SIZES, rngs=nnx.Rngs(0)) if kind == "FFN" else CNN(WIDE, 4, rngs=nnx.Rngs(0))


@pytest.mark.parametrize("kind", ["FFN", "CNN"])
def test_module_to_params_to_module_changes_no_bit(kind: str) -> None:
    module = _drawn_by_flax(kind)
    params = to_params(module)
    back = from_params(params)
    assert type(back) is type(module)
    a, b = (jax.tree.leaves_with_path(nnx.to_pure_dict(nnx.state(m, nnx.Param))) for m in (module, back))
    assert [path for path, _ in a] == [path for path, _ in b]
    for (path, x), (_, y) in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y, err_msg=str(path), strict=True)


@pytest.mark.parametrize("params", [_ffn_params(), _cnn_params()], ids=["FFN", "CNN"])
def test_params_to_module_to_params_changes_no_bit(params: dict) -> None:
    back = to_params(from_params(params))
    assert list(back) == list(params)
    for name, value in params.items():
        np.testing.assert_array_equal(back[name], value, err_msg=name, strict=True)


@pytest.mark.parametrize(("module", "init"), [(FFN, ffn.init), (CNN, cnn.init)])
def test_default_sizes_are_those_of_the_lessons(module: Any, init: Any) -> None:
    defaults = {n: p.default for n, p in inspect.signature(init).parameters.items() if n not in ("generator", "dtype")}
    assert {
        n: p.default for n, p in inspect.signature(module.__init__).parameters.items() if n not in ("self", "rngs")
    } == defaults


def test_ffn_equals_the_lesson_and_pytorch() -> None:
    params, x = _ffn_params(), _numbers(6, 7)
    report = parity.compare(lambda p, x: from_params(p)(x), torch_ref.ffn.Model(*FFN_SIZES), x, params=params)
    assert report.same, report.summary()
    assert {row.name for row in report.rows if row.kind == "gradient"} == {*ffn.NAMES, "x"}
    np.testing.assert_array_equal(jnp.argmax(from_params(params)(x), 1), ffn.predict(params, x))


def test_cnn_equals_pytorch() -> None:
    params, images = _cnn_params(), _numbers(2, *WIDE)
    twin = torch_ref.cnn.Model(WIDE, 4)
    report = parity.compare(lambda p, x: from_params(p)(x), twin, images, params=params, cotangents=1)
    assert report.same, report.summary()
    assert {row.name for row in report.rows if row.kind == "gradient"} == {*cnn.NAMES, "x"}


def test_cnn_equals_the_lesson() -> None:
    params, images = _cnn_params(SQUARE), _numbers(2, *SQUARE)
    np.testing.assert_allclose(from_params(params)(images), cnn.apply(params, images), atol=ROUNDING)


def test_map_params_converts_inside_the_comparison() -> None:
    graph, _ = nnx.split(from_params(_ffn_params()))

    def state(params: Any) -> Any:
        return nnx.state(from_params(params))

    report = parity.compare(
        lambda state, x: nnx.merge(graph, state)(x),
        torch_ref.ffn.Model(*FFN_SIZES),
        _numbers(6, 7),
        params=_ffn_params(),
        map_params=state,
    )
    assert report.same, report.summary()


def test_gradients_of_the_module_are_those_of_the_lesson() -> None:
    params, x, labels = _ffn_params(), _numbers(6, 7), np.array([0, 1, 2, 0, 1, 2])

    def loss(module: FFN) -> jax.Array:
        scores = module(x)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(scores), labels[:, None], 1))

    module = from_params(params)
    assert isinstance(module, FFN)
    state = nnx.jit(nnx.grad(loss))(module)
    expected = jax.jit(jax.grad(ffn.loss))(params, x, labels)
    np.testing.assert_allclose(state["fc1"]["kernel"][...].T, expected["fc1.weight"], atol=ROUNDING)
    np.testing.assert_allclose(state["fc2"]["bias"][...], expected["fc2.bias"], atol=ROUNDING)


def test_a_wrong_flatten_order_is_caught() -> None:
    params, images = _cnn_params(), _numbers(2, *WIDE)
    module = from_params(params)
    right = cnn.apply(params, images)
    module.fc1.kernel = nnx.Param(params["fc1.weight"].T)  # transposed, but the columns are not permuted
    assert np.abs(module(images) - right).max() > 100 * ROUNDING


@pytest.mark.parametrize("kind", ["FFN", "CNN"])
def test_a_file_from_flax_loads_in_pytorch(kind: str, tmp_path: Path) -> None:
    module = _drawn_by_flax(kind)
    params = to_params(module)
    parameters.save(tmp_path / "flax.safetensors", params)
    loaded = load_file(tmp_path / "flax.safetensors")
    twin = torch_ref.ffn.Model(*FFN_SIZES) if isinstance(module, FFN) else torch_ref.cnn.Model(WIDE, 4)
    twin.load_state_dict(loaded)
    x = _numbers(2, FFN_SIZES[0]) if isinstance(module, FFN) else _numbers(2, *WIDE)
    np.testing.assert_allclose(module(x), twin(torch.tensor(x)).detach().numpy(), atol=ROUNDING)


def test_a_transposed_numpy_view_is_stored_in_the_right_places(tmp_path: Path) -> None:
    kernel = np.arange(6, dtype="float32").reshape(2, 3)
    parameters.save(tmp_path / "view.safetensors", {"weight": kernel.T})
    assert load_file(tmp_path / "view.safetensors")["weight"].tolist() == kernel.T.tolist()


def test_modules_can_be_jitted() -> None:
    module = _drawn_by_flax("CNN")
    images = _numbers(3, *WIDE)
    eager, jitted = module(images), nnx.jit(lambda m, x: m(x))(module, images)
    assert eager.shape == (3, 4)
    np.testing.assert_allclose(eager, jitted, atol=ROUNDING)


def test_load_params_refuses_and_leaves_the_module_alone() -> None:
    module = FFN(*FFN_SIZES, rngs=nnx.Rngs(0))
    before = to_params(module)
    with pytest.raises(
        ValueError, match=r"load_params\(FFN\): fc1.weight must have shape \(5, 7\), but \(5, 8\) was given"
    ):
        load_params(module, ffn.init(Generator(0), 8, 5, 3))
    with pytest.raises(ValueError, match=r"fc2.bias must have shape \(3,\), but \(1,\) was given"):
        load_params(module, _ffn_params() | {"fc2.bias": jnp.zeros(1)})
    with pytest.raises(ValueError, match=r"missing \['fc2.bias'\]"):
        load_params(module, {n: v for n, v in _ffn_params().items() if n != "fc2.bias"})
    for name, value in to_params(module).items():
        np.testing.assert_array_equal(value, before[name])


def test_from_params_refuses_what_is_neither_network() -> None:
    with pytest.raises(ValueError, match=r"from_params: expected the parameters .*not expected \['w'\]"):
        from_params({"w": jnp.zeros(1)})
    with pytest.raises(ValueError, match="images must be at least 16×16"):
        CNN((3, 15, 32), rngs=nnx.Rngs(0))
