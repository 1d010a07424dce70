"""Each schedule gives the rates of PyTorch's scheduler of the same name, in a loop and compiled."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import torch_ref.optim
from jaxtut import optim

# PyTorch computes most rates each from the one before: rounding of 2.2e-16 a step adds up over 120 steps.
# CosineAnnealingLR
# also divides by 1 + cos near its smallest value, which costs two more digits at these T_max.
TOLERANCE = 1e-12
# float32: a logarithm times a step count below 120 is rounded once, at 6e-8 of at most 30.
FLOAT32_TOLERANCE = 4e-6

CASES: list[tuple[str, tuple[Any, ...], dict[str, Any], int]] = [
    ("StepLR", (0.1, 30), {}, 120),
    ("StepLR", (0.5, 1), {"gamma": 0.9}, 120),
    ("StepLR", (0.5, 7), {"gamma": 0.0}, 30),
    ("MultiStepLR", (0.1, [30, 80]), {}, 120),
    ("MultiStepLR", (0.1, [9, 3, 3]), {"gamma": 0.5}, 20),
    ("MultiStepLR", (0.1, [0, 5]), {"gamma": 0.5}, 20),
    ("MultiStepLR", (0.1, []), {}, 5),
    ("ExponentialLR", (0.1, 0.95), {}, 120),
    ("ExponentialLR", (0.1,), {"gamma": 1.01}, 120),
    ("ExponentialLR", (0.1, 0.0), {}, 4),
    ("CosineAnnealingLR", (0.1, 10), {}, 65),
    ("CosineAnnealingLR", (0.1, 25), {"eta_min": 0.01}, 120),
    ("CosineAnnealingLR", (0.1, 1), {}, 7),
    ("LinearLR", (0.1,), {}, 12),
    ("LinearLR", (0.1,), {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 30}, 60),
    ("LinearLR", (0.1,), {"start_factor": 0.25, "end_factor": 0.25, "total_iters": 1}, 6),
    ("LinearLR", (0.1,), {"total_iters": 0}, 6),
    ("OneCycleLR", (0.1, 100), {}, 101),
    ("OneCycleLR", (0.1,), {"epochs": 3, "steps_per_epoch": 17}, 51),
    ("OneCycleLR", (0.1, 50), {"anneal_strategy": "linear", "div_factor": 10.0, "final_div_factor": 10.0}, 51),
    ("OneCycleLR", (0.1, 60), {"three_phase": True}, 60),
    ("OneCycleLR", (0.1, 61), {"three_phase": True, "anneal_strategy": "linear", "pct_start": 0.25}, 61),
    ("OneCycleLR", (0.1, 20), {"pct_start": 0.0}, 20),
    ("OneCycleLR", (0.1, 20), {"pct_start": 1.0}, 20),
    ("OneCycleLR", (0.1, 1), {}, 1),
]
TABLE = pytest.mark.parametrize(
    ("name", "args", "options", "steps"), CASES, ids=[f"{c[0]}-{c[1]}-{c[2]}" for c in CASES]
)


def torch_rates(name: str, args: tuple[Any, ...], options: dict[str, Any], steps: int) -> np.ndarray:
    schedule = getattr(torch_ref.optim, name)(*args, **options)
    return np.array([schedule(step) for step in range(steps)])


@TABLE
def test_rates_are_torchs(name: str, args: tuple[Any, ...], options: dict[str, Any], steps: int):
    theirs = torch_rates(name, args, options, steps)
    with jax.enable_x64(True):
        schedule = getattr(optim, name)(*args, **options)
        by_hand = np.array([schedule(step) for step in range(steps)])
        compiled = jax.vmap(jax.jit(schedule))(jnp.arange(steps))
    assert by_hand.dtype == np.float64
    np.testing.assert_allclose(by_hand, theirs, rtol=0, atol=TOLERANCE * np.max(theirs))
    np.testing.assert_allclose(compiled, theirs, rtol=0, atol=TOLERANCE * np.max(theirs))


@TABLE
def test_rates_in_float32(name: str, args: tuple[Any, ...], options: dict[str, Any], steps: int):
    rates = jax.vmap(getattr(optim, name)(*args, **options))(jnp.arange(steps))
    assert rates.dtype == jnp.float32
    theirs = torch_rates(name, args, options, steps)
    # Relative to each rate, so that the small rates at the end of a cycle are right too.
    np.testing.assert_allclose(rates, theirs, rtol=FLOAT32_TOLERANCE, atol=TOLERANCE * np.max(theirs))


def test_one_program_for_all_steps():
    traces = []
    schedule = optim.CosineAnnealingLR(0.1, 10)
    compiled = jax.jit(lambda step: (traces.append(1), schedule(step))[1])
    rates = [float(compiled(jnp.int32(step))) for step in range(5)]
    assert len(traces) == 1
    assert len(set(rates)) == 5


def test_beyond_the_cycle():
    schedule = optim.OneCycleLR(0.1, total_steps=10)
    with pytest.raises(ValueError, match=r"step 11 is beyond total_steps=10"):
        schedule(11)
    with pytest.raises(ValueError, match="11"):
        torch_ref.optim.OneCycleLR(0.1, total_steps=10)(11)
    assert np.isnan(jax.jit(schedule)(11))
    assert np.isfinite(jax.jit(schedule)(10))


def test_steps_are_counted_from_zero():
    schedule = optim.StepLR(0.1, 3)
    with pytest.raises(ValueError, match="step must not be negative, but -1"):
        schedule(-1)
    with pytest.raises(ValueError, match="-1"):
        torch_ref.optim.StepLR(0.1, 3)(-1)
    with pytest.raises(TypeError, match="integer"):
        schedule(1.5)
    with pytest.raises(ValueError, match="shape"):
        schedule(jnp.arange(3))


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("StepLR", {"base_lr": 0.1, "step_size": 0}, ValueError),
        ("StepLR", {"base_lr": 0.1, "step_size": 2.5}, TypeError),
        ("StepLR", {"base_lr": -0.1, "step_size": 2}, ValueError),
        ("StepLR", {"base_lr": 0.1, "step_size": 2, "gamma": -1.0}, ValueError),
        ("MultiStepLR", {"base_lr": 0.1, "milestones": [1.5]}, TypeError),
        ("MultiStepLR", {"base_lr": 0.1, "milestones": [-1]}, ValueError),
        ("ExponentialLR", {"base_lr": "0.1", "gamma": 0.9}, TypeError),
        ("CosineAnnealingLR", {"base_lr": 0.1, "T_max": 0}, ValueError),
        ("LinearLR", {"base_lr": 0.1, "start_factor": 0.0}, ValueError),
        ("LinearLR", {"base_lr": 0.1, "start_factor": 1.5}, ValueError),
        ("LinearLR", {"base_lr": 0.1, "end_factor": -0.5}, ValueError),
        ("OneCycleLR", {"max_lr": 0.1}, ValueError),
        ("OneCycleLR", {"max_lr": 0.1, "epochs": 3}, ValueError),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 0}, ValueError),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 10, "pct_start": 1.5}, ValueError),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 10, "anneal_strategy": "step"}, ValueError),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 2, "pct_start": 0.5}, ValueError),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 10, "div_factor": 0.0}, ValueError),
    ],
)
def test_bad_arguments_are_refused(name: str, options: dict[str, Any], error: type[Exception]):
    with pytest.raises(error, match=name):
        getattr(optim, name)(**options)


metrics = st.lists(st.floats(-3, 3) | st.sampled_from([1.0, 1.0, 0.99995, np.nan, np.inf]), max_size=40)


@settings(deadline=None)
@given(
    metrics=metrics,
    mode=st.sampled_from(["min", "max"]),
    threshold_mode=st.sampled_from(["rel", "abs"]),
    patience=st.integers(0, 4),
    cooldown=st.integers(0, 3),
    threshold=st.sampled_from([1e-4, 0.0, 0.3]),
    min_lr=st.sampled_from([0.0, 0.004]),
    eps=st.sampled_from([1e-8, 0.02]),
)
def test_a_plateau_lowers_the_rate_when_torch_does(metrics: list[float], **options: Any):
    ours, theirs = optim.ReduceLROnPlateau(0.1, **options), torch_ref.optim.ReduceLROnPlateau(0.1, **options)
    for metric in metrics:
        assert ours.step(metric) == theirs.step(metric) == ours.lr
        copies = optim.ReduceLROnPlateau(1.0), torch_ref.optim.ReduceLROnPlateau(1.0, **options)
        for copy, original in zip(copies, (ours, theirs), strict=True):
            copy.load_state_dict(original.state_dict())  # pyright: ignore[reportArgumentType]
        ours, theirs = copies


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"factor": 1.0}, ValueError, "factor must be below 1, but 1.0"),
        ({"mode": "least"}, ValueError, "mode must be 'min' or 'max', but 'least'"),
        ({"threshold_mode": "x"}, ValueError, "threshold_mode must be 'rel' or 'abs'"),
        ({"patience": -1}, ValueError, "patience must not be negative"),
        ({"base_lr": "fast"}, TypeError, "base_lr must be a number"),
    ],
)
def test_a_plateau_refuses(options: dict[str, Any], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        optim.ReduceLROnPlateau(**{"base_lr": 0.1} | options)
    with pytest.raises(ValueError, match="the state must have the keys"):
        optim.ReduceLROnPlateau(0.1).load_state_dict({})
