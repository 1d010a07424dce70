"""Mistakes in activation functions: slopes at kinks, look-alike formulas, saturation, hand-written derivatives."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from jaxtut import functional as F

from .mutant import Mutant

FAMILY = "activations"
KINKS = np.array([-7.0, -3.0, -1.0, -0.4, 0.0, 0.3, 1.0, 3.0, 6.0, 8.0])


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of activation functions."""
    yield from _kinks()
    yield from _formulas()
    yield from _saturated()
    yield from _slopes()


def between(x, low, high):
    """Clip with slope 0 at both bounds, as PyTorch's hardtanh and relu6 have it."""
    return jnp.where((x > low) & (x < high), x, jnp.clip(jax.lax.stop_gradient(x), low, high))


def _kinks() -> Iterator[Mutant]:
    import torch
    import torch.nn.functional as T

    for name, mistake, wrong, torch_fn, honest in (
        ("relu by maximum", "jnp.maximum has slope ½ at 0.", lambda x: jnp.maximum(x, 0), T.relu, F.relu),
        (
            "relu by a mask",
            "x where x >= 0 has slope 1 at 0.",
            lambda x: jnp.where(x >= 0, x, 0),
            T.relu,
            F.relu,
        ),
        ("leaky_relu at 0", "jax.nn.leaky_relu has slope 1 at 0.", jax.nn.leaky_relu, T.leaky_relu, F.leaky_relu),
        (
            "abs at 0",
            "jnp.abs has slope 1 at 0.",
            jnp.abs,
            torch.abs,
            lambda x: x * jax.lax.stop_gradient(jnp.sign(x)),
        ),
        (
            "hardtanh by clip",
            "jnp.clip has slope ½ at its bounds.",
            lambda x: jnp.clip(x, -1, 1),
            T.hardtanh,
            lambda x: between(x, -1, 1),
        ),
        (
            "relu6 by clip",
            "jnp.clip has slope ½ at 0 and 6.",
            lambda x: jnp.clip(x, 0, 6),
            T.relu6,
            lambda x: between(x, 0, 6),
        ),
    ):
        yield Mutant(name, FAMILY, mistake, wrong, torch_fn, honest, (KINKS,), cause="kink")


def _formulas() -> Iterator[Mutant]:
    import torch
    import torch.nn.functional as T

    x = np.random.default_rng(4).standard_normal((4, 4)) * 2
    slopes = np.array([0.1, 0.2, 0.3, 0.4])

    def prelu(shape):
        return lambda x, a: jnp.where(x > 0, x, a.reshape(shape) * x)

    def exact_gelu(x):
        return jax.nn.gelu(x, approximate=False)

    yield Mutant(
        "gelu by tanh",
        FAMILY,
        "jax.nn.gelu approximates by default; PyTorch's gelu has the error function.",
        jax=jax.nn.gelu,
        torch=T.gelu,
        honest=exact_gelu,
        args=(x,),
        cause="gelu|tanh|erf|approximat",
    )
    yield Mutant(
        "gelu by sigmoid",
        FAMILY,
        "x · sigmoid(1.702 x) is another approximation of GELU.",
        jax=lambda x: x * jax.nn.sigmoid(1.702 * x),
        torch=T.gelu,
        honest=exact_gelu,
        args=(x,),
    )
    yield Mutant(
        "softmax over the batch",
        FAMILY,
        "The softmax runs down the columns.",
        jax=lambda x: F.softmax(x, dim=0),
        torch=lambda x: T.softmax(x, -1),
        honest=lambda x: F.softmax(x, dim=-1),
        args=(x,),
        cause="axis|axes",
    )
    yield Mutant(
        "prelu along the wrong axis",
        FAMILY,
        "The slopes belong to the channels and are laid along the last axis.",
        jax=prelu((1, 1, 4)),
        torch=T.prelu,
        honest=prelu((1, 4, 1)),
        args=(x[None], slopes),
    )
    yield Mutant(
        "hard sigmoid of Keras",
        FAMILY,
        "Keras's hard sigmoid is clip(0.2 x + ½), PyTorch's relu6(x + 3) / 6.",
        jax=lambda x: jnp.clip(0.2 * x + 0.5, 0, 1),
        torch=lambda x: T.relu6(x + 3) / 6,
        honest=jax.nn.hard_sigmoid,
        args=(x,),
    )
    yield Mutant(
        "glu halves swapped",
        FAMILY,
        "The first half is taken for the gate.",
        jax=lambda x: jax.nn.sigmoid(x[:, :2]) * x[:, 2:],
        torch=T.glu,
        honest=lambda x: x[:, :2] * jax.nn.sigmoid(x[:, 2:]),
        args=(x,),
    )
    yield Mutant(
        "celu for elu",
        FAMILY,
        "celu divides by alpha inside the exponential.",
        jax=lambda x: jax.nn.celu(x, 1.5),
        torch=lambda x: T.elu(x, 1.5),
        honest=lambda x: jax.nn.elu(x, 1.5),
        args=(x,),
    )
    yield Mutant(
        "GELU with a rounded constant",
        FAMILY,
        "√(2/π) is written as 0.797885, half a millionth too large.",
        jax=lambda x: 0.5 * x * (1 + jnp.tanh(0.797885 * (x + 0.044715 * x**3))),
        torch=lambda x: T.gelu(x, approximate="tanh"),
        honest=lambda x: 0.5 * x * (1 + jnp.tanh(np.sqrt(2 / np.pi).item() * (x + 0.044715 * x**3))),
        args=(x,),
    )
    yield Mutant(
        "softplus without its threshold",
        FAMILY,
        "PyTorch's softplus is x itself above 20; at 20.5 the two differ by 1e-9.",
        jax=jax.nn.softplus,
        torch=T.softplus,
        honest=lambda x: jnp.where(x > 20, x, jax.nn.softplus(x)),
        args=(np.array([-2.0, 0.5, 3.0, 20.5]),),
    )
    yield Mutant(
        "round with a straight-through slope",
        FAMILY,
        "Rounding is given slope 1, as quantisers do; torch.round has slope 0.",
        jax=lambda x: x + jax.lax.stop_gradient(jnp.round(x) - x),
        torch=torch.round,
        honest=jnp.round,
        args=(x,),
        cause="zero|straight",
    )


