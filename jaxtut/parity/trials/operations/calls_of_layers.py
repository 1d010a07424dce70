"""Calls of linear maps, normalizations, attention, dropout in evaluation, padding, rearrangement and resampling."""

from typing import Any

import numpy as np

from ..drawing import Draw
from .call import Call, Calls
from .calls_of_windows import images, per_axis, weights

NUMBERS = ("normal", "integers", "zeros", "scaled")


def numbers(draw: Draw, shape: tuple[int, ...], most: float = 1e3) -> np.ndarray:
    """Draw an array in float32."""
    return draw.array(shape, NUMBERS, 1e-6, most).astype("float32")


def some(draw: Draw, **arrays: np.ndarray) -> dict[str, np.ndarray]:
    """Keep each array, or leave it out."""
    return {name: a for name, a in arrays.items() if draw.choice((True, False))}


def linear(draw: Draw) -> Call:
    """Draw a linear map, with or without a bias."""
    lead = draw.choice(((), (3,), (0,), (2, 3)))
    x, w = numbers(draw, (*lead, 5)), weights(draw, 4, 5)
    return Call((x, w), some(draw, bias=weights(draw, 4)))


def bilinear(draw: Draw) -> Call:
    """Draw a bilinear map."""
    lead = draw.choice(((), (3,), (2, 3)))
    x, y = numbers(draw, (*lead, 3)), numbers(draw, (*lead, 2))
    return Call((x, y, weights(draw, 4, 3, 2)), some(draw, bias=weights(draw, 4)))


def layer_norm(draw: Draw) -> Call:
    """Draw a normalization of the last dimensions, now and then around a large mean."""
    shape, normalized = draw.choice(
        (((3, 5), (5,)), ((2, 3, 4), (3, 4)), ((2, 3, 4), (4,)), ((7,), (7,)), ((0, 3), (3,)))
    )
    x = numbers(draw, shape, 30) + np.float32(draw.choice((0, 0, 1000)))
    named = some(draw, weight=weights(draw, *normalized), bias=weights(draw, *normalized))
    return Call((x, normalized), named, {"eps": draw.choice((1e-5, 1e-3))})


def rms_norm(draw: Draw) -> Call:
    """Draw a division by the root mean square."""
    shape, normalized = draw.choice((((3, 5), (5,)), ((2, 3, 4), (3, 4)), ((7,), (7,))))
    named = some(draw, weight=weights(draw, *normalized))
    return Call((numbers(draw, shape, 30), normalized), named, {"eps": draw.choice((None, 1e-3))})


def group_norm(draw: Draw) -> Call:
    """Draw a normalization of groups of channels."""
    shape = draw.choice(((2, 4), (2, 4, 3), (1, 4, 2, 3), (0, 4, 3)))
    named = some(draw, weight=weights(draw, 4))
    if named:  # PyTorch's backward pass of a bias alone fails: "tensor does not have a device"
        named |= some(draw, bias=weights(draw, 4))
    return Call((numbers(draw, shape, 30), draw.choice((1, 2) if len(shape) == 2 else (1, 2, 4))), named)


def batch_norm(draw: Draw) -> Call:
    """Draw a normalization of channels, in training or evaluation. The running statistics are not differentiated."""
    shape = draw.choice(((4, 3), (2, 3, 4), (2, 3, 2, 3)))
    training = draw.choice((True, False))
    x = numbers(draw, shape, 30) + np.float32(draw.choice((0, 0, 1000)))
    statistics = (weights(draw, 3), np.abs(weights(draw, 3)) + np.float32(0.1))
    named = some(draw, weight=weights(draw, 3), bias=weights(draw, 3))
    differentiated = (0, *range(3, 3 + len(named)))
    return Call((x, *statistics), named, {"training": training}, differentiated)


def instance_norm(draw: Draw) -> Call:
    """Draw a normalization of each channel of each sample."""
    shape = draw.choice(((2, 3, 4), (2, 3, 2, 3), (1, 3, 5)))
    return Call((numbers(draw, shape, 30),), some(draw, weight=weights(draw, 3), bias=weights(draw, 3)))


def local_response_norm(draw: Draw) -> Call:
    """Draw a division by neighbouring channels."""
    shape = draw.choice(((2, 4, 3), (1, 5, 2, 2)))
    options = {"alpha": draw.choice((1e-4, 0.5)), "beta": draw.choice((0.75, 0.5)), "k": draw.choice((1.0, 2.0))}
    return Call((numbers(draw, shape, 30), draw.choice((1, 2, 3, 7))), options=options)


