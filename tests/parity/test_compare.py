"""The engine: it passes honest pairs, fails on every planted error, and names the first divergence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxtut import cnn, ffn
from jaxtut import functional as F
from jaxtut.naming import tap
from jaxtut.parity import assert_same_gradients, compare, definition
from jaxtut.torch_random import Generator
from torch_ref import cnn as torch_cnn
from torch_ref import ffn as torch_ffn
from torch_ref.naming import tap as torch_tap

RNG = np.random.default_rng(0)
X = RNG.standard_normal(1000)
SMALL_BESIDE_LARGE = np.where(np.arange(1000) == 500, 1e-12, 1e3)


def at(index: int, value: float):
    return jnp.where(jnp.arange(1000) == index, value, 0.0)


def scale(index: int, factor: float):
    return jnp.where(jnp.arange(1000) == index, factor, 1.0)


@jax.custom_jvp
def wrong_slope(x):
    return x**2


@wrong_slope.defjvp
def _wrong_slope_jvp(primals, tangents):
    return wrong_slope(primals[0]), 2 * primals[0] * tangents[0] * scale(17, 1.001)


MUTANTS = {
    "wrong sign": (lambda x: -(x**2), lambda x: x**2, X),
    "wrong shape": (lambda x: (x**2)[:, None], lambda x: x**2, X),
    "wrong dtype": (lambda x: (x**2).astype(jnp.float16), lambda x: x**2, X),
    "a lower precision inside": (lambda x: (x**2).astype(jnp.float16).astype(x.dtype), lambda x: x**2, X),
    "NaN": (lambda x: jnp.log(x), lambda x: torch.log(x.abs()), X),
    "NaN in the gradient alone": (
        lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0),
        lambda x: torch.relu(x),
        np.array([-1.0, 1.0]),
    ),
    "a dropped leaf": (lambda x: {"a": x}, lambda x: {"a": x, "b": x**2}, X),
    "a leaf too many": (lambda x: {"a": x, "b": x**2}, lambda x: {"a": x}, X),
    "one wrong element in 1,000": (lambda x: x**2 + at(17, 1e-9), lambda x: x**2, X),
    "one wrong slope in 1,000": (wrong_slope, lambda x: x**2, X),
    "a small element doubled beside large ones": (lambda x: x * scale(500, 2.0), lambda x: x, SMALL_BESIDE_LARGE),
    "a factor of 1 + 1e-6": (lambda x: x**2 * (1 + 1e-6), lambda x: x**2, X),
    "a mean for a sum": (lambda x: jnp.mean(x**2), lambda x: (x**2).sum(), X),
    "a cut graph": (lambda x: jax.lax.stop_gradient(x**2), lambda x: x**2, X),
    "the slope at a kink": (lambda x: jnp.maximum(x, 0), torch.relu, np.array([-1.0, 0.0, 1.0])),
    "a tie split": (lambda x: jnp.max(x), lambda x: x.max(0).values, np.array([1.0, 2.0, 2.0])),
    "overflow in float32 alone": (
        lambda x: jnp.exp(60 * x) / jnp.exp(58 * x),
        lambda x: torch.exp(2 * x),
        np.array([0.5, 2.0]),
    ),
    "a clamped label": (lambda z: -jax.nn.log_softmax(z)[3], lambda z: torch.nan * z.sum(), np.arange(3.0)),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_planted_errors_are_found(name):
    jax_fn, torch_fn, x = MUTANTS[name]
    report = compare(jax_fn, torch_fn, x)
    assert report.verdict == definition.DIFFERENT
    assert not report.same
    assert report.first_divergence is not None
    with pytest.raises(AssertionError, match="first divergence"):
        assert_same_gradients(jax_fn, torch_fn, x)


def small_numbers(n: int = 400):
    return 10.0 ** np.random.default_rng(1).uniform(-5, 1, n)


HONEST = {
    "the same formula": (lambda x: jnp.tanh(x) * x, lambda x: torch.tanh(x) * x, X),
    "unstable, both sides": (lambda x: jnp.sqrt(x * x + 1) - 1, lambda x: torch.sqrt(x * x + 1) - 1, small_numbers()),
    "unstable in PyTorch alone": (
        lambda x: x * x / (jnp.sqrt(x * x + 1) + 1),
        lambda x: torch.sqrt(x * x + 1) - 1,
        small_numbers(),
    ),
    "a cancelling sum": (lambda x: jnp.sum(x) - jnp.sum(x[::-1]), lambda x: x.sum() - x.flip(0).sum(), X * 1e6),
    "a saturated softmax": (lambda x: jax.nn.softmax(x), lambda x: torch.softmax(x, 0), np.array([0.0, 60.0, 100.0])),
    "subnormal results": (lambda x: jnp.exp(x), torch.exp, np.array([-708.0, -715.0, -100.0])),
    "gradients of zero": (lambda x: x * 0, lambda x: x * 0, X),
    "an empty array": (lambda x: x * 2, lambda x: x * 2, np.zeros((0, 3))),
    "whole numbers out": (lambda x: (x > 0, jnp.argmax(x)), lambda x: (x > 0, x.argmax()), X),
    "magnitudes from 1e-20 to 1e20": (lambda x: x**3, lambda x: x**3, 10.0 ** RNG.uniform(-12, 12, 500)),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_pairs_pass(name):
    report = compare(*HONEST[name][:2], HONEST[name][2])
    assert report.same, report.summary()


def test_near_ties_won_differently_in_float32_are_exempt_and_counted():
    # The two members differ by less than float32 can tell after the multiplication, and one side adds in another order.
    base = np.random.default_rng(3).standard_normal((256, 8)).astype(np.float32)
    w = np.random.default_rng(4).standard_normal(8).astype(np.float32)

    def f(x, w):
        return jnp.maximum(jnp.sum(x * w[None], 1), jnp.sum((x * w[None])[:, ::-1], 1) * (1 + 2.0**-26))

    def g(x, w):
        return torch.maximum((x * w).sum(1), (x * w).flip(1).sum(1) * (1 + 2.0**-26))

    report = compare(f, g, base, w)
    assert report.same, report.summary()


def test_bit_identical_is_said_where_it_is_so():
    assert compare(lambda x: x + 1, lambda x: x + 1, X).verdict == definition.BIT_IDENTICAL


def test_an_impure_function_is_said_to_be_impure():
    calls = []

    def impure(x):
        calls.append(0)
        return x * len(calls)

    report = compare(impure, lambda x: x, X, modes=("eager",))
    assert (report.verdict, report.same, report.rows) == (definition.IMPURE, False, ())
    with pytest.raises(AssertionError, match="JAX function is impure"):
        assert_same_gradients(impure, lambda x: x, X, modes=("eager",))
    assert "PyTorch function" in compare(lambda x: x, lambda x: x + torch.rand(()), X).notes[0]


def batch_norm(x):
    mean = x.mean(0, keepdims=True)
    variance = ((x - mean) ** 2).mean(0, keepdims=True)
    return jnp.sum(F.relu(tap("normalized", (x - mean) / jnp.sqrt(variance + 1e-5))), 0)


def torch_batch_norm(x):
    return torch.relu(torch_tap("normalized", torch.nn.functional.batch_norm(x, None, None, training=True))).sum(0)


def constant_channel(seed: int) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal((7, 3))
    x[:, 1] = x[0, 1]
    return x


def test_a_kink_that_rounding_decides_is_undecided_and_a_wrong_slope_is_not():
    def offset(x):  # one side sees 1e-17 where the other sees 0
        return jnp.sum(F.relu(tap("z", x + 1e-17)))

    def plain(x):
        return torch.relu(torch_tap("z", x)).sum()

    x = np.array([0.0, 1.0, -1.0])
    report = compare(offset, plain, x)
    assert report.verdict == definition.UNDECIDED
    with pytest.raises(AssertionError, match="undecided"):
        assert_same_gradients(offset, plain, x)
    assert assert_same_gradients(offset, plain, x, at_kinks="report").verdict == definition.UNDECIDED

    def wrong(x):
        return jnp.sum(jnp.maximum(tap("z", x), 0))

    assert compare(wrong, plain, x).verdict == definition.DIFFERENT
    # Without a name on what enters the kink, nothing shows that rounding decides.
    assert (
        compare(lambda x: jnp.sum(F.relu(x + 1e-17)), lambda x: torch.relu(x).sum(), x).verdict == definition.DIFFERENT
    )


@pytest.mark.parametrize("seed", range(3))
def test_batch_norm_of_a_constant_channel_is_never_called_different(seed):
    assert compare(batch_norm, torch_batch_norm, constant_channel(seed)).verdict != definition.DIFFERENT


def ffn_arguments():
    params = {n: np.asarray(v) for n, v in ffn.init(Generator(1), 12, 7, 4).items()}
    return params, RNG.standard_normal((5, 12)), RNG.integers(0, 4, 5)


def planted_ffn(layer: str, where: str):
    """The feed-forward net with a fault in one layer: in its value, or in its gradient alone."""

    def fault(name, x):
        if name == layer:
            x = x * 1.001 if where == "forward" else x + 0.001 * (x - jax.lax.stop_gradient(x))
        return tap(name, x)

    def loss(params, x, labels):
        hidden = fault("fc1", F.linear(x, params["fc1.weight"], params["fc1.bias"]))
        hidden = fault("relu", F.relu(hidden))
        return F.cross_entropy(fault("fc2", F.linear(hidden, params["fc2.weight"], params["fc2.bias"])), labels)

    return loss


@pytest.mark.parametrize("layer", ["fc1", "relu", "fc2"])
def test_a_fault_in_any_layer_is_named(layer):
    report = compare(planted_ffn(layer, "forward"), torch_ffn.loss, *ffn_arguments())
    assert report.first_divergence is not None
    assert (report.first_divergence.kind, report.first_divergence.name) == ("tap", layer)


@pytest.mark.parametrize(("layer", "named"), [("relu", "fc1"), ("fc2", "relu")])
def test_a_fault_in_the_backward_pass_is_named_by_the_first_gradient_that_parts(layer, named):
    report = compare(planted_ffn(layer, "backward"), torch_ffn.loss, *ffn_arguments())
    assert report.first_divergence is not None
    assert (report.first_divergence.kind, report.first_divergence.name) == ("tap gradient", named)


def test_modules_take_parameters_by_name_and_mapped():
    params, x, _ = ffn_arguments()
    model = torch_ffn.Model(12, 7, 4)
    assert compare(ffn.apply, model, x, params=params).same

    def transposed(params):
        return {n: p.T if p.ndim == 2 else p for n, p in params.items()}

    def apply(kernels, x):
        return (
            F.relu(x @ kernels["fc1.weight"] + kernels["fc1.bias"][None]) @ kernels["fc2.weight"]
            + kernels["fc2.bias"][None]
        )

    report = compare(apply, model, x, params=params, map_params=transposed)
    assert report.same, report.summary()
    assert {row.name for row in report.rows if row.kind == "gradient"} == {*params, "x"}
    with pytest.raises(ValueError, match="no parameters named"):
        compare(ffn.apply, model, x, params={**params, "fc9.weight": np.zeros(1)})


def test_argnums_choose_the_gradients():
    report = compare(lambda x, y: x * y, lambda x, y: x * y, X, X, argnums=1)
    assert {row.name for row in report.rows if row.kind == "gradient"} == {"y"}
    assert not [row for row in compare(lambda x: x, lambda x: x, X, argnums=()).rows if row.kind == "gradient"]
    with pytest.raises(ValueError, match="argnums"):
        compare(lambda x: x, lambda x: x, X, argnums=1)
    with pytest.raises(ValueError, match="nothing to differentiate"):
        compare(lambda n: n, lambda n: n, np.arange(3), argnums=0)


def test_arguments_that_pytorch_never_uses_are_reported():
    report = compare(lambda x, y: x, lambda x, y: x, X, X)
    assert report.same
    assert "never used y" in report.notes[0]


def test_functions_that_look_at_values_run_eagerly():
    report = compare(lambda x: x if bool(jnp.all(x > 0)) else -x, torch.abs, np.array([2.0, 3.0]))
    assert report.same
    assert "run eagerly" in report.notes[0]


def test_x64_is_restored():
    before = jnp.ones(1).dtype
    compare(lambda x: x, lambda x: x, X)
    assert jnp.ones(1).dtype == before == jnp.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cotangents": 0}, "cotangents must be at least 1"),
        ({"dtypes": ("float8",)}, "dtypes must be some of"),
        ({"modes": "jit"}, "modes must be some of"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        compare(lambda x: x, lambda x: x, X, **options)
    with pytest.raises(ValueError, match="at_kinks"):
        assert_same_gradients(lambda x: x, lambda x: x, X, at_kinks="ignore")
    with pytest.raises(TypeError, match="must be NumPy arrays"):
        compare(lambda x: x, lambda x: x, object())


def test_reports_can_be_written():
    import json

    report = compare(lambda x: {"y": jnp.log(x)}, lambda x: {"y": torch.log(x) * 2}, np.array([0.0, 2.0]))
    data = json.loads(report.to_json())
    assert data["verdict"] == "different"
    assert {row["name"] for row in data["rows"]} >= {"y", "x"}
    page = report.to_html()
    assert page.startswith("<!doctype html>")
    assert "http" not in page
    assert "first divergence" in report.summary()


def test_cnn_twin_with_a_wrong_flatten_order_is_found():
    params = {n: np.asarray(v) for n, v in cnn.init(Generator(1), (1, 16, 16), 3).items()}
    params["fc1.weight"] = RNG.standard_normal(params["fc1.weight"].shape)
    images = RNG.standard_normal((2, 1, 20, 20))
    params["fc1.weight"] = RNG.standard_normal((120, 64)) / 8

    def flattened_wrongly(params, images):
        x = F.max_pool2d(F.relu(F.conv2d(images, params["conv1.weight"], params["conv1.bias"])), 2)
        x = F.max_pool2d(F.relu(F.conv2d(x, params["conv2.weight"], params["conv2.bias"])), 2)
        x = jnp.transpose(x, (0, 2, 3, 1)).reshape(len(x), -1)
        for layer in ("fc1", "fc2"):
            x = F.relu(tap(layer, F.linear(x, params[f"{layer}.weight"], params[f"{layer}.bias"])))
        return tap("fc3", F.linear(x, params["fc3.weight"], params["fc3.bias"]))

    assert compare(cnn.apply, torch_cnn.apply, params, images).same
    report = compare(flattened_wrongly, torch_cnn.apply, params, images)
    assert report.first_divergence is not None
    assert report.first_divergence.name == "fc1"


class CutWeight(torch.nn.Module):
    """A parameter called as the argument is, whose gradient is cut off."""

    def __init__(self):
        super().__init__()
        self.x = torch.nn.Parameter(torch.tensor([3.0, 4.0]))

    def forward(self, x):
        return self.x.detach() * x


def test_a_parameter_called_as_an_argument_keeps_its_own_gradient():
    params, x = {"x": np.array([3.0, 4.0])}, np.array([1.0, 2.0])
    report = compare(lambda params, x: params["x"] * x, CutWeight(), x, params=params)
    assert report.verdict == definition.DIFFERENT
    assert {row.name for row in report.rows if row.kind == "gradient"} == {"x", "x#2"}
    assert report.first_divergence is not None
    assert report.first_divergence.name == "x"
