"""The compiled step and epoch: compiled once for each shape, donating, refusing what they cannot train on."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxtut.functional as F
from jaxtut import optim, regression, torch_random, training
from jaxtut.errors import LabelError

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5]], "float32")).astype("float32")


def initial() -> dict[str, jax.Array]:
    return regression.init(torch_random.Generator(0), 3)


class Counted:
    """A model that counts how often it is traced, which is once for each compilation."""

    def __init__(self) -> None:
        self.traces = 0

    def __call__(self, params: Any, x: Any) -> jax.Array:
        self.traces += 1
        return regression.apply(params, x)


@pytest.mark.parametrize("optimizer", [optim.SGD(0.1, momentum=0.9), optim.NAdam(optim.StepLR(0.1, 2))])
def test_a_step_is_compiled_once_for_each_shape(optimizer: optax.GradientTransformation):
    model, params = Counted(), initial()
    step = training.make_train_step(model, F.mse_loss, optimizer)
    state = optimizer.init(params)
    for size in (4, 4, 4, 3, 3, 4):
        params, state, _ = step(params, state, X[:size], Y[:size])
    assert model.traces == 2


@pytest.mark.parametrize("optimizer", [optim.SGD(0.1, momentum=0.9), optim.NAdam(optim.StepLR(0.1, 2))])
def test_an_epoch_is_compiled_once(optimizer: optax.GradientTransformation):
    model, params = Counted(), initial()
    epoch = training.make_epoch(model, F.mse_loss, optimizer)
    state = optimizer.init(params)
    for seed in range(3):
        indices = np.random.default_rng(seed).permutation(12).reshape(4, 3)
        params, state, losses = epoch(params, state, X, Y, indices)
        assert losses.shape == (4,)
    assert model.traces == 1


def test_a_step_is_the_rule_written_out():
    params = initial()
    step = training.make_train_step(regression.apply, F.mse_loss, optim.SGD(0.1), donate=False)
    after, _, loss = step(params, optim.SGD(0.1).init(params), X, Y)
    W, b = np.float64(params["linear.weight"]), np.float64(params["linear.bias"])
    error = X @ W.T + b - Y
    # float32 against float64: sums of twelve terms of the order of 1.
    few_ulp = 32 * float(np.finfo(np.float32).eps)
    close: dict[str, Any] = {"rtol": few_ulp, "atol": few_ulp}
    np.testing.assert_allclose(loss, np.mean(error**2), **close)
    np.testing.assert_allclose(after["linear.weight"], W - 0.1 * 2 / 12 * error.T @ X, **close)
    np.testing.assert_allclose(after["linear.bias"], b - 0.1 * 2 / 12 * error.sum(0), **close)


@pytest.mark.parametrize("donate", [True, False])
def test_donation(donate: bool):
    optimizer = optim.Adam(0.1)
    for run in ("step", "epoch"):
        params = initial()
        state = optimizer.init(params)
        if run == "step":
            training.make_train_step(regression.apply, F.mse_loss, optimizer, donate)(params, state, X, Y)
        else:
            epoch = training.make_epoch(regression.apply, F.mse_loss, optimizer, donate)
            epoch(params, state, X, Y, np.arange(12).reshape(3, 4))
        assert all(leaf.is_deleted() == donate for leaf in jax.tree.leaves((params, state)))


def test_an_epoch_is_its_steps():
    optimizer = optim.Adam(0.1)
    indices = np.random.default_rng(1).permutation(12).reshape(3, 4)
    with jax.enable_x64(True):
        x, y = X.astype("float64"), Y.astype("float64")
        start = regression.init(torch_random.Generator(0), 3, dtype="float64")
        epoch = training.make_epoch(regression.apply, F.mse_loss, optimizer, donate=False)
        whole, _, losses = epoch(start, optimizer.init(start), x, y, indices)
        params, state, single = start, optimizer.init(start), []
        step = training.make_train_step(regression.apply, F.mse_loss, optimizer, donate=False)
        for batch in indices:
            params, state, loss = step(params, state, x[batch], y[batch])
            single.append(loss)
        # One program may be fused otherwise than the other: a few ulp a step.
        for ours, other in zip(
            jax.tree.leaves((whole, losses)), jax.tree.leaves((params, jnp.stack(single))), strict=True
        ):
            np.testing.assert_array_max_ulp(np.asarray(ours), np.asarray(other), maxulp=64)


@pytest.fixture
def epoch() -> Any:
    optimizer = optim.SGD(0.1)
    run = training.make_epoch(regression.apply, F.mse_loss, optimizer, donate=False)
    params = initial()
    return lambda indices, y=Y: run(params, optimizer.init(params), X, y, indices)


@pytest.mark.parametrize(
    ("indices", "error", "message"),
    [
        ([[0, 12]], LabelError, r"indices must lie in \[0, 12\), but 0 to 12"),
        ([[-1, 0]], LabelError, "-1 to 0"),
        ([0, 1], ValueError, r"\(steps, batch\), but \(2,\)"),
        ([[0.0, 1.0]], TypeError, "integers, but float64"),
    ],
)
def test_bad_indices_are_refused(epoch: Any, indices: Any, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        epoch(indices)


def test_bad_indices_that_are_hidden_give_nan(epoch: Any):
    hidden = jax.jit(lambda indices: epoch(indices)[2])
    losses = np.asarray(hidden(jnp.array([[0, 1], [0, 12]])))
    assert np.isfinite(losses[0])
    assert np.isnan(losses[1])
    assert np.isnan(np.asarray(hidden(jnp.array([[0, -1]]))))[0]


def test_data_of_different_lengths_are_refused(epoch: Any):
    with pytest.raises(ValueError, match="12 and 11"):
        epoch([[0, 1]], Y[:11])


@pytest.mark.parametrize("make", [training.make_train_step, training.make_epoch])
def test_what_cannot_train_is_refused(make: Any):
    with pytest.raises(TypeError, match=f"{make.__name__}: optimizer must be an Optax gradient transformation"):
        make(regression.apply, F.mse_loss, optim.SGD)
    with pytest.raises(TypeError, match="apply must be a function, but dict"):
        make({}, F.mse_loss, optim.SGD())
    with pytest.raises(TypeError, match="loss must be a function, but str"):
        make(regression.apply, "mse", optim.SGD())


def test_a_loss_that_is_no_single_number_is_refused():
    params = initial()
    step = training.make_train_step(regression.apply, lambda a, b: F.mse_loss(a, b, reduction="none"), optim.SGD())
    with pytest.raises(ValueError, match=r"single number, but an array of shape \(12, 1\)"):
        step(params, optim.SGD().init(params), X, Y)
