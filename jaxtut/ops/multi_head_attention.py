"""Attention of several heads between linear maps, as `torch.nn.MultiheadAttention` calls it."""

import math

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from . import checks, row_softmax
from .attention import scaled_dot_product_attention
from .dropout import dropout
from .linear import linear

NAME = "multi_head_attention_forward"
Matrix = Float[ArrayLike, "rows columns"]
Mask = Bool[ArrayLike, "..."] | Float[ArrayLike, "..."]


def multi_head_attention_forward(
    query: Float[ArrayLike, "queries *batch width"],
    key: Float[ArrayLike, "keys *batch width_of_keys"],
    value: Float[ArrayLike, "keys *batch width_of_values"],
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Matrix | None,
    in_proj_bias: Float[ArrayLike, " three_widths"] | None,
    bias_k: Float[ArrayLike, "1 1 width"] | None,
    bias_v: Float[ArrayLike, "1 1 width"] | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Matrix,
    out_proj_bias: Float[ArrayLike, " width_out"] | None,
    training: bool = True,
    key_padding_mask: Mask | None = None,
    need_weights: bool = True,
    attn_mask: Mask | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Matrix | None = None,
    k_proj_weight: Matrix | None = None,
    v_proj_weight: Matrix | None = None,
    static_k: None = None,
    static_v: None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    *,
    dropout_key: Array | None = None,
) -> tuple[Float[Array, "queries *batch width_out"], Float[Array, "..."] | None]:
    """Project queries, keys and values, attend in each head to a share of the width, and project the result.

    softmax(q · kᵀ / √width of a head + masks) · v in each head; q = query · W_qᵀ + b_q, and so k and v

    Args:
        query: shape (queries, batch, width) or (queries, width).
        key: shape (keys, batch, width) or (keys, width).
        value: as `key`.
        embed_dim_to_check: the width.
        num_heads: how many heads share the width.
        in_proj_weight: W_q, W_k, W_v one under the other, shape (3 · width, width).
        in_proj_bias: b_q, b_k, b_v one behind the other; None: none.
        bias_k: one more key at the end, the same for all samples; beside `bias_v`.
        bias_v: its value.
        add_zero_attn: one more key and value of zeros at the very end.
        dropout_p: the probability of a weight being left out in training; above 0 it needs `dropout_key`.
        out_proj_weight: shape (width_out, width).
        out_proj_bias: shape (width_out,).
        training: whether weights are left out.
        key_padding_mask: shape (batch, keys), or (keys,) without a batch: true where a key is **not** seen, or numbers that are added.
        need_weights: return the attention weights too.
        attn_mask: shape (queries, keys) or (batch · heads, queries, keys): true where a query does **not** see a key, or numbers that are added.
        use_separate_proj_weight: take the next three in place of `in_proj_weight`; keys and values may then have widths of their own.
        q_proj_weight: W_q.
        k_proj_weight: W_k.
        v_proj_weight: W_v.
        static_k: not taken.
        static_v: not taken.
        average_attn_weights: the mean of the weights over the heads, or all of them.
        is_causal: says of `attn_mask` that it is causal; without padding and weights it is then not looked at.
        dropout_key: what is drawn from, `jax.random.key(seed)`.

    Returns:
        The result, and the weights of shape (batch, queries, keys), with heads behind the batch unless averaged; None if they are not
        needed. A query that sees no key gets NaN with `need_weights` and the bias of the last map without, as in PyTorch.

    Example:
        >>> import numpy as np
        >>> x, eye, zero = np.eye(2, dtype="float32"), np.eye(2, dtype="float32"), np.zeros((4, 2), "float32")
        >>> y, weights = multi_head_attention_forward(
        ...     x, x, x, 2, 1, np.concatenate([zero, eye]), None, None, None, False, 0.0, eye, None
        ... )
        >>> y
        Array([[0.5, 0.5],
               [0.5, 0.5]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together, a bias without the other, is_causal without a mask, dropout without a key.

    Slopes are those of `linear` and `scaled_dot_product_attention`.

    PyTorch's counterpart: `torch.nn.functional.multi_head_attention_forward`; `static_k` and `static_v`, which put keys and values in the
    place of the projected ones, are left out. Flax: `nnx.MultiHeadAttention` has batches first and true where a key is seen.
    """
    if static_k is not None or static_v is not None:
        raise ValueError(f"{NAME}: static_k and static_v are not taken; call scaled_dot_product_attention with them")
    q, k, v = (checks.floating(NAME, n, x) for n, x in (("query", query), ("key", key), ("value", value)))
    _check_inputs(q, k, v, embed_dim_to_check, num_heads, use_separate_proj_weight)
    batched, keys = q.ndim == 3, k.shape[0]
    if not batched:
        q, k, v = (x[:, None] for x in (q, k, v))
        key_padding_mask = None if key_padding_mask is None else jnp.expand_dims(key_padding_mask, 0)
    added = _masks(attn_mask, key_padding_mask, q, k, num_heads)
    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    weights = separate if use_separate_proj_weight else _in_three("in_proj_weight", in_proj_weight, q.shape[-1])
    if any(w is None for w in weights):
        raise ValueError(f"{NAME}: use_separate_proj_weight=True needs q_proj_weight, k_proj_weight and v_proj_weight")
    biases = (None,) * 3 if in_proj_bias is None else _in_three("in_proj_bias", in_proj_bias, q.shape[-1])
    q, k, v = (linear(x, w, b) for x, w, b in zip((q, k, v), weights, biases, strict=True))  # pyright: ignore[reportArgumentType]
    if (bias_k is None) != (bias_v is None):
        raise ValueError(f"{NAME}: bias_k and bias_v must be given together")
    if bias_k is not None and bias_v is not None:
        k, v = (_with_row(x, name, b) for x, name, b in ((k, "bias_k", bias_k), (v, "bias_v", bias_v)))
    if add_zero_attn:
        k, v = (jnp.pad(x, ((0, 1), (0, 0), (0, 0))) for x in (k, v))
    if added is not None:
        added = jnp.pad(added, [(0, 0)] * 3 + [(0, k.shape[0] - keys)])
    probability = dropout_p if training else 0.0
    q, k, v = (_in_heads(x, num_heads) for x in (q, k, v))
    shares = None
    if need_weights:
        scores = jnp.matmul(q * math.sqrt(1 / q.shape[-1]), jnp.swapaxes(k, -1, -2))
        shares = row_softmax.softmax(scores if added is None else scores + added, -1)
        shares = dropout(shares, probability, key=dropout_key) if probability else shares
        heads = jnp.matmul(shares, v)
        shares = jnp.mean(shares, 1) if average_attn_weights else shares
        shares = shares if batched else shares[0]
    else:
        if is_causal and attn_mask is None:
            raise ValueError(f"{NAME}: is_causal=True is said of attn_mask, which must be given")
        causal = is_causal and key_padding_mask is None
        mask = None if causal or added is None else added
        heads = scaled_dot_product_attention(q, k, v, mask, probability, causal, dropout_key=dropout_key)
    together = jnp.moveaxis(heads, 2, 0).reshape(heads.shape[2], heads.shape[0], -1)
    y = linear(together, out_proj_weight, out_proj_bias)
    return (y if batched else y[:, 0]), shares


