"""Optimizers compile once, keep the parameters' dtypes, have PyTorch's defaults, and refuse what PyTorch refuses."""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

import torch_ref.optim
from jaxtut import optim
from jaxtut.optim import parts
from jaxtut.optim.radam import rectification

OPTIMIZERS = ("SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta")
# What only PyTorch has: the parameters themselves, and switches between implementations of the same formula.
ONLY_TORCH = {"params", "foreach", "capturable", "differentiable", "fused"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_arguments_and_defaults_are_torchs(name: str):
    ours = inspect.signature(getattr(optim, name)).parameters
    theirs = inspect.signature(getattr(torch.optim, name)).parameters
    shared = {n: p.default for n, p in theirs.items() if n not in ONLY_TORCH}
    assert {n: p.default for n, p in ours.items()} == shared
    positions = [n for n, p in theirs.items() if n in ours and ours[n].kind is p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [n for n, p in ours.items() if p.kind is p.POSITIONAL_OR_KEYWORD] == positions


def test_torch_ref_has_the_same_names():
    missing = {n for n in vars(optim) if n[0].isupper() or n.startswith("clip_")} - set(vars(torch_ref.optim))
    assert not missing
    assert len([n for n in vars(optim) if n[0].isupper() or n.startswith("clip_")]) == len(OPTIMIZERS) + 7 + 2


def describe(tree: Any) -> Any:
    return jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type), tree)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_and_parameters_keep_their_dtype(name: str, dtype: str):
    with jax.enable_x64(dtype == "float64"):
        params = {"w": jnp.ones((2, 3), dtype), "b": jnp.ones(3, dtype)}
        optimizer = getattr(optim, name)(lr=optim.ExponentialLR(0.1, 0.9), weight_decay=0.1)
        state = optimizer.init(params)
        updates, after = jax.jit(optimizer.update)(params, state, params)
        assert describe(after) == describe(state)
        assert describe(updates) == describe(params)
        assert all(x.dtype == dtype for x in jax.tree.leaves(state) if x.ndim)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_compiled_once_whatever_the_step(name: str):
    optimizer = getattr(optim, name)(lr=optim.StepLR(0.1, 2))
    compilations = []

    @jax.jit
    def step(params: Any, state: Any) -> Any:
        compilations.append(1)
        updates, state = optimizer.update(params, state, params)
        return optax.apply_updates(params, updates), state

    params = {"w": jnp.ones((2, 3))}
    state = optimizer.init(params)
    for _ in range(5):
        params, state = step(params, state)
    assert len(compilations) == 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_inside_scan_as_outside(name: str):
    optimizer = getattr(optim, name)(lr=0.1)
    params = {"w": jnp.linspace(-1, 1, 6).reshape(2, 3)}

    def step(carry: Any, _: Any) -> Any:
        p, s = carry
        updates, s = optimizer.update(p, s, p)
        return (optax.apply_updates(p, updates), s), None

    (scanned, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), None, length=5)
    carry, compiled = (params, optimizer.init(params)), jax.jit(step)
    for _ in range(5):
        carry, _ = compiled(carry, None)
    # Both are float32 programs that XLA may fuse differently: an ulp a step.
    np.testing.assert_array_max_ulp(np.asarray(scanned["w"]), np.asarray(carry[0]["w"]), maxulp=8)


def test_lr_may_be_an_array_and_may_be_traced():
    params, gradient = jnp.array([1.0]), jnp.array([2.0])

    def stepped(lr: Any) -> Any:
        optimizer = optim.SGD(lr)
        return optax.apply_updates(params, optimizer.update(gradient, optimizer.init(params), params)[0])

    expected = stepped(0.1)
    np.testing.assert_array_equal(stepped(jnp.float32(0.1)), expected)
    np.testing.assert_array_equal(stepped(np.float32(0.1)), expected)
    np.testing.assert_array_equal(jax.jit(stepped)(0.1), expected)
    np.testing.assert_array_equal(stepped(lambda step: 0.1), expected)
    # d(θ − lr · g)/d lr = −g
    np.testing.assert_array_equal(jax.jacobian(stepped)(0.1), -gradient)


def test_lr_can_be_changed_by_hand_between_steps():
    optimizer = optax.inject_hyperparams(lambda lr: optim.Adam(lr))(lr=0.1)
    params = jnp.array([1.0])
    state: Any = optimizer.init(params)
    state.hyperparams["lr"] = jnp.float32(0.0)
    updates: Any = optimizer.update(params, state, params)[0]
    assert float(updates[0]) == 0.0


