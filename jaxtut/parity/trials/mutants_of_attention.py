"""Mistakes in the layers of sequence models: dropout, embeddings, positions, attention, recurrent cells."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from .mutant import Mutant

FAMILY = "sequences"


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of sequence models."""
    yield from _dropout()
    yield from _embedding()
    yield from _attention()
    yield from _positions()
    yield from _cells()


def _dropout() -> Iterator[Mutant]:
    rng = np.random.default_rng(17)
    x, mask = rng.standard_normal((4, 6)), rng.integers(0, 2, (4, 6)).astype(float)
    for name, mistake, wrong, cause in (
        ("not scaled", "What is kept is not divided by 1 − p.", lambda x, mask: x * mask, "1/(1 - p)|1/(1 − p)|times"),
        ("scaled by p", "What is kept is divided by p.", lambda x, mask: x * mask / 0.25, "times"),
    ):
        yield Mutant(
            f"dropout: {name}",
            FAMILY,
            mistake,
            jax=wrong,
            torch=lambda x, mask: x * mask / 0.75,
            honest=lambda x, mask: x * mask / 0.75,
            args=(x, mask),
            argnums=0,
            cause=cause,
        )


def _embedding() -> Iterator[Mutant]:
    import torch
    import torch.nn.functional as T

    def padded(ids, table):
        pad = (jnp.arange(5) == 0)[:, None]
        return jnp.where(pad, jax.lax.stop_gradient(table), table)[ids]

    rng = np.random.default_rng(18)
    table = rng.standard_normal((5, 3))
    yield Mutant(
        "embedding: padding trained",
        FAMILY,
        "The row of the padding gets a gradient.",
        jax=lambda ids, table: table[ids],
        torch=lambda ids, table: T.embedding(ids, table, padding_idx=0),
        honest=padded,
        args=(np.array([[0, 2, 4, 4], [1, 0, 0, 3]]), table),
        cause="padding|row",
    )
    yield Mutant(
        "embedding: index clamped",
        FAMILY,
        "Positions beyond the table should start again; JAX takes the last row without a word.",
        jax=lambda ids, table: table[ids],
        torch=lambda ids, table: table[torch.remainder(ids, 5)],
        honest=lambda ids, table: table[ids % 5],
        args=(np.array([0, 3, 4, 5, 6, 7]), table),
        cause="index|row|clamp",
    )
    yield Mutant(
        "embedding_bag: summed",
        FAMILY,
        "A bag is summed, PyTorch's default is the mean.",
        jax=lambda ids, table: table[ids].sum(1),
        torch=T.embedding_bag,
        honest=lambda ids, table: table[ids].mean(1),
        args=(np.array([[0, 2, 4], [1, 0, 3]]), table),
        cause="mean",
    )


def attention(scale=lambda d: d**-0.5, mask=lambda n: np.tril(np.ones((n, n), bool)), axis=-1):
    """Return causal attention with one of its steps replaced."""

    def attend(q, k, v):
        scores = jnp.einsum("btd,bsd->bts", q, k) * scale(q.shape[-1])
        if mask is not None:
            scores = jnp.where(jnp.asarray(mask(q.shape[1])), scores, -jnp.inf)
        return jnp.einsum("bts,bsd->btd", jax.nn.softmax(scores, axis), v)

    return attend


