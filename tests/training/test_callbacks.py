"""What happens beside the steps, and what is said of a loss that is no number."""

import io
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

import jaxtut.functional as F
from jaxtut import cnn, data, ffn, optim, regression, torch_random, training
from jaxtut.naming import tap
from jaxtut.training import History

X = np.random.default_rng(0).normal(size=(12, 6)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 12)


def fit(**options: Any) -> training.FitResult:
    generator = torch_random.Generator(0)
    given: dict[str, Any] = {
        "generator": generator,
        "params": ffn.init(generator, 6, 4, 3),
        "X": X,
        "Y": Y,
        "epochs": 4,
        "batch_size": 5,
    } | options
    apply, optimizer = given.pop("apply", ffn.apply), given.pop("optimizer", optim.SGD(lr=0.1))
    return training.fit(apply, given.pop("loss", F.cross_entropy), optimizer, **given)


@pytest.mark.parametrize(
    ("losses", "patience", "min_delta", "length"),
    [
        ([3, 2, 1, 0.5], 1, 0.0, None),
        ([3, 2, 2.5, 1], 1, 0.0, 3),
        ([3, 2, 2, 2, 1], 2, 0.0, 4),  # as good is not better
        ([3, 2.9, 2.8, 2.7], 2, 0.5, 3),
        ([1], 1, 0.0, None),
    ],
)
def test_early_stopping(losses, patience, min_delta, length):
    stop = training.EarlyStopping(patience, min_delta)
    over = [stop.is_over(History(epoch_losses=losses[: n + 1])) for n in range(len(losses))]
    assert (over.index(True) + 1 if True in over else None) == length


def test_early_stopping_goes_by_the_accuracy_where_there_is_one():
    history = History(epoch_losses=[3, 2, 1], accuracies=[0.5, 0.4, 0.3])
    assert training.EarlyStopping(2).is_over(history)
    assert not training.EarlyStopping(2, monitor="loss").is_over(history)
    with pytest.raises(ValueError, match="needs evaluate_on"):
        training.EarlyStopping(1, monitor="accuracy").is_over(History(epoch_losses=[1.0]))


def test_a_monitor_that_nobody_measures_is_refused_before_the_run(tmp_path):
    for options in (
        {"callbacks": [training.EarlyStopping(1, monitor="accuracy")]},
        {"checkpoints": training.Checkpoints(tmp_path, monitor="accuracy")},
    ):
        with pytest.raises(ValueError, match="needs evaluate_on"):
            fit(**options)


def test_early_stopping_ends_a_run():
    result = fit(optimizer=optim.SGD(lr=0.0), epochs=9, callbacks=[training.EarlyStopping(2)])
    assert len(result.history.epoch_losses) == 3


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"patience": 0}, ValueError, "at least 1"),
        ({"patience": 1.5}, TypeError, "must be an int"),
        ({"min_delta": -1}, ValueError, "not be negative"),
        ({"monitor": "f1"}, ValueError, "'accuracy', 'loss' or None"),
    ],
)
def test_early_stopping_refuses(options, error, message):
    with pytest.raises(error, match=message):
        training.EarlyStopping(**options)


def test_the_table_of_metrics(tmp_path):
    path = tmp_path / "made" / "metrics.csv"
    result = fit(callbacks=[training.CSVLogger(path)], evaluate_on=(X, Y))
    rows = [line.split(",") for line in path.read_text().splitlines()]
    assert rows[0] == ["epoch", "loss", "accuracy"]
    assert [[float(cell) for cell in row] for row in rows[1:]] == [
        [i + 1, *pair]
        for i, pair in enumerate(zip(result.history.epoch_losses, result.history.accuracies, strict=True))
    ]
    assert [p.name for p in path.parent.iterdir()] == ["metrics.csv"]


