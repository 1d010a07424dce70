"""Every activation function at its kinks, at huge numbers, at infinities and NaN, in every dtype, against PyTorch."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as TF

from jaxtut import functional as F
from jaxtut import parity

POINTS = [
    -np.inf, -1e4, -800.0, -200.0, -20.5, -6.0, -3.0, -1.0, -0.5, -0.25, -0.0, 0.0, 0.25, 0.5, 1.0, 3.0, 6.0, 20.0, 20.5, 200.0, 1e4, np.inf, np.nan,
]  # fmt: skip
EPS = 4 * np.finfo("float32").eps
FINITE = np.array([x for x in POINTS if np.isfinite(x)])
PLAIN = (
    "relu", "relu6", "hardtanh", "hardswish", "hardsigmoid", "elu", "selu", "celu", "leaky_relu", "gelu", "logsigmoid", "hardshrink",
    "softshrink", "tanhshrink", "softsign", "softplus", "silu", "mish", "tanh", "sigmoid",
)  # fmt: skip
# Name, and the function as a function of its module.
OPS: dict[str, Callable] = {
    **{name: lambda F, name=name: getattr(F, name) for name in PLAIN},
    "threshold": lambda F: lambda x: F.threshold(x, 1.0, 9.0),
    "hardtanh, equal bounds": lambda F: lambda x: F.hardtanh(x, 1.0, 1.0),
    "elu, alpha -0.5": lambda F: lambda x: F.elu(x, -0.5),
    "celu, alpha 0.3": lambda F: lambda x: F.celu(x, 0.3),
    "celu, alpha -2": lambda F: lambda x: F.celu(x, -2.0),
    "gelu by tanh": lambda F: lambda x: F.gelu(x, approximate="tanh"),
    "softplus, beta 2, threshold 5": lambda F: lambda x: F.softplus(x, 2.0, 5.0),
    "softplus, beta -1": lambda F: lambda x: F.softplus(x, -1),
    "softplus, beta 0": lambda F: lambda x: F.softplus(x, 0),
    "hardshrink, lambd -1": lambda F: lambda x: F.hardshrink(x, -1.0),
    "leaky_relu, slope NaN": lambda F: lambda x: F.leaky_relu(x, float("nan")),
}
# PyTorch gives NaN at +inf in float32 and narrower, and inf in float64 and for an array of one element.
UNDEFINED = {"gelu": np.inf}


def both(name: str, dtype: str, cotangent: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return value and slope, ours, then PyTorch's, in float64."""
    x = torch.tensor(POINTS, dtype=torch.float64).to(getattr(torch, dtype)).requires_grad_()
    expected = OPS[name](TF)(x)
    (slope,) = torch.autograd.grad(expected, x, torch.full_like(expected, cotangent))
    with jax.enable_x64(True):
        value, pull_back = jax.vjp(OPS[name](F), jnp.asarray(x.detach().double().numpy()).astype(dtype))
        (ours,) = pull_back(jnp.full(value.shape, cotangent, value.dtype))
    assert value.dtype.name == dtype == ours.dtype.name
    a, b, c, d = (np.asarray(a, np.float64) for a in (value, ours, expected.detach().double(), slope.double()))
    return a, b, c, d


def kinds(x: np.ndarray) -> np.ndarray:
    """Mark NaN, infinities and zeros with their sign; every other number is 'x'."""
    words = np.where(np.isnan(x), "nan", np.where(np.isinf(x), "inf", np.where(np.abs(x) < 1e-30, "0", "x")))
    return np.where(np.isnan(x) | (np.abs(x) < 1e-30), words, np.char.add(np.where(x < 0, "-", "+"), words))


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_kinds_of_numbers(name: str, dtype: str) -> None:
    value, slope, expected, expected_slope = both(name, dtype, 1.0)
    counted = np.array([x != UNDEFINED.get(name) for x in POINTS])
    # In float32 and narrower 1 + erf is 0 far to the left in PyTorch.
    absorbed = (expected == 0) & (np.abs(value) < 1e-6) & (name == "gelu")
    np.testing.assert_array_equal(kinds(value)[counted & ~absorbed], kinds(expected)[counted & ~absorbed])
    # In 16 bits PyTorch's composite slopes lose a small number to 0, ours does not.
    lost = (expected_slope == 0) & (np.abs(slope) < 1e-4) & (dtype in ("bfloat16", "float16"))
    np.testing.assert_array_equal(kinds(slope)[counted & ~lost], kinds(expected_slope)[counted & ~lost])


@pytest.mark.parametrize("name", OPS)
def test_numbers(name: str) -> None:
    report = parity.compare(OPS[name](F), OPS[name](TF), FINITE, modes=("jit", "eager"), dtypes=("float64", "float32"))
    assert report.same or "NaN" in name, report.summary()


@pytest.mark.parametrize(
    "name",
    ["relu", "relu6", "hardtanh", "hardswish", "hardsigmoid", "leaky_relu", "hardshrink", "softshrink", "threshold"],
)
@pytest.mark.parametrize("cotangent", [np.inf, np.nan])
def test_a_slope_of_zero_stays_zero(name: str, cotangent: float) -> None:
    _, slope, _, expected = both(name, "float64", cotangent)
    np.testing.assert_array_equal(slope, expected)


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (0, 3), (1, 1)])
def test_small_shapes(name: str, shape: tuple[int, ...]) -> None:
    x = np.full(shape, 0.75, "float32")
    ours, theirs = OPS[name](F)(x), OPS[name](TF)(torch.tensor(x))
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=EPS, atol=EPS)


INTEGERS = np.array([-2, 0, 1, 3, 9])
TAKE_INTEGERS = {"relu", "relu6", "hardtanh", "threshold", "hardtanh, equal bounds"}
WIDEN_INTEGERS = {"tanhshrink", "softsign", "tanh", "sigmoid"}


@pytest.mark.parametrize("name", [n for n in OPS if n != "leaky_relu, slope NaN"])
@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "bool"])
def test_integers(name: str, dtype: str) -> None:
    x = INTEGERS.astype(dtype)
    with jax.enable_x64(True):
        if dtype == "bool" and name in ("tanh", "sigmoid"):
            assert OPS[name](F)(x).dtype == jnp.float32
        elif dtype == "bool" or name not in TAKE_INTEGERS | WIDEN_INTEGERS:
            with pytest.raises(TypeError, match=f"{name.split(',')[0].split(' ')[0]}: input must"):
                OPS[name](F)(x)
            with pytest.raises((NotImplementedError, RuntimeError)):
                OPS[name](TF)(torch.tensor(x))
        else:
            ours, theirs = OPS[name](F)(x), OPS[name](TF)(torch.tensor(x)).numpy()
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=EPS, atol=EPS)
