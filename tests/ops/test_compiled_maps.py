"""Functions of many numbers by loops of our own: beside exact values, XLA's and PyTorch's; their derivatives; and where they are used."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import export
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from jaxtut import functional as F
from jaxtut import parity
from jaxtut.native import machine
from jaxtut.native.program import BLOCK
from jaxtut.ops import compiled_maps

HOST = machine.host()
if HOST is None or jax.default_backend() != "cpu":
    pytest.skip("nothing is compiled for this processor", allow_module_level=True)

# Each with options, at which it is a loop of ours.
CASES: dict[str, tuple[str, dict[str, float]]] = {
    "gelu": ("gelu", {}),
    "sigmoid": ("sigmoid", {}),
    "silu": ("silu", {}),
    "logsigmoid": ("logsigmoid", {}),
    "softplus": ("softplus", {}),
    "sharp softplus": ("softplus", {"beta": 3.0, "threshold": 2.0}),
    "elu": ("elu", {}),
    "falling elu": ("elu", {"alpha": -0.7}),
    "selu": ("selu", {}),
    "celu": ("celu", {"alpha": 0.3}),
}
EDGES = np.array([0, -0.0, 1e-30, -1e-30, 20, -20, 90, -90, 200, -200, np.inf, -np.inf, np.nan], "float32")


@pytest.fixture(autouse=True)
def many() -> Iterator[None]:
    """Have a few numbers be computed as many are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled_maps, "MANY", 0)
        yield


def ours(case: str) -> Callable[[Any], Any]:
    name, options = CASES[case]
    return lambda x: getattr(F, name)(x, **options)


def torchs(case: str) -> Callable[[torch.Tensor], torch.Tensor]:
    name, options = CASES[case]
    return torch.sigmoid if name == "sigmoid" else lambda x: getattr(TF, name)(x, **options)


def both(case: str, x: Any, v: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return values and the slopes' products, by a function of its own, compiled here."""

    def run(x: Any, v: Any) -> tuple[Any, Any]:
        y, pull_back = jax.vjp(ours(case), x)
        return y, pull_back(v)[0]

    y, u = jax.jit(run)(x, v)
    return np.asarray(y), np.asarray(u)


def by_xla(case: str, x: Any, v: Any) -> tuple[np.ndarray, np.ndarray]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled_maps, "MANY", 1 << 60)
        return both(case, x, v)


def exact(case: str, x: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return PyTorch's values and gradients in float64."""
    wide = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    y = torchs(case)(wide)
    (u,) = torch.autograd.grad(y, wide, torch.tensor(v, dtype=torch.float64))
    return y.detach().numpy(), u.numpy()


@pytest.mark.parametrize("case", sorted(CASES))
@given(
    st.one_of(st.integers(1, 70), st.integers(2 * BLOCK - 20, 2 * BLOCK + 20)),
    st.sampled_from([16, 32, 64]),
    st.sampled_from([1, 10**9]),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=6, deadline=None, derandomize=True)
def test_values_and_gradients_are_exact_to_rounding_with_vectors_of_any_length(
    case: str, number: int, vector_bytes: int, grain: int, seed: int
) -> None:
    assert HOST is not None
    other = HOST._replace(vector_bytes=vector_bytes, grain=grain)
    draw = np.random.default_rng(seed)
    x, v = (scale * draw.standard_normal(number).astype("float32") for scale in (4, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "host", lambda: other)
        found = both(case, x, v)
    for one, expected in zip(found, exact(case, x, v), strict=True):
        assert one.dtype == "float32"
        np.testing.assert_allclose(one, expected, rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize("case", sorted(CASES))
def test_far_out_and_at_what_is_not_finite_it_is_the_same_function(case: str) -> None:
    x = np.concatenate([EDGES, np.linspace(-110, 110, 999, dtype="float32")])
    v = np.ones_like(x)
    for one, expected in zip(both(case, x, v), by_xla(case, x, v), strict=True):
        np.testing.assert_allclose(one, expected, rtol=4e-6, atol=1e-6)
        assert (np.signbit(one) == np.signbit(expected))[x == 0].all()


@pytest.mark.parametrize("case", sorted(CASES))
def test_numbers_near_zero_keep_their_digits(case: str) -> None:
    x = np.geomspace(1e-30, 0.1, 500, dtype="float32")
    x = np.concatenate([x, -x])
    for one, expected in zip(both(case, x, x), exact(case, x, x), strict=True):
        np.testing.assert_allclose(one, expected, rtol=2e-6)


@pytest.mark.parametrize("case", sorted(CASES))
def test_pytorchs_values_and_gradients(case: str) -> None:
    x = np.concatenate([EDGES[:-3], np.random.default_rng(0).normal(size=90).astype("float32") * 3])
    report = parity.compare(ours(case), torchs(case), x, cotangents=2)
    assert report.same, report.summary()


@pytest.mark.parametrize("case", sorted(CASES))
def test_derivatives_beyond_the_first_in_both_modes(case: str) -> None:
    draw = np.random.default_rng(0)
    x, v, w = (jnp.asarray(draw.normal(size=50), "float32") for _ in range(3))

    def all_of_them() -> list[Any]:
        f = ours(case)
        value = lambda x: jnp.sum(v * f(x))  # noqa: E731
        gradient = lambda x: jnp.sum(w * jax.grad(value)(x))  # noqa: E731
        return [
            jax.jvp(f, (x,), (v,)),
            jax.grad(gradient)(x),
            jax.jvp(jax.grad(value), (x,), (w,)),
            jax.grad(lambda x: jax.jvp(value, (x,), (w,))[1])(x),
            jax.grad(lambda x: jnp.sum(jax.grad(gradient)(x)))(x),
            # Linear in the cotangent.
            jax.jvp(lambda v: jax.vjp(f, x)[1](v)[0], (v,), (w,)),
            jax.grad(lambda v: jnp.sum(w * jax.vjp(f, x)[1](v)[0]))(v),
        ]

    found = all_of_them()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled_maps, "MANY", 1 << 60)
        expected = all_of_them()
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_any_axis_may_be_mapped(axis: int) -> None:
    x, v = np.random.default_rng(0).normal(size=(2, 6, 5)).astype("float32")
    pull_back = lambda x, v: jax.vjp(F.gelu, x)[1](v)[0]  # noqa: E731
    whole = pull_back(jnp.asarray(x), jnp.asarray(v))
    np.testing.assert_allclose(jax.vmap(pull_back, (axis, axis), axis)(x, v), whole, rtol=1e-6)
    one = np.take(v, 0, axis)
    found = jax.vmap(pull_back, (axis, None), axis)(x, one)
    expected = pull_back(jnp.asarray(x), jnp.asarray(np.broadcast_to(np.expand_dims(one, axis), x.shape)))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("case", sorted(CASES))
def test_many_numbers_are_computed_by_a_loop_of_our_own(
    calls: Callable[..., int], case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled_maps, "MANY", 100)
    f = ours(case)
    gradient = jax.grad(lambda x: jnp.sum(f(x) * f(x)))
    assert calls(f, np.ones(100, "float32")) == 1
    assert calls(gradient, np.ones((10, 10), "float32")) == 2
    assert calls(f, np.ones(99, "float32")) == 0
    assert calls(f, jnp.ones(100, "bfloat16")) == 1  # 16-bit numbers are computed in float32
    with jax.enable_x64(True):
        assert calls(f, np.ones(100)) == 0
    monkeypatch.setattr(machine, "host", lambda: None)
    assert calls(f, np.ones(100, "float32")) == 0


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("softplus", {"beta": -1.0}),
        ("softplus", {"threshold": 1000.0}),
        ("celu", {"alpha": -1.0}),
        ("elu", {"alpha": math.inf}),
        ("gelu", {"approximate": "tanh"}),
    ],
)
def test_what_is_no_loop_of_ours_is_computed_by_xla(
    calls: Callable[..., int], name: str, options: dict[str, Any]
) -> None:
    x = np.linspace(-3, 3, 50, dtype="float32")
    assert calls(lambda x: getattr(F, name)(x, **options), x) == 0
    report = parity.compare(lambda x: getattr(F, name)(x, **options), lambda x: getattr(TF, name)(x, **options), x)
    assert report.same, report.summary()


