"""A model's parameters: a flat dict under state_dict keys, kept in safetensors files that both frameworks read."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

Params = dict[str, Tensor]


def from_numpy(arrays: Mapping[str, np.ndarray]) -> Params:
    """Turn arrays into tensors of the same dtype."""
    return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}


def require(model: str, params: Mapping[str, Tensor], names: tuple[str, ...]) -> None:
    """Refuse parameters that do not carry exactly these names."""
    if set(params) != set(names):
        missing, extra = sorted(set(names) - set(params)), sorted(set(params) - set(names))
        raise ValueError(f"{model}: expected the parameters {list(names)}; missing {missing}, not expected {extra}")


def save(path: str | Path, params: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write parameters to a safetensors file."""
    save_file({name: value.detach().contiguous() for name, value in params.items()}, path, metadata)


def load(path: str | Path) -> Params:
    """Read parameters from a safetensors file, whichever framework wrote it."""
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file that can be read: {error}") from None
