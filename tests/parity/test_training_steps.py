"""Training steps side by side, each with its own optimizer: equal runs are the same, and the first step that parts is named."""

import jax
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
BATCHES = [(RNG.standard_normal((6, 5)), RNG.integers(0, 3, 6)) for _ in range(3)]


def trained(optimizer, torch_optimizer, loss=ffn.loss):
    return compare_training(loss, torch_ffn.loss, START, BATCHES, optimizer, torch_optimizer)


def square(params, x):
    return ((params["w"] * x + params["b"]) ** 2).sum()


def squares(optimizer, torch_optimizer, count=3, **options):
    start = {"w": np.ones(3), "b": np.zeros(3)}
    batches = [(RNG.standard_normal(3),) for _ in range(count)]
    return compare_training(square, square, start, batches, optimizer, torch_optimizer, **options)


def first(report):
    assert report.first_divergence is not None
    return report.first_divergence.name


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


@pytest.mark.parametrize(
    ("optimizer", "torch_optimizer"),
    [
        (optim.SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
        (optim.SGD(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
        (optax.sgd(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
        (optax.adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
    ],
)
def test_optimizers_of_either_library_take_pytorchs_steps(optimizer, torch_optimizer):
    with jax.numpy_dtype_promotion("standard"):  # Optax's Adam mixes dtypes
        report = squares(optimizer, torch_optimizer)
    assert report.same, report.summary()
    losses = [row.name for row in report.rows if row.name.endswith("loss") and row.dtype == "float64"]
    assert losses == ["step 1.loss", "step 2.loss", "step 3.loss"]


def test_another_learning_rate_parts_in_the_parameters_of_the_first_step():
    assert first(squares(optax.sgd(0.1001), lambda p: torch.optim.SGD(p, lr=0.1))) == "step 1.params.b"


def test_another_momentum_parts_in_the_second_step():
    report = squares(optax.sgd(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8))
    assert first(report) == "step 2.params.b"  # the loss of step 2 is that of the same parameters
    assert all(row.same for row in report.rows if row.name.startswith("step 1."))


def test_another_epsilon_parts_in_the_first_step():
    assert first(squares(optim.Adam(0.01, eps=1e-5), lambda p: torch.optim.Adam(p, lr=0.01))) == "step 1.params.b"


def test_a_wrong_loss_is_reported_before_any_step():
    report = trained(optax.sgd(0.1), lambda p: torch.optim.SGD(p, lr=0.1), loss=lambda p, x, y: 2 * ffn.loss(p, x, y))
    assert not report.same
    assert not any(row.name.startswith("step") for row in report.rows)


def test_more_than_nine_steps_stay_in_order():
    late = optax.sgd(lambda step: jnp.where(jnp.less(step, 10), 0.1, 0.2))
    report = squares(late, lambda p: torch.optim.SGD(p, lr=0.1), count=12)
    assert first(report) == "step 11.params.b"
    steps = [row.name for row in report.rows if row.name.endswith(".loss") and row.dtype == "float64"]
    assert steps == [f"step {i:02d}.loss" for i in range(1, 13)]


def test_one_precision_is_judged_on_request():
    report = squares(optax.sgd(0.1), lambda p: torch.optim.SGD(p, lr=0.1), dtypes=["float32"])
    assert report.same
    assert {row.dtype for row in report.rows} == {"float32"}


def test_parameters_and_batches_are_left_as_they_were():
    start, batches = {"w": np.ones(3), "b": np.zeros(3)}, [(np.arange(3.0),)] * 2
    compare_training(square, square, start, batches, optax.sgd(0.1), lambda p: torch.optim.SGD(p, lr=0.1))
    assert (start["w"] == 1).all()
    assert all((batch == np.arange(3.0)).all() for (batch,) in batches)


def test_no_batches_are_refused():
    with pytest.raises(ValueError, match="at least one batch"):
        squares(optax.sgd(0.1), lambda p: torch.optim.SGD(p, lr=0.1), count=0)
