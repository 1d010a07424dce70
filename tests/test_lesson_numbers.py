"""The numbers that the course prints, on both sides: the witness beside parity, which cannot see a mistake made in both."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxtut import activations, backprop, chain_rule, cnn, ffn, graph, jacobian, losses, parameters, regression
from jaxtut.torch_random import Generator
from torch_ref import activations as torch_activations
from torch_ref import backprop as torch_backprop
from torch_ref import chain_rule as torch_chain_rule
from torch_ref import cnn as torch_cnn
from torch_ref import ffn as torch_ffn
from torch_ref import jacobian as torch_jacobian
from torch_ref import losses as torch_losses
from torch_ref import parameters as torch_parameters
from torch_ref import regression as torch_regression

# Of float32 results, against numbers worked out by hand: a few roundings of 6e-8 each.
HAND = 1e-6

SIDES = {"jaxtut": (chain_rule, backprop, jnp.asarray), "torch_ref": (torch_chain_rule, torch_backprop, torch.tensor)}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("divisor", "dL_dx"), [(3, [4, 16 / 3]), (2, [6, 8])])
def test_chain_rule_as_written_and_as_printed(side, divisor, dL_dx):
    lesson, _, array = SIDES[side]
    x = array([1.0, 2.0])
    y, z, L = lesson.forward(x, divisor)
    assert (y.tolist(), z.tolist()) == ([3, 4], [18, 32])
    assert float(L) == pytest.approx(50 / divisor, rel=HAND)
    back = lesson.backward(x, divisor)
    np.testing.assert_allclose(
        np.asarray(back.dL_dz.detach() if side == "torch_ref" else back.dL_dz), [[1 / divisor] * 2], rtol=HAND
    )
    assert back.dz_dy.tolist() == [[12, 0], [0, 16]]
    assert back.dy_dx.tolist() == [[1, 0], [0, 1]]
    assert [back.dL_dy.tolist()[0], back.dL_dx.tolist()[0]] == [pytest.approx(dL_dx, rel=HAND)] * 2
    assert back.dL_dx.shape == (1, 2)


def test_chain_rule_by_hand_is_the_one_by_autodiff():
    x = jnp.array([0.3, -1.7, 2.0])
    np.testing.assert_allclose(
        chain_rule.backward(x).dL_dx[0], jax.grad(lambda x: chain_rule.forward(x).L)(x), rtol=HAND
    )


@pytest.mark.parametrize("side", SIDES)
def test_bad_input_of_the_chain_rule(side):
    lesson, _, array = SIDES[side]
    with pytest.raises(ValueError, match="divisor must not be 0"):
        lesson.forward(array([1.0]), 0)
    with pytest.raises(ValueError, match="must be a vector"):
        lesson.forward(array([[1.0]]))


@pytest.mark.parametrize("side", SIDES)
def test_backpropagation_of_the_notes(side):
    _, lesson, array = SIDES[side]
    point = [array(v) for v in (1.0, 2.0, 1.0)]
    assert [v.item() for v in lesson.forward(*point)] == [1, -1, 1]
    assert [v.item() for v in lesson.local_gradients(*point)] == [-2, 1, 1]
    assert [v.item() for v in lesson.backward(*point)] == [-2, -2, -2]
    assert float(lesson.gradient(*point)) == -2


def test_backpropagation_on_the_graph():
    g = graph.trace(backprop.loss, jnp.float32(1), jnp.float32(2), jnp.float32(1))
    assert [float(g.find(name).value) for name in ("y_hat", "s", "loss")] == [1, -1, 1]
    assert [float(g.find(name).gradient) for name in ("y_hat", "s", "loss")] == [-2, -2, 1]
    assert float(g.gradient_of("w")) == -2


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_jacobian_is_the_one_by_hand(mode):
    x = [0.5, 1.5, -2.0]
    hand = [[1.5, 0.5, 0], [0, -2 * math.cos(1.5), math.sin(1.5)]]
    np.testing.assert_allclose(jacobian.jacobian(jacobian.example, jnp.array(x), mode), hand, rtol=HAND)
    np.testing.assert_allclose(torch_jacobian.jacobian(torch_jacobian.example, torch.tensor(x), mode), hand, rtol=HAND)


def test_jacobian_products_and_shapes():
    x, v, u = jnp.array([0.5, 1.5, -2.0]), jnp.array([1.0, -1.0]), jnp.array([1.0, 2.0, 3.0])
    J = jacobian.jacobian(jacobian.example, x)
    np.testing.assert_allclose(jacobian.vector_jacobian_product(jacobian.example, x, v)[1], v @ J, rtol=HAND)
    np.testing.assert_allclose(jacobian.jacobian_vector_product(jacobian.example, x, u)[1], J @ u, rtol=HAND)
    matrix = jnp.ones((2, 3))
    assert jacobian.jacobian(lambda x: x.sum(0), matrix, "forward").shape == (3, 2, 3)
    assert jacobian.jacobian(lambda x: x.sum(0), matrix, "reverse").shape == (3, 2, 3)
    assert (jacobian.cheaper_mode(784, 1), jacobian.cheaper_mode(1, 784)) == ("reverse", "forward")
    with pytest.raises(ValueError, match="mode must be"):
        jacobian.jacobian(jacobian.example, x, "sideways")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"shape of f\(x\)"):
        jacobian.vector_jacobian_product(jacobian.example, x, u)
    with pytest.raises(TypeError, match="floating dtype"):
        jacobian.jacobian(jacobian.example, jnp.arange(3))


def test_stacked_linear_layers_collapse_to_one():
    rng = np.random.default_rng(0)
    x, *layers = (rng.standard_normal(s) for s in ((5, 4), (6, 4), (6,), (3, 6), (3,)))
    with jax.enable_x64(True):
        W, b = activations.collapse(*layers)
        np.testing.assert_allclose(
            activations.stacked_linear(x, *layers), x @ np.asarray(W).T + np.asarray(b), rtol=1e-12
        )
    W, b = torch_activations.collapse(*(torch.tensor(a) for a in layers))
    np.testing.assert_allclose(
        torch_activations.stacked_linear(*(torch.tensor(a) for a in (x, *layers))),
        x @ W.numpy().T + b.numpy(),
        rtol=1e-12,
    )


@pytest.mark.parametrize(
    ("name", "at", "value", "slope"),
    [
        ("step", 0.0, 1, 0),
        ("relu", 0.0, 0, 0),
        ("leaky_relu", 0.0, 0, 0.01),
        ("sigmoid", 0.0, 0.5, 0.25),
        ("tanh", 0.0, 0, 1),
        ("relu", 3.0, 3, 1),
        ("leaky_relu", -3.0, -0.03, 0.01),
        ("sigmoid", 100.0, 1, 0),
        ("tanh", -100.0, -1, 0),
    ],
)
def test_values_and_slopes_of_activations(name, at, value, slope):
    f, g = getattr(activations, name), getattr(torch_activations, name)
    for found in (f(jnp.float32(at)), g(torch.tensor(at))):
        assert float(found) == pytest.approx(value, abs=HAND)
    for found in (activations.slope(f, jnp.float32(at)), torch_activations.slope(g, torch.tensor(at))):
        assert float(found) == pytest.approx(slope, abs=HAND)


def test_cross_entropy_of_the_notes():
    one_hot = [[1.0, 0, 0]]
    for good, expected in (([0.7, 0.2, 0.1], -math.log(0.7)), ([0.1, 0.3, 0.6], -math.log(0.1))):
        assert float(losses.cross_entropy_of_probabilities(jnp.array([good]), jnp.array(one_hot))) == pytest.approx(
            expected, rel=HAND
        )
        found = torch_losses.cross_entropy_of_probabilities(torch.tensor([good]), torch.tensor(one_hot))
        assert float(found) == pytest.approx(expected, rel=HAND)
    with pytest.raises(ValueError, match="two arrays of shape"):
        losses.cross_entropy_of_probabilities(jnp.ones(3), jnp.ones(3))


def test_the_three_forms_of_cross_entropy_agree():
    rng = np.random.default_rng(0)
    z, y = rng.standard_normal((6, 4)), rng.integers(0, 4, 6)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    by_hand = (p - np.eye(4)[y]) / 6
    with jax.enable_x64(True):
        for form in (losses.cross_entropy, losses.cross_entropy_by_notes):
            value, gradient = jax.value_and_grad(form)(jnp.asarray(z), jnp.asarray(y))
            assert float(value) == pytest.approx(-np.log(p[np.arange(6), y]).mean(), rel=1e-12)
            np.testing.assert_allclose(gradient, by_hand, atol=1e-15)
        np.testing.assert_allclose(losses.cross_entropy_gradient(jnp.asarray(z), jnp.asarray(y)), by_hand, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("ours", "theirs", "sizes"),
    [
        (regression, torch_regression, (13,)),
        (ffn, torch_ffn, ()),
        (cnn, torch_cnn, ()),
        (cnn, torch_cnn, ((1, 28, 28),)),
    ],
)
def test_initial_parameters_are_torchs_from_the_same_seed(ours, theirs, sizes, dtype):
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        pytest.skip("without AVX2 torch rounds uniform numbers twice")
    with jax.enable_x64(dtype == "float64"):
        params = ours.init(Generator(3), *sizes, dtype=dtype)
    twin = theirs.init(torch.Generator().manual_seed(3), *sizes, dtype=dtype)
    torch.manual_seed(3)
    with torch.device("cpu"):
        torch.set_default_dtype(getattr(torch, dtype))
        module = theirs.Model(*sizes).state_dict()
        torch.set_default_dtype(torch.float32)
    assert list(params) == list(twin) == list(module)
    for name, value in params.items():
        np.testing.assert_array_equal(value, twin[name].numpy())
        np.testing.assert_array_equal(value, module[name].numpy())


def test_float64_parameters_need_x64():
    with pytest.raises(ValueError, match="jax_enable_x64"):
        ffn.init(Generator(0), 2, 2, 2, dtype="float64")


def test_models_refuse_wrong_parameters_and_images():
    with pytest.raises(ValueError, match=r"missing \['fc1.bias'"):
        ffn.apply({"fc1.weight": jnp.ones((2, 2))}, jnp.ones((1, 2)))
    with pytest.raises(ValueError, match="at least 16×16"):
        cnn.init(Generator(0), (1, 12, 28))
    with pytest.raises(ValueError, match=r"linear: weight must have shape \(any, 3\)"):
        ffn.apply(ffn.init(Generator(0), 2, 2, 2), jnp.ones((1, 3)))


def test_parameter_files_go_both_ways(tmp_path):
    params = ffn.init(Generator(0), 4, 3, 2)
    params["fc1.weight"] = jnp.asarray(np.asarray(params["fc1.weight"]).T.copy()).T  # not contiguous when read as NumPy
    parameters.save(tmp_path / "ours.safetensors", params)
    read = torch_parameters.load(tmp_path / "ours.safetensors")
    torch_ffn.Model(4, 3, 2).load_state_dict(read)
    torch_parameters.save(
        tmp_path / "theirs.safetensors", {n: t.T.contiguous().T if t.ndim == 2 else t for n, t in read.items()}
    )
    for name, value in parameters.load(tmp_path / "theirs.safetensors").items():
        np.testing.assert_array_equal(value, params[name])
    view = np.arange(6.0, dtype="float32").reshape(2, 3).T
    parameters.save(tmp_path / "view.safetensors", {"w": view})
    np.testing.assert_array_equal(torch_parameters.load(tmp_path / "view.safetensors")["w"], view)


@pytest.mark.parametrize("module", [parameters, torch_parameters])
def test_bad_parameter_files(module, tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"not a header")
    with pytest.raises(ValueError, match=r"broken.safetensors is not a safetensors file"):
        module.load(tmp_path / "broken.safetensors")
    with pytest.raises(FileNotFoundError):
        module.load(tmp_path / "absent.safetensors")