def attention(draw: Draw) -> Call:
    """Draw attention with a mask, a causal one or none, and grouped queries."""
    heads = draw.choice((1, 2, 4))
    groups = draw.choice([g for g in (1, 2, 4) if heads % g == 0])
    queries, keys = draw.choice(((3, 3), (3, 5), (4, 2)))
    q, k, v = (
        draw.array(shape, ("normal", "integers", "zeros"), 1e-6, 30).astype("float32")
        for shape in ((2, heads, queries, 4), (2, groups, keys, 4), (2, groups, keys, 3))
    )
    options: dict[str, Any] = {"enable_gqa": True} if groups != heads else {}
    if draw.choice((True, False)):
        options["scale"] = draw.choice((1.0, 0.1))
    masked = draw.choice(("no", "causal", "bool", "added"))
    if masked == "causal":
        options["is_causal"] = True
    named = {}
    if masked == "bool":
        named["attn_mask"] = draw.mask((queries, keys))
    if masked == "added":
        named["attn_mask"] = weights(draw, queries, keys)
    return Call((q, k, v), named, options)


def multi_head_attention(draw: Draw) -> Call:
    """Draw attention of several heads with every way to project, to mask, and to add keys."""
    heads, width, (queries, keys) = draw.choice((1, 2)), 4, draw.choice(((3, 3), (3, 5), (4, 2)))
    batch = draw.choice(((), (1,), (2,)))
    separate = draw.choice((True, False))
    widths = (width, *((3, 5) if separate else (width, width)))
    q, k, v = (
        numbers(draw, (n, *batch, w), 3) for n, w in zip((queries, keys, keys), widths, strict=True)
    )  # fmt: skip
    named: dict[str, np.ndarray] = {"out_proj_weight": weights(draw, 3, width)}
    none: dict[str, Any] = {
        "in_proj_weight": None,
        "in_proj_bias": None,
        "bias_k": None,
        "bias_v": None,
        "out_proj_bias": None,
    }
    if separate:
        named |= {f"{n}_proj_weight": weights(draw, width, w) for n, w in zip("qkv", widths, strict=True)}
    else:
        named["in_proj_weight"] = weights(draw, 3 * width, width)
    if draw.choice((True, False)):
        named |= {"in_proj_bias": weights(draw, 3 * width), "out_proj_bias": weights(draw, 3)}
    if draw.choice((True, False)):
        named |= {n: weights(draw, 1, 1, width) for n in ("bias_k", "bias_v")}
    samples = batch[0] if batch else 1
    if draw.choice((True, False)):
        shape = draw.choice(((queries, keys), (samples * heads, queries, keys)))
        named["attn_mask"] = draw.mask(shape) if draw.choice((True, False)) else weights(draw, *shape)
    if draw.choice((True, False)):
        # PyTorch warns where one mask is of booleans and the other is not.
        numeric = "attn_mask" in named and named["attn_mask"].dtype != bool
        named["key_padding_mask"] = weights(draw, *batch, keys) if numeric else draw.mask((*batch, keys))
    options = {n: x for n, x in none.items() if n not in named}
    options |= {"embed_dim_to_check": width, "num_heads": heads, "dropout_p": 0.0, "use_separate_proj_weight": separate}
    options |= {n: draw.choice((True, False)) for n in ("add_zero_attn", "need_weights", "average_attn_weights")}
    return Call((q, k, v), named, options)


def in_evaluation(rank: tuple[int, ...]) -> Calls:
    """Return calls of a dropout that leaves nothing out."""

    def calls(draw: Draw) -> Call:
        shape = (2, 3, 4, 2, 3)[: draw.choice(rank)]
        return Call((numbers(draw, shape),), options={"p": draw.choice((0.0, 0.5)), "training": False})

    return calls


def pixel_shuffle(draw: Draw) -> Call:
    """Draw a shuffle of channels to pixels."""
    return Call((numbers(draw, draw.choice(((8, 2, 3), (2, 4, 1, 2)))), 2))


def pixel_unshuffle(draw: Draw) -> Call:
    """Draw a shuffle of pixels to channels."""
    return Call((numbers(draw, draw.choice(((1, 4, 6), (2, 3, 2, 4)))), 2))


def channel_shuffle(draw: Draw) -> Call:
    """Draw a shuffle of channels."""
    return Call((numbers(draw, draw.choice(((2, 6, 3), (1, 6, 2, 2)))), draw.choice((1, 2, 3))))


