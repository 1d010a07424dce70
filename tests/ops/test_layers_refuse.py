"""What convolutions, poolings, normalizations, dropout, attention, padding and resampling refuse, in which words, and that PyTorch refuses it too."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as TF

from jaxtut import functional as F


def ones(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.ones(shape, dtype)


IMAGE = ones(1, 2, 4, 4)
HALF = ones(3, dtype="float16")
# Operation, arguments, options, the class of the exception, and a part of the message.
REFUSED: list[tuple[str, tuple, dict[str, Any], type[Exception], str]] = [
    ("bilinear", (ones(2, 3), ones(3, 4), ones(5, 3, 4)), {}, ValueError, "the same leading dimensions, but (2, 3) and (3, 4) were given"),
    ("bilinear", (ones(2, 3), ones(2, 4), ones(5, 4, 3)), {}, ValueError, "weight must have shape (any, 3, 4), but (5, 4, 3) was given"),
    ("bilinear", (ones(2, 3), ones(2, 4), ones(5, 3, 4), ones(4)), {}, ValueError, "bias must have shape (5,), but (4,) was given"),
    ("conv1d", (ones(4), ones(1, 1, 2)), {}, ValueError, "(channels, length), but (4,) was given"),
    ("conv3d", (ones(1, 1, 4, 4, 4), ones(1, 1, 5, 2, 2)), {}, ValueError, "the kernel of size (5, 2, 2)"),
    ("conv3d", (ones(1, 1, 4, 4, 4), ones(1, 2, 2, 2, 2)), {}, ValueError, "expects 2 input channels"),
    ("conv_transpose1d", (ones(1, 2, 4), ones(3, 1, 2)), {}, ValueError, "expects 3 input channels, divisible by groups"),
    ("conv_transpose2d", (IMAGE, ones(2, 1, 2, 2)), {"output_padding": 1}, ValueError, "output_padding must be smaller than stride or dilation"),
    ("conv_transpose2d", (ones(1, 2, 1, 1), ones(2, 1, 2, 2)), {"padding": 1}, ValueError, "the result would have the size (0, 0)"),
    ("max_pool1d", (ones(2, 6), 7), {}, ValueError, "the window (7,) (dilation (1,)) is larger than the padded image"),
    ("max_pool1d", (ones(6), 2), {}, ValueError, "input must have shape (batch, channels, length)"),
    ("max_pool2d", (IMAGE, 2), {"padding": 2}, ValueError, "padding must be at most half of kernel_size=(2, 2), but (2, 2) was given"),
    ("max_pool2d", (ones(2, 0, 6, 6), 2), {}, ValueError, "only the batch may be empty"),
    ("max_pool3d", (ones(1, 1, 4, 4), 2), {}, ValueError, "is larger than the padded image"),
    ("avg_pool2d", (IMAGE, 2), {"divisor_override": 0}, ValueError, "divisor_override must be a whole number other than 0"),
    ("avg_pool2d", (IMAGE, 5), {}, ValueError, "is larger than the padded image"),
    ("adaptive_avg_pool1d", (ones(1, 6), None), {}, TypeError, "output_size must be 1 whole numbers, but None was given"),
    ("adaptive_avg_pool2d", (IMAGE, (3,)), {}, ValueError, "output_size must be 2 whole numbers, but (3,) was given"),
    ("adaptive_avg_pool2d", (IMAGE, -1), {}, ValueError, "output_size must be at least 0, but -1 was given"),
    ("adaptive_avg_pool1d", (ones(6), 2), {}, ValueError, "input must have shape"),
    ("lp_pool2d", (IMAGE, 0, 2), {}, ValueError, "norm_type must not be 0"),
    ("layer_norm", (ones(2, 3), (2,)), {}, ValueError, "a shape that ends with (2,), as normalized_shape says, but (2, 3) was given"),
    ("layer_norm", (ones(2, 3), ()), {}, ValueError, "normalized_shape must name at least one dimension"),
    ("layer_norm", (ones(2, 3), 3), {}, TypeError, "normalized_shape must be a tuple of integers, but 3 was given"),
    ("layer_norm", (ones(2, 3), (3,), ones(2)), {}, ValueError, "weight must have shape (3,), but (2,) was given"),
    ("layer_norm", (ones(2, 3), (3,), HALF), {}, TypeError, "expected arguments of one dtype, but input float32, weight float16 were given"),
    ("rms_norm", (ones(2, 3), (2,)), {}, ValueError, "a shape that ends with (2,)"),
    ("group_norm", (ones(2, 3), 2), {}, ValueError, "the channels must be divisible by num_groups=2"),
    ("group_norm", (ones(1, 1), 1), {}, ValueError, "a group needs more than one number"),
    ("group_norm", (ones(3), 1), {}, ValueError, "input must have shape (batch, channels, ...)"),
    ("group_norm", (ones(2, 4), 0), {}, ValueError, "num_groups must be a positive integer, but 0 was given"),
    ("group_norm", (ones(2, 4), 2, ones(2)), {}, ValueError, "weight must have shape (4,), but (2,) was given"),
    ("instance_norm", (ones(2, 3, 1),), {}, ValueError, "a channel needs more than one position"),
    ("instance_norm", (ones(2, 3, 4),), {"use_input_stats": False}, ValueError, "must be given where use_input_stats is false"),
    ("instance_norm", (ones(2, 3, 4), ones(3)), {}, ValueError, "both or not at all"),
    ("batch_norm", (ones(2, 3), None, None), {}, ValueError, "must be given where training is false"),
    ("batch_norm", (ones(1, 3), None, None), {"training": True}, ValueError, "more than one number while training"),
    ("batch_norm", (ones(2, 3), ones(2), ones(2)), {}, ValueError, "running_mean must have shape (3,), but (2,) was given"),
    ("batch_norm", (ones(2, 3), None, ones(3)), {"training": True}, ValueError, "both or not at all"),
    ("local_response_norm", (ones(2, 3), 2), {}, ValueError, "input must have shape (batch, channels, positions, ...)"),
    ("local_response_norm", (ones(2, 3, 4), 0), {}, ValueError, "size must be a positive integer, but 0 was given"),
    ("dropout", (IMAGE, 1.5), {}, ValueError, "p must lie in [0, 1], but 1.5 was given"),
    ("dropout", (IMAGE, float("nan")), {}, ValueError, "p must lie in [0, 1], but nan was given"),
    ("dropout", (ones(3, dtype="int64"), 0.5), {}, TypeError, "input must have a floating dtype, but int"),
    ("dropout1d", (ones(3),), {}, ValueError, "dropout1d: input must have shape (batch, channels, length) or (channels, length), but (3,) was given"),
    ("feature_alpha_dropout", (ones(3), 0.5, True), {}, ValueError, "input must have shape (batch, channels, ...)"),
    ("scaled_dot_product_attention", (ones(2), ones(2), ones(2)), {}, ValueError, "must have at least 2 dimensions"),
    ("scaled_dot_product_attention", (ones(3, 4), ones(3, 3), ones(3, 4)), {}, ValueError, "query and key must have one width"),
    (
        "scaled_dot_product_attention", (ones(3, 4),) * 3, {"attn_mask": ones(3, 3), "is_causal": True}, ValueError,
        "attn_mask must not be given beside is_causal=True",
    ),
    ("scaled_dot_product_attention", (ones(3, 4),) * 3, {"attn_mask": ones(3, 3, dtype="int64")}, TypeError, "attn_mask must be bool, float32"),
    ("scaled_dot_product_attention", (ones(3, 4),) * 3, {"attn_mask": ones(2, 3)}, ValueError, "attn_mask must broadcast to the scores"),
    ("scaled_dot_product_attention", (ones(3, 4),) * 3, {"dropout_p": 1.5}, ValueError, "dropout_p must lie in [0, 1], but 1.5 was given"),
    ("scaled_dot_product_attention", (ones(1, 4, 3, 2), ones(1, 2, 3, 2), ones(1, 2, 3, 2)), {}, ValueError, "the leading dimensions must broadcast"),
    (
        "scaled_dot_product_attention", (ones(1, 4, 3, 2), ones(1, 3, 3, 2), ones(1, 3, 3, 2)), {"enable_gqa": True}, ValueError,
        "the heads of key and value must divide those of query",
    ),
    ("pixel_shuffle", (ones(6, 2, 2), 2), {}, ValueError, "the channels must be divisible by 2²"),
    ("pixel_shuffle", (ones(4, 2), 2), {}, ValueError, "at least 3 dimensions, but (4, 2) was given"),
    ("pixel_shuffle", (ones(4, 2, 2), 0), {}, ValueError, "upscale_factor must be positive, but 0 was given"),
    ("pixel_unshuffle", (ones(1, 3, 4), 2), {}, ValueError, "height and width must be divisible by 2"),
    ("channel_shuffle", (ones(1, 5, 2), 3), {}, ValueError, "the channels must be divisible by 3"),
    ("unfold", (ones(2, 4, 4), 5), {}, ValueError, "the window (5, 5) (dilation (1, 1)) is larger"),
    ("unfold", (ones(4, 4), 2), {}, ValueError, "input must have shape"),
    ("fold", (ones(1, 8, 8), (4, 4), 2), {}, ValueError, "there must be 9 blocks, 3 × 3"),
    ("fold", (ones(1, 7, 9), (4, 4), 2), {}, ValueError, "the columns must be a multiple of 4"),
    ("pad", (ones(1, 5), (1,)), {}, ValueError, "two numbers for each padded dimension"),
    ("pad", (ones(1, 5), (1, 2, 3, 4, 5, 6)), {}, ValueError, "at most 4 for input of shape (1, 5)"),
    ("pad", (ones(1, 5), (-3, -3)), {}, ValueError, "cuts off more than the dimension 1"),
    ("pad", (ones(1, 5), (5, 1), "reflect"), {}, ValueError, "has 4 elements beside the edge to mirror, but (5, 1) was given"),
    ("pad", (ones(1, 5), (6, 0), "circular"), {}, ValueError, "wraps around once, so at most 5, but (6, 0) was given"),
    ("pad", (ones(5), (1, 2), "reflect"), {}, ValueError, "pads the last 1 dimensions of an array that has 2 or 3"),
    ("pad", (ones(1, 5), (1, 2), "reflect", 1.0), {}, ValueError, "value=1.0 is for mode 'constant' alone"),
    ("pad", (ones(1, 5), (1, 2), "nope"), {}, ValueError, "mode must be one of 'constant', 'reflect', 'replicate', 'circular', but 'nope' was given"),
    ("interpolate", (IMAGE,), {}, ValueError, "one of size and scale_factor must be given"),
    ("interpolate", (IMAGE, 2, 2), {}, ValueError, "one of size and scale_factor must be given"),
    ("interpolate", (IMAGE, (2,)), {}, ValueError, "there must be 2 sizes or factors"),
    ("interpolate", (IMAGE, 0), {}, ValueError, "sizes must be at least 1"),
    ("interpolate", (IMAGE,), {"scale_factor": 0.1}, ValueError, "sizes must be at least 1"),
    ("interpolate", (IMAGE, (2.5, 2)), {}, TypeError, "size must be a whole number or 2 of them"),
    ("interpolate", (IMAGE, 2), {"align_corners": True}, ValueError, "align_corners is for the linear and cubic modes"),
    ("interpolate", (IMAGE, 2), {"recompute_scale_factor": True}, ValueError, "recompute_scale_factor is for scale_factor"),
    ("interpolate", (IMAGE, 2), {"antialias": True}, ValueError, "antialias is for 'bilinear', 'bicubic', 'lanczos', but mode 'nearest'"),
    ("interpolate", (IMAGE, 2), {"mode": "lanczos"}, ValueError, "mode 'lanczos' is for antialias=True"),
    ("interpolate", (IMAGE, 2), {"mode": "lanczos", "antialias": True, "align_corners": True}, ValueError, "align_corners is for the linear"),
    ("interpolate", (IMAGE, 2), {"mode": "linear"}, ValueError, "mode 'linear' takes arrays of 3 dimensions"),
    ("interpolate", (IMAGE, 2), {"mode": "x"}, ValueError, "mode must be one of 'nearest'"),
    ("interpolate", (ones(1, 5), 2), {}, ValueError, "mode 'nearest' takes arrays of 3 or 4 or 5 dimensions"),
    ("affine_grid", (ones(1, 2, 3), (2, 1, 2, 3)), {}, ValueError, "theta must have shape (2, 2, 3), but (1, 2, 3) was given"),
    ("affine_grid", (ones(1, 2, 3), (1, 1, 2)), {}, ValueError, "size must hold 4 or 5 positive numbers"),
    ("affine_grid", (ones(1, 2, 3), (1, 1, 0, 3)), {}, ValueError, "size must hold 4 or 5 positive numbers"),
    ("grid_sample", (ones(1, 1, 3, 4), ones(2, 2, 2, 2)), {}, ValueError, "grid must have shape (1, any, any, 2), but (2, 2, 2, 2) was given"),
    ("grid_sample", (ones(1, 1, 3, 4), ones(1, 2, 2, 2)), {"mode": "x"}, ValueError, "mode must be 'bilinear', 'nearest' or 'bicubic', but 'x'"),
    ("grid_sample", (ones(1, 1, 3, 4), ones(1, 2, 2, 2)), {"padding_mode": "x"}, ValueError, "padding_mode must be 'zeros', 'border' or"),
    ("grid_sample", (ones(1, 1, 2, 2, 2), ones(1, 1, 1, 1, 3)), {"mode": "bicubic"}, ValueError, "'bicubic' is for images alone"),
    ("grid_sample", (ones(1, 1, 0, 4), ones(1, 2, 2, 2)), {}, ValueError, "the images must not be empty"),
    ("grid_sample", (ones(1, 1, 3, 4), ones(1, 2, 2, 2, dtype="float16")), {}, TypeError, "expected arguments of one dtype"),
]  # fmt: skip
OURS_ALONE: list[tuple[str, tuple, dict[str, Any], type[Exception], str]] = [
    *((name, (IMAGE[0], 0.5, True), {}, ValueError, f"{name}: training needs a key") for name in ("dropout", "dropout1d", "alpha_dropout")),
    ("scaled_dot_product_attention", (ones(3, 4),) * 3, {"dropout_p": 0.5}, ValueError, "dropout_p=0.5 needs a key, dropout_key="),
    ("batch_norm_with_stats", (ones(2, 3), ones(3), ones(3)), {"training": True, "momentum": None}, ValueError, "momentum=None needs num_batches"),
    ("dropout", (IMAGE,), {"inplace": True}, ValueError, "inplace=True is not taken"),
    ("max_pool2d", (IMAGE, 0), {}, ValueError, "kernel_size must be at least 1, but 0 was given"),
    ("pad", (ones(1, 5), (1.5, 2)), {}, TypeError, "pad must hold whole numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "options", "error", "message"), [*REFUSED, *OURS_ALONE])
def test_refuses(name: str, args: tuple, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        getattr(F, name)(*args, **options)
    assert str(raised.value).startswith(f"{name}: ")
    assert message in str(raised.value)


@pytest.mark.parametrize(("name", "args", "options", "error", "message"), REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_pytorch_refuses_too(
    name: str, args: tuple, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    def tensor(a: Any) -> Any:
        return torch.tensor(a) if isinstance(a, np.ndarray) else a

    with pytest.raises((RuntimeError, TypeError, ValueError, IndexError, ZeroDivisionError)):
        getattr(TF, name)(*map(tensor, args), **{k: tensor(v) for k, v in options.items()})
