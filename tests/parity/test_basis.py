"""On what basis a verdict is reached: where float64 is the truth, where float32 stands alone, 16-bit dtypes, and the third witness."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxtut import functional as F
from jaxtut.parity import compare, definition

RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 5))
W = RNG.standard_normal((4, 5))


@pytest.fixture(autouse=True)
def _promotion_as_users_have_it():
    with jax.numpy_dtype_promotion("standard"):
        yield


JAX_FLOAT32 = jnp.asarray(W, jnp.float32)
TORCH_FLOAT32 = torch.tensor(W, dtype=torch.float32)

LOWERED = {
    "a float32 constant in JAX": (lambda x: x @ JAX_FLOAT32.T, lambda x: x @ torch.tensor(W, dtype=x.dtype).T, "JAX: "),
    "a float32 scalar in JAX": (lambda x: x * jnp.float32(0.1), lambda x: x * 0.1, "JAX: "),
    "a cast in JAX": (lambda x: jnp.tanh(x.astype(jnp.float32)).astype(x.dtype), torch.tanh, "JAX: a cast to float32"),
    ".float() in PyTorch": (jnp.tanh, lambda x: torch.tanh(x.float()).to(x.dtype), "PyTorch: a cast to float32"),
    ".float() at the end": (jnp.tanh, lambda x: torch.tanh(x).float(), "PyTorch: a cast to float32"),
    "a float32 tensor in PyTorch": (
        lambda x: x * jnp.asarray(W[:1], x.dtype),
        lambda x: x * TORCH_FLOAT32[:1],
        "PyTorch: a float32",
    ),
    "a module of float32 in PyTorch": (
        lambda x: x @ JAX_FLOAT32.T,
        lambda x: torch.nn.functional.linear(x, TORCH_FLOAT32),
        "float64",
    ),
}


@pytest.mark.parametrize("name", LOWERED)
def test_lowered_precision_is_said_with_its_place_and_judged_in_float32(name):
    jax_fn, torch_fn, words = LOWERED[name]
    report = compare(jax_fn, torch_fn, X)
    assert report.same, report.summary()
    assert {row.dtype for row in report.rows} == {"float32"}
    (note,) = [note for note in report.notes if "judged in float32 alone" in note]
    assert words in note
    if "cast" in words:
        assert "test_basis.py" in note


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: jnp.tanh(x.astype(jnp.bfloat16)).astype(x.dtype),
        lambda x: jnp.tanh(x.astype(jnp.float16)).astype(x.dtype),
        lambda x: jnp.tanh(x.astype(jnp.float32)).astype(x.dtype) * 1.0001,
        lambda x: jnp.tanh(x.astype(jnp.float32)).astype(x.dtype).at[0, 0].add(1e-4),
    ],
)
def test_lowered_precision_excuses_no_mistake(wrong):
    report = compare(wrong, torch.tanh, X)
    assert report.verdict == definition.DIFFERENT
    assert "judged in float32 alone" in report.notes[0]


def test_constants_that_float32_holds_are_no_excuse():
    half = jnp.float32(0.5)
    report = compare(lambda x: x * half * (1 + 1e-9), lambda x: x * 0.5, X)
    assert report.verdict == definition.DIFFERENT
    assert not report.notes


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_16_bit_dtypes_are_judged_on_request(dtype):
    report = compare(
        lambda x: jnp.tanh(x @ jnp.asarray(W, x.dtype).T),
        lambda x: torch.tanh(x @ torch.tensor(W, dtype=x.dtype).T),
        X,
        dtypes=(dtype,),
    )
    assert report.same, report.summary()
    assert {row.dtype for row in report.rows} == {dtype}
    assert all(row.err_torch > 1e-5 for row in report.rows)
    coarse = compare(lambda x: jnp.round(x * 8) / 8, lambda x: x, X, dtypes=(dtype,), argnums=())
    assert not coarse.same


def test_a_wider_result_in_16_bit_is_a_difference():
    report = compare(
        lambda x: x.astype(jnp.float32) if x.dtype == jnp.bfloat16 else x, lambda x: x, X, dtypes=("bfloat16",)
    )
    assert report.verdict == definition.DIFFERENT
    assert "dtype" in report.summary()


@jax.custom_jvp
def wrong_square(x):
    return x**2


wrong_square.defjvp(lambda primals, tangents: (primals[0] ** 2, 2.01 * primals[0] * tangents[0]))


class WrongSquare(torch.autograd.Function):
    """x² with a slope of 2.01 x."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx, g):  # pyright: ignore[reportIncompatibleMethodOverride]
        return 2.01 * ctx.saved_tensors[0] * g


