"""One step of an optimizer in one call: the same numbers as the two calls and as PyTorch, in one pass over memory where there are many."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import export

from jaxtut import optim, training
from jaxtut.native import machine
from jaxtut.ops.adam_step import MANY
from jaxtut.optim.stepping import InOnePass

compiled = pytest.mark.skipif(
    machine.host() is None or jax.default_backend() != "cpu", reason="nothing is compiled for this processor"
)
# What is added up in another order, or rounded once in place of twice: so many units in the last place of the largest number.
ULPS = 8


def drawn(number: int, dtype: str, seed: int = 0, **scale: float) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {name: (generator.standard_normal(number) * size).astype(dtype) for name, size in scale.items()}


def two_calls(optimizer: optax.GradientTransformation, params: Any, gradients: Any, state: Any) -> tuple[Any, Any]:
    updates, state = optimizer.update(gradients, state, params)
    return optax.apply_updates(params, updates), state


def steps(optimizer: Any, start: Any, gradients: list[Any], take: Any) -> tuple[Any, Any]:
    """Take several steps, compiled, the arrays given away."""
    step = jax.jit(lambda params, g, state: take(optimizer, params, g, state), donate_argnums=(0, 2))
    params = jax.tree.map(jnp.array, start)
    state: Any = optimizer.init(params)
    for g in gradients:
        params, state = step(params, jax.tree.map(jnp.asarray, g), state)
    return params, state


def same(found: Any, expected: Any, dtype: str) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        largest = np.abs(np.where(np.isfinite(b), b, 0)).max() if b.size else 0
        np.testing.assert_allclose(a, b, rtol=0, atol=ULPS * np.finfo(dtype).eps * max(largest, 1e-30))


def calls(function: Any, *arguments: Any) -> int:
    """Count the programs of ours that a compiled function calls."""
    return jax.jit(function).lower(*arguments).as_text().count("stablehlo.custom_call @jaxtut_")


@compiled
@settings(max_examples=12, deadline=None)
@given(st.data())
def test_one_pass_gives_what_the_two_calls_give(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    number = MANY + data.draw(st.sampled_from([0, 1, 7, 15, 16, 4095, 4096]))
    options = {
        "lr": data.draw(st.sampled_from([0.1, optim.StepLR(0.1, 2)])),
        "betas": (data.draw(st.sampled_from([0.0, 0.3, 0.9])), data.draw(st.sampled_from([0.9, 0.999]))),
        "eps": data.draw(st.sampled_from([1e-8, 0.1])),
        "weight_decay": data.draw(st.sampled_from([0, 0.1])),
        "maximize": data.draw(st.booleans()),
    }
    make = data.draw(st.sampled_from([optim.Adam, optim.AdamW]))
    optimizer = make(**options)
    assert isinstance(optimizer, InOnePass)
    start = {"w": drawn(number, dtype, w=1.0)["w"], "b": drawn(3, dtype, w=1.0)["w"]}
    gradients = [{"w": drawn(number, dtype, i, g=3.0)["g"], "b": drawn(3, dtype, i, g=3.0)["g"]} for i in range(1, 4)]
    with jax.enable_x64(dtype == "float64"):
        found, expected = (steps(optimizer, start, gradients, take) for take in (optim.step, two_calls))
        state = optimizer.init(jax.tree.map(jnp.array, start))
        assert calls(lambda *a: optim.step(optimizer, *a), start, gradients[0], state) == 1
        same(found, expected, dtype)


@pytest.mark.parametrize("number", [5, MANY + 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_it_is_pytorchs_step(name: str, dtype: str, number: int) -> None:
    options = {"lr": 0.01, "betas": (0.8, 0.99), "weight_decay": 0.1}
    start = drawn(number, dtype, w=1.0)["w"]
    gradients = [drawn(number, dtype, i, g=2.0)["g"] for i in range(1, 6)]
    with jax.enable_x64(dtype == "float64"):
        found, _ = steps(getattr(optim, name)(**options), start, gradients, optim.step)
    weights = torch.tensor(start, requires_grad=True)
    optimizer = getattr(torch.optim, name)([weights], **options)
    for g in gradients:
        weights.grad = torch.tensor(g)
        optimizer.step()
    same(found, weights.detach().numpy(), dtype)


@compiled
def test_what_is_not_finite_stays_where_it_is() -> None:
    start, gradient = np.ones(MANY + 3, "float32"), np.full(MANY + 3, 0.5, "float32")
    gradient[[0, 4097, MANY + 2]] = np.nan, np.inf, -np.inf
    found, state = steps(optim.Adam(), start, [gradient, gradient], optim.step)
    expected, theirs = steps(optim.Adam(), start, [gradient, gradient], two_calls)
    for a, b in zip(jax.tree.leaves((found, state)), jax.tree.leaves((expected, theirs)), strict=True):
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        np.testing.assert_array_equal(np.isinf(a), np.isinf(b))
    assert np.isnan(found[np.array([0, 4097, MANY + 2])]).all()
    assert np.isfinite(np.delete(found, [0, 4097, MANY + 2])).all()


@compiled
def test_only_arrays_of_many_numbers_and_simple_programs_have_a_pass_of_their_own() -> None:
    optimizer = optim.Adam()

    def step(params: Any, gradients: Any, state: Any) -> Any:
        return optim.step(optimizer, params, gradients, state)

    few, many = (jnp.ones(number) for number in (MANY - 1, MANY))
    assert calls(step, few, few, optimizer.init(few)) == 0
    assert calls(step, many, many, optimizer.init(many)) == 1
    wide = {"a": many, "b": many, "c": few}
    assert calls(step, wide, wide, optimizer.init(wide)) == 2
    # Another process, or another machine, does not have it.
    exported = export.export(jax.jit(step))(many, many, optimizer.init(many))
    same(exported.call(many, many, optimizer.init(many)), step(many, many, optimizer.init(many)), "float32")
    with jax.disable_jit():
        same(step(many, many, optimizer.init(many)), jax.jit(step)(many, many, optimizer.init(many)), "float32")
    # Numbers of sixteen bits are XLA's.
    half = jnp.ones(MANY, "bfloat16")
    assert calls(step, half, half, optimizer.init(half)) == 0


def test_the_old_arrays_remain_where_they_are_not_given_away() -> None:
    optimizer, params = optim.Adam(lr=0.1), jnp.arange(MANY, dtype="float32")
    gradient = jnp.ones(MANY)
    state: Any = optimizer.init(params)
    after, _ = jax.jit(lambda *a: optim.step(optimizer, *a))(params, gradient, state)
    np.testing.assert_array_equal(params, np.arange(MANY, dtype="float32"))
    np.testing.assert_array_equal(state[0].exp_avg, np.zeros(MANY, "float32"))
    np.testing.assert_allclose(after, np.arange(MANY) - 0.1, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("of", ["all", "gradients", "rate"])
def test_several_models_at_once(of: str) -> None:
    many = 3
    params, gradients = (
        jnp.asarray(np.stack([drawn(MANY, "float32", seed + i, g=1.0)["g"] for i in range(many)])) for seed in (0, 9)
    )
    rates = jnp.array([0.1, 0.2, 0.3])

    def step(params: Any, gradient: Any, rate: Any) -> Any:
        optimizer = optim.Adam(lr=rate)
        return optim.step(optimizer, params, gradient, optimizer.init(params))

    axes = {"all": (0, 0, None), "gradients": (None, 0, None), "rate": (0, 0, 0)}[of]
    given = [a if axis == 0 else a[0] for a, axis in zip((params, gradients, rates), axes, strict=True)]
    found = jax.jit(jax.vmap(step, axes))(*given)
    one_by_one = [step(*(a[i] if axis == 0 else a for a, axis in zip(given, axes, strict=True))) for i in range(many)]
    same(found, jax.tree.map(lambda *each: jnp.stack(each), *one_by_one), "float32")


def test_it_has_derivatives() -> None:
    """Of the parameters after a step, in what the gradient is multiplied by, as learning to learn needs it."""
    params, gradient = (jnp.asarray(a) for a in drawn(MANY, "float32", w=1.0, g=1.0).values())

    def after(take: Any, factor: Any) -> Any:
        optimizer = optim.Adam(lr=0.1, eps=1.0)
        return (take(optimizer, params, factor * gradient, optimizer.init(params))[0] ** 2).mean()

    for derivative in (jax.grad, jax.jacfwd):
        found, expected = (
            jax.jit(derivative(lambda f, take=take: after(take, f)))(jnp.float32(2)) for take in (optim.step, two_calls)
        )
        assert abs(expected) > 1e-4
        np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize(
    "optimizer",
    [
        optim.SGD(lr=0.1, momentum=0.9),
        optim.Adam(lr=0.1, amsgrad=True),
        optim.RMSprop(lr=0.1),
        optax.chain(optax.clip_by_global_norm(0.1), optim.Adam(lr=0.1)),
        optax.adam(0.1),
    ],
    ids=["sgd", "amsgrad", "rmsprop", "clipped", "optax"],
)
def test_every_transformation_takes_its_step(optimizer: optax.GradientTransformation) -> None:
    start = drawn(MANY, "float32", w=1.0, v=2.0)
    gradients = [drawn(MANY, "float32", i, w=1.0, v=2.0) for i in range(1, 3)]
    with jax.numpy_dtype_promotion("standard"):  # Optax's own
        found, expected = (steps(optimizer, start, gradients, take) for take in (optim.step, two_calls))
    same(found, expected, "float32")


@pytest.mark.parametrize("params", [{}, {"w": np.ones(2, "float32")}], ids=["none", "another dtype"])
def test_trees_that_are_no_single_pass(params: Mapping[str, Any]) -> None:
    optimizer, gradients = optim.Adam(), jax.tree.map(lambda a: jnp.asarray(a, "bfloat16"), params)
    with jax.numpy_dtype_promotion("standard"):
        found, expected = (
            take(optimizer, params, gradients, optimizer.init(params)) for take in (optim.step, two_calls)
        )
    same(found, expected, "float32")


def test_numbers_and_nothing_take_their_step() -> None:
    optimizer = optim.Adam(lr=0.1)
    found, expected = (take(optimizer, 1.0, 0.5, optimizer.init(1.0)) for take in (optim.step, two_calls))
    same(found, expected, "float32")
    none = jnp.zeros((0, MANY))
    after = jax.jit(jax.vmap(lambda p, g: optim.step(optimizer, p, g, optimizer.init(p))[0]))(none, none)
    assert after.shape == (0, MANY)


def test_a_copy_of_an_optimizer_takes_the_two_calls() -> None:
    optimizer, params = optim.Adam(lr=0.1), jnp.ones(MANY)
    copy = optimizer._replace(init=optimizer.init)
    found, expected = (optim.step(o, params, 2 * params, o.init(params)) for o in (copy, optimizer))
    same(found, expected, "float32")


def test_what_is_no_optimizer_is_refused() -> None:
    given: Any = torch.optim.Adam
    with pytest.raises(TypeError, match=r"optimizer must be an Optax gradient transformation.*Adam.* was given"):
        optim.step(given, jnp.ones(2), jnp.ones(2), ())


@compiled
@pytest.mark.parametrize("make", [training.make_train_step, training.make_epoch])
def test_training_takes_it(make: Any) -> None:
    side = 256
    apply = lambda params, x: x @ params["w"]  # noqa: E731
    loss = lambda scores, y: ((scores - y) ** 2).mean()  # noqa: E731
    optimizer, params = optim.Adam(), {"w": jnp.ones((side, side))}
    run = make(apply, loss, optimizer, donate=False)
    x = jnp.ones((4, side))
    more = (x, x) if make is training.make_train_step else (x, x, jnp.array([[0, 1], [2, 3]]))
    text = jax.jit(run).lower(params, optimizer.init(params), *more).as_text()
    assert text.count("stablehlo.custom_call @jaxtut_") == 1
