"""Lesson 7: the convolutional network in both packages: initial parameters, values, gradients, files."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import torch_ref.parameters
from jaxtut import cnn as J
from jaxtut import parameters, parity, torch_random
from torch_ref import cnn as T

SHAPE = (2, 16, 20)  # the smallest height, and not square
# Sums of at most a few hundred float32 products, in another order; the numbers are of size 1.
ROUNDING = 64 * float(np.finfo("float32").eps)
# One rounding instead of two in torch's uniform numbers, which `torch_random` gives everywhere.
fused = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() == "DEFAULT", reason="without AVX2 torch rounds uniform numbers twice"
)


def _images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape or (2, *SHAPE)).astype("float32")


@fused
@pytest.mark.parametrize(("shape", "dtype"), [((3, 32, 32), "float32"), ((1, 28, 28), "float32"), (SHAPE, "float64")])
def test_the_same_seed_draws_the_same_parameters(shape: tuple[int, int, int], dtype: str) -> None:
    with jax.enable_x64(True):
        ours = J.init(torch_random.Generator(3), shape, dtype=dtype)
    theirs = T.init(torch.Generator().manual_seed(3), shape, dtype=dtype)
    assert list(ours) == list(theirs) == list(J.NAMES) == list(T.NAMES)
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], strict=True)


@fused
def test_the_global_generator_draws_what_the_module_draws() -> None:
    torch.manual_seed(3)
    module = T.Model().state_dict()
    torch_random.manual_seed(3)
    ours = J.init(None)
    assert list(ours) == list(module)
    for name, value in ours.items():
        np.testing.assert_array_equal(value, module[name], strict=True)


def test_the_network_of_the_course_has_its_sizes() -> None:
    assert {n: v.shape for n, v in J.init(torch_random.Generator(0)).items() if n.endswith("weight")} == {
        "conv1.weight": (6, 3, 5, 5),
        "conv2.weight": (16, 6, 5, 5),
        "fc1.weight": (120, 400),
        "fc2.weight": (84, 120),
        "fc3.weight": (10, 84),
    }
    for side in (J, T):
        assert side.flat_size((3, 32, 32)) == 400
        assert side.flat_size((1, 28, 28)) == 256


def test_the_twins_agree_in_value_and_every_gradient() -> None:
    params = J.init(torch_random.Generator(0), SHAPE, 4)
    report = parity.compare(J.apply, T.Model(SHAPE, 4), _images(), params=params, cotangents=1)
    assert report.same, report.summary()
    assert {row.name for row in report.rows if row.kind == "gradient"} == {*J.NAMES, "images"}


def test_the_network_of_the_course_agrees_in_float32() -> None:
    params, images, labels = J.init(torch_random.Generator(0)), _images(2, 3, 32, 32), np.array([3, 7])
    tensors = {n: torch.tensor(np.asarray(v), requires_grad=True) for n, v in params.items()}
    loss, gradients = jax.jit(jax.value_and_grad(J.loss))(params, images, labels)
    expected = T.loss(tensors, torch.tensor(images), torch.tensor(labels))
    slopes = dict(zip(tensors, torch.autograd.grad(expected, list(tensors.values())), strict=True))
    np.testing.assert_allclose(loss, expected.item(), rtol=ROUNDING)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, slopes[name], atol=ROUNDING, err_msg=name)
    with torch.no_grad():
        np.testing.assert_array_equal(J.predict(params, images), T.predict(tensors, torch.tensor(images)))
        module = T.Model()
        module.load_state_dict(tensors)
        assert torch.equal(module(torch.tensor(images)), T.apply(tensors, torch.tensor(images)))


def test_a_constant_image_is_one_tie_in_every_window() -> None:
    # Every pooling window is a tie, so one wrong slope would reach every weight of the convolutions.
    params, images = J.init(torch_random.Generator(1), SHAPE, 4), np.full((1, *SHAPE), 0.5, "float32")
    tensors = {n: torch.tensor(np.asarray(v), requires_grad=True) for n, v in params.items()}
    gradients = jax.jit(jax.grad(lambda p: J.apply(p, images).sum()))(params)
    total = T.apply(tensors, torch.tensor(images)).sum()
    slopes = dict(zip(tensors, torch.autograd.grad(total, list(tensors.values())), strict=True))
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, slopes[name], atol=ROUNDING, err_msg=name)


def test_parameter_files_go_both_ways(tmp_path: Path) -> None:
    ours, theirs = J.init(torch_random.Generator(0), SHAPE, 4), T.Model(SHAPE, 4)
    torch_ref.parameters.save(tmp_path / "theirs.safetensors", theirs.state_dict())
    loaded = parameters.load(tmp_path / "theirs.safetensors")
    np.testing.assert_allclose(
        J.apply(loaded, _images()), theirs(torch.tensor(_images())).detach().numpy(), atol=ROUNDING
    )
    parameters.save(tmp_path / "ours.safetensors", ours)
    theirs.load_state_dict(torch_ref.parameters.load(tmp_path / "ours.safetensors"))
    for name, value in theirs.state_dict().items():
        np.testing.assert_array_equal(value, ours[name], strict=True)


def test_refuses_small_images_other_parameters_and_shapes() -> None:
    for side in (J, T):
        with pytest.raises(
            ValueError, match=r"cnn: images must be at least 16×16, but image_shape=\(3, 15, 32\) was given"
        ):
            side.flat_size((3, 15, 32))
    params = J.init(torch_random.Generator(0), SHAPE, 4)
    with pytest.raises(ValueError, match=r"cnn.apply: expected the parameters .* missing \['fc3.bias'\]"):
        J.apply({n: v for n, v in params.items() if n != "fc3.bias"}, _images())
    with pytest.raises(ValueError, match=r"linear: weight must have shape \(any, 48\), but \(120, 32\) was given"):
        J.apply(params, _images(1, 2, 16, 24))
    with pytest.raises(ValueError, match=r"expects 2 input channels, but input of shape .* has 3"):
        J.apply(params, jnp.zeros((1, 3, 16, 20)))
