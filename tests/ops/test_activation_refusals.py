"""What the activation functions refuse, in which words, and that PyTorch refuses it too; random forms; and values by hand."""

import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as TF

from jaxtut import functional as F

X = np.array([[-2.0, 0.0, 3.0]], "float32")
REFUSED = [
    ("relu", (1.0,), {}, TypeError, "relu: input must be an array, but float was given"),
    ("relu", (X,), {"inplace": True}, ValueError, "relu: inplace=True is not taken"),
    ("hardtanh", (X, 2.0, 1.0), {}, ValueError, "hardtanh: min_val must not be above max_val, but 2.0 and 1.0 were given"),
    ("hardtanh", (np.array([1], "uint8"),), {}, TypeError, "hardtanh: min_val -1.0 does not fit an input of uint8"),
    ("threshold", (X, "a", 1.0), {}, TypeError, "threshold: threshold must be a number, but 'a' was given"),
    ("elu", (X, "a"), {}, TypeError, "elu: alpha must be a number, but 'a' was given"),
    ("celu", (X, 0.0), {}, ValueError, "celu: alpha must not be 0"),
    ("softshrink", (X, -1.0), {}, ValueError, "softshrink: lambd must be at least 0, but -1.0 was given"),
    ("softshrink", (X, float("nan")), {}, ValueError, "softshrink: lambd must be at least 0, but nan was given"),
    ("prelu", (X, np.ones(2, "float32")), {}, ValueError, "prelu: weight must hold 1 number or one for each of the 3 channels"),
    ("prelu", (X, np.ones((1, 3), "float32")), {}, ValueError, r"prelu: weight must have shape \(\) or \(channels,\), but \(1, 3\) was given"),
    ("prelu", (X, np.ones(1, "float16")), {}, TypeError, "prelu: expected arguments of one dtype, but input float32, weight float16 were given"),
    ("prelu", (X[0, 0], np.ones(2, "float32")), {}, ValueError, "prelu: weight must hold 1 number"),
    ("prelu", (X, 0.5), {}, TypeError, "prelu: weight must be an array, but float was given"),
    ("glu", (X,), {}, ValueError, r"glu: dimension -1 must have an even size, but input of shape \(1, 3\) was given"),
    ("glu", (X[0, 0],), {}, ValueError, "glu: input must have a dimension to halve"),
    ("glu", (X, 2), {}, ValueError, r"glu: dim must lie in \[-2, 1\]"),
    ("gelu", (X,), {"approximate": "x"}, ValueError, "gelu: approximate must be 'none' or 'tanh', but 'x' was given"),
    ("rrelu", (X, 0.5, 0.1), {}, ValueError, "rrelu: lower must not be above upper, but 0.5 and 0.1 were given"),
    ("softmin", (X, 3), {}, ValueError, r"softmin: dim must lie in \[-2, 1\]"),
    ("softmax", (X, 1), {"dtype": "int32"}, TypeError, "softmax: dtype must be a floating dtype, but int32 was given"),
]  # fmt: skip
OURS_ALONE = [
    ("rrelu", (X,), {"training": True}, ValueError, "rrelu: training needs a key"),
    ("gumbel_softmax", (X,), {}, ValueError, "gumbel_softmax: a draw needs a key"),
    ("gumbel_softmax", (X,), {"dim": 2}, ValueError, r"gumbel_softmax: dim must lie in \[-2, 1\]"),
]
ACTIVATIONS = (
    "threshold", "relu", "relu6", "hardtanh", "hardswish", "hardsigmoid", "elu", "selu", "celu", "leaky_relu", "rrelu", "glu", "softmin", "softmax",
    "log_softmax", "silu", "mish", "gumbel_softmax",
)  # fmt: skip


@pytest.mark.parametrize(("name", "args", "options", "error", "message"), [*REFUSED, *OURS_ALONE])
def test_refuses(name, args, options, error, message):
    with pytest.raises(error, match=message):
        getattr(F, name)(*args, **options)
    with pytest.raises(error, match=message):
        jax.jit(lambda x: getattr(F, name)(x, *args[1:], **options))(args[0]) if isinstance(
            args[0], (np.ndarray, np.generic)
        ) else getattr(F, name)(*args, **options)


