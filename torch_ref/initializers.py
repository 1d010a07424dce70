"""The default initial weights of PyTorch's layers, drawn from a generator of the caller's."""

import math

import torch
from torch import Tensor, nn


def linear(
    in_features: int,
    out_features: int,
    bias: bool = True,
    generator: torch.Generator | None = None,
    dtype: str = "float32",
) -> tuple[Tensor, Tensor | None]:
    """Draw what `nn.Linear(in_features, out_features)` starts from: the weight first, then the bias.

    Example:
        >>> weight, _ = linear(3, 2, generator=torch.Generator().manual_seed(0))
        >>> _ = torch.manual_seed(0)
        >>> torch.equal(weight, nn.Linear(3, 2).weight)
        True
    """
    return _draw((out_features, in_features), bias, generator, dtype)


def conv(
    in_channels: int,
    out_channels: int,
    kernel_size: tuple[int, ...],
    groups: int = 1,
    bias: bool = True,
    generator: torch.Generator | None = None,
    dtype: str = "float32",
) -> tuple[Tensor, Tensor | None]:
    """Draw what `nn.Conv1d`, `nn.Conv2d` or `nn.Conv3d` starts from: the weight first, then the bias."""
    return _draw((out_channels, in_channels // groups, *kernel_size), bias, generator, dtype)


def _draw(
    shape: tuple[int, ...], bias: bool, generator: torch.Generator | None, dtype: str
) -> tuple[Tensor, Tensor | None]:
    weight = torch.empty(shape, dtype=getattr(torch, dtype))
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
    if not bias:
        return weight, None
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    return weight, torch.empty(shape[0], dtype=weight.dtype).uniform_(-bound, bound, generator=generator)
