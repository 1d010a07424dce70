"""The affine map against PyTorch, and the shapes it refuses."""

import math
import re
from collections.abc import Callable

import jax
import numpy as np
import pytest
import torch.nn.functional as TF
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from jaxtut import functional as F
from jaxtut import parity
from jaxtut.native import machine
from jaxtut.ops import linear_products

ON_CPU = pytest.mark.skipif(
    jax.default_backend() != "cpu" or machine.host() is None, reason="nothing is compiled for this processor"
)
# Shapes of the input and the weight.
SHAPES = (((3,), (4, 3)), ((2, 3), (4, 3)), ((2, 5, 3), (1, 3)), ((0, 3), (4, 3)), ((2, 0), (4, 0)))


@given(st.sampled_from(SHAPES), st.booleans(), st.integers(0, 99), st.sampled_from([1e-3, 1.0, 1e4]))
@settings(max_examples=5, deadline=None, derandomize=True)
def test_same_as_pytorch(shapes: tuple, bias: bool, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    args = [rng.normal(size=shape) * scale for shape in shapes] + [rng.normal(size=shapes[1][0])] * bias
    report = parity.compare(F.linear, TF.linear, *args, cotangents=2)
    assert report.same, report.summary()


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 3)])
def test_a_weight_of_one_dimension_drops_the_last(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    report = parity.compare(F.linear, TF.linear, rng.normal(size=shape), rng.normal(size=3))
    assert report.same, report.summary()


def test_values_and_gradients_by_hand() -> None:
    x, W, b = (np.array(a, "float32") for a in ([[1, 2], [3, 4]], [[1, -1], [2, 0], [0, 3]], [10, 20, 30]))
    np.testing.assert_array_equal(F.linear(x, W, b), [[9, 22, 36], [9, 26, 42]])
    dx, dW, db = jax.grad(lambda *a: F.linear(*a).sum(), argnums=(0, 1, 2))(x, W, b)
    np.testing.assert_array_equal(dx, [[3, 2], [3, 2]])
    np.testing.assert_array_equal(dW, [[4, 6]] * 3)
    np.testing.assert_array_equal(db, [2, 2, 2])


def test_infinities_and_nan_pass_through_as_in_pytorch() -> None:
    x = np.array([[np.inf, 1.0], [np.nan, 1.0], [-np.inf, 0.0], [0.0, -0.0]], "float32")
    report = parity.compare(F.linear, TF.linear, x, np.array([[1.0, 2.0], [-1.0, 3.0]], "float32"), argnums=0)
    assert report.same, report.summary()


def test_finite_differences_and_transformations() -> None:
    rng = np.random.default_rng(0)
    x, W, b = rng.normal(size=(2, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)
    with jax.enable_x64(True):
        check_grads(jax.jit(F.linear), (x, W, b), order=2, modes=("rev",))
        bound = 8 * np.finfo("float64").eps  # a sum of three products in another order
        plain = F.linear(x, W, b)
        np.testing.assert_allclose(jax.jit(F.linear)(x, W, b), plain, atol=bound)
        np.testing.assert_allclose(jax.vmap(F.linear, (0, None, None))(x, W, b), plain, atol=bound)


def test_refuses_wrong_shapes_and_dtypes() -> None:
    def ones(*shape: int, dtype: str = "float32") -> np.ndarray:
        return np.ones(shape, dtype)

    with pytest.raises(ValueError, match=r"linear: weight must have shape \(any, 3\), but \(3, 4\) was given"):
        F.linear(ones(2, 3), ones(3, 4))
    with pytest.raises(ValueError, match=r"linear: weight must have shape \(3,\), but \(2,\) was given"):
        F.linear(ones(2, 3), ones(2))
    with pytest.raises(ValueError, match=r"linear: bias must have shape \(4,\), but \(1,\) was given"):
        F.linear(ones(2, 3), ones(4, 3), ones(1))
    with pytest.raises(ValueError, match=r"linear: a weight of shape \(3,\) takes no bias; give it the shape \(1, 3\)"):
        F.linear(ones(2, 3), ones(3), ones(1))
    with pytest.raises(ValueError, match="linear: input must have at least one dimension, but a 0-d array was given"):
        F.linear(ones(), ones(4, 3))
    with pytest.raises(
        TypeError, match="expected arguments of one dtype, but input float32, weight float16 were given"
    ):
        F.linear(ones(2, 3), ones(4, 3, dtype="float16"))
    with pytest.raises(TypeError, match="expected arguments of one dtype, but input float32, bias float16 were given"):
        F.linear(ones(2, 3), ones(4, 3), ones(4, dtype="float16"))
    with pytest.raises(TypeError, match="linear: input must have a floating dtype, but int32 was given"):
        F.linear(ones(2, 3, dtype="int32"), ones(4, 3))


@pytest.fixture
def any_weight_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_products, "LARGE", 1)


@pytest.mark.usefixtures("any_weight_is_large")
# Rows that are shorter than a vector, and longer; below, at and above each number of rows up to which a loop of ours is taken.
@pytest.mark.parametrize(
    ("lead", "features"),
    [((), 21), ((1,), 21), ((2, 3), 7), ((2, 3), 21), ((9,), 7), ((9,), 21), ((65,), 21), ((257,), 21), ((513,), 21)],
)
def test_derivatives_with_any_number_of_rows(lead: tuple[int, ...], features: int) -> None:
    draw = np.random.default_rng(0)
    with jax.enable_x64(True):
        x, W, b = (jax.numpy.asarray(draw.normal(size=shape)) for shape in ((*lead, features), (5, features), (5,)))
        rows = math.prod(lead)
        assert (" linear[" in str(jax.make_jaxpr(F.linear)(x, W, b))) == (rows <= linear_products.MOST_IN_W)
        check_grads(F.linear, (x, W, b), order=2 if rows < 10 else 1)
        for i in range(2):  # one of the two alone is moved
            check_grads(lambda a, i=i: F.linear(*((a, W) if i == 0 else (x, a)), b), ((x, W)[i],), order=1)
        by_numpy = np.asarray(x) @ np.asarray(W).T + np.asarray(b)
        np.testing.assert_allclose(F.linear(x, W, b), by_numpy, rtol=1e-12, atol=1e-12)
        gradient = jax.grad(lambda x: jax.numpy.sin(F.linear(x, W, b)).sum())
        mapped = jax.vmap(gradient)(jax.numpy.stack([x, 2 * x]))
        np.testing.assert_allclose(mapped[1], gradient(2 * x), rtol=1e-11, atol=1e-12)


def _exact(a: jax.Array, b: jax.Array) -> np.ndarray:
    return np.asarray(a).astype("longdouble") @ np.asarray(b).astype("longdouble")


@ON_CPU
@given(
    rows=st.integers(2, 80),
    outputs=st.integers(1, 70),
    features=st.integers(1, 90),
    dtype=st.sampled_from(["float32", "float64"]),
    vectors=st.sampled_from([(16, 24), (32, 12), (64, 24)]),
    grain=st.sampled_from([1, 400_000]),
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_each_product_is_exact_to_rounding_with_vectors_of_any_length(
    rows: int, outputs: int, features: int, dtype: str, vectors: tuple[int, int], grain: int, seed: int
) -> None:
    host = machine.host()
    assert host is not None
    other = host._replace(vector_bytes=vectors[0], accumulators=vectors[1], grain=grain)
    draw = np.random.default_rng(seed)
    with jax.enable_x64(True), pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "host", lambda: other)
        x, w, y = (
            jax.numpy.asarray(draw.normal(size=shape), dtype)
            for shape in ((rows, features), (outputs, features), (rows, outputs))
        )
        for primitive, a, b, exact, terms in (
            (linear_products.linear_p, x, w, _exact(x, w.T), features),
            (linear_products.input_gradient_p, y, w, _exact(y, w), outputs),
            (linear_products.weight_gradient_p, y, x, _exact(y.T, x), rows),
        ):
            # A function of its own, compiled here.
            result = jax.jit(lambda a, b, primitive=primitive: primitive.bind(a, b, precision=None))(a, b)
            assert result.dtype == dtype
            bound = 4 * np.finfo(dtype).eps * terms * float(jax.numpy.abs(a).max() * jax.numpy.abs(b).max())
            assert np.all(np.abs(np.asarray(result) - exact) <= bound)


@pytest.mark.usefixtures("any_weight_is_large")
@pytest.mark.parametrize("rows", [4, 40])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_large_layer_has_pytorchs_gradients(dtype: str, rows: int) -> None:
    rng = np.random.default_rng(1)
    args = [rng.normal(size=shape).astype(dtype) for shape in ((rows, 30), (20, 30), (20,))]
    report = parity.compare(F.linear, TF.linear, *args, cotangents=2)
    assert report.same, report.summary()


@pytest.mark.usefixtures("any_weight_is_large")
@pytest.mark.parametrize("rows", [3, 20])
def test_what_is_not_finite_goes_where_a_product_lets_it(rows: int) -> None:
    """The last numbers of a row are read as a vector together with some that were read before: those must not count again."""
    x, W = np.ones((rows, 35), "float32"), np.ones((19, 35), "float32")
    x[1, 2], x[2, 33], W[4, 0], W[18, 34] = np.inf, np.nan, np.nan, -np.inf

    def value_and_gradients(product: Callable[[jax.Array, jax.Array], jax.Array]) -> tuple:
        y, pull_back = jax.vjp(product, x, W)
        return y, *pull_back(jax.numpy.ones_like(y).at[0, 3].set(np.inf).at[2, 5].set(0.0))

    for ours, plain in zip(value_and_gradients(F.linear), value_and_gradients(lambda x, W: x @ W.T), strict=True):
        np.testing.assert_array_equal(ours, plain)


@pytest.mark.usefixtures("any_weight_is_large")
@ON_CPU
def test_loops_of_our_own_up_to_some_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def calls(rows: int, features: int = 40) -> list[str]:
        x, W = (jax.ShapeDtypeStruct((number, features), "float32") for number in (rows, 30))
        program = jax.jit(lambda x, W, y: jax.vjp(F.linear, x, W)[1](y)).lower(
            x, W, jax.ShapeDtypeStruct((rows, 30), "float32")
        )
        return re.findall(r"custom_call @(\w+)", program.as_text())

    assert [len(calls(rows)) for rows in (1, 8, 9, 256, 257, 512, 513)] == [0, 3, 2, 2, 1, 1, 0]
    assert all(name.startswith("jaxtut_") for name in calls(64))
    assert not calls(64, features=3)  # fewer than any vector has, which would be read beyond the array's end
    monkeypatch.setattr(machine, "host", lambda: None)
    assert not calls(64)


@pytest.mark.usefixtures("any_weight_is_large")
def test_a_program_for_export_and_one_for_a_mesh_have_xlas_product() -> None:
    x, W = jax.numpy.ones((16, 40)), jax.numpy.ones((30, 40))
    exported = jax.export.export(jax.jit(F.linear))(x, W)
    assert "custom_call" not in exported.mlir_module()
    np.testing.assert_array_equal(exported.call(x, W), np.full((16, 30), 40.0))
    rows = jax.P("batch")
    mesh = jax.make_mesh((1,), ("batch",), axis_types=(jax.sharding.AxisType.Auto,))
    mapped = jax.shard_map(F.linear, mesh=mesh, in_specs=(rows, jax.P()), out_specs=rows)
    np.testing.assert_array_equal(jax.jit(mapped)(x, W), np.full((16, 30), 40.0))
    explicit = jax.make_mesh((1,), ("batch",), axis_types=(jax.sharding.AxisType.Explicit,))
    x, W = (jax.device_put(a, jax.NamedSharding(explicit, spec)) for a, spec in ((x, rows), (W, jax.P())))
    y = jax.jit(F.linear)(x, W)
    np.testing.assert_array_equal(y, np.full((16, 30), 40.0))
    assert jax.typeof(y).sharding.spec == jax.P("batch", None)


@ON_CPU
@pytest.mark.parametrize("rows", [1, 4])
def test_of_few_rows_the_gradient_in_the_weight_is_written_nowhere(rows: int) -> None:
    """It is computed where the update reads and writes the weight, and the weight is not transposed."""

    def update(W: jax.Array, x: jax.Array) -> jax.Array:
        return W - 0.1 * jax.grad(lambda W: F.relu(F.linear(x, W)).sum())(W)

    shapes = [jax.ShapeDtypeStruct(shape, "float32") for shape in ((250, 270), (rows, 270))]
    program = jax.jit(update, donate_argnums=0).lower(*shapes).compile().as_text()
    assert program is not None
    entry = program[program.index("ENTRY") :]
    assert "f32[270,250]" not in entry
    assert entry.count("= f32[250,270]") == 2  # the argument, and the result


@ON_CPU
def test_inside_a_loop_the_sum_reads_the_rows_of_a_step_from_memory() -> None:
    """Were they taken out of the array of all steps where each number is computed, the sum would be four times as slow."""

    def epoch(W: jax.Array, x: jax.Array) -> tuple[jax.Array, None]:
        def step(W: jax.Array, rows: jax.Array) -> tuple[jax.Array, None]:
            return W - 0.1 * jax.grad(lambda W: F.relu(F.linear(rows, W)).sum())(W), None

        return jax.lax.scan(step, W, x)

    shapes = [jax.ShapeDtypeStruct(shape, "float32") for shape in ((250, 270), (3, 4, 270))]
    program = jax.jit(epoch, donate_argnums=0).lower(*shapes).compile().as_text()
    assert program is not None
    updates = re.findall(r"^%\S*fus\S* \((.*)\) -> f32\[250,270\]", program, re.MULTILINE)
    assert updates
    assert not [of for of in updates if "f32[3,4,270]" in of]


def test_half_precision_is_summed_in_single_precision() -> None:
    rows = jax.numpy.asarray(np.random.default_rng(0).normal(size=(7, 1000)), "bfloat16")
    gradient = jax.grad(lambda W: F.linear(rows, W).astype("float32").sum())(jax.numpy.zeros((2, 1000), "bfloat16"))
    # Rounded once, and not after each of the rows.
    expected = rows.astype("float32").sum(0).astype("bfloat16")
    np.testing.assert_array_equal(gradient.astype("float32"), np.stack([expected.astype("float32")] * 2))


def test_without_features_the_weights_gradient_is_empty() -> None:
    assert jax.grad(lambda W: F.linear(np.ones((2, 0), "float32"), W).sum())(np.ones((3, 0), "float32")).shape == (3, 0)


@pytest.mark.usefixtures("any_weight_is_large")
def test_of_mapped_rows_the_gradient_is_one_matrix_product() -> None:
    """Though each example has few rows, all of them have many."""
    gradient = jax.grad(lambda W, x: F.linear(x, W).sum())
    shapes = jax.numpy.zeros((5, 7)), jax.numpy.zeros((64, 4, 7))
    program = str(jax.make_jaxpr(jax.vmap(gradient, (None, 0)))(*shapes))
    assert "linear_weight_gradient" not in program
    W, x = (np.random.default_rng(0).normal(size=a.shape).astype("float32") for a in shapes)
    np.testing.assert_allclose(
        jax.vmap(gradient, (None, 0))(W, x), np.repeat(x.sum(1)[:, None], 5, axis=1), rtol=1e-5, atol=1e-6
    )


@pytest.mark.usefixtures("any_weight_is_large")
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("lead", [(), (3,)])
def test_mapped_rows_of_one_weight_are_rows_of_one_product(lead: tuple[int, ...], axis: int) -> None:
    draw = np.random.default_rng(0)
    W = draw.normal(size=(5, 20)).astype("float32")
    x = np.moveaxis(draw.normal(size=(6, *lead, 20)).astype("float32"), 0, axis if lead else 0)
    axis = axis if lead else 0

    def gradient(x: jax.Array) -> jax.Array:
        return jax.grad(lambda x: jax.numpy.sin(F.linear(x, W)).sum())(x)

    program = str(jax.make_jaxpr(jax.vmap(gradient, axis))(x))
    rows = 6 * math.prod(lead)
    assert re.search(rf"f32\[{rows},5\] = linear\[", program)
    assert re.search(rf"f32\[{rows},20\] = linear_input_gradient\[", program)
    moved = np.moveaxis(x, axis, 0)
    np.testing.assert_allclose(jax.vmap(gradient, axis)(x), gradient(moved), rtol=1e-4, atol=1e-5)
