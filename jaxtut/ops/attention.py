"""Attention: means of values, weighted by how well keys answer queries."""

import math

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from . import checks, row_softmax
from .dropout import dropout
from .precision import at_least_single


def scaled_dot_product_attention(
    query: Float[ArrayLike, "*heads queries width"],
    key: Float[ArrayLike, "*heads keys width"],
    value: Float[ArrayLike, "*heads keys width_out"],
    attn_mask: Bool[ArrayLike, "..."] | Float[ArrayLike, "..."] | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    dropout_key: Array | None = None,
) -> Float[Array, "*heads queries width_out"]:
    """Attention of queries to keys.

    softmax(q · kᵀ · scale + mask) · v, along the keys

    Args:
        query: q, shape (..., queries, width).
        key: k, shape (..., keys, width).
        value: v, shape (..., keys, width_out).
        attn_mask: what broadcasts to (..., queries, keys): true where a query sees a key, or numbers that are added to the scores.
        dropout_p: the probability of a weight being left out; above 0 it needs `dropout_key`.
        is_causal: query i sees the keys 0 ... i; not beside a mask.
        scale: None is 1/√width.
        enable_gqa: grouped queries: k and v have fewer heads, a divisor of those of q, and each serves a group.
        dropout_key: what is drawn from, `jax.random.key(seed)`; the name `key` is taken.

    Returns:
        Shape (..., queries, width_out). A query that sees no key gets 0; NaN at a key makes every query NaN, seen or not: −inf is added to it.

    Example:
        >>> import numpy as np
        >>> q = np.array([[100.0, 0.0]], "float32")
        >>> k, v = np.eye(2, dtype="float32"), np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
        >>> scaled_dot_product_attention(q, k, v)
        Array([[1., 2.]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, a mask beside `is_causal`, a probability outside [0, 1], dropout without a key.

    PyTorch's counterpart: `torch.nn.functional.scaled_dot_product_attention`. Plain JAX: `jax.nn.dot_product_attention` has heads behind the
    positions, and its softmax is always in float32.
    """
    name = "scaled_dot_product_attention"
    q, k, v = (checks.floating(name, n, x) for n, x in (("query", query), ("key", key), ("value", value)))
    checks.same_dtype(name, query=q, key=k, value=v)
    if min(q.ndim, k.ndim, v.ndim) < 2:
        raise ValueError(
            f"{name}: query, key and value must have at least 2 dimensions, but shapes {q.shape}, {k.shape}, {v.shape} were given"
        )
    if q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(
            f"{name}: query and key must have one width, key and value one length, but {q.shape}, {k.shape}, {v.shape} were given"
        )
    probability = checks.number(name, "dropout_p", dropout_p)
    if not 0 <= probability <= 1:
        raise ValueError(f"{name}: dropout_p must lie in [0, 1], but {dropout_p} was given")
    if enable_gqa:
        k, v = (_for_groups(name, x, q) for x in (k, v))
    try:
        heads = jnp.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    except ValueError:
        raise ValueError(
            f"{name}: the leading dimensions must broadcast, but {q.shape}, {k.shape}, {v.shape} were given"
        ) from None
    q, k, v = (jnp.broadcast_to(x, (*heads, *x.shape[-2:])).astype(at_least_single(x.dtype)) for x in (q, k, v))
    factor = 1 / math.sqrt(q.shape[-1]) if scale is None else checks.number(name, "scale", scale)
    scores = jnp.matmul(q * jnp.asarray(factor, q.dtype), jnp.swapaxes(k, -1, -2))
    added = _mask(name, attn_mask, is_causal, scores, jnp.asarray(query).dtype)
    weights = _weights(scores if added is None else scores + added)
    if probability > 0:
        if dropout_key is None:
            raise ValueError(f"{name}: dropout_p={dropout_p} needs a key, dropout_key=jax.random.key(seed)")
        weights = dropout(weights, probability, key=dropout_key)
    return jnp.matmul(weights, v).astype(jnp.asarray(query).dtype)


def _for_groups(name: str, x: Array, q: Array) -> Array:
    if min(x.ndim, q.ndim) < 3 or x.shape[-3] == 0 or q.shape[-3] % x.shape[-3]:
        raise ValueError(
            f"{name}: the heads of key and value must divide those of query, but shapes {q.shape} and {x.shape} were given"
        )
    return jnp.repeat(x, q.shape[-3] // x.shape[-3], axis=-3)


def _mask(name: str, attn_mask: ArrayLike | None, is_causal: bool, scores: Array, dtype: np.dtype) -> Array | None:
    """Return what is added to the scores: −inf where a query does not see a key."""
    if attn_mask is None:
        seen = jnp.tril(jnp.ones(scores.shape[-2:], bool))
        return jnp.broadcast_to(jnp.where(seen, 0, -jnp.inf), scores.shape).astype(scores.dtype) if is_causal else None
    if is_causal:
        raise ValueError(f"{name}: attn_mask must not be given beside is_causal=True")
    mask = checks.array(name, "attn_mask", attn_mask)
    if mask.dtype not in (jnp.bool_, jnp.float32, dtype):
        raise TypeError(f"{name}: attn_mask must be bool, float32 or {dtype}, but {mask.dtype} was given")
    try:
        mask = jnp.broadcast_to(mask, scores.shape)
    except ValueError:
        raise ValueError(
            f"{name}: attn_mask must broadcast to the scores of shape {scores.shape}, but {mask.shape} was given"
        ) from None
    return (jnp.where(mask, 0, -jnp.inf) if mask.dtype == jnp.bool_ else mask).astype(scores.dtype)


def _weights(scores: Array) -> Array:
    """Return the softmax over the keys, and 0 for a query whose scores are all −inf. NaN at a key that is not seen is still NaN."""
    nothing = jnp.broadcast_to(jnp.all(scores == -jnp.inf, -1, keepdims=True), scores.shape)
    return jnp.where(nothing, 0, row_softmax.softmax(jnp.where(nothing, 0, scores), -1))
