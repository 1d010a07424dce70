"""Softmax along the last axis: the loop compiled for the processor, beside sums in higher precision; its derivatives; where it is used."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import export
from jax.test_util import check_grads

from jaxtut import functional as F
from jaxtut.native import machine
from jaxtut.native.program import ROW_WORK
from jaxtut.ops import row_programs
from jaxtut.ops.row_softmax import jacobian_product, softmax

HOST = machine.host()
if HOST is None or jax.default_backend() != "cpu":
    pytest.skip("nothing is compiled for this processor", allow_module_level=True)

ROUNDING = {"float32": 2e-6, "float64": 1e-14}
LENGTHS = st.one_of(st.integers(1, 70), st.integers(1000, 1040))


def exact(x: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return softmax and its Jacobian's product, in extended precision."""
    wide = x.astype(np.longdouble)
    e = np.exp(wide - wide.max(-1, keepdims=True))
    y = e / e.sum(-1, keepdims=True)
    return y, y * (v - (y * v).sum(-1, keepdims=True))


def both(x: Any, v: Any) -> tuple[Any, Any]:
    y, pull_back = jax.vjp(softmax, jnp.asarray(x))
    return y, pull_back(jnp.asarray(v))[0]


@given(st.integers(1, 5), LENGTHS, st.sampled_from(sorted(ROUNDING)), st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_values_and_gradients_are_those_of_exact_sums(rows: int, length: int, dtype: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    x, v = (scale * draw.standard_normal((rows, length)).astype(dtype) for scale in (10, 1))
    with jax.enable_x64(True):
        y, u = map(np.asarray, both(x, v))
    expected, gradient = exact(x, v)
    # Far from the largest, the difference to it has lost digits before the exponential.
    digits = 1 + np.abs(x - x.max(-1, keepdims=True)) / 8
    normal = expected > np.finfo(dtype).tiny
    assert np.all((np.abs(y - expected) <= ROUNDING[dtype] * digits * expected)[normal])
    np.testing.assert_allclose(u, gradient, rtol=0, atol=ROUNDING[dtype])


@pytest.mark.every_case
# Each of the seven rows alone, three at a time, and all at once.
@pytest.mark.parametrize("rows_at_a_time", [1, 3, 7])
@pytest.mark.parametrize("vector_bytes", [16, 32, 64])
@pytest.mark.parametrize("dtype", sorted(ROUNDING))
def test_vectors_of_any_length_and_any_share_of_the_rows_give_the_same(
    dtype: str, vector_bytes: int, rows_at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert HOST is not None
    other = HOST._replace(vector_bytes=vector_bytes, grain=rows_at_a_time * ROW_WORK * 101)
    monkeypatch.setattr(machine, "host", lambda: other)
    draw = np.random.default_rng(vector_bytes)
    x, v = (draw.standard_normal((7, 101)).astype(dtype) for _ in range(2))
    with jax.enable_x64(True):
        found = jax.jit(lambda x, v: both(x, v))(x, v)  # a function of its own, compiled here
    for one, expected in zip(found, exact(x, v), strict=True):
        np.testing.assert_allclose(one, expected, rtol=0, atol=ROUNDING[dtype])


@pytest.mark.parametrize("dtype", sorted(ROUNDING))
@pytest.mark.parametrize("place", [0, 6, 8, 34])
def test_what_is_not_finite(dtype: str, place: int) -> None:
    inf, nan = np.inf, np.nan
    rows = np.zeros((5, 35), dtype)
    rows[0, place], rows[1, place], rows[2, place], rows[3], rows[4] = nan, inf, -inf, -inf, nan
    with jax.enable_x64(True):
        y = np.asarray(softmax(jnp.asarray(rows)))
    assert np.isnan(y[[0, 1, 3, 4]]).all()
    np.testing.assert_allclose(np.delete(y[2], place), 1 / 34, rtol=1e-6)
    assert y[2, place] == 0


@pytest.mark.parametrize("dtype", sorted(ROUNDING))
def test_far_below_the_largest_nothing_is_left(dtype: str) -> None:
    low = -88.0 if dtype == "float32" else -709.0
    with jax.enable_x64(True):
        y = np.asarray(softmax(jnp.asarray([0.0, low + 2, low, 2 * low, -np.finfo(dtype).max], dtype)))
    assert y[0] == 1
    np.testing.assert_allclose(y[1], np.exp(low + 2), rtol=1e-4)
    np.testing.assert_allclose(y[2], np.exp(low), rtol=1e-4, atol=np.finfo(dtype).tiny)
    assert (y[3:] == 0).all()


def test_derivatives_of_any_order_in_both_modes() -> None:
    with jax.enable_x64(True):
        draw = np.random.default_rng(0)
        x, y, v = (jnp.asarray(draw.standard_normal((2, 11))) for _ in range(3))
        check_grads(softmax, (x,), order=3)
        check_grads(jacobian_product, (y, v), order=3)
        # One of the two alone has a derivative.
        check_grads(lambda v: jacobian_product(y, v), (v,), order=2)
        check_grads(lambda y: jacobian_product(y, v), (y,), order=2)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("of_y", [True, False])
def test_any_axis_may_be_mapped(axis: int, of_y: bool) -> None:
    draw = np.random.default_rng(axis)
    x = draw.standard_normal((3, 4, 5)).astype("float32")
    moved = np.moveaxis(x, axis, 0)
    np.testing.assert_allclose(
        jax.vmap(softmax, axis)(x), np.stack([exact(a, a)[0] for a in moved]).astype("float32"), rtol=2e-6
    )
    other = jnp.asarray(moved[0])

    def operands(a: Any) -> tuple[Any, Any]:
        return (a, other) if of_y else (other, a)

    found = jax.vmap(jacobian_product, (axis, None) if of_y else (None, axis))
    expected = [jacobian_product(*operands(jnp.asarray(a))) for a in moved]
    np.testing.assert_allclose(found(*operands(x)), expected, rtol=1e-6, atol=1e-7)


def test_rows_are_computed_by_a_program_of_our_own(calls: Callable[..., int]) -> None:
    x = jnp.ones((4, 100))
    assert calls(both, x, x) == 2
    assert calls(softmax, jnp.ones((1, row_programs.LONG))) == 1


@pytest.mark.parametrize(
    "x",
    [jnp.ones((4, 100), "bfloat16"), jnp.ones(row_programs.LONG + 1), jnp.ones((0, 5)), jnp.ones((5, 0))],
    ids=["half precision", "one long row", "no row", "empty rows"],
)
def test_what_has_no_program_is_computed_by_xla(calls: Callable[..., int], x: jax.Array) -> None:
    assert calls(both, x, x) == 0
    y, u = both(x, x)
    assert (y.shape, u.shape, y.dtype) == (x.shape, x.shape, x.dtype)


def test_another_axis_is_computed_by_xla(calls: Callable[..., int]) -> None:
    x = jnp.asarray(np.random.default_rng(0).standard_normal((6, 7)), "float32")
    assert calls(lambda x: softmax(x, 0), x) == 0
    np.testing.assert_allclose(softmax(x, 0), softmax(x.T).T, rtol=2e-6)


def test_an_exported_program_knows_xlas_operations_only() -> None:
    x = jnp.arange(12.0).reshape(3, 4)
    kept = export.export(jax.jit(softmax))(x)
    assert "jaxtut_" not in kept.mlir_module()
    np.testing.assert_allclose(kept.call(x), softmax(x), rtol=1e-6)


def test_the_batch_of_an_exported_program_may_be_a_symbol() -> None:
    (batch,) = export.symbolic_shape("b")
    for function, shapes in ((softmax, ((batch, 4),)), (F.linear, ((batch, 4), (3, 4)))):
        kept = export.export(jax.jit(function))(*(jax.ShapeDtypeStruct(shape, "float32") for shape in shapes))
        arrays = [jnp.ones((5 if n is batch else n, m)) for n, m in shapes]
        np.testing.assert_allclose(kept.call(*arrays), function(*arrays), rtol=1e-6)


@pytest.mark.parametrize("length", [3, 8, 35])
@pytest.mark.parametrize("value", [-1e30, -1000.0, 1e30])
def test_only_differences_matter(value: float, length: int) -> None:
    np.testing.assert_allclose(softmax(jnp.full((2, length), value, "float32")), 1 / length, rtol=1e-6)
