"""Cross-entropy of many scores: its programs beside sums in higher precision, its derivatives, and where it is used."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import export
from jax.experimental import checkify
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from jax.test_util import check_grads

from jaxtut import functional as F
from jaxtut.native import machine
from jaxtut.ops import row_programs
from jaxtut.ops.label_losses import gradient_p, losses_p, tangent_p

HOST = machine.host()
ON_CPU = pytest.mark.skipif(
    HOST is None or jax.default_backend() != "cpu", reason="nothing is compiled for this processor"
)
ROUNDING = {"float32": 2e-6, "float64": 1e-14}


def exact(z: np.ndarray, y: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return losses, and gradients for cotangents, in extended precision."""
    wide = z.astype(np.longdouble)
    moved = wide - wide.max(-1, keepdims=True)
    log = moved - np.log(np.exp(moved).sum(-1, keepdims=True))
    chosen = y[..., None] == np.arange(z.shape[-1])
    return -log[chosen], c[:, None] * (np.exp(log) - chosen)


def data(rows: int, classes: int, dtype: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    z, c = (scale * draw.standard_normal(shape).astype(dtype) for scale, shape in ((4, (rows, classes)), (1, rows)))
    return z, draw.integers(0, classes, rows).astype("int32"), c


@given(
    st.integers(1, 5),
    st.one_of(st.integers(1, 70), st.integers(1000, 1040)),
    st.sampled_from(sorted(ROUNDING)),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=15, deadline=None, derandomize=True)
def test_values_and_gradients_are_those_of_exact_sums(rows: int, classes: int, dtype: str, seed: int) -> None:
    z, y, c = data(rows, classes, dtype, seed)
    with jax.enable_x64(True):
        found = losses_p.bind(*map(jnp.asarray, (z, y))), gradient_p.bind(*map(jnp.asarray, (z, y, c)))
    for one, expected, scale in zip(found, exact(z, y, c), (1 + np.abs(z).max(), np.abs(c).max()), strict=True):
        assert one.dtype == dtype
        np.testing.assert_allclose(one, expected, rtol=0, atol=ROUNDING[dtype] * scale)


@ON_CPU
@pytest.mark.parametrize("grain", [1, 10**9], ids=["threads", "one thread"])
@pytest.mark.parametrize("vector_bytes", [16, 32, 64])
@pytest.mark.parametrize("dtype", sorted(ROUNDING))
def test_vectors_of_any_length_give_the_same(
    dtype: str, vector_bytes: int, grain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert HOST is not None
    other = HOST._replace(vector_bytes=vector_bytes, grain=grain)
    monkeypatch.setattr(machine, "host", lambda: other)
    z, y, c = data(7, 101, dtype, vector_bytes)
    with jax.enable_x64(True):
        # A function of its own, compiled here.
        found = jax.jit(lambda z, y, c: (losses_p.bind(z, y), gradient_p.bind(z, y, c)))(z, y, c)
    for one, expected in zip(found, exact(z, y, c), strict=True):
        np.testing.assert_allclose(one, expected, rtol=0, atol=20 * ROUNDING[dtype])


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("label", [-1, 35, 2**31 - 1, -(2**31)])
def test_a_label_that_is_no_class(label: int, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not compiled:
        monkeypatch.setattr(machine, "host", lambda: None)
    z, y, c = data(3, 35, "float32", 0)
    y[1] = label
    found = jax.jit(lambda z, y: losses_p.bind(z, y))(z, y)
    assert np.isnan(found[1])
    assert np.isfinite(found[jnp.array([0, 2])]).all()
    # The whole of softmax is its slope, so that a cotangent of NaN reaches every class.
    u = jax.jit(lambda z, y, c: gradient_p.bind(z, y, c))(z, y, c)
    np.testing.assert_allclose(u[1], c[1] * jax.nn.softmax(z[1]), rtol=2e-6)
    c[1] = np.nan
    u = np.asarray(jax.jit(lambda z, y, c: gradient_p.bind(z, y, c))(z, y, c))
    assert np.isnan(u[1]).all()
    assert np.isfinite(u[[0, 2]]).all()


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("place", [0, 6, 8, 34])
def test_what_is_not_finite(place: int, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not compiled:
        monkeypatch.setattr(machine, "host", lambda: None)
    z, y = np.zeros((5, 35), "float32"), np.full(5, place, "int32")
    z[0, place], z[1, place], z[2, place], z[3], z[4] = np.nan, np.inf, -np.inf, -np.inf, np.nan
    found, u = jax.jit(lambda z, y, c: (losses_p.bind(z, y), gradient_p.bind(z, y, c)))(z, y, np.ones(5, "float32"))
    assert np.isnan(found[jnp.array([0, 1, 3, 4])]).all()
    assert np.isnan(u[jnp.array([0, 1, 3, 4])]).all()
    assert found[2] == np.inf
    assert u[2, place] == -1
    np.testing.assert_allclose(np.delete(u[2], place), 1 / 34, rtol=1e-6)


@pytest.mark.parametrize("compiled", [True, False])
def test_derivatives_of_any_order_in_both_modes(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not compiled:
        monkeypatch.setattr(machine, "host", lambda: None)
    with jax.enable_x64(True):
        z, y, c = map(jnp.asarray, data(2, 11, "float64", 0))
        t = jnp.asarray(np.random.default_rng(1).standard_normal(z.shape))
        check_grads(jax.jit(lambda z: losses_p.bind(z, y)), (z / 4,), order=3)
        check_grads(jax.jit(lambda z, t: tangent_p.bind(z, y, t)), (z / 4, t), order=2)
        check_grads(jax.jit(lambda z, c: gradient_p.bind(z, y, c)), (z / 4, c), order=2)
        # One of the two alone has a derivative.
        check_grads(lambda t: tangent_p.bind(z, y, t), (t,), order=2)
        check_grads(lambda z: tangent_p.bind(z, y, t), (z / 4,), order=1)
        check_grads(lambda c: gradient_p.bind(z, y, c), (c,), order=2)
        check_grads(lambda z: gradient_p.bind(z, y, c), (z / 4,), order=1)


@pytest.mark.parametrize("axes", [(0, 0), (1, None), (None, 0), (2, 1)])
def test_any_axis_may_be_mapped(axes: tuple[int | None, int | None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_programs, "MANY", 0)
    draw = np.random.default_rng(0)
    z, y = draw.standard_normal((3, 4, 5)).astype("float32"), draw.integers(0, 5, (3, 4))

    def one(z: Any, y: Any) -> Any:
        return jax.value_and_grad(partial(F.cross_entropy, reduction="sum"))(z, y)

    operands = [a[0] if axis is None else np.moveaxis(a, 0, axis) for a, axis in zip((z, y), axes, strict=True)]
    found = jax.vmap(one, axes)(*operands)
    for i in range(3):
        expected = one(z[0 if axes[0] is None else i], y[0 if axes[1] is None else i])
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-5, atol=1e-6)


@ON_CPU
def test_many_scores_are_gone_through_by_a_program_of_our_own(calls: Callable[..., int]) -> None:
    z, y, _ = data(17, 1000, "float32", 0)
    few = data(16, 1000, "float32", 0)[:2]
    for function, number in (
        (F.cross_entropy, 1),
        (jax.grad(F.cross_entropy), 1),
        (jax.value_and_grad(F.cross_entropy), 2),
    ):
        assert calls(function, z, y) == number
        assert calls(function, *few) == 0
    gradient = jax.grad(F.cross_entropy)
    assert calls(gradient, z[0], y[0]) == 0
    # By those of log-softmax.
    assert calls(gradient, jnp.asarray(z, "bfloat16"), y) == 2
    assert calls(jax.grad(partial(F.cross_entropy, label_smoothing=0.1)), z, y) == 2
    assert calls(gradient, np.ones((2, 1000, 10), "float32"), np.ones((2, 10), "int32")) == 0


@ON_CPU
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_nothing_but_the_call_of_ours_goes_through_the_scores(reduction: str) -> None:
    z, y, _ = data(64, 1000, "float32", 0)
    gradient = jax.grad(lambda z, y: jnp.sum(F.cross_entropy(z, y, reduction=reduction)))
    text = jax.jit(gradient).lower(z, y).compile().as_text() or ""
    assert "64,1000" not in "".join(line for line in text.splitlines() if " fusion(" in line)


def test_an_exported_program_knows_xlas_operations_only() -> None:
    z, y, _ = data(40, 1000, "float32", 0)
    gradient = jax.jit(jax.grad(F.cross_entropy))
    kept = export.export(gradient)(z, y)
    assert "jaxtut_" not in kept.mlir_module()
    np.testing.assert_allclose(kept.call(z, y), gradient(z, y), rtol=1e-4, atol=1e-8)
    (batch,) = export.symbolic_shape("b")
    shapes = jax.ShapeDtypeStruct((batch, 1000), "float32"), jax.ShapeDtypeStruct((batch,), "int32")
    np.testing.assert_allclose(export.export(gradient)(*shapes).call(z, y), gradient(z, y), rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit])
def test_scores_may_lie_on_a_mesh(kind: AxisType) -> None:
    z, y, _ = data(40, 1000, "float32", 0)
    mesh = jax.make_mesh((1,), ("rows",), (kind,))
    rows = NamedSharding(mesh, PartitionSpec("rows"))
    found = jax.jit(jax.grad(F.cross_entropy))(jax.device_put(z, rows), jax.device_put(y, rows))
    np.testing.assert_allclose(found, jax.grad(F.cross_entropy)(z, y), rtol=1e-4, atol=1e-8)


def test_the_same_scores_under_many_labels_are_not_repeated() -> None:
    z, y, _ = data(20, 1000, "float32", 0)
    labels = np.stack([np.roll(y, i) for i in range(30)])
    gradient = jax.grad(lambda z, y: jax.vmap(F.cross_entropy, (None, 0))(z, y).sum())
    program = jax.jit(gradient).lower(z, labels).compile()
    memory = program.memory_analysis()
    assert memory is not None
    # The labels as one-hot rows, which XLA writes down, and not the scores once more for each.
    assert memory.temp_size_in_bytes < 1.5 * len(labels) * z.nbytes
    expected = sum(jax.grad(F.cross_entropy)(z, row) for row in labels)
    np.testing.assert_allclose(program(z, labels), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("function", [F.cross_entropy, jax.grad(F.cross_entropy)])
def test_an_ignored_label_is_no_alarm(function: Callable[..., Any]) -> None:
    z, y, _ = data(20, 1000, "float32", 0)
    y[3] = -100
    error, _ = checkify.checkify(jax.jit(function), checkify.float_checks)(z, y)
    error.throw()
    y[3] = 1000
    error, _ = checkify.checkify(jax.jit(function), checkify.float_checks)(z, y)
    assert error.get() is not None
