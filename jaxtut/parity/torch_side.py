"""Run a PyTorch function or module: values, gradients by random cotangents, and what it names with `tap`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtut.errors import MissingDependencyError

from .arguments import Arguments
from .observation import Arrays, Observation, output_name
from .trees import flatten

if TYPE_CHECKING:
    import torch


def require_torch() -> Any:
    """Import torch, or say how to install it."""
    try:
        import torch
    except ImportError:
        raise MissingDependencyError(
            'PyTorch is needed for a comparison and is not installed: pip install "jaxtut[torch]"'
        ) from None
    return torch


class TorchSide:
    """A PyTorch function or module and the way to call it.

    Args:
        function: the function, or a `torch.nn.Module`; it takes the arguments as tensors.
        has_params: the first argument holds the module's parameters and buffers, under their state_dict names.
    """

    name = "PyTorch"

    def __init__(self, function: Callable, has_params: bool = False):
        self.torch = require_torch()
        self.function: Any = function
        self.has_params = has_params

    def outputs(self, args: Arguments, dtype: str) -> Arrays:
        """Return the named outputs."""
        return self.run(args, [], dtype).values

    def run(self, args: Arguments, cotangents: list[Arrays], dtype: str) -> Observation:
        """Return values and, for each cotangent, the gradients of the differentiable leaves."""
        outputs, leaves = self._call(args, dtype)
        names = [leaf.name for leaf in args.differentiable]
        pulled = [self._pull_back(outputs, leaves, c) for c in cotangents]
        gradients = {
            n: np.stack([_numpy(leaves[i]) * 0 if g[i] is None else _numpy(g[i]) for g in pulled])
            for i, n in enumerate(names)
            if pulled
        }
        unused = frozenset(n for i, n in enumerate(names) if pulled and all(g[i] is None for g in pulled))
        return Observation({n: _numpy(t) for n, t in outputs.items()}, gradients, unused)

    def noise_of_operations(
        self, args: Arguments, cotangents: list[Arrays], truth: Observation, size: float, runs: int
    ) -> dict:
        """Return how far each element moves in float64 when the result of every operation is moved by up to `size` of itself.

        This is rounding of a chosen size without what hides it: a float32 sum can absorb its small terms whole, and then shows no noise.
        """
        largest: dict[tuple[str, str], np.ndarray] = {}
        for seed in range(runs):
            with _moving_results(self.torch, size, seed):
                moved = self.run(args, cotangents, "float64").quantities()
            for key, exact in truth.quantities().items():
                if np.issubdtype(exact.dtype, np.floating):
                    with np.errstate(all="ignore"):
                        distance = np.abs(moved[key] - exact)
                    largest[key] = np.fmax(largest.get(key, 0.0), np.where(np.isfinite(distance), distance, 0))
        return largest

    def taps(self, args: Arguments, cotangent: Arrays, dtype: str) -> Observation:
        """Return the named intermediate values, and the gradient at each."""
        from torch_ref.naming import record

        with record() as recording:
            outputs, _ = self._call(args, dtype)
        names = list(recording.tensors)
        pulled = self._pull_back(outputs, [recording.tensors[n] for n in names], cotangent)
        gradients = {
            n: _numpy(recording.values[n]) * 0 if g is None else _numpy(g) for n, g in zip(names, pulled, strict=True)
        }
        return Observation(
            {n: _numpy(v) for n, v in recording.values.items()}, {n: g[None] for n, g in gradients.items()}
        )

    def _call(self, args: Arguments, dtype: str) -> tuple[dict, list]:
        leaves = [self._tensor(leaf, dtype) for leaf in args.leaves]
        positional = args.rebuild(leaves)
        is_module = isinstance(self.function, self.torch.nn.Module)
        result = self._call_module(positional, dtype) if is_module else self.function(*positional)
        named, _ = flatten(result)
        outputs = {output_name(n): self.torch.as_tensor(t) for n, t in named}
        return outputs, [t for t, leaf in zip(leaves, args.leaves, strict=True) if leaf.differentiable]

    def _call_module(self, positional: list, dtype: str) -> Any:
        params, inputs = (positional[0], positional[1:]) if self.has_params else ({}, positional)
        own = {**dict(self.function.named_parameters()), **dict(self.function.named_buffers())}
        unknown = set(params) - set(own)
        if unknown:
            raise ValueError(f"compare: the module has no parameters named {sorted(unknown)}; it has {sorted(own)}")
        rest = {n: self._cast(t.detach().clone(), dtype) for n, t in own.items() if n not in params}
        return self.torch.func.functional_call(self.function, {**rest, **params}, tuple(inputs))

    def _tensor(self, leaf, dtype: str) -> Any:
        if not isinstance(leaf.value, np.ndarray):
            return leaf.value
        tensor = self._cast(self.torch.from_numpy(np.array(leaf.value)), dtype)
        return tensor.requires_grad_() if leaf.differentiable else tensor

    def _cast(self, tensor: "torch.Tensor", dtype: str) -> "torch.Tensor":
        return tensor.to(getattr(self.torch, dtype)) if tensor.is_floating_point() else tensor

    def _pull_back(self, outputs: dict, leaves: list, cotangent: Arrays) -> list:
        """Return the gradient of each leaf, None where the function never used it."""
        attached = {n: t for n, t in outputs.items() if t.is_floating_point() and t.requires_grad}
        if not attached or not leaves:
            return [None] * len(leaves)
        vectors = [self.torch.as_tensor(np.asarray(cotangent[n])).to(t.dtype) for n, t in attached.items()]
        wanted = [t for t in leaves if t.requires_grad]
        found = iter(
            self.torch.autograd.grad(list(attached.values()), wanted, vectors, retain_graph=True, allow_unused=True)
        )
        return [next(found) if t.requires_grad else None for t in leaves]


def _moving_results(torch: Any, size: float, seed: int) -> Any:
    """Return a context in which every operation of PyTorch, forward and backward, has its floating results moved at random."""
    from torch.utils._python_dispatch import TorchDispatchMode

    generator = torch.Generator().manual_seed(seed)

    def move(result: Any) -> Any:
        if not isinstance(result, torch.Tensor) or result.dtype != torch.float64:
            return result
        factor = 2 * torch.rand(result.shape, generator=generator, dtype=result.dtype) - 1
        return result * (1 + size * factor)

    class Moving(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # pyright: ignore[reportIncompatibleMethodOverride]
            result = func(*args, **(kwargs or {}))
            # Views and operations in place share memory with their arguments, and copies round nothing.
            if any(r.alias_info is not None for r in func._schema.returns) or func._schema.name in _EXACT:
                return result
            return type(result)(move(r) for r in result) if isinstance(result, (list, tuple)) else move(result)

    return Moving()


_EXACT = {
    "aten::_to_copy",
    "aten::clone",
    "aten::copy",
    "aten::zeros_like",
    "aten::ones_like",
    "aten::lift_fresh",
    "aten::detach",
}


def _numpy(tensor: "torch.Tensor") -> np.ndarray:
    return tensor.detach().cpu().resolve_conj().resolve_neg().numpy().copy()