def test_a_table_that_cannot_be_written_stops_the_run_before_it_starts(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        fit(callbacks=[training.CSVLogger(tmp_path / "file" / "metrics.csv")])


def test_the_bar_counts_all_steps():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    fit(callbacks=[training.ProgressBar(console)], evaluate_on=(X, Y))
    text = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert "12/12" in text
    assert "epoch 4" in text


def test_callbacks_hear_of_every_step_of_a_loader():
    heard = []

    class Listens(training.Callback):
        def on_steps(self, epoch, done, losses):
            heard.append((epoch, done, len(losses)))

    loader = data.DataLoader(data.ArrayDataset(X, Y), 5)
    fit(X=loader, Y=None, batch_size=None, generator=None, epochs=2, callbacks=[Listens()])
    assert heard == [(epoch, done, 1) for epoch in (0, 1) for done in (1, 2, 3)]


def test_callbacks_hear_of_the_end_even_after_an_error():
    heard = []

    class Fails(training.Callback):
        def on_epoch(self, epoch, result):
            raise ZeroDivisionError

        def on_end(self):
            heard.append("end")

    with pytest.raises(ZeroDivisionError):
        fit(callbacks=[Fails()])
    assert heard == ["end"]


def quantity_of(**options: Any) -> str:
    with pytest.raises(training.NonFiniteLossError) as caught:
        fit(**options)
    assert caught.value.quantity in str(caught.value)
    return caught.value.quantity


def spoilt(row: int, column: int, value: float) -> np.ndarray:
    x = X.copy()
    x[row, column] = value
    return x


def test_a_sample_is_named():
    assert quantity_of(X=spoilt(7, 2, np.nan)) == "x of sample 7 (nan at [2])"
    assert quantity_of(X=spoilt(3, 5, -np.inf)) == "x of sample 3 (-inf at [5])"


def test_a_target_is_named():
    y = X[:, :1].copy()
    y[4] = np.inf
    options = {"apply": regression.apply, "loss": F.mse_loss, "params": regression.init(torch_random.Generator(0), 6)}
    assert quantity_of(Y=y, **options) == "y of sample 4 (inf at [0])"


@pytest.mark.parametrize("label", [3, -2, 1000])
def test_a_label_outside_the_classes_is_named(label):
    y = Y.copy()
    y[8] = label
    found = quantity_of(Y=y)
    assert found.startswith("what is refused: cross_entropy: ")
    assert str(label) in found


def test_a_parameter_is_named():
    params = ffn.init(torch_random.Generator(0), 6, 4, 3)
    params["fc2.bias"] = params["fc2.bias"].at[1].set(jnp.nan)
    assert quantity_of(params=params) == "the parameter fc2.bias (nan at [1])"


@pytest.mark.parametrize("on_step", [None, lambda *_: None])
def test_the_operation_is_named_with_its_line_and_the_next_name(on_step):
    def apply(params, x):
        hidden = tap("hidden", jnp.log(F.relu(F.linear(x, params["fc1.weight"], params["fc1.bias"]))))
        return F.linear(hidden, params["fc2.weight"], params["fc2.bias"])

    found = quantity_of(apply=apply, on_step=on_step)
    assert found.startswith("the result of log (-inf at [")
    assert "test_callbacks.py:" in found
    assert found.endswith("), which spoils 'hidden'")


def test_a_loss_that_overflows_in_a_convolutional_network():
    params = cnn.init(torch_random.Generator(0), (1, 16, 16), 3)
    params["conv2.weight"] = params["conv2.weight"] * 1e38
    images = 10 + np.ones((12, 1, 16, 16), "float32")
    found = quantity_of(apply=cnn.apply, params=params, X=images)
    assert "convolution" in found or "dot_general" in found
    assert found.endswith("which spoils 'conv2'")


def test_the_last_good_state_comes_with_the_error():
    x = spoilt(7, 2, np.nan)
    batches = training.epoch_indices(12, 5, torch_random.Generator(0), True)
    with pytest.raises(training.NonFiniteLossError) as caught:
        training.fit(
            ffn.apply, F.cross_entropy, optim.SGD(lr=0.1), ffn.init(torch_random.Generator(3), 6, 4, 3), x, Y, epochs=1,
            batch_size=5, generator=torch_random.Generator(0),
        )  # fmt: skip
    bad = next(i for i, batch in enumerate(batches) if 7 in batch)
    step = training.make_train_step(ffn.apply, F.cross_entropy, optim.SGD(lr=0.1), donate=False)
    params = ffn.init(torch_random.Generator(3), 6, 4, 3)
    state = optim.SGD(lr=0.1).init(params)
    for batch in batches[:bad]:
        params, state, _ = step(params, state, x[batch], Y[batch])
    for name, value in params.items():
        np.testing.assert_array_equal(caught.value.state[0][name], value)
