"""Every optimizer and each of its options takes PyTorch's steps, for the same gradients."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import torch_ref.optim
from jaxtut import optim

# float64 rounds at 2.2e-16, and 200 steps of rounding add up to some 1e-14. PyTorch computes 1 − βᵗ with cancellation,
# which can cost more digits in the first steps. A wrong formula is off by 1e-6 and more.
FLOAT64_TOLERANCE = 1e-12
# float32 rounds at 6e-8: 100 steps of rounding add up to some 4e-6 at most, with momentum, and where PyTorch rounds 1 −
# lr · weight_decay.
FLOAT32_TOLERANCE = 1e-5
STEPS = {"float64": 200, "float32": 100}

CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.05, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "dampening": 0.5}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.05, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.8, 0.95)}),
    ("Adam", {"betas": (0.0, 0.0)}),
    ("Adam", {"betas": (0.3, 0.99)}),
    ("Adam", {"eps": 1e-2}),
    ("Adam", {"weight_decay": 0.1}),
    ("Adam", {"amsgrad": True, "betas": (0.9, 0.5)}),
    ("Adam", {"maximize": True, "weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.2}),
    ("AdamW", {"amsgrad": True, "maximize": True, "betas": (0.9, 0.5)}),
    ("Adamax", {}),
    ("Adamax", {"betas": (0.8, 0.9), "eps": 1e-2, "weight_decay": 0.1, "maximize": True}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-2, "momentum_decay": 0.05}),
    ("NAdam", {"weight_decay": 0.1, "maximize": True}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {}),
    ("RAdam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-2}),
    ("RAdam", {"betas": (0.9, 0.5)}),
    ("RAdam", {"betas": (0.9, 0.9999)}),
    ("RAdam", {"weight_decay": 0.1, "maximize": True}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.003, "alpha": 0.9, "eps": 1e-2}),
    ("RMSprop", {"lr": 0.003, "momentum": 0.9}),
    ("RMSprop", {"lr": 0.003, "centered": True, "momentum": 0.5}),
    ("RMSprop", {"weight_decay": 0.1, "maximize": True, "centered": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}),
    ("Adagrad", {"initial_accumulator_value": 0.5, "eps": 1e-2}),
    ("Adagrad", {"weight_decay": 0.1, "maximize": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-3}),
    ("Adadelta", {"weight_decay": 0.1, "maximize": True}),
]
TABLE = pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{name}-{options}" for name, options in CASES])

Arrays = dict[str, np.ndarray]


@pytest.fixture
def torch_float64() -> Iterator[None]:
    # torch's NAdam keeps its product of momenta in float32 unless the default dtype is float64.
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def problem(dtype: str, steps: int | None = None, seed: int = 0) -> tuple[Arrays, list[Arrays]]:
    """Initial parameters, and gradients of many sizes with some exact zeros."""
    draw = np.random.default_rng(seed)
    shapes = {"weight": (3, 4), "bias": (3,), "scale": ()}
    params = {name: np.asarray(draw.normal(size=shape), dtype) for name, shape in shapes.items()}
    size = 10.0 ** draw.integers(-3, 2, steps or STEPS[dtype])
    gradients = [{n: np.asarray(draw.normal(size=s) * k, dtype) for n, s in shapes.items()} for k in size]
    for g in gradients:
        g["weight"][0, 0] = 0.0 if draw.random() < 0.5 else g["weight"][0, 0]
    return params, gradients


def jax_path(optimizer: optax.GradientTransformation, params: Arrays, gradients: list[Arrays]) -> list[Arrays]:
    p: Any = {name: jnp.asarray(value) for name, value in params.items()}
    state = optimizer.init(p)

    @jax.jit
    def step(g: Any, state: Any, p: Any) -> Any:
        updates, state = optimizer.update(g, state, p)
        return optax.apply_updates(p, updates), state

    path = []
    for g in gradients:
        p, state = step(g, state, p)
        path.append({name: np.asarray(value) for name, value in p.items()})
    return path


def torch_path(
    optimizer: Callable[[list[torch.Tensor]], torch.optim.Optimizer], params: Arrays, gradients: list[Arrays]
) -> list[Arrays]:
    p = {name: torch.nn.Parameter(torch.from_numpy(np.array(value))) for name, value in params.items()}
    o = optimizer(list(p.values()))
    path = []
    for g in gradients:
        for name, value in p.items():
            value.grad = torch.from_numpy(np.array(g[name]))
        o.step()
        path.append({name: value.detach().numpy().copy() for name, value in p.items()})
    return path


def largest_difference(a: list[Arrays], b: list[Arrays]) -> float:
    pairs = [(x[name], y[name]) for x, y in zip(a, b, strict=True) for name in x.keys() | y.keys()]
    assert all(x.dtype == y.dtype and x.shape == y.shape for x, y in pairs)
    return max(float(np.max(np.abs(x - y) / np.maximum(1, np.abs(y)))) for x, y in pairs)


@TABLE
@pytest.mark.usefixtures("torch_float64")
def test_float64(name: str, options: dict[str, Any]):
    params, gradients = problem("float64")
    theirs = torch_path(lambda p: getattr(torch.optim, name)(p, **options), params, gradients)
    with jax.enable_x64(True):
        ours = jax_path(getattr(optim, name)(**options), params, gradients)
    assert largest_difference(ours, theirs) < FLOAT64_TOLERANCE


@TABLE
def test_float32(name: str, options: dict[str, Any]):
    params, gradients = problem("float32")
    theirs = torch_path(lambda p: getattr(torch.optim, name)(p, **options), params, gradients)
    assert largest_difference(jax_path(getattr(optim, name)(**options), params, gradients), theirs) < FLOAT32_TOLERANCE


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    lr=st.floats(1e-4, 0.1),
    momentum=st.floats(0, 0.95),
    dampening=st.floats(0, 1),
    weight_decay=st.sampled_from([0.0, 0.01, 0.3]),
    maximize=st.booleans(),
)
def test_sgd_for_any_options(lr: float, momentum: float, dampening: float, weight_decay: float, maximize: bool):
    options = {"momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "maximize": maximize}
    params, gradients = problem("float64", steps=20)
    theirs = torch_path(lambda p: torch.optim.SGD(p, lr=lr, **options), params, gradients)
    with jax.enable_x64(True):
        ours = jax_path(optim.SGD(lr, **options), params, gradients)
    assert largest_difference(ours, theirs) < FLOAT64_TOLERANCE


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    lr=st.floats(1e-4, 0.1),
    b1=st.floats(0, 0.99),
    b2=st.floats(0, 0.999),
    weight_decay=st.sampled_from([0.0, 0.01, 0.3]),
    amsgrad=st.booleans(),
    decoupled=st.booleans(),
)
def test_adam_for_any_options(lr: float, b1: float, b2: float, weight_decay: float, amsgrad: bool, decoupled: bool):
    options: Any = {
        "betas": (b1, b2),
        "weight_decay": weight_decay,
        "amsgrad": amsgrad,
        "decoupled_weight_decay": decoupled,
    }
    params, gradients = problem("float64", steps=20)
    theirs = torch_path(lambda p: torch.optim.Adam(p, lr=lr, **options), params, gradients)
    with jax.enable_x64(True):
        ours = jax_path(optim.Adam(lr, **options), params, gradients)
    assert largest_difference(ours, theirs) < FLOAT64_TOLERANCE


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adagrad", "RMSprop"])
def test_a_schedule_moves_the_learning_rate_as_a_scheduler_does(name: str):
    params, gradients = problem("float64", steps=12)

    def scheduled(p: list[torch.Tensor]) -> torch.optim.Optimizer:
        optimizer = getattr(torch.optim, name)(p, lr=0.1)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)
        optimizer.register_step_post_hook(lambda *_: scheduler.step())
        return optimizer

    with jax.enable_x64(True):
        ours = jax_path(getattr(optim, name)(lr=optim.StepLR(0.1, 3, 0.5)), params, gradients)
    assert largest_difference(ours, torch_path(scheduled, params, gradients)) < FLOAT64_TOLERANCE


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, float("inf")])
@pytest.mark.parametrize("max_norm", [0.0, 0.01, 1.0, 1e6])
def test_clip_grad_norm(max_norm: float, norm_type: float):
    params, gradients = problem("float64", steps=20)

    def clipped(p: list[torch.Tensor]) -> torch.optim.Optimizer:
        optimizer = torch.optim.SGD(p, lr=0.1)
        optimizer.register_step_pre_hook(lambda *_: torch_ref.optim.clip_grad_norm(max_norm, norm_type)(p))
        return optimizer

    with jax.enable_x64(True):
        ours = jax_path(optax.chain(optim.clip_grad_norm(max_norm, norm_type), optim.SGD(0.1)), params, gradients)
    assert largest_difference(ours, torch_path(clipped, params, gradients)) < FLOAT64_TOLERANCE


def test_clip_grad_value():
    params, gradients = problem("float64", steps=20)

    def clipped(p: list[torch.Tensor]) -> torch.optim.Optimizer:
        optimizer = torch.optim.SGD(p, lr=0.1)
        optimizer.register_step_pre_hook(lambda *_: torch_ref.optim.clip_grad_value(0.5)(p))
        return optimizer

    with jax.enable_x64(True):
        ours = jax_path(optax.chain(optim.clip_grad_value(0.5), optim.SGD(0.1)), params, gradients)
    assert largest_difference(ours, torch_path(clipped, params, gradients)) < FLOAT64_TOLERANCE


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_clipping_does_not_hide_what_is_not_finite(bad: float):
    gradients: Any = {"a": jnp.array([bad, 1.0]), "b": jnp.array([2.0])}
    parameter = [torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(1))]
    for p, g in zip(parameter, gradients.values(), strict=True):
        p.grad = torch.tensor(np.asarray(g))
    torch.nn.utils.clip_grad_norm_(parameter, 1.0)
    ours: Any = optim.clip_grad_norm(1.0).update(gradients, optax.EmptyState())[0]
    for p, g in zip(parameter, ours.values(), strict=True):
        assert p.grad is not None
        np.testing.assert_array_equal(np.asarray(g), p.grad.numpy())


@pytest.mark.parametrize(
    ("ours", "theirs"), [({"lr": 0.1}, {"lr": 0.1, "momentum": 0.01}), ({"lr": 0.1}, {"lr": 0.1 + 1e-9})]
)
def test_the_comparison_sees_a_small_difference(ours: dict[str, Any], theirs: dict[str, Any]):
    params, gradients = problem("float64", steps=5)
    with jax.enable_x64(True):
        path = jax_path(optim.SGD(**ours), params, gradients)
    other = torch_path(lambda p: torch.optim.SGD(p, **theirs), params, gradients)
    assert largest_difference(path, other) > FLOAT64_TOLERANCE
