"""The transformer of `transformer_torch` as a Flax NNX module, with the conversion of its parameters."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxtut.naming import tap

HEADS = 2  # no shape of a parameter tells it


class Embed(nnx.Embed):
    """Flax's embedding in the dtype of its table; Flax's own keeps the dtype that it was made with."""

    def __init__(self, entries: int, features: int, *, rngs: nnx.Rngs):
        super().__init__(entries, features, rngs=rngs)
        self.dtype = None


class LayerNorm(nnx.LayerNorm):
    """Flax's layer norm with PyTorch's epsilon, and the variance computed in two passes."""

    def __init__(self, features: int, *, rngs: nnx.Rngs):
        super().__init__(features, epsilon=1e-5, use_fast_variance=False, rngs=rngs)


class Attention(nnx.Module):
    """Multi-head self-attention in which a position sees itself and what stands before it."""

    def __init__(self, width: int, heads: int, *, rngs: nnx.Rngs):
        self.heads = heads
        self.qkv = nnx.Linear(width, 3 * width, rngs=rngs)
        self.out = nnx.Linear(width, width, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Mix the positions of a batch of shape (batch, length, width)."""
        batch, length, width = x.shape
        q, k, v = (
            t.reshape(batch, length, self.heads, -1).transpose(0, 2, 1, 3) for t in jnp.split(self.qkv(x), 3, axis=-1)
        )
        scores = q @ k.swapaxes(-2, -1) / math.sqrt(width // self.heads)
        scores = tap("attention.scores", scores)
        past = jnp.tril(jnp.ones((length, length), bool))
        weights = tap("attention.weights", jax.nn.softmax(jnp.where(past, scores, -jnp.inf)))
        mixed = (weights @ v).transpose(0, 2, 1, 3).reshape(batch, length, width)
        return tap("attention.out", self.out(mixed))


class Transformer(nnx.Module):
    """Token and position embeddings, one block with layer norm before each part, and a linear head; raw scores of tokens."""

    def __init__(self, vocabulary: int = 32, length: int = 8, width: int = 16, heads: int = HEADS, *, rngs: nnx.Rngs):
        self.token = Embed(vocabulary, width, rngs=rngs)
        self.position = Embed(length, width, rngs=rngs)
        self.norm1 = LayerNorm(width, rngs=rngs)
        self.attention = Attention(width, heads, rngs=rngs)
        self.norm2 = LayerNorm(width, rngs=rngs)
        self.up = nnx.Linear(width, 4 * width, rngs=rngs)
        self.down = nnx.Linear(4 * width, width, rngs=rngs)
        self.norm = LayerNorm(width, rngs=rngs)
        self.head = nnx.Linear(width, vocabulary, use_bias=False, rngs=rngs)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Return the scores of the next token, (batch, length, vocabulary), at every position of tokens (batch, length)."""
        x = tap("embedding", self.token(tokens) + self.position(jnp.arange(tokens.shape[1]))[None])
        x = x + self.attention(tap("norm1", self.norm1(x)))
        hidden = tap("mlp.gelu", nnx.gelu(self.up(tap("norm2", self.norm2(x))), approximate=False))
        x = tap("block", x + self.down(hidden))
        return tap("head", self.head(tap("norm", self.norm(x))))


def from_torch(params: Mapping[str, Any]) -> dict[str, Any]:
    """Convert parameters under PyTorch's names to nested dicts under Flax's names."""

    def linear(name: str) -> dict[str, Any]:
        return {"kernel": params[f"{name}.weight"].T, "bias": params[f"{name}.bias"]}

    def norm(name: str) -> dict[str, Any]:
        return {"scale": params[f"{name}.weight"], "bias": params[f"{name}.bias"]}

    return {
        "token": {"embedding": params["token.weight"]},
        "position": {"embedding": params["position.weight"]},
        "norm1": norm("norm1"),
        "attention": {
            "qkv": linear("attention.qkv"),
            "out": linear("attention.out"),
        },
        "norm2": norm("norm2"),
        "up": linear("up"),
        "down": linear("down"),
        "norm": norm("norm"),
        "head": {"kernel": params["head.weight"].T},
    }


def build(params: Mapping[str, Any]) -> Transformer:
    """Return the module that has these parameters, which stand under PyTorch's names."""
    params = {name: jnp.asarray(value) for name, value in params.items()}
    (vocabulary, width), length = params["token.weight"].shape, len(params["position.weight"])
    model = nnx.eval_shape(lambda: Transformer(vocabulary, length, width, rngs=nnx.Rngs(0)))
    nnx.update(model, from_torch(params))
    return model


def apply(params: Mapping[str, Any], tokens: jax.Array) -> jax.Array:
    """Compute the scores of the next token at every position.

    Args:
        params: parameters under PyTorch's names, in PyTorch's shapes.
        tokens: integers of shape (batch, length).
    """
    return build(params)(tokens)