def test_the_third_witness_says_who_is_right():
    assert "PyTorch is right" in compare(wrong_square, lambda x: x**2, X).summary()
    assert "JAX is right" in compare(lambda x: x**2, WrongSquare.apply, X).summary()
    assert "neither gradient" in compare(lambda x: 1.5 * wrong_square(x) - 0.5 * x**2, WrongSquare.apply, X).summary()


def test_the_third_witness_sees_a_kink():
    words = compare(lambda x: jnp.maximum(x, 0), torch.relu, np.array([-1.0, 0.0, 2.0])).summary()
    assert "a kink, with slope 0 on the left" in words
    assert "likely cause" in words


def test_the_third_witness_is_silent_about_values():
    assert "third witness" not in compare(lambda x: 2 * x, lambda x: x, X).summary()


def test_a_traced_function_that_draws_random_numbers_is_impure():
    report = compare(lambda x: x * np.random.default_rng().uniform(), lambda x: x, X)
    assert report.verdict == definition.IMPURE
    report = compare(lambda x: x, torch.nn.Dropout(0.5), X)
    assert "PyTorch function is impure" in report.summary()


CHECKS = ("jacobian", "hvp", "jvp", "vmap")


def test_other_derivatives_are_compared_on_request():
    report = compare(
        lambda x, w: (jnp.tanh(x @ w.T), jnp.sum(x)),
        lambda x, w: (torch.tanh(x @ w.T), x.sum()),
        X,
        W,
        checks=CHECKS,
        cotangents=2,
    )
    assert report.same, report.summary()
    kinds = {(row.kind, row.shape) for row in report.rows if row.name in ("0", "x", "∂ 0/∂ x")}
    assert kinds >= {
        ("jacobian", (6, 4, 6, 5)),
        ("hvp", (6, 5)),
        ("jvp", (6, 4)),
        ("vmap value", (6, 4)),
        ("vmap gradient", (6, 5)),
    }


@jax.custom_jvp
def right_once(x):
    return x**3


@jax.custom_jvp
def _slope(x):
    return 3 * x**2


_slope.defjvp(lambda primals, tangents: (3 * primals[0] ** 2, 6.1 * primals[0] * tangents[0]))
right_once.defjvp(lambda primals, tangents: (primals[0] ** 3, _slope(primals[0]) * tangents[0]))


def depends_on_neighbours(x):
    return x - jnp.mean(x, axis=0, keepdims=True)


def test_each_of_them_can_fail():
    assert compare(right_once, lambda x: x**3, X).same
    (row,) = [
        row for row in compare(right_once, lambda x: x**3, X, checks=("hvp",), dtypes=("float64",)).rows if not row.same
    ]
    assert row.kind == "hvp"
    for check, kind in (("jacobian", "jacobian"), ("jvp", "jvp")):
        report = compare(wrong_square, lambda x: x**2, X, checks=(check,), dtypes=("float64",))
        assert {row.kind for row in report.rows if not row.same} == {"gradient", kind}

    @jax.custom_batching.custom_vmap
    def forgets_its_batch(x):
        return x * 2

    forgets_its_batch.def_vmap(lambda size, batched, x: (x[:1].repeat(size, 0) * 2, True))
    report = compare(
        lambda x: forgets_its_batch(jax.lax.stop_gradient(x)) + x,
        lambda x: (x * 2).detach() + x,
        X, checks=("vmap",), dtypes=("float64",),
    )  # fmt: skip
    assert [row.kind for row in report.rows if not row.same] == ["vmap value"]


def test_complex_results_are_parted():
    report = compare(jnp.fft.fft, torch.fft.fft, X)
    assert report.same, report.summary()
    assert {row.name for row in report.rows if row.kind == "value"} == {"output.real", "output.imag"}
    assert not compare(lambda x: jnp.conj(jnp.fft.fft(x)), torch.fft.fft, X).same


def test_numpy_constants_survive_both_precisions():
    order = np.array([1, 0, 2])
    assert compare(lambda x: x[order].sum(), lambda x: x[order].sum(), np.arange(3.0)).same


