"""Pairs of layers: linear, convolutions, pooling, attention, recurrent cells."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxtut import functional as F

from .drawing import PROFILES, SMOOTH, Draw
from .pair import Pair, require_torch

# Within these, products and sums of a few dozen terms stay far from overflow in float32.
MODEST = {"least": 1e-6, "most": 1e6}


def linear(draw: Draw) -> Pair:
    """Draw a linear layer."""
    torch = require_torch()
    batch, inputs, outputs = draw.choice(((3, 5, 4), (1, 1, 1), (7, 17, 3), (16, 64, 8), (0, 5, 2)))
    x, w, b = (draw.array(s, **MODEST) for s in ((batch, inputs), (outputs, inputs), (outputs,)))
    jax_fn = draw.choice(
        (F.linear, lambda x, w, b: x @ w.T + b[None, :], lambda x, w, b: jnp.einsum("bi,oi->bo", x, w) + b[None])
    )
    return Pair("linear", jax_fn, torch.nn.functional.linear, (x, w, b), draw.choice((None, (0,), (1, 2))))


def convolution(draw: Draw) -> Pair:
    """Draw a convolution in one or two dimensions, with stride, padding, dilation and groups."""
    torch = require_torch()
    spatial = draw.choice((1, 2))
    stride, padding, dilation, groups = (draw.choice(c) for c in ((1, 2), (0, 1, 2), (1, 2), (1, 2)))
    batch, channels, filters, size, kernel = draw.choice(((2, 2, 4, 7, 3), (1, 4, 2, 8, 2), (3, 2, 2, 9, 1)))
    x = draw.array((batch, channels, *(size,) * spatial), **MODEST)
    w = draw.array((filters, channels // groups, *(kernel,) * spatial), **MODEST)
    numbers = ("NCH", "OIH", "NCH") if spatial == 1 else ("NCHW", "OIHW", "NCHW")

    def jax_fn(x, w):
        return jax.lax.conv_general_dilated(
            x, w, (stride,) * spatial, [(padding, padding)] * spatial, rhs_dilation=(dilation,) * spatial,
            dimension_numbers=numbers, feature_group_count=groups,
        )  # fmt: skip

    torch_fn = getattr(torch.nn.functional, f"conv{spatial}d")
    name = f"convolution {spatial}d, stride {stride}, padding {padding}, dilation {dilation}, groups {groups}"
    return Pair(name, jax_fn, lambda x, w: torch_fn(x, w, None, stride, padding, dilation, groups), (x, w))


def transposed_convolution(draw: Draw) -> Pair:
    """Draw a transposed convolution: a sum over shifted windows in JAX."""
    torch = require_torch()
    stride, padding = draw.choice((1, 2)), draw.choice((0, 1))
    x, w = draw.array((2, 3, 5, 5), **MODEST), draw.array((3, 2, 3, 3), **MODEST)

    def jax_fn(x, w):
        flipped = jnp.flip(w, (2, 3)).transpose(1, 0, 2, 3)
        return jax.lax.conv_general_dilated(
            x, flipped, (1, 1), [(2 - padding, 2 - padding)] * 2, lhs_dilation=(stride, stride),
            dimension_numbers=("NCHW", "OIHW", "NCHW"),
        )  # fmt: skip

    torch_fn = torch.nn.functional.conv_transpose2d
    return Pair(
        f"transposed convolution, stride {stride}, padding {padding}",
        jax_fn,
        lambda x, w: torch_fn(x, w, None, stride, padding),
        (x, w),
    )


def pooling(draw: Draw) -> Pair:
    """Draw a pooling: largest, average, or average over all places."""
    torch = require_torch()
    kind = draw.choice(("max", "average", "global"))
    kernel, stride = draw.choice(((2, 2), (3, 1), (3, 2)))
    x = draw.array(draw.choice(((2, 2, 7, 7), (1, 3, 8, 6), (2, 1, 3, 3))), most=1e15)
    if kind == "max":
        padding = draw.choice((0, 1))
        torch_fn = torch.nn.functional.max_pool2d
        return Pair(
            f"pooling max {kernel}, stride {stride}, padding {padding}",
            lambda x: F.max_pool2d(x, kernel, stride, padding),
            lambda x: torch_fn(x, kernel, stride, padding),
            (x,),
        )
    if kind == "average":

        def average(x):
            window = (1, 1, kernel, kernel)
            return jax.lax.reduce_window(x, 0.0, jax.lax.add, window, (1, 1, stride, stride), "VALID") / kernel**2

        return Pair(
            f"pooling average {kernel}, stride {stride}",
            average,
            lambda x: torch.nn.functional.avg_pool2d(x, kernel, stride),
            (x,),
        )
    return Pair(
        "pooling global",
        lambda x: jnp.mean(x, (2, 3), keepdims=True),
        lambda x: torch.nn.functional.adaptive_avg_pool2d(x, 1),
        (x,),
    )


def attention(draw: Draw) -> Pair:
    """Draw scaled dot-product attention, with or without a causal mask."""
    torch = require_torch()
    length, width = draw.choice(((5, 4), (7, 8), (1, 3)))
    q, k, v = (draw.array((2, length, width), PROFILES, 1e-3, draw.choice((3, 30))) for _ in range(3))
    causal = draw.choice((False, True))
    allowed = np.tril(np.ones((length, length), bool))[None]

    def jax_fn(q, k, v):
        scores = jnp.einsum("bid,bjd->bij", q, k) / np.sqrt(width).item()
        if causal:
            scores = jnp.where(allowed, scores, -jnp.inf)
        return jax.nn.softmax(scores, -1) @ v

    # jax.nn.dot_product_attention takes its softmax in float32 in any precision, so it is not this function in float64.
    torch_fn = torch.nn.functional.scaled_dot_product_attention
    return Pair(
        f"attention, causal {causal}",
        jax_fn,
        lambda q, k, v: torch_fn(q, k, v, is_causal=causal),
        (q, k, v),
    )


def recurrent(draw: Draw) -> Pair:
    """Draw a recurrent network: a scan in JAX, a loop in PyTorch."""
    torch = require_torch()
    kind = draw.choice(("plain", "relu", "gated", "long short-term memory"))
    steps, inputs, hidden = draw.choice(((5, 3, 4), (1, 2, 2), (9, 1, 3)))
    gates = {"plain": 1, "relu": 1, "gated": 3, "long short-term memory": 4}[kind]
    xs = draw.array((steps, 2, inputs), PROFILES, 1e-3, 10)
    w, u = (draw.array((n, gates * hidden), SMOOTH, 1e-3, 1) * 0.7 for n in (inputs, hidden))
    zeros = np.zeros((2, hidden), np.float32)

    def cell(xp, sigmoid: Callable, relu: Callable) -> Callable:
        def step(state, x, w, u):
            h, c = state
            if kind in ("plain", "relu"):
                return ((xp.tanh if kind == "plain" else relu)(x @ w + h @ u), c)
            if kind == "gated":
                z, r, n = (slice(i * hidden, (i + 1) * hidden) for i in range(3))
                update, reset = sigmoid(x @ w[:, z] + h @ u[:, z]), sigmoid(x @ w[:, r] + h @ u[:, r])
                return (1 - update) * xp.tanh(x @ w[:, n] + reset * (h @ u[:, n])) + update * h, c
            gate = x @ w + h @ u
            i, f, g, o = (gate[:, j * hidden : (j + 1) * hidden] for j in range(4))
            c = sigmoid(f) * c + sigmoid(i) * xp.tanh(g)
            return sigmoid(o) * xp.tanh(c), c

        return step

    def jax_fn(xs, w, u, h):
        step = cell(jnp, jax.nn.sigmoid, F.relu)

        def advance(state, x):
            state = step(state, x, w, u)
            return state, state[0]

        return jax.lax.scan(advance, (h, h), xs)[1]

    def torch_fn(xs, w, u, h):
        step, state, outputs = cell(torch, torch.sigmoid, torch.relu), (h, h), []
        for x in xs:
            state = step(state, x, w, u)
            outputs.append(state[0])
        return torch.stack(outputs)

    return Pair(
        f"recurrent {kind}, {steps} steps", jax_fn, torch_fn, (xs, w, u, zeros), draw.choice((None, (0,), (1, 2)))
    )