def _check_inputs(q: Array, k: Array, v: Array, width: int, heads: int, separate: bool) -> None:
    checks.same_dtype(NAME, query=q, key=k, value=v)
    shapes = f"{q.shape}, {k.shape}, {v.shape}"
    if q.ndim not in (2, 3) or not q.ndim == k.ndim == v.ndim:
        raise ValueError(
            f"{NAME}: query, key and value must have shape (length, batch, width) or (length, width), but {shapes} were given"
        )
    if k.shape[:-1] != v.shape[:-1] or q.shape[1:-1] != k.shape[1:-1]:
        raise ValueError(
            f"{NAME}: key and value must have one length, and all three one batch, but {shapes} were given"
        )
    if not separate and not q.shape[-1] == k.shape[-1] == v.shape[-1]:
        raise ValueError(
            f"{NAME}: all three must have one width unless use_separate_proj_weight=True, but {shapes} were given"
        )
    if q.shape[-1] != width:
        raise ValueError(f"{NAME}: query must have the width embed_dim_to_check={width}, but {q.shape} was given")
    if heads < 1 or width % heads:
        raise ValueError(f"{NAME}: num_heads must divide the width {width}, but {heads} was given")


def _in_three(name: str, packed: ArrayLike | None, width: int) -> tuple[Array, Array, Array]:
    if packed is None:
        raise ValueError(f"{NAME}: {name} must be given unless use_separate_proj_weight=True")
    x = checks.floating(NAME, name, packed)
    if x.shape[0] != 3 * width:
        raise ValueError(f"{NAME}: {name} must have {3 * width} rows, three times the width, but {x.shape} was given")
    return x[:width], x[width : 2 * width], x[2 * width :]


def _with_row(x: Array, name: str, row: ArrayLike) -> Array:
    last = checks.floating(NAME, name, row)
    checks.shape(NAME, name, last, (1, 1, x.shape[-1]))
    return jnp.concatenate([x, jnp.broadcast_to(last, (1, *x.shape[1:]))])


def _masks(
    attn_mask: ArrayLike | None, key_padding_mask: ArrayLike | None, q: Array, k: Array, heads: int
) -> Float[Array, "#batch #heads #queries keys"] | None:
    """Return what both masks add to the scores."""
    (queries, batch, _), keys = q.shape, k.shape[0]
    added: Array | None = None
    if attn_mask is not None:
        mask = _addend("attn_mask", attn_mask, q)
        if mask.shape not in ((queries, keys), (batch * heads, queries, keys)):
            raise ValueError(
                f"{NAME}: attn_mask must have shape {(queries, keys)} or {(batch * heads, queries, keys)}, but {mask.shape} was given"
            )
        added = mask[None, None] if mask.ndim == 2 else mask.reshape(batch, heads, queries, keys)
    if key_padding_mask is not None:
        mask = _addend("key_padding_mask", key_padding_mask, q)
        checks.shape(NAME, "key_padding_mask", mask, (batch, keys))
        added = mask[:, None, None] if added is None else added + mask[:, None, None]
    return added


def _addend(name: str, mask: ArrayLike, q: Array) -> Array:
    x = checks.array(NAME, name, mask)
    if x.dtype == jnp.bool_:
        return jnp.where(x, -jnp.inf, 0).astype(q.dtype)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(f"{NAME}: {name} must be of booleans or floating numbers, but {x.dtype} was given")
    return x.astype(q.dtype)


def _in_heads(x: Array, heads: int) -> Float[Array, "batch heads length width_of_head"]:
    length, batch, width = x.shape
    return jnp.transpose(x.reshape(length, batch, heads, width // heads), (1, 2, 0, 3))
