"""Attention of several heads: the module of PyTorch with its own weights, masks that hide everything, dropout, refusals."""

from typing import Any

import jax
import numpy as np
import pytest
import torch
import torch.nn.functional as TF

from jaxtut import functional as F
from jaxtut import parity

X = np.random.default_rng(0).standard_normal((3, 2, 4)).astype("float32")
OPTIONS: dict[str, Any] = {
    "embed_dim_to_check": 4, "num_heads": 2, "in_proj_weight": np.ones((12, 4), "float32"), "in_proj_bias": None, "bias_k": None,
    "bias_v": None, "add_zero_attn": False, "dropout_p": 0.0, "out_proj_weight": np.eye(4, dtype="float32"), "out_proj_bias": None,
}  # fmt: skip


def tensors(options: dict[str, Any]) -> dict[str, Any]:
    return {n: torch.tensor(x) if isinstance(x, np.ndarray) else x for n, x in options.items()}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("needed", [False, True])
def test_the_module(causal: bool, needed: bool) -> None:
    torch.manual_seed(0)
    module = torch.nn.MultiheadAttention(4, 2)
    hidden = np.triu(np.ones((3, 3), bool), 1)
    weights = {n: p.detach().numpy() for n, p in module.named_parameters()}

    def ours(x, w):
        return F.multi_head_attention_forward(
            x, x, x, 4, 2, w["in_proj_weight"], w["in_proj_bias"], None, None, False, 0.0, w["out_proj.weight"],
            w["out_proj.bias"], need_weights=needed, attn_mask=hidden if causal else None, is_causal=causal,
        )  # fmt: skip

    def theirs(x, w):
        options = {"need_weights": needed, "attn_mask": torch.tensor(hidden) if causal else None, "is_causal": causal}
        return torch.func.functional_call(module, w, (x, x, x), options)

    # PyTorch's attention without weights has no second derivative.
    parity.assert_same_gradients(ours, theirs, X, weights, checks=("jvp", "hvp", "vmap") if needed else ("vmap",))


@pytest.mark.parametrize("needed", [False, True])
def test_a_query_that_sees_no_key(needed: bool) -> None:
    options = OPTIONS | {"attn_mask": np.array([[True] * 3, [False] * 3, [False] * 3]), "need_weights": needed}
    ours = F.multi_head_attention_forward(X, X, X, **options)[0]
    theirs = TF.multi_head_attention_forward(*[torch.tensor(X)] * 3, **tensors(options))[0].numpy()
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    assert bool(np.isnan(ours[0]).all()) == needed


def test_dropout_is_drawn_from_a_key() -> None:
    options = OPTIONS | {"dropout_p": 0.5}
    with pytest.raises(ValueError, match="needs a key"):
        F.multi_head_attention_forward(X, X, X, **options)
    shares = F.multi_head_attention_forward(
        X, X, X, **options, average_attn_weights=False, dropout_key=jax.random.key(0)
    )[1]
    kept = F.multi_head_attention_forward(X, X, X, **OPTIONS, average_attn_weights=False)[1]
    assert shares is not None
    assert kept is not None
    ratio = np.asarray(shares / kept)
    assert set(np.round(ratio.ravel(), 3)) == {0.0, 2.0}
    evaluated = F.multi_head_attention_forward(X, X, X, **options, training=False)[0]
    np.testing.assert_array_equal(evaluated, F.multi_head_attention_forward(X, X, X, **OPTIONS)[0])


@pytest.mark.parametrize(
    ("args", "options", "error", "message"),
    [
        ((X[0, 0],) * 3, {}, ValueError, "must have shape (length, batch, width)"),
        ((X, X[:2], X), {}, ValueError, "key and value must have one length"),
        ((X, X[..., :3], X), {}, ValueError, "all three must have one width"),
        ((X,) * 3, {"embed_dim_to_check": 5}, ValueError, "the width embed_dim_to_check=5"),
        ((X,) * 3, {"num_heads": 3}, ValueError, "num_heads must divide the width 4, but 3"),
        ((X,) * 3, {"in_proj_weight": None}, ValueError, "in_proj_weight must be given"),
        ((X,) * 3, {"in_proj_weight": np.ones((8, 4), "float32")}, ValueError, "must have 12 rows"),
        ((X,) * 3, {"use_separate_proj_weight": True}, ValueError, "needs q_proj_weight"),
        ((X,) * 3, {"bias_k": np.ones((1, 1, 4), "float32")}, ValueError, "bias_k and bias_v must be given together"),
        (
            (X,) * 3,
            {"attn_mask": np.ones((3, 2), bool)},
            ValueError,
            "attn_mask must have shape (3, 3) or (4, 3, 3), but (3, 2)",
        ),
        ((X,) * 3, {"attn_mask": np.ones((3, 3), int)}, TypeError, "attn_mask must be of booleans or floating numbers"),
        ((X,) * 3, {"key_padding_mask": np.ones((3, 2), bool)}, ValueError, "key_padding_mask must have shape (2, 3)"),
        ((X,) * 3, {"is_causal": True, "need_weights": False}, ValueError, "is said of attn_mask"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore")
def test_refusals(args: tuple, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        F.multi_head_attention_forward(*args, **OPTIONS | options)
    assert message in str(raised.value)
    with pytest.raises((AssertionError, RuntimeError)):
        TF.multi_head_attention_forward(*map(torch.tensor, args), **tensors(OPTIONS | options))


def test_what_is_left_out_is_refused() -> None:
    with pytest.raises(ValueError, match="static_k and static_v are not taken"):
        F.multi_head_attention_forward(X, X, X, **OPTIONS, static_k=X)  # pyright: ignore[reportArgumentType]
