"""Training steps side by side, each with its own optimizer: equal runs are the same, and the first step that parts is named."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

from jaxtut import ffn, optim
from jaxtut.parity import compare_training
from jaxtut.torch_random import Generator
from torch_ref import ffn as torch_ffn

RNG = np.random.default_rng(0)
START = {n: np.asarray(v) for n, v in ffn.init(Generator(0), 5, 4, 3).items()}
BATCHES = [(RNG.standard_normal((6, 5)), RNG.integers(0, 3, 6)) for _ in range(12)]


def trained(optimizer, torch_optimizer, batches=BATCHES[:3], loss=ffn.loss):
    return compare_training(loss, torch_ffn.loss, START, batches, optimizer, torch_optimizer)


@pytest.mark.parametrize(
    ("optimizer", "torch_optimizer"),
    [
        (optax.sgd(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
        (
            optim.SGD(0.1, momentum=0.9, nesterov=True),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        ),
        (optim.Adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
    ],
)
def test_equal_runs_are_the_same(optimizer, torch_optimizer):
    report = trained(optimizer, torch_optimizer)
    assert report.same, report.summary()
    assert "step 3.params.fc1.weight" in {row.name for row in report.rows}


def first(report):
    assert report.first_divergence is not None
    return report.first_divergence.name


def test_the_first_step_that_parts_is_named():
    wrong_rate = trained(optax.sgd(0.1001), lambda p: torch.optim.SGD(p, lr=0.1))
    assert first(wrong_rate) == "step 1.params.fc1.bias"
    forgets = trained(optax.sgd(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8))
    assert first(forgets).startswith("step 2.")


def test_a_wrong_loss_is_reported_before_any_step():
    report = trained(optax.sgd(0.1), lambda p: torch.optim.SGD(p, lr=0.1), loss=lambda p, x, y: 2 * ffn.loss(p, x, y))
    assert not report.same
    assert not any(row.name.startswith("step") for row in report.rows)


def test_more_than_nine_steps_stay_in_order():
    late = optax.sgd(lambda step: jnp.where(jnp.less(step, 10), 0.1, 0.2))
    report = trained(late, lambda p: torch.optim.SGD(p, lr=0.1), BATCHES)
    assert first(report) == "step 11.params.fc1.bias"
    assert "step 02.loss" in {row.name for row in report.rows}


def test_no_batches_are_refused():
    with pytest.raises(ValueError, match="at least one batch"):
        trained(optax.sgd(0.1), lambda p: torch.optim.SGD(p, lr=0.1), [])
