"""Both packages train the same models on the same batches to the same losses and the same parameters."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jaxtut.functional as F
import torch_ref.cnn
import torch_ref.ffn
import torch_ref.regression
import torch_ref.training
from jaxtut import cnn, data, ffn, optim, regression, torch_random, training

# float64 rounds at 2.2e-16; sums over up to a thousand terms, once in each of some 60 steps, bring 1e-14, and the
# matrix products of the
# two frameworks add in different orders.
TOLERANCE = 1e-12
EPOCHS = 3

Twin = dict[str, Any]


def linear_regression() -> Twin:
    draw = np.random.default_rng(0)
    X = draw.normal(size=(103, 4))
    Y = X @ draw.normal(size=(4, 1)) + 0.1 * draw.normal(size=(103, 1))
    model = {
        "apply": (regression.apply, torch_ref.regression.apply),
        "loss": (F.mse_loss, torch.nn.functional.mse_loss),
    }
    params = regression.init(torch_random.Generator(1), 4, dtype="float64")
    return {**model, "params": params, "X": X, "Y": Y, "batch_size": 10, "correct": None}


def logistic_regression() -> Twin:
    X, y = data.breast_cancer()
    X = (X - X.mean(0)) / X.std(0)
    bce = (F.binary_cross_entropy, torch.nn.functional.binary_cross_entropy)
    model = {"apply": (regression.apply_logistic, torch_ref.regression.apply_logistic), "loss": bce}
    params = regression.init(torch_random.Generator(2), X.shape[1], dtype="float64")
    correct = (training.correct_probability, torch_ref.training.correct_probability)
    Y = y.reshape(-1, 1).astype("float64")
    return {**model, "params": params, "X": X.astype("float64"), "Y": Y, "batch_size": 32, "correct": correct}


def feed_forward() -> Twin:
    X, y = data.wine()
    X = (X - X.mean(0)) / X.std(0)
    cross_entropy = (F.cross_entropy, torch.nn.functional.cross_entropy)
    params = ffn.init(torch_random.Generator(3), X.shape[1], 16, 3, dtype="float64")
    correct = (training.correct_class, torch_ref.training.correct_class)
    model = {"apply": (ffn.apply, torch_ref.ffn.apply), "loss": cross_entropy, "params": params}
    return {**model, "X": X.astype("float64"), "Y": y.astype("int64"), "batch_size": 4, "correct": correct}


def convolutional() -> Twin:
    draw = np.random.default_rng(4)
    params = cnn.init(torch_random.Generator(4), image_shape=(1, 16, 16), num_classes=3, dtype="float64")
    correct = (training.correct_class, torch_ref.training.correct_class)
    cross_entropy = (F.cross_entropy, torch.nn.functional.cross_entropy)
    model = {"apply": (cnn.apply, torch_ref.cnn.apply), "loss": cross_entropy, "params": params}
    X, Y = draw.normal(size=(13, 1, 16, 16)), draw.integers(0, 3, 13)
    return {**model, "X": X, "Y": Y, "batch_size": 4, "correct": correct}


OPTIMIZERS = {
    "sgd": (partial(optim.SGD, 0.05), partial(torch.optim.SGD, lr=0.05)),
    "momentum": (partial(optim.SGD, 0.02, momentum=0.9), partial(torch.optim.SGD, lr=0.02, momentum=0.9)),
    "adam": (partial(optim.Adam, 1e-2), partial(torch.optim.Adam, lr=1e-2)),
}
LESSONS = (linear_regression, logistic_regression, feed_forward)
TABLE = [
    *[(lesson, name, False) for lesson in LESSONS for name in OPTIMIZERS],
    *[(lesson, "momentum", True) for lesson in LESSONS],
    (convolutional, "momentum", False),
]


def tensors(params: dict[str, Any]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.array(value)) for name, value in params.items()}


def assert_equal(ours: training.FitResult, theirs: torch_ref.training.FitResult) -> None:
    np.testing.assert_allclose(ours.history.losses, theirs.history.losses, rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_allclose(ours.history.epoch_losses, theirs.history.epoch_losses, rtol=TOLERANCE, atol=TOLERANCE)
    assert ours.history.accuracies == theirs.history.accuracies
    assert ours.params.keys() == theirs.params.keys()
    for name, value in theirs.params.items():
        assert ours.params[name].dtype == np.float64
        np.testing.assert_allclose(ours.params[name], value.detach().numpy(), rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize(("lesson", "name", "step_by_step"), TABLE)
def test_fit(lesson: Callable[[], Twin], name: str, step_by_step: bool):
    with jax.enable_x64(True):
        case = lesson()
        ours, theirs = OPTIMIZERS[name]
        start = {key: np.array(value) for key, value in case["params"].items()}
        common: dict[str, Any] = {"epochs": EPOCHS, "batch_size": case["batch_size"]}
        jax_generator, torch_generator = torch_random.Generator(7), torch.Generator().manual_seed(7)
        options = [dict(common), dict(common)]
        if case["correct"] is not None:
            for option, correct, convert in zip(options, case["correct"], (np.asarray, torch.from_numpy), strict=True):
                option |= {"correct": correct, "evaluate_on": (convert(case["X"]), convert(case["Y"]))}
        if step_by_step:
            options[0]["on_step"] = lambda epoch, step, loss: None
        result = training.fit(
            case["apply"][0],
            case["loss"][0],
            ours(),
            case["params"],
            case["X"],
            case["Y"],
            generator=jax_generator,
            **options[0],
        )
        expected = torch_ref.training.fit(
            case["apply"][1],
            case["loss"][1],
            theirs,
            tensors(start),
            torch.from_numpy(case["X"]),
            torch.from_numpy(case["Y"]),
            generator=torch_generator,
            **options[1],
        )
        assert_equal(result, expected)
        # Training did something, and left the initial parameters and the generators as PyTorch leaves them.
        assert result.history.losses[0] != result.history.losses[-1]
        for key, value in start.items():
            np.testing.assert_array_equal(case["params"][key], value)
        np.testing.assert_array_equal(jax_generator.get_state(), torch_generator.get_state().numpy())


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("n", "batch_size"), [(1, 1), (10, 3), (10, 5), (10, 100), (257, 16)])
def test_batches_are_those_of_the_loader(n: int, batch_size: int, shuffle: bool):
    ours, theirs = torch_random.Generator(5), torch.Generator().manual_seed(5)
    loader = torch.utils.data.DataLoader(list(range(n)), batch_size, shuffle, generator=theirs)  # pyright: ignore[reportArgumentType]
    twin = torch.Generator().manual_seed(5)
    for _ in range(3):
        batches = training.epoch_indices(n, batch_size, ours, shuffle)
        expected = [batch.tolist() for batch in loader]
        assert [b.tolist() for b in batches] == expected
        assert [b.tolist() for b in torch_ref.training.epoch_indices(n, batch_size, twin, shuffle)] == expected


def test_batches_from_the_default_generators():
    torch_random.manual_seed(11)
    torch.manual_seed(11)
    ours = [b.tolist() for _ in range(2) for b in training.epoch_indices(9, 4)]
    assert ours == [b.tolist() for _ in range(2) for b in torch_ref.training.epoch_indices(9, 4)]


def test_epochs_of_given_batches():
    with jax.enable_x64(True):
        case = feed_forward()
        optimizer = optim.Adam(1e-2)
        indices = np.random.default_rng(0).integers(0, len(case["X"]), (20, 8))
        state, theirs = optimizer.init(case["params"]), tensors(case["params"])
        X, Y = torch.from_numpy(case["X"]), torch.from_numpy(case["Y"])
        epoch = training.make_epoch(case["apply"][0], case["loss"][0], optimizer)
        twin = torch_ref.training.make_epoch(case["apply"][1], case["loss"][1], partial(torch.optim.Adam, lr=1e-2))
        params, state, losses = epoch(case["params"], state, jnp.asarray(case["X"]), jnp.asarray(case["Y"]), indices)
        theirs, _, expected = twin(theirs, None, X, Y, indices)
        np.testing.assert_allclose(losses, expected.numpy(), rtol=TOLERANCE)
        for name, value in theirs.items():
            np.testing.assert_allclose(params[name], value.detach().numpy(), rtol=TOLERANCE, atol=TOLERANCE)


def test_going_on_is_the_same_as_not_stopping():
    with jax.enable_x64(True):
        case = feed_forward()
        optimizer, factory = optim.Adam(optim.StepLR(1e-2, 50)), partial(torch.optim.Adam, lr=1e-2)
        generator = torch_random.Generator(7)
        run = partial(training.fit, *(case[k][0] for k in ("apply", "loss")), optimizer, X=case["X"], Y=case["Y"])
        first = run(params=case["params"], epochs=1, batch_size=16, generator=generator)
        second = run(params=first.params, opt_state=first.opt_state, epochs=1, batch_size=16, generator=generator)
        whole = run(params=case["params"], epochs=2, batch_size=16, generator=torch_random.Generator(7))
        assert first.history.losses + second.history.losses == whole.history.losses
        for name in whole.params:
            np.testing.assert_array_equal(second.params[name], whole.params[name])
        X, Y = torch.from_numpy(case["X"]), torch.from_numpy(case["Y"])
        twin = partial(torch_ref.training.fit, *(case[k][1] for k in ("apply", "loss")), factory, X=X, Y=Y)
        g = torch.Generator().manual_seed(7)
        a = twin(params=tensors(case["params"]), epochs=1, batch_size=16, generator=g)
        before = {name: value.detach().clone() for name, value in a.params.items()}
        b = twin(params=a.params, opt_state=a.opt_state, epochs=1, batch_size=16, generator=g)
        c = twin(params=tensors(case["params"]), epochs=2, batch_size=16, generator=torch.Generator().manual_seed(7))
        assert a.history.losses + b.history.losses == c.history.losses
        assert all(torch.equal(a.params[name], value) for name, value in before.items())