def heads(split):
    """Return self-attention with two heads, which `split` and its inverse lay out."""

    def attend(x):
        b, t, d = x.shape
        h = split(x).reshape(b * 2, t, d // 2)
        return attention(mask=None)(h, h, h).reshape(b, 2, t, d // 2).swapaxes(1, 2).reshape(b, t, d)

    return attend


def _attention() -> Iterator[Mutant]:
    import torch.nn.functional as T

    def torch_attention(q, k, v):
        return T.scaled_dot_product_attention(q, k, v, is_causal=True)

    def torch_heads(x):
        b, t, d = x.shape
        h = x.reshape(b, t, 2, d // 2).transpose(1, 2)
        return T.scaled_dot_product_attention(h, h, h).transpose(1, 2).reshape(b, t, d)

    rng = np.random.default_rng(19)
    q, k, v = rng.standard_normal((3, 2, 4, 4))
    for name, mistake, wrong in (
        ("not scaled", "The scores are not divided by √d.", attention(scale=lambda d: 1)),
        ("scaled by d", "The scores are divided by d.", attention(scale=lambda d: 1 / d)),
        (
            "mask off by one",
            "Each position sees the next.",
            attention(mask=lambda n: np.tril(np.ones((n, n), bool), 1)),
        ),
        (
            "mask transposed",
            "Each position sees what follows.",
            attention(mask=lambda n: np.triu(np.ones((n, n), bool))),
        ),
    ):
        yield Mutant(f"attention: {name}", FAMILY, mistake, wrong, torch_attention, attention(), (q, k, v))
    yield Mutant(
        "attention: softmax over the queries",
        FAMILY,
        "The weights that a key gets sum to 1, not those that a query gives.",
        jax=attention(mask=None, axis=-2),
        torch=T.scaled_dot_product_attention,
        honest=attention(mask=None),
        args=(q, k, v),
        cause="axis|axes",
    )
    yield Mutant(
        "attention: heads split without a transpose",
        FAMILY,
        "(time, heads · size) is reshaped to (heads, time, size) at once.",
        jax=heads(lambda x: x),
        torch=torch_heads,
        honest=heads(lambda x: x.reshape(*x.shape[:2], 2, x.shape[2] // 2).swapaxes(1, 2)),
        args=(rng.standard_normal((1, 4, 6)),),
    )


def _positions() -> Iterator[Mutant]:
    import torch

    frequencies = 100.0 ** -np.linspace(0, 1, 3)
    angles = np.arange(4)[:, None] * frequencies

    def encode(x, layout):
        waves = jnp.asarray(np.stack([np.sin(angles), np.cos(angles)], layout).reshape(4, 6), x.dtype)
        return x * waves

    def rotate(x, halves):
        cos, sin = (jnp.asarray(f(angles), x.dtype) for f in (np.cos, np.sin))
        a, b = (x[:, :3], x[:, 3:]) if halves else (x[:, ::2], x[:, 1::2])
        return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], 1)

    def torch_rotate(x):
        cos, sin = (torch.as_tensor(f(angles)).to(x.dtype) for f in (np.cos, np.sin))
        a, b = x[:, :3], x[:, 3:]
        return torch.cat([a * cos - b * sin, a * sin + b * cos], 1)

    x = np.random.default_rng(20).standard_normal((4, 6))
    interleaved = np.stack([np.sin(angles), np.cos(angles)], -1).reshape(4, 6)
    yield Mutant(
        "positions: sines before cosines",
        FAMILY,
        "All sines stand before all cosines, PyTorch's code interleaves them.",
        jax=lambda x: encode(x, 1),
        torch=lambda x: x * torch.as_tensor(interleaved).to(x.dtype),
        honest=lambda x: encode(x, -1),
        args=(x,),
    )
    yield Mutant(
        "rotary: neighbours rotated",
        FAMILY,
        "Neighbouring features are rotated together, where the model pairs the halves.",
        jax=lambda x: rotate(x, halves=False),
        torch=torch_rotate,
        honest=lambda x: rotate(x, halves=True),
        args=(x,),
    )


def lstm(order):
    """Return a step of an LSTM whose gates stand in this order: input, forget, cell, output are 0 to 3."""

    def step(x, h, c, w, u, b):
        gates = jnp.split(x @ w.T + h @ u.T + b[None], 4, axis=1)
        i, f, g, o = (gates[n] for n in order)
        new = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(new), new

    return step


def gru(x, h, w, u, b, reset_after=True):
    """Take a step of a GRU; PyTorch resets the state after it has been multiplied."""
    h_size = h.shape[1]
    r, z, n = jnp.split(x @ w.T, 3, axis=1)
    ur, uz, un = jnp.split(h @ u.T + b[None], 3, axis=1)
    r, z = jax.nn.sigmoid(r + ur), jax.nn.sigmoid(z + uz)
    inner = r * un if reset_after else (r * h) @ u[2 * h_size :].T + b[None, 2 * h_size :]
    return (1 - z) * jnp.tanh(n + inner) + z * h


def _cells() -> Iterator[Mutant]:
    import torch

    rng = np.random.default_rng(21)
    x, h, c = rng.standard_normal((2, 3)), rng.standard_normal((2, 4)), rng.standard_normal((2, 4))
    yield Mutant(
        "lstm: gates in another order",
        FAMILY,
        "Output and cell gate are swapped.",
        jax=lstm((0, 1, 3, 2)),
        torch=lambda x, h, c, w, u, b: torch.lstm_cell(x, (h, c), w, u, b, torch.zeros_like(b)),
        honest=lstm((0, 1, 2, 3)),
        args=(x, h, c, rng.standard_normal((16, 3)), rng.standard_normal((16, 4)), rng.standard_normal(16)),
    )
    yield Mutant(
        "gru: reset before",
        FAMILY,
        "The state is reset before its product, as in Keras's first GRU.",
        jax=lambda *args: gru(*args, reset_after=False),
        torch=lambda x, h, w, u, b: torch.gru_cell(x, h, w, u, torch.zeros_like(b), b),
        honest=gru,
        args=(x, h, rng.standard_normal((12, 3)), rng.standard_normal((12, 4)), rng.standard_normal(12)),
    )
