"""Lesson 6b: the feed-forward network in both packages: initial parameters, values, gradients, files."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import torch_ref.parameters
from jaxtut import ffn as J
from jaxtut import parameters, parity, torch_random
from jaxtut.errors import LabelError
from torch_ref import ffn as T

SIZES = (7, 5, 3)
# One rounding instead of two in torch's uniform numbers, which `torch_random` gives everywhere.
fused = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() == "DEFAULT", reason="without AVX2 torch rounds uniform numbers twice"
)


def _data(classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 7)).astype("float32"), rng.integers(0, classes, 6)


@fused
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_seed_draws_the_same_parameters(dtype: str) -> None:
    sizes = () if dtype == "float32" else SIZES
    with jax.enable_x64(True):
        ours = J.init(torch_random.Generator(3), *sizes, dtype=dtype)
    theirs = T.init(torch.Generator().manual_seed(3), *sizes, dtype=dtype)
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


def test_the_module_agrees_and_so_does_apply() -> None:
    params, (x, _) = J.init(torch_random.Generator(0), *SIZES), _data()
    report = parity.compare(J.apply, T.Model(*SIZES), x, params=params, cotangents=2)
    assert report.same, report.summary()
    scores = T.apply(T.parameters.from_numpy({n: np.asarray(v) for n, v in params.items()}), torch.tensor(x))
    module = T.Model(*SIZES)
    module.load_state_dict({n: torch.tensor(np.asarray(v)) for n, v in params.items()})
    assert torch.equal(scores, module(torch.tensor(x)))
    np.testing.assert_array_equal(J.predict(params, x), scores.argmax(1))


def test_the_twins_agree_in_the_loss() -> None:
    params = J.init(torch_random.Generator(0), *SIZES)
    report = parity.compare(J.loss, T.loss, params, *_data(), cotangents=1)
    assert report.same, report.summary()
    assert {row.name for row in report.rows if row.kind == "gradient"} == {*(f"params.{n}" for n in J.NAMES), "x"}


@pytest.mark.parametrize("name", ["binary_loss", "binary_loss_with_logits"])
def test_the_twins_agree_in_the_binary_losses(name: str) -> None:
    x, labels = _data(classes=2)
    params = J.init(torch_random.Generator(0), 7, 5, 1)
    report = parity.compare(
        getattr(J, name), getattr(T, name), params, x, labels[:, None].astype("float32"), argnums=(0, 1), cotangents=1
    )
    assert report.same, report.summary()


def test_scores_and_gradients_by_hand() -> None:
    # Units 1 and −1 make |x|; the score of class 0 is |x|, of class 1 it is 0.
    params = {
        n: np.array(v, "float32") for n, v in zip(J.NAMES, ([[1], [-1]], [0, 0], [[1, 1], [0, 0]], [0, 0]), strict=True)
    }
    x = np.array([[-3.0], [0.0], [2.0]], "float32")
    assert J.apply(params, x).tolist() == [[3.0, 0.0], [0.0, 0.0], [2.0, 0.0]]
    gradient = jax.grad(lambda p: J.apply(p, x)[:, 0].sum())(params)
    assert gradient["fc1.weight"].tolist() == [[2.0], [-3.0]]
    assert gradient["fc1.bias"].tolist() == [1.0, 1.0]  # a sample at the kink gives nothing
    assert gradient["fc2.weight"].tolist() == [[2.0, 3.0], [0.0, 0.0]]


def test_a_dead_sample_learns_from_scores_alone() -> None:
    params = {n: jnp.array(v, "float32") for n, v in zip(J.NAMES, ([[1.0]], [0.0], [[-200.0]], [0.0]), strict=True)}
    x = y = np.array([[1.0]], "float32")
    assert jax.grad(J.binary_loss)(params, x, y)["fc2.bias"].tolist() == [0.0]
    assert jax.grad(J.binary_loss_with_logits)(params, x, y)["fc2.bias"].tolist() == [-1.0]


def test_parameter_files_go_both_ways(tmp_path: Path) -> None:
    ours, theirs = J.init(torch_random.Generator(0), *SIZES), T.Model(*SIZES)
    parameters.save(tmp_path / "ours.safetensors", ours)
    theirs.load_state_dict(torch_ref.parameters.load(tmp_path / "ours.safetensors"))
    for name, value in theirs.state_dict().items():
        np.testing.assert_array_equal(value, ours[name], strict=True)
    torch_ref.parameters.save(tmp_path / "theirs.safetensors", T.Model(*SIZES).state_dict())
    assert {n: v.shape for n, v in parameters.load(tmp_path / "theirs.safetensors").items()} == {
        n: v.shape for n, v in ours.items()
    }


def test_refuses_other_parameters_shapes_and_labels() -> None:
    params, (x, labels) = J.init(torch_random.Generator(0), *SIZES), _data()
    with pytest.raises(
        ValueError, match=r"ffn.apply: expected the parameters .* missing \['fc2.bias'\], not expected \[\]"
    ):
        J.apply({n: v for n, v in params.items() if n != "fc2.bias"}, x)
    with pytest.raises(
        ValueError, match=r"ffn.apply: expected the parameters .* missing \['fc2.bias'\], not expected \[\]"
    ):
        T.apply({n: torch.tensor(np.asarray(v)) for n, v in params.items() if n != "fc2.bias"}, torch.tensor(x))
    with pytest.raises(ValueError, match=r"linear: weight must have shape \(any, 6\), but \(5, 7\) was given"):
        J.apply(params, x[:, :6])
    with pytest.raises(LabelError, match=r"target\[0\] is 3, but labels must lie in \[0, 2\]"):
        J.loss(params, x, np.full(6, 3))
    assert np.isnan(jax.jit(J.loss)(params, x, jnp.full(6, 3)))
    assert labels.max() < 3
