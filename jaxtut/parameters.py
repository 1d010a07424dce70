"""A model's parameters: a flat dict under PyTorch's state_dict keys, kept in safetensors files that both frameworks read."""

from collections.abc import Mapping
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

Params = dict[str, Array]


def from_numpy(arrays: Mapping[str, ArrayLike | None]) -> Params:
    """Turn arrays into JAX arrays of the same dtype, or say why that cannot be.

    Raises:
        ValueError: a float64 array, while JAX's 64-bit mode is off and would round it to float32 without a word.
    """
    params = {}
    for name, value in arrays.items():
        if value is None:  # a layer without bias
            continue
        array = jnp.asarray(value)
        if array.dtype != np.asarray(value).dtype:
            raise ValueError(
                f"{name} is {np.asarray(value).dtype}, which JAX rounds to {array.dtype}: "
                "call jax.config.update('jax_enable_x64', True) first, or convert it yourself"
            )
        params[name] = array
    return params


def require(model: str, params: Mapping[str, ArrayLike], names: tuple[str, ...]) -> None:
    """Refuse parameters that do not carry exactly these names."""
    if set(params) != set(names):
        missing, extra = sorted(set(names) - set(params)), sorted(set(params) - set(names))
        raise ValueError(f"{model}: expected the parameters {list(names)}; missing {missing}, not expected {extra}")


def save(path: str | Path, params: Mapping[str, ArrayLike], metadata: dict[str, str] | None = None) -> None:
    """Write parameters to a safetensors file.

    Args:
        path: where to write.
        params: arrays by name.
        metadata: words for the file's header; None: none.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(f"{folder}/w.safetensors", {"w": jnp.eye(2).T})
        ...     load(f"{folder}/w.safetensors")["w"].tolist()
        [[1.0, 0.0], [0.0, 1.0]]

    PyTorch's counterpart: `safetensors.torch.save_file(module.state_dict(), path)`; the files are the same.
    """
    # safetensors writes the buffer as it lies in memory: a transposed view would be stored with its numbers in the wrong places.
    save_file({name: np.ascontiguousarray(np.asarray(value)) for name, value in params.items()}, path, metadata)


def load(path: str | Path) -> Params:
    """Read parameters from a safetensors file, whichever framework wrote it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a safetensors file, or holds float64 while JAX's 64-bit mode is off.
    """
    try:
        return from_numpy(load_file(path))
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file that can be read: {error}") from None