def test_inaccurate_library_functions_are_no_difference():
    # XLA's float64 log1p is off by up to 113 ulp here, its atanh by 128.
    assert compare(jnp.log1p, torch.log1p, np.linspace(-0.4142, -0.35, 500)).same
    assert compare(jnp.arctanh, torch.atanh, np.linspace(-0.4142, -0.40, 500)).same


def test_overflow_in_float32_leaves_float64_to_be_judged():
    x = np.array([1e20, 3e20, -2e20])

    def deviation(x):
        return jnp.sum((x - x.mean()) ** 2) / jnp.sum(x**2)

    def torch_deviation(x):
        return ((x - x.mean()) ** 2).sum() / (x**2).sum()

    report = compare(deviation, torch_deviation, x, dtypes=("float64",))
    assert report.same, report.summary()
    assert not compare(lambda x: deviation(x) * (1 + 1e-9), torch_deviation, x, dtypes=("float64",)).same


def test_unused_arguments_and_cut_graphs():
    report = compare(lambda x, y: x + 0 * y, lambda x, y: x, X, X)
    assert report.same
    assert "never used y" in report.notes[0]
    report = compare(lambda x, y: x + y - jax.lax.stop_gradient(y), lambda x, y: x, X, X)
    assert not report.same


def test_a_relu_is_the_same_in_every_way():
    x = np.array([[-1.0, 0.0, 2.0], [-0.0, 1e-30, -1e-30]])
    report = compare(
        F.relu,
        torch.relu,
        x,
        checks=CHECKS,
        modes=("jit", "eager"),
        dtypes=("float64", "float32", "bfloat16", "float16"),
    )
    assert report.same, report.summary()


def test_a_sum_of_what_float32_keeps_and_what_it_absorbs_is_no_difference():
    # ELU's slope is y + 1 in JAX, which float32 absorbs whole here; the exponential beside it hides how much that is.
    x = np.linspace(-33, -29, 200)
    report = compare(
        lambda x: 20 * jnp.exp(x) + jax.nn.elu(x),
        lambda x: 20 * torch.exp(x) + torch.nn.functional.elu(x),
        x,
        dtypes=("float64",),
    )
    assert report.same, report.summary()
    wrong = compare(lambda x: 20.01 * jnp.exp(x) + jnp.tanh(x), lambda x: 20 * torch.exp(x) + torch.tanh(x), x + 30)
    assert not wrong.same


def test_a_deviation_among_numbers_an_ulp_apart_is_no_difference():
    # PyTorch's running mean is rounded, and costs it ten digits of this deviation.
    ulps = np.array([[2, 0, 3, 2, 0, 2], [2, 0, 3, 2, 1, 0], [0, 3, 0, 2, 3, 3]])
    x = (-(16657902 + ulps) * 2.0**-26).astype("float32")
    report = compare(lambda x: F.std(x, 0), lambda x: x.std(0), x, dtypes=("float64",), modes=("eager",), cotangents=1)
    assert report.same, report.summary()
    wrong = compare(lambda x: F.std(x, 0) * 1.0001, lambda x: x.std(0), np.array([1.0, 2.0, 4.0]), dtypes=("float64",))
    assert not wrong.same


def test_what_pytorch_absorbs_in_both_precisions_is_no_difference():
    # 1 + erf(x) is 0 in PyTorch's GELU on the far left, in float32 and in float64; JAX's erfc keeps its digits.
    x = np.linspace(-12, -9, 60)
    report = compare(
        lambda x: jax.nn.gelu(x, approximate=False) + 1e-30 * x,
        lambda x: torch.nn.functional.gelu(x) + 1e-30 * x,
        x,
        dtypes=("float64",),
    )
    assert report.same, report.summary()


def test_a_slope_that_cancels_to_nothing_may_leave_a_rounding_on_one_side():
    # The slope of a is 0. PyTorch's float32 is exact by luck; JAX's passes the softmax of one number and leaves a rounding of 3e-8.
    def f(a, b):
        c = a + b
        return jax.nn.softplus((jax.nn.softmax(c, 1) - a) + c)

    def g(a, b):
        c = a + b
        return torch.logaddexp((c.softmax(1) - a) + c, torch.zeros_like(a))

    arguments = (np.full((1, 1), 0.37724513), np.full((1, 1), 0.1062293))
    for seed in range(5):
        report = compare(f, g, *arguments, dtypes=("float32",), cotangents=2, seed=seed)
        assert report.same, report.summary()
    wrong = compare(lambda a, b: f(a, b) + 1e-4 * a, g, *arguments, dtypes=("float32",))
    assert not wrong.same


