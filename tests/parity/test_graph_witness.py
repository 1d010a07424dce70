"""Autograd confirms the graph of a lesson at every named value and at every operation; and it does not confirm a wrong one."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxtut import backprop, chain_rule, cnn, ffn, graph, regression, torch_random
from jaxtut.naming import tap
from jaxtut.parity.graph_witness import confirm, match
from torch_ref import backprop as torch_backprop
from torch_ref import chain_rule as torch_chain_rule
from torch_ref import cnn as torch_cnn
from torch_ref import ffn as torch_ffn
from torch_ref import graph as torch_graph
from torch_ref import regression as torch_regression
from torch_ref.naming import tap as torch_tap

RNG = np.random.default_rng(0)


def _arrays(params: Any) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in params.items()}


FFN = (_arrays(ffn.init(torch_random.Generator(0), 6, 5, 3)), RNG.normal(size=(4, 6)), np.array([0, 1, 2, 0]))
LINEAR = (_arrays(regression.init(torch_random.Generator(0), 3)), RNG.normal(size=(5, 3)), RNG.normal(size=(5, 1)))
CASES = {
    "backprop": (backprop.loss, torch_backprop.loss, tuple(np.array(v) for v in (1.0, 2.0, 1.0))),
    "chain_rule": (
        lambda x: chain_rule.forward(x).L,
        lambda x: torch_chain_rule.forward(x).L,
        (np.array([1.0, 2.0]),),
    ),
    "regression": (regression.loss, torch_regression.loss, LINEAR),
    "ffn": (ffn.loss, torch_ffn.loss, FFN),
}


@pytest.mark.parametrize("name", CASES)
def test_autograd_confirms_the_graph(name: str) -> None:
    ours, theirs, args = CASES[name]
    report = confirm(ours, theirs, *args)
    assert report.same, report.summary()
    kinds = {row.name.split(".")[0] for row in report.rows}
    assert kinds == {"named", "inputs", "operations"}


@pytest.mark.long
def test_autograd_confirms_the_graph_of_the_cnn() -> None:
    params = _arrays(cnn.init(torch_random.Generator(0), (1, 28, 28)))
    report = confirm(cnn.loss, torch_cnn.loss, params, RNG.normal(size=(2, 1, 28, 28)), np.array([3, 7]))
    assert report.same, report.summary()
    assert sum("ConvolutionBackward0" in row.name for row in report.rows) == 4  # two layers in two precisions


def test_the_folds_of_a_network() -> None:
    params = {name: torch.tensor(value) for name, value in FFN[0].items()}
    tensors = params, torch.tensor(FFN[1], dtype=torch.float32), torch.tensor(FFN[2])
    found = torch_graph.trace(torch_ffn.loss, *tensors)
    g = graph.trace(ffn.loss, FFN[0], FFN[1].astype(np.float32), FFN[2])
    matched = match(g, [name for name, _ in found.operations])
    names = [m.name for m in matched]
    assert names == ["cross_entropy", "log_softmax", "linear", "relu", "linear"]
    assert [m.result.name for m in matched if m.result.name] == ["fc2", "relu", "fc1"]
    assert [len(m.members) for m in matched if m.name == "linear"] == [3, 3]


def test_a_transposed_array_is_compared_where_the_graph_has_one() -> None:
    report = confirm(lambda w: jnp.sum(jnp.tanh(w.T * 2.0)), lambda w: torch.sum(torch.tanh(w.t() * 2.0)), np.eye(2, 3))
    assert report.same, report.summary()
    assert sum("TBackward0" in row.name for row in report.rows) == 2  # in two precisions


@jax.custom_vjp
def _wrong_sine(x: Any) -> Any:
    return jnp.sin(x)


_wrong_sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, c: (c * jnp.cos(x) * 1.001,))


def test_a_wrong_gradient_is_seen() -> None:
    x = RNG.normal(size=3)
    report = confirm(
        lambda x: jnp.sum(_wrong_sine(tap("half", x * 0.5)) * 2.0),
        lambda x: torch.sum(_torch_sine(torch_tap("half", x * 0.5)) * 2.0),
        x,
    )
    assert not report.same
    assert report.first_divergence is not None
    assert report.first_divergence.name in ("inputs.0", "named.half.gradient")


class _TorchSine(torch.autograd.Function):
    """A sine under a name that the table has."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return torch.sin(x)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> torch.Tensor:
        return grad_outputs[0] * torch.cos(ctx.saved_tensors[0])


def _torch_sine(x: torch.Tensor) -> torch.Tensor:
    return _TorchSine.apply(x)


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    from jaxtut.parity.graph_witness import FOLDED

    monkeypatch.setitem(FOLDED, "_TorchSineBackward", ("_wrong_sine",))


def test_what_has_no_place_in_the_graph_is_named() -> None:
    g = graph.trace(backprop.loss, 1.0, 2.0, 1.0)
    with pytest.raises(LookupError, match="ErfBackward0 is not in the table"):
        match(g, ["ErfBackward0"])
    with pytest.raises(LookupError, match="no tanh for TanhBackward0"):
        match(g, ["TanhBackward0"])


def test_autograd_refuses_what_has_no_gradient() -> None:
    with pytest.raises(ValueError, match="one real number"):
        torch_graph.trace(torch.sin, torch.ones(2))
    with pytest.raises(ValueError, match="none of its arguments"):
        torch_graph.trace(lambda x: torch.tensor(1.0), torch.ones(2))
