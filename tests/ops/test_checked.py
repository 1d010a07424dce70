"""A condition beside a value: checkify reports it, nothing else sees it, and a program with it starts as fast as one without."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify
from jax.test_util import check_grads

from jaxtut import functional as F
from jaxtut.ops import checked as module
from jaxtut.ops.checked import checked

X, BAD = np.array([1.0, 2.0, 3.0], "float32"), np.array([False, True, False])


def tripled(x: jax.Array, bad: jax.Array) -> jax.Array:
    return 3 * checked(x, bad, "a number is bad")


def in_a_scan(x: jax.Array, bad: jax.Array) -> jax.Array:
    return jax.lax.scan(lambda _, row: (None, tripled(*row)), None, (x, bad))[1]


@pytest.mark.parametrize(
    "f", [tripled, jax.jit(tripled), jax.vmap(tripled), in_a_scan], ids=["eager", "jit", "vmap", "scan"]
)
def test_checkify_reports_the_message_and_the_value_is_as_ever(f) -> None:
    for bad in (BAD, np.zeros(3, bool)):
        error, value = checkify.checkify(f)(X, bad)
        np.testing.assert_array_equal(value, 3 * X)
        assert ("a number is bad" in (error.get() or "")) == bool(bad.any())
        np.testing.assert_array_equal(f(X, bad), 3 * X)


def test_only_those_who_ask_for_checks_of_users_get_it() -> None:
    error, _ = checkify.checkify(tripled, errors=checkify.nan_checks)(X, BAD)
    assert error.get() is None


def test_one_operand_may_be_mapped_alone() -> None:
    for axes in ((0, None), (None, 0)):
        shapes = [(4, 3) if axis == 0 else (3,) for axis in axes]
        x, bad = jnp.ones(shapes[0]), jnp.zeros(shapes[1], bool)
        assert jax.vmap(tripled, axes)(x, bad).shape == (4, 3)


def test_derivatives_are_those_of_the_identity() -> None:
    check_grads(lambda x: tripled(x, BAD), (X,), order=2)
    assert jax.grad(lambda x: tripled(x, BAD).sum())(X).tolist() == [3, 3, 3]


def test_a_loss_has_no_effects_that_would_slow_its_start() -> None:
    scores, labels = jnp.ones((4, 10)), jnp.zeros(4, "int32")
    for f in (F.cross_entropy, F.nll_loss, jax.grad(F.cross_entropy), lambda _, y: F.one_hot(y, 10)):
        assert not jax.make_jaxpr(f)(scores, labels).effects


def test_it_is_linear() -> None:
    assert jax.linear_transpose(lambda x: tripled(x, jnp.asarray(BAD)), X)(X)[0].tolist() == [3, 6, 9]
    rows, table = jnp.array([0, 2]), jax.ShapeDtypeStruct((5, 3), "float32")
    transposed = jax.jit(lambda rows, v: jax.linear_transpose(lambda w: F.embedding(rows, w), table)(v)[0])
    np.testing.assert_array_equal(transposed(rows, jnp.ones((2, 3)))[:, 0], [1, 0, 1, 0, 0])


@pytest.mark.parametrize("missing", ["error_checks", "assert_func", "get_traceback", "FailedCheckError"])
def test_where_checkify_has_no_such_table_its_own_check_is_used(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(f"jax._src.checkify.{missing}")
    try:
        without = importlib.reload(module)
        monkeypatch.undo()
        error, value = checkify.checkify(lambda x, bad: without.checked(x, bad, "a number is bad"))(X, BAD)
    finally:
        monkeypatch.undo()
        importlib.reload(module)
    np.testing.assert_array_equal(value, X)
    assert "a number is bad" in (error.get() or "")
