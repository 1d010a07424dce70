"""Flax NNX modules against PyTorch modules: parameters under either's names, submodules named, state kept apart."""

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx

from jaxtut import cnn, flax_models, parity
from jaxtut.parity.flax_modules import torch_parameters
from jaxtut.torch_random import Generator
from torch_ref import cnn as torch_cnn

X = np.random.default_rng(0).standard_normal((8, 3, 6, 6))


class TorchNet(torch.nn.Module):
    """Convolution, batch norm, a list of linear layers."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.norm = torch.nn.BatchNorm2d(4)
        self.layers = torch.nn.ModuleList([torch.nn.Linear(4, 5), torch.nn.Linear(5, 2)])

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x))).mean((2, 3))
        return self.layers[1](torch.tanh(self.layers[0](x)))


class FlaxNet(nnx.Module):
    """The port."""

    factor = 1.0

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.conv = nnx.Conv(3, 4, (3, 3), padding="VALID", rngs=rngs)
        self.norm = nnx.BatchNorm(4, momentum=0.9, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        self.layers = nnx.List([nnx.Linear(4, 5, rngs=rngs), nnx.Linear(5, 2, rngs=rngs)])

    def __call__(self, x):
        x = nnx.relu(self.norm(self.conv(jnp.moveaxis(x, 1, -1)))).mean((1, 2))
        return self.layers[1](jnp.tanh(self.layers[0](x)) * self.factor)


class Wrong(FlaxNet):
    """With a factor after the first linear layer."""

    factor = 1.001


def torch_params(model):
    return {n: t.detach().numpy() for n, t in model.state_dict().items()}


def test_parameters_go_by_name_and_shape():
    model = TorchNet()
    report = parity.compare(FlaxNet(), model, X, params=torch_params(model))
    assert report.same, report.summary()
    names = {row.name for row in report.rows if row.kind == "gradient"}
    assert names == {*(n for n, _ in model.named_parameters()), "x"}


def test_a_flax_state_is_taken_as_it_is():
    port = FlaxNet()
    report = parity.compare(port, TorchNet(), X, params=nnx.state(port))
    assert report.same, report.summary()
    assert "conv.weight" in {row.name for row in report.rows}


def test_a_pure_function_of_a_flax_state():
    port = FlaxNet()
    graph, state = nnx.split(port)
    report = parity.compare(lambda state, x: nnx.merge(graph, state)(x), TorchNet(), X, params=state)
    assert report.same, report.summary()


def test_modules_with_their_own_parameters():
    port, model = FlaxNet(), TorchNet()
    assert not parity.compare(port, model, X).same
    model.load_state_dict({n: torch.tensor(v) for n, v in torch_parameters(nnx.state(port)).items()}, strict=False)
    report = parity.compare(port, model, X)
    assert report.same, report.summary()


def test_submodules_name_the_first_divergence():
    model = TorchNet()
    report = parity.compare(Wrong(), model, X, params=torch_params(model))
    assert report.first_divergence is not None
    assert (report.first_divergence.kind, report.first_divergence.name) == ("tap", "layers.1")
    assert FlaxNet.__call__.__qualname__ == "FlaxNet.__call__"


def test_the_course_network_needs_a_map_for_its_flat_images():
    model = torch_cnn.Model((1, 16, 16), 3)
    params = {n: np.asarray(v) for n, v in cnn.init(Generator(0), (1, 16, 16), 3).items()}
    images = np.random.default_rng(1).standard_normal((2, 1, 16, 16))
    port = flax_models.CNN((1, 16, 16), 3, rngs=nnx.Rngs(0))
    report = parity.compare(port, model, images, params=params)
    if params["fc1.weight"].shape[1] == 16:  # one pixel a channel: no order of pixels to get wrong
        assert report.same, report.summary()


def test_a_map_of_the_users_own():
    class Swapped(nnx.Module):
        def __init__(self):
            self.first = nnx.Param(jnp.zeros((5, 4)))

        def __call__(self, x):
            return x @ self.first[...]

    linear = torch.nn.Linear(5, 4, bias=False)
    x = np.random.default_rng(0).standard_normal((3, 5))
    report = parity.compare(
        Swapped(), linear, x, params=torch_params(linear), map_params=lambda p: {"first": p["weight"].T}
    )
    assert report.same, report.summary()
    assert "weight" in {row.name for row in report.rows}


def test_what_does_not_fit_is_said():
    with pytest.raises(ValueError, match=r"conv.kernel has shape .* but conv.weight of shape \(4, 3, 5, 5\)"):
        parity.flax_parameters({"conv.weight": np.zeros((4, 3, 5, 5))}, nnx.state(FlaxNet()))
    with pytest.raises(ValueError, match="none of \\['other'\\] names an array"):
        parity.flax_parameters({"other": np.zeros(1)}, nnx.state(FlaxNet()))


def test_names_there_and_back():
    state = nnx.state(FlaxNet())
    there = torch_parameters(state)
    assert there["conv.weight"].shape == (4, 3, 3, 3)
    assert there["norm.running_var"].shape == (4,)
    back = torch_parameters(parity.flax_parameters(there, state))
    assert all(np.array_equal(there[n], back[n]) for n in there)