def test_an_exported_program_knows_xlas_operations_only() -> None:
    x = np.linspace(-3, 3, 50, dtype="float32")
    gradient = jax.jit(jax.grad(lambda x: F.gelu(x).sum()))
    kept = export.export(gradient)(x)
    assert "jaxtut_" not in kept.mlir_module()
    np.testing.assert_allclose(kept.call(x), gradient(x), rtol=1e-5, atol=1e-6)
    (number,) = export.symbolic_shape("n")
    kept = export.export(gradient)(jax.ShapeDtypeStruct((number,), "float32"))
    np.testing.assert_allclose(kept.call(x), gradient(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit])
def test_numbers_may_lie_on_a_mesh(kind: AxisType) -> None:
    x = np.linspace(-3, 3, 50, dtype="float32")
    mesh = jax.make_mesh((1,), ("numbers",), (kind,))
    placed = jax.device_put(x, NamedSharding(mesh, PartitionSpec("numbers")))
    gradient = jax.grad(lambda x: F.silu(x).sum())
    np.testing.assert_allclose(jax.jit(gradient)(placed), gradient(x), rtol=1e-5, atol=1e-6)


def test_a_map_over_nothing() -> None:
    for function in (F.gelu, jax.grad(lambda x: F.gelu(x).sum())):
        assert jax.vmap(function)(jnp.zeros((0, 50))).shape == (0, 50)


def test_of_one_array_the_slope_is_computed_once(calls: Callable[..., int]) -> None:
    """Many cotangents at one point, as for a Jacobian: the point is not repeated for each."""
    x, v = np.ones(50, "float32"), np.ones((30, 50), "float32")
    pull_back = jax.vmap(lambda x, v: jax.vjp(F.silu, x)[1](v)[0], (None, 0))
    program = jax.jit(lambda x, v: pull_back(x, v)).lower(x, v).compile().as_text() or ""
    assert not [line for line in program.splitlines() if "f32[30,50]" in line and "exponential" in line]
    assert calls(pull_back, x, v) == 0
    np.testing.assert_allclose(pull_back(x, v)[7], jax.grad(lambda x: F.silu(x).sum())(x), rtol=1e-6)


@pytest.mark.parametrize("case", sorted(CASES))
def test_the_dtype_does_not_depend_on_the_size(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weak = jnp.full((50,), 1.0)
    assert weak.weak_type
    many = ours(case)(weak)
    monkeypatch.setattr(compiled_maps, "MANY", 100)
    few = ours(case)(weak)
    assert not many.weak_type
    assert not few.weak_type


def test_a_whole_number_and_a_real_one_are_one_parameter() -> None:
    x = np.ones(50, "float32")
    programs = [str(jax.make_jaxpr(lambda x, b=b: F.softplus(x, beta=b))(x)) for b in (2, 2.0)]
    assert programs[0] == programs[1]