def test_a_function_that_looks_at_whole_numbers_can_differ():
    report = compare(
        lambda x, n: (jnp.sin(x) if int(n) > 0 else x) * 1.1, lambda x, n: torch.sin(x) * 1.2, X, np.array(1)
    )
    assert report.verdict == "different"
    assert "looks at values" in report.summary()


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (torch.bfloat16, jnp.bfloat16),
        (torch.float8_e4m3fn, jnp.float8_e4m3fn),
        (torch.float8_e5m2, jnp.float8_e5m2),
        (torch.float8_e4m3fnuz, jnp.float8_e4m3fnuz),
        (torch.float8_e5m2fnuz, jnp.float8_e5m2fnuz),
    ],
)
def test_results_in_dtypes_that_numpy_does_not_know_are_judged(there, here):
    assert compare(lambda x: (1.25 * x).astype(here), lambda x: (1.25 * x).to(there), X).same
    wrong = compare(lambda x: (1.75 * x).astype(here), lambda x: (1.25 * x).to(there), X)
    assert wrong.verdict == "different"
    assert wrong.first_divergence is not None
    assert wrong.first_divergence.dtype == here.dtype.name


def test_nan_in_bfloat16_alone_is_a_difference():
    report = compare(
        lambda x: jnp.where((x > 0.5) & (x.dtype == jnp.bfloat16), jnp.nan, x),
        lambda x: x * 1,
        X,
        dtypes=("float64", "float32", "bfloat16"),
    )
    assert report.verdict == "different"
    assert "NaN stands at other places" in report.summary()


def test_neighbours_after_a_cast_to_bfloat16_are_the_same():
    x = np.linspace(-2, 3, 7)
    report = compare(lambda x: (x * 1.3 * (1 + 1e-7)).astype(jnp.bfloat16), lambda x: (x * 1.3).to(torch.bfloat16), x)
    assert report.verdict == "identical to rounding"


@pytest.mark.parametrize("factors", [(3, 5), (2, 7)])
def test_two_outputs_of_one_name_are_both_judged(factors):
    def outputs(x, first, second):
        return {"a.b": first * x, "a": {"b": second * x}}

    report = compare(lambda x: outputs(x, 2, 5), lambda x: outputs(x, *factors), X)
    assert report.verdict == "different"
    assert compare(lambda x: outputs(x, 2, 5), lambda x: outputs(x, 2, 5), X).same


def test_a_real_part_and_an_output_called_like_it_are_both_judged():
    report = compare(lambda x: {"y.real": 2 * x, "y": x * (1 + 1j)}, lambda x: {"y.real": 3 * x, "y": x * (1 + 1j)}, X)
    assert report.verdict == "different"


def test_an_error_without_words_is_named():
    def wordless(x):
        if x.dtype == jnp.float64:
            raise ValueError
        return x

    assert "cannot run in float64 (ValueError)" in compare(wordless, lambda x: x * 1, X).summary()


@pytest.mark.parametrize(("dtype", "factor"), [("bfloat16", 1.5), ("bfloat16", 1.1), ("float16", 1.02)])
def test_a_factor_in_16_bits_alone_is_a_difference(dtype, factor):
    report = compare(
        lambda x: x * (factor if x.dtype == jnp.dtype(dtype) else 1.0), lambda x: x * 1.0, X, dtypes=("float32", dtype)
    )
    assert report.verdict == "different"
    assert report.first_divergence is not None
    assert report.first_divergence.dtype == dtype


def test_a_derivative_that_cannot_be_moved_leaves_the_noise_of_values_and_gradients(monkeypatch):
    from jaxtut.parity.torch_side import TorchSide

    moved = TorchSide.moved

    def without_checks(self, args, probes, taps, seed, checks=()):
        if checks:
            raise NotImplementedError("no derivative of this")
        return moved(self, args, probes, taps, seed)

    monkeypatch.setattr(TorchSide, "moved", without_checks)
    # As above: what is absorbed shows in the moved operations alone.
    x = np.linspace(-12, -9, 60)
    report = compare(
        lambda x: jax.nn.gelu(x, approximate=False) + 1e-30 * x,
        lambda x: torch.nn.functional.gelu(x) + 1e-30 * x,
        x,
        dtypes=("float64",),
        checks=("vmap",),
    )
    assert {r.kind for r in report.rows if r.verdict == definition.DIFFERENT} <= {"vmap value", "vmap gradient"}