def unfold(draw: Draw) -> Call:
    """Draw windows written as columns."""
    options = {"dilation": draw.choice((1, 2)), "padding": draw.choice((0, 1)), "stride": per_axis(draw, 2, 1, 2)}
    return Call((images(draw, 2, 3), draw.choice((2, (1, 2), (3, 2)))), options=options)


def fold(draw: Draw) -> Call:
    """Draw columns added up to windows."""
    stride = draw.choice((1, 2))
    blocks = {1: 4 * 5, 2: 2 * 3}[stride]
    lead = draw.choice(((), (2,)))
    return Call((numbers(draw, (*lead, 12, blocks)), (5, 6), 2), options={"stride": stride})


def pad(draw: Draw) -> Call:
    """Draw padding in every mode, with widths that cut off too."""
    mode = draw.choice(("constant", "reflect", "replicate", "circular"))
    shape, count = draw.choice((((2, 5), 1), ((2, 3, 5), 1), ((2, 3, 4), 2), ((1, 2, 4, 5), 2), ((1, 2, 3, 4, 3), 3)))
    widths = tuple(draw.choice((0, 1, 2, -1)) for _ in range(2 * count))
    options = {"value": draw.choice((None, 1.5))} if mode == "constant" else {}
    return Call((numbers(draw, shape), widths, mode), options=options)


def interpolate(draw: Draw) -> Call:
    """Draw resampling in every mode."""
    mode, axes = draw.choice(
        (
            ("nearest", 1), ("nearest", 2), ("nearest", 3), ("nearest-exact", 1), ("nearest-exact", 2), ("area", 1), ("area", 2), ("linear", 1),
            ("bilinear", 2), ("bicubic", 2), ("lanczos", 2), ("trilinear", 3),
        )
    )  # fmt: skip
    x = numbers(draw, (draw.choice((1, 2)), 2, *(5, 4, 3)[:axes]))
    options: dict[str, Any] = {"mode": mode}
    if mode in ("linear", "bilinear", "bicubic", "trilinear"):
        options["align_corners"] = draw.choice((None, True, False))
    if draw.choice((True, False)):
        options["size"] = per_axis(draw, axes, 1, 2, 4, 7)
    else:
        options["scale_factor"] = draw.choice((2, 1.5, 0.6, 1.7))
        options["recompute_scale_factor"] = draw.choice((None, True))
    if mode == "lanczos" or (mode in ("bilinear", "bicubic") and draw.choice((True, False))):
        options["antialias"] = True
    return Call((x,), options=options)


def grid_sample(draw: Draw) -> Call:
    """Draw samples of an image, inside and outside of it, away from the lines on which the slope jumps."""
    axes = draw.choice((2, 2, 3))
    x = numbers(draw, (2, 3, *(4, 5, 3)[:axes]), 30)
    grid = draw.generator().uniform(-1.6, 1.6, (2, *(3, 2, 2)[:axes], axes)).astype("float32")
    mode = draw.choice(("bilinear", "nearest", "bicubic")[: 3 if axes == 2 else 2])
    options = {"mode": mode, "padding_mode": draw.choice(("zeros", "border", "reflection"))}
    return Call((x, grid), options=options | {"align_corners": draw.choice((False, True))})


def affine_grid(draw: Draw) -> Call:
    """Draw the points of an affine map."""
    size = draw.choice(((2, 1, 3, 4), (1, 2, 1, 5), (2, 1, 2, 3, 4)))
    theta = weights(draw, size[0], len(size) - 2, len(size) - 1)
    return Call((theta, size), options={"align_corners": draw.choice((False, True))})


CALLS: dict[str, Calls] = {
    "linear": linear,
    "bilinear": bilinear,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "group_norm": group_norm,
    "batch_norm": batch_norm,
    "instance_norm": instance_norm,
    "local_response_norm": local_response_norm,
    "scaled_dot_product_attention": attention,
    "multi_head_attention_forward": multi_head_attention,
    "dropout": in_evaluation((1, 2, 3)),
    "alpha_dropout": in_evaluation((1, 2, 3)),
    "dropout1d": in_evaluation((2, 3)),
    "dropout2d": in_evaluation((4,)),
    "dropout3d": in_evaluation((4, 5)),
    "feature_alpha_dropout": in_evaluation((2, 3, 4)),
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "channel_shuffle": channel_shuffle,
    "unfold": unfold,
    "fold": fold,
    "pad": pad,
    "interpolate": interpolate,
    "grid_sample": grid_sample,
    "affine_grid": affine_grid,
}