def _saturated() -> Iterator[Mutant]:
    import torch
    import torch.nn.functional as T

    x = np.array([-100.0, -3.0, -0.7, 0.4, 2.0, 100.0])
    yield Mutant(
        "softplus that overflows",
        FAMILY,
        "log(1 + e^x) is infinite in float32 at 100.",
        jax=lambda x: jnp.log1p(jnp.exp(x)),
        torch=T.softplus,
        honest=jax.nn.softplus,
        args=(x,),
        cause="overflow|inf",
    )
    yield Mutant(
        "tanh by exponentials",
        FAMILY,
        "(e^x − e^−x) / (e^x + e^−x) is ∞ / ∞ in float32 at 100.",
        jax=lambda x: (jnp.exp(x) - jnp.exp(-x)) / (jnp.exp(x) + jnp.exp(-x)),
        torch=torch.tanh,
        honest=F.tanh,
        args=(x,),
        cause="overflow|NaN",
    )
    yield Mutant(
        "log of a sigmoid that underflows",
        FAMILY,
        "log(sigmoid(x)) is −∞ in float32 at −100.",
        jax=lambda x: jnp.log(1 / (1 + jnp.exp(-x))),
        torch=T.logsigmoid,
        honest=F.logsigmoid,
        args=(x,),
        cause="flow|inf",
    )
    yield Mutant(
        "elu with a NaN slope",
        FAMILY,
        "where() computes e^x at 1000 too, and the backward pass multiplies 0 by ∞.",
        jax=lambda x: jnp.where(x > 0, x, jnp.exp(x) - 1),
        torch=T.elu,
        honest=jax.nn.elu,
        args=(10 * x,),
        cause="NaN|overflow",
    )


@jax.custom_jvp
def silu_with_half_a_slope(x):
    """SiLU with a derivative by hand that forgets the product rule."""
    return x * jax.nn.sigmoid(x)


@silu_with_half_a_slope.defjvp
def _silu_jvp(primals, tangents):
    (x,), (move,) = primals, tangents
    return silu_with_half_a_slope(x), jax.nn.sigmoid(x) * move


@jax.custom_jvp
def softmax_with_a_mean(x):
    """Softmax with a derivative by hand that takes a plain mean where it should weigh by the probabilities."""
    return jax.nn.softmax(x)


@softmax_with_a_mean.defjvp
def _softmax_jvp(primals, tangents):
    (x,), (move,) = primals, tangents
    return softmax_with_a_mean(x), jax.nn.softmax(x) * (move - move.mean(-1, keepdims=True))


def _slopes() -> Iterator[Mutant]:
    import torch.nn.functional as T

    x = np.random.default_rng(5).standard_normal((3, 4))
    for name, mistake, wrong, torch_fn, honest in (
        (
            "silu with half of the product rule",
            "The hand-written derivative leaves out x · s · (1 − s).",
            silu_with_half_a_slope,
            T.silu,
            jax.nn.silu,
        ),
        (
            "softmax with a slope by hand",
            "S · (v − mean v) stands for S · (v − Σ S v): the two agree where the sum of the outputs is differentiated.",
            softmax_with_a_mean,
            lambda x: T.softmax(x, -1),
            lambda x: F.softmax(x, dim=-1),
        ),
    ):
        yield Mutant(name, FAMILY, mistake, wrong, torch_fn, honest, (x,))
