"""The fundamentals of a PyTorch course as jit-compiled JAX, with an engine that proves both give the same gradients."""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

try:
    __version__ = version("jaxtut")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"

_MODULES = (
    "activations",
    "backprop",
    "chain_rule",
    "cnn",
    "compilation_cache",
    "data",
    "errors",
    "feature_maps",
    "figures",
    "ffn",
    "flax_models",
    "functional",
    "graph",
    "initializers",
    "jacobian",
    "losses",
    "memory",
    "naming",
    "optim",
    "parameters",
    "parity",
    "plots",
    "regression",
    "torch_random",
    "training",
    "transforms",
)


def __getattr__(name: str) -> ModuleType:
    # Lazy, so that `import jaxtut` loads neither flax nor matplotlib nor torch.
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module 'jaxtut' has no attribute {name!r}; its modules are {', '.join(_MODULES)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