def test_bias_correction_in_float32_is_better_than_optax_s():
    b2, steps = 0.999, np.arange(1, 20)
    exact = 1 - np.float64(b2) ** steps
    ours = np.array([parts.one_minus_power(b2, jnp.int32(t)) for t in steps])
    plain = np.array([1 - jnp.float32(b2) ** int(t) for t in steps])
    ulp = float(jnp.finfo(jnp.float32).eps)
    # The logarithm, its product with t, and expm1 are rounded once each.
    assert np.max(np.abs(ours / exact - 1)) < 4 * ulp
    assert np.max(np.abs(plain / exact - 1)) > 50 * ulp


@pytest.mark.parametrize("b2", [0.9, 0.99, 0.999, 0.9999, 0.99999])
def test_radam_rectifies_from_the_same_step_in_float32(b2: float):
    rho_inf = 2 / (1 - b2) - 1
    exact = [rho_inf - 2 * t * b2**t / (1 - b2**t) for t in range(1, 40)]
    r = [((p - 4) * (p - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * p)) ** 0.5 if p > 5 else 1.0 for p in exact]
    found = [rectification(b2, jnp.int32(t)) for t in range(1, 40)]
    assert [bool(rectified) for rectified, _ in found] == [p > 5 for p in exact]
    # ρ − 4 is at least 1, and ρ is right to a few of its last bits.
    np.testing.assert_allclose([float(value) for _, value in found], r, rtol=16 * float(jnp.finfo(jnp.float32).eps))


BAD = [
    *[(name, {"lr": -0.1}) for name in OPTIMIZERS],
    *[(name, {"weight_decay": -0.1}) for name in OPTIMIZERS],
    *[(name, {"eps": -1e-8}) for name in OPTIMIZERS[1:]],
    *[(name, {"betas": b}) for name in OPTIMIZERS[1:6] for b in [(1.0, 0.9), (0.9, 1.0), (-0.1, 0.9), (0.9, -0.1)]],
    ("SGD", {"momentum": -0.9}),
    ("SGD", {"nesterov": True}),
    ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
    ("NAdam", {"momentum_decay": -0.1}),
    ("RMSprop", {"alpha": -0.1}),
    ("RMSprop", {"momentum": -0.1}),
    ("Adagrad", {"lr_decay": -0.1}),
    ("Adagrad", {"initial_accumulator_value": -0.1}),
    ("Adadelta", {"rho": 1.1}),
    ("Adadelta", {"rho": -0.1}),
]


@pytest.mark.parametrize(("name", "options"), BAD)
def test_what_torch_refuses_is_refused(name: str, options: dict[str, Any]):
    with pytest.raises(ValueError, match=r".+"):
        getattr(torch.optim, name)([torch.zeros(1)], **options)
    with pytest.raises(ValueError, match=f"{name}: .* given"):
        getattr(optim, name)(**options)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"lr": "0.1"}, TypeError),
        ({"lr": None}, TypeError),
        ({"lr": True}, TypeError),
        ({"lr": jnp.array([0.1])}, ValueError),
        ({"lr": jnp.array(-0.1)}, ValueError),
        ({"lr": float("nan")}, ValueError),
        ({"momentum": "much"}, TypeError),
        ({"nesterov": 1}, TypeError),
    ],
)
def test_messages_name_the_argument(options: dict[str, Any], error: type[Exception]):
    with pytest.raises(error, match=f"SGD: {next(iter(options))} .* given"):
        optim.SGD(**options)


def test_weight_decay_asks_for_the_parameters():
    optimizer = optim.SGD(0.1, weight_decay=0.1)
    with pytest.raises(ValueError, match="params"):
        optimizer.update(jnp.ones(2), optimizer.init(jnp.ones(2)))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: optim.clip_grad_norm(-1.0), ValueError),
        (lambda: optim.clip_grad_norm(1.0, 0), ValueError),
        (lambda: optim.clip_grad_norm("1"), TypeError),  # pyright: ignore[reportArgumentType]
        (lambda: optim.clip_grad_value(-1.0), ValueError),
    ],
)
def test_bad_clipping_is_refused(call: Any, error: type[Exception]):
    with pytest.raises(error, match="given"):
        call()
