"""Lesson 6a: linear and logistic regression in both packages: initial parameters, values, gradients, files."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import torch_ref.parameters
from jaxtut import parameters, parity, torch_random
from jaxtut import regression as J
from torch_ref import regression as T

SIZES = (5, 2)
# One rounding instead of two in torch's uniform numbers, which `torch_random` gives everywhere.
fused = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() == "DEFAULT", reason="without AVX2 torch rounds uniform numbers twice"
)


def _data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 5)), np.round(rng.uniform(size=(6, 2)))


@fused
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_seed_draws_the_same_parameters(dtype: str) -> None:
    with jax.enable_x64(True):
        ours = J.init(torch_random.Generator(3), *SIZES, dtype=dtype)
    theirs = T.init(torch.Generator().manual_seed(3), *SIZES, dtype=dtype)
    assert list(ours) == list(theirs) == list(J.NAMES) == list(T.NAMES)
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], strict=True)


@fused
def test_the_global_generator_draws_what_the_module_draws() -> None:
    torch.manual_seed(3)
    module = T.Model(*SIZES).state_dict()
    torch_random.manual_seed(3)
    for name, value in J.init(None, *SIZES).items():
        np.testing.assert_array_equal(value, module[name], strict=True)


@pytest.mark.parametrize("name", ["loss", "logistic_loss", "logistic_loss_with_logits"])
def test_the_twins_agree(name: str) -> None:
    report = parity.compare(
        getattr(J, name), getattr(T, name), J.init(torch_random.Generator(0), *SIZES), *_data(), cotangents=1
    )
    assert report.same, report.summary()
    gradients = {row.name for row in report.rows if row.kind == "gradient"}
    assert gradients == {"params.linear.weight", "params.linear.bias", "x", "y"}


def test_the_module_agrees() -> None:
    report = parity.compare(
        J.apply, T.Model(*SIZES), _data()[0], params=J.init(torch_random.Generator(0), *SIZES), cotangents=2
    )
    assert report.same, report.summary()


def test_values_and_gradients_by_hand() -> None:
    params = {"linear.weight": np.array([[2.0]], "float32"), "linear.bias": np.array([1.0], "float32")}
    x, y = np.array([[1.0], [2.0]], "float32"), np.array([[2.0], [7.0]], "float32")  # ŷ = 3 and 5, errors 1 and −2
    assert J.apply(jax.tree.map(jnp.asarray, params), x).tolist() == [[3.0], [5.0]]
    assert float(J.loss(jax.tree.map(jnp.asarray, params), x, y)) == 2.5
    gradient = jax.grad(J.loss)(params, x, y)
    assert gradient["linear.weight"].tolist() == [[1.0 - 4.0]]
    assert gradient["linear.bias"].tolist() == [-1.0]
    zero = jax.tree.map(np.zeros_like, params)
    assert J.apply_logistic(zero, x).tolist() == [[0.5], [0.5]]
    np.testing.assert_allclose(J.logistic_loss(zero, x, np.ones_like(y)), np.log(2), rtol=1e-6)


def test_parameter_files_go_both_ways(tmp_path: Path) -> None:
    ours, theirs = J.init(torch_random.Generator(0), *SIZES), T.init(torch.Generator().manual_seed(1), *SIZES)
    parameters.save(tmp_path / "ours.safetensors", ours)
    torch_ref.parameters.save(tmp_path / "theirs.safetensors", theirs)
    for name in J.NAMES:
        np.testing.assert_array_equal(
            torch_ref.parameters.load(tmp_path / "ours.safetensors")[name], ours[name], strict=True
        )
        np.testing.assert_array_equal(parameters.load(tmp_path / "theirs.safetensors")[name], theirs[name], strict=True)


def test_refuses_other_parameters() -> None:
    x = np.ones((1, 5), "float32")
    with pytest.raises(
        ValueError,
        match=r"regression.apply: expected the parameters .* missing \['linear.bias'\], not expected \['b'\]",
    ):
        J.apply({"linear.weight": jnp.ones((1, 5)), "b": jnp.ones(1)}, x)
    with pytest.raises(
        ValueError,
        match=r"regression.apply: expected the parameters .* missing \['linear.bias'\], not expected \['b'\]",
    ):
        T.apply({"linear.weight": torch.ones(1, 5), "b": torch.ones(1)}, torch.tensor(x))
    with pytest.raises(ValueError, match=r"linear: weight must have shape \(any, 5\), but \(1, 4\) was given"):
        J.apply(J.init(torch_random.Generator(0), 4), x)
    with pytest.raises(ValueError, match=r"linear.weight is float64, which JAX rounds to float32: .*jax_enable_x64"):
        J.init(torch_random.Generator(0), 4, dtype="float64")
