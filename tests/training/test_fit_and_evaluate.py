"""The run as a whole: history, callbacks, the stop at NaN, and the accuracy."""

import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jaxtut.functional as F
import torch_ref.training
from jaxtut import optim, regression, torch_random, training

X = np.random.default_rng(0).normal(size=(11, 2)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0]], "float32")).astype("float32")


def fit(**options: Any) -> training.FitResult:
    given: dict[str, Any] = {"X": X, "Y": Y, "epochs": 2, "batch_size": 4, "optimizer": optim.SGD(0.1)} | options
    given.setdefault("params", regression.init(torch_random.Generator(0), 2))
    generator = torch_random.Generator(1)
    return training.fit(given.pop("apply", regression.apply), F.mse_loss, generator=generator, **given)


def test_history():
    history = fit(epochs=3).history
    assert len(history.losses) == 9
    assert history.epoch_losses == [float(np.mean(history.losses[k : k + 3])) for k in (0, 3, 6)]
    assert history.accuracies == []
    assert history.epoch_losses[2] < history.epoch_losses[0]


def test_on_step_hears_every_step_and_changes_nothing():
    heard: list[tuple[int, int, float]] = []
    watched = fit(on_step=lambda *step: heard.append(step))
    alone = fit()
    assert [(epoch, step) for epoch, step, _ in heard] == [(e, s) for e in range(2) for s in range(3)]
    assert [loss for *_, loss in heard] == watched.history.losses
    # The scan and the single steps are different float32 programs.
    np.testing.assert_allclose(watched.history.losses, alone.history.losses, rtol=64 * float(np.finfo(np.float32).eps))


def test_on_epoch_sees_the_parameters_and_may_end_the_run():
    seen = []

    def on_epoch(epoch: int, result: training.FitResult) -> bool:
        seen.append(np.array(result.params["linear.weight"]))
        assert len(result.history.epoch_losses) == epoch + 1
        return epoch == 2

    result = fit(epochs=10, on_epoch=on_epoch)
    assert len(seen) == len(result.history.epoch_losses) == 3
    assert not np.array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[2], result.params["linear.weight"])


def test_what_the_caller_gave_stays_usable():
    optimizer = optim.Adam(0.1)
    params = regression.init(torch_random.Generator(0), 2)
    state = optimizer.init(params)
    before = [np.array(leaf) for leaf in jax.tree.leaves((params, state))]
    fit(optimizer=optimizer, params=params, opt_state=state)
    for leaf, value in zip(jax.tree.leaves((params, state)), before, strict=True):
        np.testing.assert_array_equal(leaf, value)


def test_no_epoch_returns_what_came_in():
    params = regression.init(torch_random.Generator(0), 2)
    result = fit(epochs=0, params=params)
    np.testing.assert_array_equal(result.params["linear.weight"], params["linear.weight"])
    assert result.history.losses == []


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("step_by_step", [False, True])
@pytest.mark.parametrize("sample", range(11))
def test_stops_where_the_loss_is_no_number(bad: float, step_by_step: bool, sample: int):
    x, callback = X.copy(), {"on_step": lambda *_: None} if step_by_step else {}
    x[sample, 0] = bad
    batches = training.epoch_indices(11, 4, torch_random.Generator(1))
    where = next(i for i, batch in enumerate(batches) if sample in batch)
    with pytest.raises(FloatingPointError, match=f"in epoch 0, step {where} ") as caught:
        fit(X=x, **callback)
    error = caught.value
    assert isinstance(error, training.NonFiniteLossError)
    assert (error.epoch, error.step) == (0, where)
    assert not np.isfinite(error.loss)
    np.testing.assert_array_equal(error.indices, batches[where])
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    tensors = {name: torch.from_numpy(np.array(v)) for name, v in regression.init(torch_random.Generator(0), 2).items()}
    with pytest.raises(torch_ref.training.NonFiniteLossError) as twin:
        torch_ref.training.fit(
            lambda p, x: x @ p["linear.weight"].T + p["linear.bias"],
            torch.nn.functional.mse_loss,
            lambda p: torch.optim.SGD(p, lr=0.1),
            tensors,
            torch.from_numpy(x),
            torch.from_numpy(Y),
            epochs=2,
            batch_size=4,
            generator=torch.Generator().manual_seed(1),
        )
    assert (twin.value.epoch, twin.value.step) == (0, where)
    np.testing.assert_array_equal(twin.value.indices, batches[where])


