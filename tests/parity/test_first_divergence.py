"""The report names the first quantity that parts: forward, then backward, in every layer of the course's networks."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxtut import cnn, ffn
from jaxtut import functional as F
from jaxtut.naming import tap
from jaxtut.parity import compare
from jaxtut.torch_random import Generator
from torch_ref import cnn as torch_cnn
from torch_ref import ffn as torch_ffn
from torch_ref.naming import tap as torch_tap

RNG = np.random.default_rng(0)


@jax.custom_vjp
def slightly_steeper(x):
    return x


slightly_steeper.defvjp(lambda x: (x, None), lambda _, g: (1.001 * g,))


class Fault:
    """A mistake in one place: in a value, in what a layer passes back to its input, or in the gradient of one parameter."""

    def __init__(self, place: str, kind: str):
        self.place, self.kind = place, kind

    def name(self, name, x):
        return tap(name, x * 1.001 if (name, self.kind) == (self.place, "value") else x)

    def into(self, name, x):
        return slightly_steeper(x) if (name, self.kind) == (self.place, "input") else x

    def parameter(self, params, name):
        return slightly_steeper(params[name]) if (name, self.kind) == (self.place, "parameter") else params[name]


def ffn_loss(fault):
    def layer(params, name, x):
        x = fault.into(name, x)
        weight, bias = (fault.parameter(params, f"{name}.{part}") for part in ("weight", "bias"))
        return fault.name(name, F.linear(x, weight, bias))

    def loss(params, x, labels):
        hidden = fault.name("relu", F.relu(fault.into("relu", layer(params, "fc1", x))))
        return F.cross_entropy(layer(params, "fc2", hidden), labels)

    return loss


def cnn_loss(fault):
    def parts(params, name):
        return [fault.parameter(params, f"{name}.{part}") for part in ("weight", "bias")]

    def loss(params, x, labels):
        for name in ("conv1", "conv2"):
            x = fault.name(name, F.conv2d(fault.into(name, x), *parts(params, name)))
            x = fault.name(f"{name}.pool", F.max_pool2d(F.relu(fault.into(f"{name}.pool", x)), 2))
        x = x.reshape(len(x), -1)
        for name in ("fc1", "fc2"):
            x = F.relu(fault.name(name, F.linear(fault.into(name, x), *parts(params, name))))
        return F.cross_entropy(fault.name("fc3", F.linear(fault.into("fc3", x), *parts(params, "fc3"))), labels)

    return loss


@cache
def arguments(model: str):
    if model == "ffn":
        params = ffn.init(Generator(1), 12, 7, 4)
        return {n: np.asarray(v) for n, v in params.items()}, RNG.standard_normal((5, 12)), RNG.integers(0, 4, 5)
    params = cnn.init(Generator(1), (1, 16, 16), 3)
    return {n: np.asarray(v) for n, v in params.items()}, RNG.standard_normal((2, 1, 16, 16)), RNG.integers(0, 3, 2)


LOSSES = {"ffn": (ffn_loss, torch_ffn.loss), "cnn": (cnn_loss, torch_cnn.loss)}
LAYERS = {
    "ffn": ["fc1", "relu", "fc2"],
    "cnn": ["conv1", "conv1.pool", "conv2", "conv2.pool", "fc1", "fc2", "fc3"],
}
# A fault in every layer of the convolutional network takes minutes to compile; some of them belong to the default suite.
QUICK = {
    ("value", "conv2.pool"),
    ("input", "conv2"),
    ("input", "fc3"),
    ("parameter", "conv2.weight"),
    ("parameter", "fc1.bias"),
}


def faults(kind, names):
    """Mark the slow ones of (model, place)."""
    return [
        pytest.param(model, place, marks=() if model == "ffn" or (kind, place) in QUICK else pytest.mark.long)
        for model, place in names
    ]


PLACES = [(model, layer) for model, layers in LAYERS.items() for layer in layers]


def first(model: str, place: str, kind: str):
    jax_loss, torch_loss = LOSSES[model]
    report = compare(jax_loss(Fault(place, kind)), torch_loss, *arguments(model), cotangents=1, dtypes=("float64",))
    assert report.first_divergence is not None
    return report.first_divergence


@pytest.mark.parametrize("model", LAYERS)
def test_without_a_fault_they_are_the_same(model):
    report = compare(LOSSES[model][0](Fault("", "")), LOSSES[model][1], *arguments(model))
    assert report.same, report.summary()


@pytest.mark.parametrize(("model", "layer"), faults("value", PLACES))
def test_a_fault_in_a_value_is_named(model, layer):
    row = first(model, layer, "value")
    assert (row.kind, row.name) == ("tap", layer)
    assert "1.001" in row.cause


@pytest.mark.parametrize(("model", "layer"), faults("input", PLACES))
def test_a_fault_in_what_a_layer_passes_back_is_named_by_the_gradient_before_it(model, layer):
    row = first(model, layer, "input")
    before = LAYERS[model].index(layer) - 1
    if before < 0:
        assert (row.kind, row.name) == ("gradient", "x")
        return
    assert (row.kind, row.name) == ("tap gradient", LAYERS[model][before])
    assert f"the gradient at {layer} is the same" in row.note


PARAMETERS = [(m, f"{layer}.{part}") for m, layer in PLACES for part in ("weight", "bias") if layer[-1].isdigit()]


@pytest.mark.parametrize(("model", "parameter"), faults("parameter", PARAMETERS))
def test_a_fault_in_the_gradient_of_one_parameter_is_named(model, parameter):
    row = first(model, parameter, "parameter")
    assert (row.kind, row.name) == ("gradient", f"params.{parameter}")


def scanned(w, x):
    def step(h, _):
        h = tap("h", jnp.tanh(h @ w))
        return h, h

    return jax.lax.scan(step, x, None, length=4)[1]


def looped(fault: int):
    def f(w, x):
        rows = []
        for i in range(4):
            x = torch_tap("h", torch.tanh(x @ w) * (1.001 if i == fault else 1))
            rows.append(x)
        return torch.stack(rows)

    return f


@pytest.mark.parametrize(("fault", "name"), [(0, "h"), (2, "h#3")])
def test_the_rounds_of_a_scan_are_named_like_those_of_a_loop(fault, name):
    args = RNG.standard_normal((3, 3)), RNG.standard_normal((2, 3))
    assert compare(scanned, looped(-1), *args).same
    report = compare(scanned, looped(fault), *args)
    assert report.first_divergence is not None
    assert (report.first_divergence.kind, report.first_divergence.name) == ("tap", name)


@jax.custom_jvp
def ruled(x):
    return tap("inside", x * x)


ruled.defjvp(lambda primals, tangents: (ruled(*primals), 2 * primals[0] * tangents[0]))


def branching(x):
    return jax.lax.cond(x[0] > 0, lambda x: tap("inside", x * x), lambda x: tap("inside", -x), x)


def counting(x):
    return jax.lax.while_loop(lambda c: c[0] < 1, lambda c: (c[0] + 1, tap("inside", c[1] * c[1])), (0, x))[1]


@pytest.mark.parametrize(("f", "argnums"), [(ruled, None), (branching, None), (counting, ())])
def test_names_inside_rules_branches_and_loops_are_read(f, argnums):
    def torch_f(x):
        return torch_tap("inside", x * x * 1.001)

    report = compare(f, torch_f, np.array([1.0, 2.0]), argnums=argnums)
    assert report.first_divergence is not None
    assert (report.first_divergence.kind, report.first_divergence.name) == ("tap", "inside")
    assert compare(f, lambda x: x * x, np.array([1.0, 2.0]), argnums=argnums).same


class Stack(torch.nn.Module):
    """Layers named by their paths, one of which changes its input in place."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(inplace=True), torch.nn.Linear(4, 2))

    def forward(self, x):
        return self.layers(x)


