"""Formulas that are evaluated beside the two sides: activations, normalizations, cross-entropies, products, and what is added on one side."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtut.parity.diagnosis import Trap
from jaxtut.parity.diagnosis.activations import FORMULAS

RNG = np.random.default_rng(0)
X = 2 * RNG.standard_normal((6, 8))
erf = np.vectorize(math.erf)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def cross_entropy(x, y, smoothing=0.0):
    classes = x.shape[1]
    target = (1 - smoothing) * np.eye(classes)[y] + smoothing / classes
    return -(target * np.log(softmax(x))).sum(axis=1).mean()


def test_gelu_by_tanh(see):
    tanh = 0.5 * X * (1 + np.tanh(math.sqrt(2 / math.pi) * (X + 0.044715 * X**3)))
    exact = 0.5 * X * (1 + erf(X / math.sqrt(2)))
    section, text = see(tanh, exact, inputs={"x": X})
    assert (section, text) == (Trap.GELU, "an activation of x: GELU by tanh in JAX, GELU by erf in PyTorch")
    section, text = see(tanh, exact, kind="tap", name="h", values={"h": exact, "hidden": X})
    assert (section, "of hidden" in text) == (Trap.GELU, True)
    _, text = see(exact, X / (1 + np.exp(-1.702 * X)), inputs={"x": X})
    assert "GELU by erf in JAX, GELU by the sigmoid of 1.702 x in PyTorch" in text


def test_the_slopes_of_gelu(see):
    v = RNG.standard_normal((3, 6, 8))
    slopes = {name: FORMULAS[name][1](X) for name in ("GELU by tanh", "GELU by erf")}
    jax, torch = (v * slope for slope in slopes.values())
    section, text = see(jax, torch, kind="gradient", name="x", inputs={"x": X})
    assert (section, "the slopes of the activation of x: GELU by tanh in JAX, GELU by erf in PyTorch" in text) == (
        Trap.GELU,
        True,
    )


def test_another_activation(see):
    section, text = see(np.maximum(X, 0), X / (1 + np.exp(-X)), inputs={"x": X})
    assert (section, text) == (Trap.ACTIVATION, "an activation of x: ReLU or ReLU6 in JAX, SiLU in PyTorch")


@pytest.mark.parametrize("name", FORMULAS)
def test_the_slope_is_the_derivative(name):
    formula, slope = FORMULAS[name]
    x = np.linspace(-7.03, 7.06, 101)
    assert np.allclose((formula(x + 1e-6) - formula(x - 1e-6)) / 2e-6, slope(x), atol=1e-8)


@settings(max_examples=60, deadline=None)
@given(st.permutations(list(FORMULAS)), st.booleans())
def test_any_two_activations(see, names, of_gradient):
    jax, torch = names[:2]
    x = np.linspace(-7.03, 7.06, 40)
    v = np.random.default_rng(0).standard_normal((2, 40)) if of_gradient else 1
    j, t = (FORMULAS[name][int(of_gradient)](x) * v for name in (jax, torch))
    _, text = see(j, t, kind="gradient" if of_gradient else "value", name="x" if of_gradient else "y", inputs={"x": x})
    # Slopes alone may have two explanations, and then none is given; a function of the other side is one as well.
    told = f"{jax} in JAX, {torch} in PyTorch" in text
    assert told or "of PyTorch" in text or "of JAX" in text or of_gradient or "x itself" in text or "from x" in text, (
        text
    )


@pytest.mark.parametrize(
    ("trap", "words", "jax"),
    [
        (Trap.EPSILON, "eps = 1e-06 in JAX, eps = 1e-05 in PyTorch", {"eps": 1e-6}),
        (Trap.EPSILON, "eps outside the root in JAX, eps inside the root in PyTorch", {"inside": False}),
        (Trap.VARIANCE, "n − 1 below the variance in JAX, n below the variance in PyTorch", {"correction": 1}),
        (
            Trap.NORMALIZATION,
            "no mean subtracted (RMS norm) in JAX, the mean subtracted in PyTorch",
            {"centred": False},
        ),
        (Trap.NORMALIZATION, "axes 0 in JAX, axes 1 in PyTorch", {"axis": 0}),
    ],
)
@pytest.mark.parametrize("affine", [False, True])
def test_normalizations(see, trap, words, jax, affine):
    weight, bias = (RNG.standard_normal((2, 8)) + 2) if affine else (1, 0)

    def normalized(axis=1, eps=1e-5, inside=True, correction=0, centred=True):
        mean = X.mean(axis=axis, keepdims=True) if centred else 0
        variance = ((X - mean) ** 2).sum(axis=axis, keepdims=True) / (X.shape[axis] - correction)
        return (X - mean) / (np.sqrt(variance + eps) if inside else np.sqrt(variance) + eps) * weight + bias

    inputs = {"x": X} | ({"weight": weight, "bias": bias} if affine else {})
    section, text = see(normalized(**jax), normalized(), inputs=inputs)
    assert (section, words in text) == (trap, True), text


def test_the_variance_of_a_batch(see):
    x = RNG.standard_normal((4, 3, 5, 5))

    def normalized(correction):
        deviation = x.std(axis=(0, 2, 3), keepdims=True, ddof=correction)
        return (x - x.mean(axis=(0, 2, 3), keepdims=True)) / deviation

    section, text = see(normalized(1), normalized(0), inputs={"x": x})
    assert (section, "n − 1 below the variance in JAX" in text) == (Trap.VARIANCE, True)


def test_running_statistics(see):
    x, mean, variance = RNG.standard_normal((4, 3, 5, 5)), RNG.standard_normal(3), RNG.uniform(0.5, 2, 3)
    weight, bias = RNG.standard_normal((2, 3))
    inputs = {
        "bn.weight": weight,
        "bn.bias": bias,
        "bn.running_mean": mean,
        "bn.running_var": variance,
        "other": weight + 1,
    }
    inputs |= {f"other.{i}": RNG.standard_normal(3) for i in range(3)}

    def normalized(m, v, eps=1e-5):
        m, v, w, b = (s.reshape(1, 3, 1, 1) for s in (m, v, weight, bias))
        return (x - m) / np.sqrt(v + eps) * w + b

    torch = normalized(mean, variance)
    section, text = see(
        normalized(mean, variance, 1e-3), torch, kind="tap", name="bn", inputs=inputs, values={"conv": x, "bn": torch}
    )
    assert (section, text) == (Trap.EPSILON, "a normalization of conv: eps = 0.001 in JAX, eps = 1e-05 in PyTorch")
    own = normalized(x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3)))
    section, text = see(own, torch, kind="tap", name="bn", inputs=inputs, values={"conv": x})
    assert section == Trap.NORMALIZATION
    assert "its own statistics (training)" in text
    assert "in JAX, running statistics (evaluation) in PyTorch" in text


def test_updates_of_running_statistics(see):
    old, new = RNG.uniform(0.5, 2, (2, 6))
    section, text = see(0.1 * old + 0.9 * new, 0.9 * old + 0.1 * new, name="new", inputs={"old": old})
    assert (section, "9 times PyTorch's: a momentum of 0.1 is what JAX weighs the old by" in text) == (Trap.STEP, True)
    torch = 0.9 * old + 0.1 * new * 100 / 99
    section, text = see(0.9 * old + 0.1 * new, torch, name="new", inputs={"old": old})
    assert (section, "added to 0.9 · old" in text, "n = 100" in text) == (Trap.VARIANCE, True, True)
    images = np.zeros((4, 6, 5, 5))
    _, text = see(0.9 * old + 0.1 * new, torch, name="new", inputs={"old": old, "x": images})
    assert "(n − 1)/n for n = 100, the product of axes 0, 2, 3 of x" in text


@pytest.mark.parametrize(("jax", "torch"), [(0.1, 0.0), (0.0, 0.1), (0.2, 0.1)])
def test_label_smoothing(see, jax, torch):
    y = RNG.integers(0, 8, 6)
    sides = [cross_entropy(X, y, smoothing) for smoothing in (jax, torch)]
    assert see(*sides, inputs={"x": X, "y": y}) == (
        Trap.SMOOTHING,
        f"label smoothing {jax:g} in JAX, {torch:g} in PyTorch",
    )
    target = [(softmax(X) - (1 - s) * np.eye(8)[y] - s / 8) / 6 for s in (jax, torch)]
    section, text = see(*(g[None] for g in target), kind="gradient", name="x", inputs={"x": X, "y": y})
    assert (section, "all classes but the one in y" in text) == (Trap.SMOOTHING, True)


def test_smoothing_over_the_other_classes(see):
    y = RNG.integers(0, 8, 6)
    section, text = see(cross_entropy(X, y, 0.1 * 8 / 7), cross_entropy(X, y, 0.1), inputs={"x": X, "y": y})
    assert (section, "label smoothing of 0.1 over the other classes in JAX, of 0.1 over all in PyTorch" in text) == (
        Trap.SMOOTHING,
        True,
    )


def test_a_softmax_before_a_cross_entropy(see):
    y = RNG.integers(0, 8, 6)
    section, text = see(cross_entropy(softmax(X), y), cross_entropy(X, y), inputs={"x": X, "y": y})
    assert (section, "the softmax of x" in text) == (Trap.SOFTMAX_TWICE, True)


def test_labels_that_wrap(see):
    y = np.array([1, -1, 3, 4, -100, 2])
    wrapped = np.clip(np.where(y < 0, y + 8, y), 0, 7)
    kept = np.isin(y, (1, 2, 3, 4))
    section, text = see(cross_entropy(X, wrapped), cross_entropy(X[kept], y[kept]), inputs={"x": X, "y": y})
    assert (section, "label in y is out of range" in text) == (Trap.LABELS, True)


def test_softmaxes(see):
    section, text = see(softmax(X, 0), softmax(X, 1))
    assert (section, "JAX sums to 1 along axis 0, PyTorch along axis 1" in text) == (Trap.SOFTMAX_AXIS, True)
    q, k = RNG.standard_normal((2, 5, 16))
    jax, torch = softmax(q @ k.T), softmax(q @ k.T / 4)
    section, text = see(jax, torch, inputs={"q": q, "k": k})
    assert section == Trap.SQRT_D
    assert "JAX's scores are 4 times PyTorch's: √d for d = 16, the length of axis 1 of q" in text
    assert see(np.log(jax), np.log(torch), inputs={"q": q, "k": k})[0] == Trap.SQRT_D


@pytest.mark.parametrize(
    ("jax", "torch", "words"),
    [
        (softmax(X), np.log(softmax(X)), "JAX is the exponential of PyTorch"),
        (softmax(X), X, "JAX is the softmax along axis 1 of PyTorch"),
        (X, softmax(X, 0), "PyTorch is the softmax along axis 0 of JAX"),
        (X - np.log(np.exp(X).sum(axis=1, keepdims=True)), X, "JAX is the log-softmax along axis 1 of PyTorch"),
        (X**2, np.abs(X), "JAX is the square of PyTorch"),
        (1 / X, X, "JAX is the inverse of PyTorch"),
        (1 / (1 + np.exp(-X)), X, "JAX is the sigmoid of PyTorch"),
        (np.maximum(X, 0), X, "JAX is the ReLU of PyTorch"),
        (X, np.abs(X), "PyTorch is the absolute value of JAX"),
        (X, np.rint(X), "PyTorch is the nearest whole number of JAX"),
        (np.array(np.sqrt(1.7)), np.array(1.7), "PyTorch is the square of JAX"),
    ],
)
def test_functions_of_the_other_side(see, jax, torch, words):
    section, text = see(jax, torch)
    assert (section, words in text) == (Trap.ELEMENTWISE, True), text


@pytest.mark.parametrize(
    ("jax", "torch", "words"),
    [
        (np.log(X**2 + 1e-8), np.log(X**2), "inside a logarithm: 1e-08 in JAX, none in PyTorch"),
        (np.sqrt(X**2), np.sqrt(X**2 + 1e-6), "inside a square root: none in JAX, 1e-06 in PyTorch"),
        (1 / (X**2 + 1e-5), 1 / (X**2 + 1e-3), "in a denominator: 1e-05 in JAX, 0.001 in PyTorch"),
        (
            1 / np.sqrt(X**2 + 1e-5),
            1 / np.sqrt(X**2 + 1e-6),
            "inside an inverse square root: 1e-05 in JAX, 1e-06 in PyTorch",
        ),
        (X / (X**2 + 1e-5), X / (X**2 + 1e-6), "in the denominator below x: 1e-05 in JAX, 1e-06 in PyTorch"),
    ],
)
def test_epsilons(see, jax, torch, words):
    section, text = see(jax, torch, inputs={"x": X})
    assert (section, words in text) == (Trap.EPSILON, True), text


def test_an_epsilon_in_a_slope(see):
    x, v = np.abs(X), RNG.standard_normal((3, 6, 8))
    section, text = see(v / (x + 1e-8), v / x, kind="gradient", name="x", inputs={"x": x})
    assert (section, "1e-08 in JAX, none in PyTorch" in text) == (Trap.EPSILON, True)
    section, text = see(v / np.sqrt(x + 1e-6), v / np.sqrt(x), kind="gradient", name="x", inputs={"x": x})
    assert (section, "in a square root: 1e-06 in JAX" in text) == (Trap.EPSILON, True)


def convolved(x, w, stride=1, pads=(1, 1), mode="constant"):
    x = np.pad(x, ((0, 0), (0, 0), pads, pads), mode=mode)
    size = [(n - k) // stride + 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
    out = np.zeros((len(x), len(w), *size))
    for i, j in np.ndindex(*size):
        window = x[:, :, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]]
        out[:, :, i, j] = np.einsum("nchw,ochw->no", window, w)
    return out


@pytest.mark.parametrize("with_bias", [False, True])
def test_convolutions(see, with_bias):
    x, w = RNG.standard_normal((4, 3, 8, 8)), RNG.standard_normal((5, 3, 3, 3))
    bias = RNG.standard_normal(5) if with_bias else np.zeros(5)
    inputs = {"x": x, "w": w, "bias": bias}

    def told(torch_options, jax_x=x, jax_w=w, **jax_options):
        jax, torch = convolved(jax_x, jax_w, **jax_options), convolved(x, w, **torch_options)
        return see(*(side + bias[:, None, None] for side in (jax, torch)), inputs=inputs)

    section, text = told({"stride": 2}, stride=2, pads=(0, 1))
    assert (section, "the padding starts with 0 in JAX, with 1 in PyTorch" in text) == (Trap.BORDER, True)
    section, text = told({}, jax_w=w[:, :, ::-1, ::-1])
    assert (section, text) == (Trap.FLIPPED, "a convolution of x with w: the kernel is flipped in JAX")
    section, text = told({"pads": (0, 0)}, pads=(0, 0), jax_w=w.transpose(0, 1, 3, 2))
    assert (section, "height and width of the kernel are swapped" in text) == (Trap.TRANSPOSED, True)
    section, text = told({}, mode="reflect")
    assert (section, "the border is reflect in JAX and zeros in PyTorch" in text) == (Trap.BORDER, True)
    section, text = told({}, jax_x=x.reshape(4, 8, 8, 3).transpose(0, 3, 1, 2))
    assert (section, "JAX reshapes the images" in text) == (Trap.FLATTEN, True)
    assert told({}, jax_w=w[::-1])[0] in ("", Trap.FLIPPED, Trap.PERMUTED)


def test_swapped_channels_of_a_kernel(see):
    x, w = RNG.standard_normal((3, 5, 6, 6)), RNG.standard_normal((5, 5, 3, 3))
    section, text = see(convolved(x, w.swapaxes(0, 1)), convolved(x, w), inputs={"x": x, "w": w})
    assert (section, "output and input channels of the kernel are swapped" in text) == (Trap.TRANSPOSED, True)


def test_a_bias_left_out(see):
    w, b = RNG.standard_normal((5, 8)), RNG.standard_normal(5)
    torch = X @ w.T + b
    section, text = see(torch - b, torch, inputs={"x": X, "w": w, "b": b})
    assert (section, text) == (Trap.BIAS, "JAX is PyTorch without b: it is left out")
    section, text = see(torch + b, torch, inputs={"x": X, "w": w, "b": b})
    assert (section, "with b once more" in text) == (Trap.BIAS, True)


def test_a_residual_connection(see):
    section, text = see(np.sin(X), X + np.sin(X), inputs={"x": X})
    assert (section, "x itself is added in PyTorch and not in JAX" in text) == (Trap.RESIDUAL, True)
    section, text = see(np.sin(X) + 0.3 * X, np.sin(X), inputs={"x": X})
    assert (section, "0.3 times x apart" in text) == (Trap.RESIDUAL, True)


def test_weight_decay(see):
    w, gradient = RNG.standard_normal((4, 5)), RNG.standard_normal((4, 5))
    torch = w - 0.1 * gradient
    section, text = see(torch - 0.1 * 0.01 * w, torch, kind="step", name="w", inputs={"w": w})
    assert (section, "-0.001 times w apart" in text) == (Trap.DECAY, True)
    v = np.array([1.0, -0.7, 2.1])
    stacked = v[:, None, None] * gradient
    jax = stacked + v[:, None, None] * 0.02 * w
    section, text = see(jax, stacked, kind="gradient", name="w", inputs={"w": w}, cotangents=v)
    assert (section, "0.02 times w apart" in text) == (Trap.DECAY, True)
    _, text = see(jax, stacked, kind="gradient", name="w", inputs={"w": w})
    assert "a multiple of w apart" in text


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (-1, "the wrong sign: a step uphill"),
        (0.1, "0.1 times PyTorch's: a learning rate"),
        (0, "JAX leaves w as it is"),
    ],
)
def test_a_step_of_another_size(see, scale, words):
    w, step = RNG.standard_normal((4, 5)), RNG.standard_normal((4, 5))
    section, text = see(w + scale * step, w + step, kind="step", name="w'", inputs={"w": w})
    assert section in (Trap.STEP, Trap.SWAPPED)
    assert words in text or "PyTorch's w" in text


@pytest.mark.parametrize(
    ("offset", "words"),
    [
        (1, "plus 1 everywhere: 1"),
        (-0.5, "−1/2"),
        (np.log(8), "N = 8, the length of axis 1"),
        (0.123, "plus 0.123 everywhere"),
    ],
)
def test_a_constant_offset(see, offset, words):
    section, text = see(X + offset, X, name="x", inputs={"x": np.zeros((2, 8))})
    assert (section, words in text) == (Trap.OFFSET, True), text


def test_offsets_of_single_numbers_and_of_integers(see):
    section, text = see(np.array(1.3 + np.log(2 * np.pi) / 2), np.array(1.3))
    assert (section, "½ ln 2π" in text) == (Trap.OFFSET, True)
    assert see(np.array(1.3 + 0.0123), np.array(1.3)) == ("", "")
    y = RNG.integers(0, 100, 9)
    assert see(y + 1, y) == (
        Trap.OFFSET,
        "JAX is PyTorch plus 1 everywhere: labels or indices that count from 1 on one side",
    )


def test_an_offset_for_each_row(see):
    section, text = see(X - X.mean(axis=1, keepdims=True), X)
    assert (section, "each index of axis 0" in text) == (Trap.OFFSET, True)