@pytest.mark.parametrize(("name", "args", "options", "error", "message"), REFUSED)
def test_pytorch_refuses_too(name, args, options, error, message):
    if "inplace" in options:
        return
    given = [torch.tensor(a) if isinstance(a, (np.ndarray, np.generic)) else a for a in args]
    options = {k: torch.int32 if v == "int32" else v for k, v in options.items()}
    with pytest.raises((RuntimeError, TypeError, ValueError, IndexError)):
        getattr(TF, name)(*given, **options)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_signatures_are_pytorchs(name):
    theirs = inspect.signature(getattr(TF, name)).parameters
    ours = inspect.signature(getattr(F, name)).parameters
    assert [n for n in ours if n != "key"] == list(theirs)
    assert [ours[n].default for n in theirs] == [p.default for p in theirs.values()]
    assert "key" not in ours or ours["key"].kind is inspect.Parameter.KEYWORD_ONLY


def test_random_slopes():
    x = -np.ones((100, 100), "float32")
    key = jax.random.key(0)
    y = F.rrelu(x, 0.25, 0.75, training=True, key=key)
    assert -0.75 < float(y.min()) < -0.74
    assert -0.26 < float(y.max()) <= -0.25
    assert abs(float(y.mean()) + 0.5) < 0.01
    np.testing.assert_array_equal(jax.grad(lambda x: F.rrelu(x, 0.25, 0.75, training=True, key=key).sum())(x), -y)
    assert (F.rrelu(-x, training=True, key=key) == -x).all()
    assert F.rrelu(x.astype("float16"), training=True, key=key).dtype == jnp.float16


def test_gumbel_softmax_draws_from_the_softmax():
    p = np.array([0.1, 0.2, 0.7], "float32")
    keys = jax.random.split(jax.random.key(0), 4000)
    drawn = jax.vmap(lambda key: F.gumbel_softmax(np.log(p), hard=True, key=key))(keys)
    assert set(np.unique(np.asarray(drawn).round(5))) == {0.0, 1.0}
    np.testing.assert_allclose(drawn.mean(0), p, atol=0.03)
    soft, hard = (
        jax.grad(lambda z, hard=hard: F.gumbel_softmax(z, hard=hard, key=keys[0])[2])(np.log(p))
        for hard in (False, True)
    )
    np.testing.assert_array_equal(soft, hard)
    assert F.gumbel_softmax(np.float32(3.0), key=keys[0]) == 1


def test_values_by_hand():
    x = np.float32(1.5)
    phi, sigma = (1 + math.erf(1.5 / math.sqrt(2))) / 2, 1 / (1 + math.exp(-1.5))
    by_hand = {
        "gelu": 1.5 * phi,
        "silu": 1.5 * sigma,
        "mish": 1.5 * math.tanh(math.log1p(math.exp(1.5))),
        "softplus": math.log1p(math.exp(1.5)),
        "softsign": 0.6,
        "hardswish": 1.5 * 4.5 / 6,
        "hardsigmoid": 4.5 / 6,
        "tanhshrink": 1.5 - math.tanh(1.5),
        "logsigmoid": math.log(sigma),
    }
    for name, value in by_hand.items():
        assert float(getattr(F, name)(x)) == pytest.approx(value, rel=1e-6)
    slopes = {
        "gelu": phi + 1.5 * math.exp(-1.125) / math.sqrt(2 * math.pi),
        "silu": sigma * (1 + 1.5 * (1 - sigma)),
        "elu": 1.0,
        "selu": 1.0507009873554805,
        "softsign": 1 / 2.5**2,
        "hardswish": 1.0,
        "tanhshrink": math.tanh(1.5) ** 2,
    }
    for name, value in slopes.items():
        assert float(jax.grad(getattr(F, name))(x)) == pytest.approx(value, rel=1e-6)


def test_far_tails_keep_their_digits():
    # 1 + erf(-8) is 0 in float32; the tail of the normal distribution is not.
    assert float(F.gelu(np.float32(-8.0))) == pytest.approx(-8 * math.erfc(8 / math.sqrt(2)) / 2, rel=1e-5)
    assert float(F.softplus(np.float32(-80.0))) == pytest.approx(math.exp(-80), rel=1e-5)