def test_divergence_is_found_in_a_later_epoch():
    with pytest.raises(training.NonFiniteLossError) as caught:
        fit(optimizer=optim.SGD(100.0), epochs=50)
    assert caught.value.epoch > 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"Y": Y[:10]}, ValueError, "same number of samples"),
        ({"epochs": -1}, ValueError, "epochs must not be negative"),
        ({"epochs": 1.5}, TypeError, "epochs must be an int"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"X": X[:0], "Y": Y[:0]}, ValueError, "empty"),
        ({"optimizer": optim.SGD}, TypeError, "optimizer must be an Optax"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        fit(**options)


def test_fit_compiles_the_model_at_most_three_times():
    traces = []

    def apply(params: Any, x: Any) -> jax.Array:
        traces.append(x.shape)
        return regression.apply(params, x)

    fit(apply=apply, epochs=4, evaluate_on=(X, Y > 0), correct=training.correct_score)
    # The scan of the full batches, the shorter last batch, and the evaluation.
    assert sorted(traces) == [(3, 2), (4, 2), (11, 2)]


SCORES = np.random.default_rng(3).normal(size=(1000, 5)).astype("float32")
LABELS = np.random.default_rng(4).integers(0, 5, 1000)


@pytest.mark.parametrize("batch_size", [1, 7, 10, 333, 999, 1000, 1001, 1024])
@pytest.mark.parametrize("x64", [True, False])
def test_accuracy_does_not_depend_on_the_batch_size(batch_size: int, x64: bool):
    expected = float(np.mean(SCORES.argmax(1) == LABELS))
    rows = slice(0, 50) if batch_size == 1 else slice(None)
    with jax.enable_x64(x64):
        found = training.evaluate(lambda params, x: x, {}, SCORES[rows], LABELS[rows], batch_size)
    assert found == (expected if batch_size > 1 else float(np.mean(SCORES[:50].argmax(1) == LABELS[:50])))


def test_evaluation_is_compiled_once():
    traces = []

    def apply(params: Any, x: Any) -> Any:
        traces.append(x.shape)
        return x * params

    for scale in (1.0, 2.0):
        training.evaluate(apply, jnp.float32(scale), SCORES, LABELS, batch_size=64)
    assert traces == [(64, 5)]


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool", "float32"])
@pytest.mark.parametrize("column", [True, False])
@pytest.mark.parametrize("name", ["correct_score", "correct_probability"])
def test_one_score_a_sample(name: str, column: bool, dtype: str):
    scores = np.array([-1.0, 0.0, 0.5, 0.51, 2.0, -0.0], "float32")
    y = np.array([0, 1, 1, 1, 0, 0]).astype(dtype)
    expected = {"correct_score": [1, 0, 1, 1, 0, 1], "correct_probability": [1, 0, 0, 1, 0, 1]}[name]
    if column:
        scores, y = scores[:, None], y[:, None]
    ours = getattr(training, name)(jnp.asarray(scores), jnp.asarray(y))
    theirs = getattr(torch_ref.training, name)(torch.from_numpy(scores), torch.from_numpy(y))
    assert ours.tolist() == theirs.tolist() == [bool(e) for e in expected]


def test_ties_between_classes_go_to_the_first():
    scores, labels = np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0]], "float32"), np.array([0, 2])
    ours = training.correct_class(jnp.asarray(scores), jnp.asarray(labels)).tolist()
    assert ours == torch_ref.training.correct_class(torch.from_numpy(scores), torch.from_numpy(labels)).tolist()
    assert ours == [True, False]


@pytest.mark.parametrize(
    ("scores", "y", "options", "error", "message"),
    [
        (SCORES[:, :1], LABELS, {}, ValueError, "correct=correct_score or correct=correct_probability"),
        (SCORES, LABELS[:, None], {}, ValueError, "labels must have shape"),
        (SCORES, LABELS.astype("float32"), {}, TypeError, "labels must be integers"),
        (SCORES, LABELS, {"correct": "correct_score"}, ValueError, r"\(batch,\) or \(batch, 1\), but"),
        (SCORES, LABELS[:-1], {}, ValueError, "same number of samples"),
        (SCORES[:0], LABELS[:0], {}, ValueError, "same number of samples"),
        (SCORES, LABELS, {"batch_size": 0}, ValueError, "batch_size must be at least 1"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    scores: np.ndarray, y: np.ndarray, options: dict[str, Any], error: type[Exception], message: str
):
    for module, convert in ((training, jnp.asarray), (torch_ref.training, torch.from_numpy)):
        given = {k: getattr(module, v) if isinstance(v, str) else v for k, v in options.items()}
        with pytest.raises(error, match=message):
            module.evaluate(lambda params, x: x, {}, convert(scores), convert(y), **given)


def test_correct_must_give_one_answer_a_sample():
    with pytest.raises(ValueError, match="one True or False a sample, but int32"):
        training.evaluate(lambda params, x: x, {}, SCORES, LABELS, correct=lambda s, y: jnp.argmax(s, 1))


def test_what_torch_ref_has_jaxtut_has():
    names = {n for n in vars(training) if not n.startswith("_")}
    assert {n for n in vars(torch_ref.training) if not n.startswith("_")} <= names
