"""Every public name of torch.nn.functional is accounted for: there, still to come, or left out with a reason."""

import inspect

import pytest
import torch.nn.functional as TF

from jaxtut import functional as F

LEFT_OUT = {
    "writes into its argument": ["celu_", "elu_", "hardtanh_", "leaky_relu_", "relu_", "rrelu_", "selu_", "threshold_"],
    "deprecated in PyTorch in favour of interpolate": ["upsample", "upsample_bilinear", "upsample_nearest"],
    "an internal form of a function that has return_indices": [
        f"{kind}_max_pool{n}d_with_indices"
        for kind, axes in (("adaptive", (1, 2, 3)), ("fractional", (2, 3)))
        for n in axes
    ]
    + [f"max_pool{n}d_with_indices" for n in (1, 2, 3)],
    "no part of the course: sequences of unknown length, bags, random pooling and its inverse": [
        "conv_tbc", "ctc_loss", "embedding_bag", "fractional_max_pool2d", "fractional_max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d",
    ],
    "no part of the course: fused products for low precision": ["grouped_mm", "linear_cross_entropy", "scaled_grouped_mm", "scaled_mm"],
    "PyTorch's own machinery": [
        "assert_int_or_pair", "boolean_dispatch", "handle_torch_function", "has_torch_function", "has_torch_function_unary",
        "has_torch_function_variadic", "native_channel_shuffle",
    ],
}  # fmt: skip
TYPES = ("Callable", "Optional")
PUBLIC = sorted(
    name for name, f in vars(TF).items() if callable(f) and not name.startswith("_") and not inspect.isclass(f) and name not in TYPES
)  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_is_accounted_for(name: str) -> None:
    reasons = [reason for reason, names in LEFT_OUT.items() if name in names]
    assert hasattr(F, name) + len(reasons) == 1


def test_nothing_is_accounted_for_that_is_not_there():
    listed = {name for names in LEFT_OUT.values() for name in names}
    assert {name for name in listed if not hasattr(TF, name)} == set()


def test_the_face_holds_operations_alone():
    # pytest leaves names with an @ in modules whose assertions it rewrites.
    public = {n: f for n, f in vars(F).items() if n.isidentifier() and not n.startswith("_")}
    others = [n for n, f in public.items() if not f.__module__.startswith("jaxtut.ops.")]
    assert others == []