def test_submodules_are_named_by_their_paths_and_in_place_operations_hide_nothing():
    model = Stack()
    params = {n: p.detach().numpy() for n, p in model.named_parameters()}
    x = RNG.standard_normal((3, 4))

    def port(factor):
        def apply(params, x):
            x = tap("layers.0", F.linear(x, params["layers.0.weight"], params["layers.0.bias"]))
            x = tap("layers.1", F.relu(x) * factor)
            return tap("layers.2", F.linear(x, params["layers.2.weight"], params["layers.2.bias"]))

        return apply

    assert compare(port(1.0), model, x, params=params).same
    report = compare(port(1.001), model, x, params=params)
    assert report.first_divergence is not None
    assert (report.first_divergence.kind, report.first_divergence.name) == ("tap", "layers.1")
    assert "layers.0 is the same" in report.first_divergence.note


def test_an_overflow_in_float32_alone_is_named():
    def naive(x):
        return tap("out", jnp.log(tap("sum", jnp.sum(tap("exp", jnp.exp(x))))))

    def stable(x):
        torch_tap("exp", torch.exp(x.double()).to(x.dtype) if x.dtype == torch.float64 else torch.exp(x.clamp(max=80)))
        return torch_tap("out", torch.logsumexp(x, 0))

    report = compare(naive, stable, np.array([100.0, 1.0]))
    assert report.first_divergence is not None
    assert (report.first_divergence.name, report.first_divergence.dtype) == ("exp", "float32")
