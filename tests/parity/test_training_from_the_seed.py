"""Two runs from one seed, which share no array, are one run; and a side that starts or shuffles otherwise is noticed."""

import numpy as np
import pytest
import torch

import torch_ref.regression
from jaxtut.parity import lockstep, trainers
from jaxtut.training.tasks import TASKS

# float64 rounds at 2.2e-16; three epochs of up to 63 steps, with Adam's quotients, bring 1e-13.
THREE_EPOCHS = 1e-12
QUICK = [task for task in TASKS if task.data != "mnist"]
LONG = [task for task in TASKS if task.data == "mnist"]


def named(task):
    return f"{task.model}-{task.data}"


def assert_one_run(model: str, data: str, seed: int) -> None:
    run = lockstep.train_in_lockstep(model, data, "float64", 3, seed)
    assert run.same_start
    assert run.same_batches
    assert run.loss_drift <= THREE_EPOCHS
    assert run.epochs[-1].drift <= THREE_EPOCHS
    if run.score == "accuracy":
        assert [e.score_jax for e in run.epochs] == [e.score_torch for e in run.epochs]
    assert run.verdict().same
    assert run.losses_jax[0] != run.losses_jax[-1]


@pytest.mark.parametrize("task", QUICK, ids=named)
def test_one_seed_is_one_run(task) -> None:
    assert_one_run(task.model, task.data, 2**40 + 7)


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, -5])
@pytest.mark.parametrize("task", LONG, ids=named)
def test_one_seed_is_one_run_on_images(task, seed: int) -> None:
    assert_one_run(task.model, task.data, seed)


def test_float32_is_shown_beside_pytorch_against_itself() -> None:
    run = lockstep.train_in_lockstep("logistic", None, "float32", 2, 3)
    assert run.same_start
    assert len(run.losses_of_threads) == len(run.losses_of_an_ulp) == len(run.losses_torch)
    assert all(e.drift_of_an_ulp is not None and 0 < e.drift_of_an_ulp < 1e-3 for e in run.epochs)
    assert run.verdict().same


def test_another_start_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    init = torch_ref.regression.init

    def moved(*args, **options):
        return {n: p * (1 + 2**-52) for n, p in init(*args, **options).items()}

    monkeypatch.setattr(torch_ref.regression, "init", moved)
    run = lockstep.train_in_lockstep("linear", "wine", "float64", 1, 0)
    assert not run.same_start
    assert not run.verdict().same
    assert "first weights DIFFERENT" in run.verdict().text


def test_other_batches_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = trainers.TorchTrainer.batches

    def swapped(self):
        for i, rows in enumerate(batches(self)):
            yield rows[::-1].copy() if i == 4 else rows

    monkeypatch.setattr(trainers.TorchTrainer, "batches", swapped)
    run = lockstep.train_in_lockstep("linear", "wine", "float64", 1, 0)
    assert not run.same_batches
    assert not run.verdict().same


def test_the_number_of_threads_is_put_back() -> None:
    before = torch.get_num_threads()
    lockstep.train_in_lockstep("linear", "wine", "float32", 1, 0)
    assert torch.get_num_threads() == before


def test_scores() -> None:
    linear, logistic, ffn = (next(t for t in TASKS if t.model == m) for m in ("linear", "logistic", "ffn"))
    assert linear.score_of(np.array([[1.0], [2.0]]), np.array([[1.0], [2.0]])) == 1
    assert linear.score_of(np.array([[1.5], [1.5]]), np.array([[1.0], [2.0]])) == 0
    assert logistic.score_of(np.array([[0.7], [0.2]]), np.array([[1.0], [1.0]])) == 0.5
    assert ffn.score_of(np.eye(3), np.array([0, 1, 1])) == 2 / 3
