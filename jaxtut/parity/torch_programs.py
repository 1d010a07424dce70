"""Watch a PyTorch function run: where it lowers precision, and how far rounding moves its results."""

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .definition import U32

# A constant with more significant bits than this was rounded when it became float32; 0.5 or 3 were not.
_SHORT_MANTISSA = 12
# Operations that round nothing: copies, and numbers that are only moved about.
_EXACT = {
    f"aten::{name}"
    for name in (  # noqa: SIM905
        "_to_copy clone copy zeros_like ones_like lift_fresh detach abs neg sgn sign maximum minimum max min amax amin sort topk where gather "
        "index index_select embedding cat stack constant_pad_nd max_pool2d_with_indices relu threshold_backward flip roll repeat"
    ).split()
}


# Where the engine itself makes tensors.
_ENGINE = {"jaxtut.parity.torch_side", "jaxtut.parity.torch_derivatives", "jaxtut.parity.evidence"}


@contextmanager
def moving_results(seed: int) -> Iterator[None]:
    """Move the floating result of every operation, forward and backward, by up to 2⁻²⁴ of itself at random.

    This is rounding of a chosen size without what hides it: a float32 sum can absorb its small terms whole, and then shows no noise.
    """
    generator, parts = torch.Generator().manual_seed(seed), _decompositions()

    def move(result: Any) -> Any:
        if not isinstance(result, torch.Tensor) or result.dtype != torch.float64:
            return result
        factor = 2 * torch.rand(result.shape, generator=generator, dtype=result.dtype) - 1
        return result * (1 + U32 * factor)

    class Moving(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # pyright: ignore[reportIncompatibleMethodOverride]
            if func in parts:
                with self:  # the operations that this one consists of are moved each
                    return parts[func](*args, **(kwargs or {}))
            result = func(*args, **(kwargs or {}))
            # Views and operations in place share memory with their arguments.
            if any(r.alias_info is not None for r in func._schema.returns) or func._schema.name in _EXACT:
                return result
            return type(result)(move(r) for r in result) if isinstance(result, (list, tuple)) else move(result)

    with Moving():
        yield


# Operations of PyTorch that round inside: 1 + erf(x) in GELU cancels there, where moving the result alone shows nothing.
_COMPOSED = (
    "gelu gelu_backward silu silu_backward mish mish_backward elu elu_backward softplus softplus_backward tanh_backward sigmoid_backward "
    "log_sigmoid_forward log_sigmoid_backward _softmax _softmax_backward_data _log_softmax _log_softmax_backward_data native_layer_norm "
    "native_layer_norm_backward native_group_norm native_group_norm_backward"
)


def _var(
    x: torch.Tensor, dim: list[int] | None = None, *, correction: float | None = None, keepdim: bool = False
) -> torch.Tensor:
    """The variance by way of a mean that is rounded: among numbers that are nearly equal, that is what it loses digits by."""
    dims = dim or list(range(x.ndim))
    centred = x - torch.mean(x, dims, keepdim=True)
    count = math.prod(x.shape[d] for d in dims) - (1 if correction is None else correction)
    return torch.sum((centred * centred.conj()).real, dims, keepdim=keepdim) / max(count, 0)


def _std(x: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
    return torch.sqrt(_var(x, *args, **options))


@cache
def _decompositions() -> dict:
    try:
        from torch._decomp import get_decompositions

        chosen = [getattr(torch.ops.aten, name) for name in _COMPOSED.split()]
        return {**get_decompositions(chosen), torch.ops.aten.var.correction: _var, torch.ops.aten.std.correction: _std}
    except (ImportError, AttributeError, RuntimeError):  # a private part of PyTorch: without it less is measured
        return {}


@contextmanager
def watching_precision() -> Iterator[list[str]]:
    """Collect where floating tensors of a lower precision than float64 arise from float64, or rounded constants enter."""
    places: list[str] = []

    class Watching(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # pyright: ignore[reportIncompatibleMethodOverride]
            result = func(*args, **(kwargs or {}))
            found = list(_lower(args, result))
            place = _place() if found else None
            places.extend(f"{what}{place}" for what in found if place is not None)
            return result

    with Watching():
        yield places


def _lower(args: Any, result: Any) -> Iterator[str]:
    given, gives = (
        [x for x in _flat(v) if isinstance(x, torch.Tensor) and x.is_floating_point()] for v in (args, (result,))
    )
    from_double = any(x.dtype == torch.float64 for x in given)
    if from_double:
        yield from (f"a cast to {_dtype(x)}" for x in gives if x.dtype != torch.float64)
    if from_double or any(x.dtype == torch.float64 for x in gives):
        yield from (f"a {_dtype(x)} tensor of shape {tuple(x.shape)}" for x in given if _is_rounded(x))


def _is_rounded(tensor: torch.Tensor) -> bool:
    if tensor.dtype == torch.float64:
        return False
    mantissa, _ = np.frexp(tensor.detach().double().numpy())
    scaled = mantissa * 2.0**_SHORT_MANTISSA
    return bool(np.any(np.isfinite(scaled) & (scaled != np.round(scaled))))


def _flat(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _flat(value)
        else:
            yield value


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _place() -> str | None:
    """Return file and line of the innermost frame outside of PyTorch; None if the engine itself stands there."""
    frame = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module in _ENGINE:
            return None
        if module.partition(".")[0] != "torch" and module not in ("contextlib", "functools"):
            return f" at {frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"
        frame = frame.f_back
    return None
