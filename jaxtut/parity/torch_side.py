"""Run a PyTorch function or module: values, gradients by random cotangents, what it names, and its other derivatives on request."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtut.errors import MissingDependencyError

from .arguments import Arguments
from .probes import Probes
from .quantities import EXTENDED_FLOATS, GRADIENT, TAP, TAP_GRADIENT, VALUE, Arrays, Quantities, output_name
from .trees import distinct, flatten

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


def counterpart(name: str) -> Callable:
    """Return PyTorch's function of this name: of `torch.nn.functional`, else of `torch`, else of `torch.linalg`."""
    torch = require_torch()
    for home in (torch.nn.functional, torch, torch.linalg):
        if hasattr(home, name):
            return getattr(home, name)
    raise AttributeError(f"PyTorch has no function {name}")


class TorchSide:
    """A PyTorch function or module and the way to call it.

    Args:
        function: the function, or a `torch.nn.Module`; it takes the arguments as tensors.
        has_params: the first argument holds the module's parameters and buffers, under their state_dict names.
    """

    name = "PyTorch"
    mode = "eager"

    def __init__(self, function: Callable, has_params: bool = False):
        self.torch = require_torch()
        self.function: Any = function
        self.has_params = has_params
        # Differentiable leaves that the last run never used: PyTorch says None where JAX says zeros.
        self.unused: frozenset[str] = frozenset()

    @property
    def buffers(self) -> frozenset[str]:
        """The names of a module's buffers: state that is not differentiated."""
        return (
            frozenset(dict(self.function.named_buffers()))
            if isinstance(self.function, self.torch.nn.Module)
            else frozenset()
        )

    def outputs(self, args: Arguments, dtype: str) -> Arrays:
        """Return the named outputs."""
        return {name: a for (_, name), a in self.run(args, Probes(), dtype).items()}

    def run(self, args: Arguments, probes: Probes, dtype: str, checks: Sequence[str] = ()) -> Quantities:
        """Return values and, for each cotangent, the gradients of the differentiable leaves; and what `checks` ask for."""
        outputs, leaves = self._call(args, dtype, differentiable=bool(probes.cotangents))
        quantities = {(VALUE, n): as_numpy(t) for n, t in outputs.items()}
        names = [leaf.name for leaf in args.differentiable]
        pulled = [self.pull_back(outputs, leaves, c) for c in probes.cotangents]
        if pulled:
            for i, name in enumerate(names):
                quantities[GRADIENT, name] = np.stack([_or_zeros(g[i], leaves[i]) for g in pulled])
            self.unused = frozenset(n for i, n in enumerate(names) if all(g[i] is None for g in pulled))
        for check in checks:
            from .torch_derivatives import CHECKS

            quantities |= CHECKS[check](self, args, probes, dtype)
        return quantities

    def taps(self, args: Arguments, probes: Probes, dtype: str) -> Quantities:
        """Return the named intermediate values, and the gradients at each; submodules are named by their paths."""
        from torch_ref.naming import record

        module = self.function if isinstance(self.function, self.torch.nn.Module) else None
        with record(module) as recording:
            outputs, _ = self._call(args, dtype)
        edges = list(recording.edges.values())
        pulled = [dict(zip(recording.edges, self.pull_back(outputs, edges, c), strict=True)) for c in probes.cotangents]
        floating = [n for n, v in recording.values.items() if v.is_floating_point()]
        gradients = {
            (TAP_GRADIENT, n): np.stack([_or_zeros(g.get(n), recording.values[n]) for g in pulled]) for n in floating
        }
        return {(TAP, n): as_numpy(v) for n, v in recording.values.items()} | gradients

    def moved(self, args: Arguments, probes: Probes, taps: bool, seed: int, checks: Sequence[str] = ()) -> Quantities:
        """Return what `run` or `taps` returns in float64 when the result of every operation is moved by up to 2⁻²⁴ of itself."""
        from .torch_programs import moving_results

        with moving_results(seed):
            return self.taps(args, probes, "float64") if taps else self.run(args, probes, "float64", checks)

    def lowered(self, args: Arguments) -> list[str]:
        """Say where the function, given float64, computes in a lower precision."""
        from .torch_programs import watching_precision

        with watching_precision() as places:
            self._call(args, "float64")
        return list(dict.fromkeys(places))

    def retraced(self, args: Arguments, probes: Probes) -> Quantities | None:
        """PyTorch traces nothing: None."""
        return None

    def _call(self, args: Arguments, dtype: str, differentiable: bool = True) -> tuple[dict, list]:
        leaves = [self.tensor(leaf.value, dtype, differentiable and leaf.differentiable) for leaf in args.leaves]
        outputs = self.call(args, leaves, dtype)
        return outputs, [t for t, leaf in zip(leaves, args.leaves, strict=True) if leaf.differentiable]

    def call(self, args: Arguments, leaves: list, dtype: str) -> dict[str, "torch.Tensor"]:
        """Call the function on these leaves and return its outputs by name."""
        positional = args.rebuild(leaves)
        is_module = isinstance(self.function, self.torch.nn.Module)
        result = self._call_module(positional, dtype) if is_module else self.function(*positional)
        named, _ = flatten(result)
        parts: list[tuple[str, Any]] = []
        for path, value in named:
            t, name = self.torch.as_tensor(value), output_name(path)
            parts += [(f"{name}.real", t.real), (f"{name}.imag", t.imag)] if t.is_complex() else [(name, t)]
        return dict(zip(distinct([name for name, _ in parts]), [t for _, t in parts], strict=True))

    def _call_module(self, positional: list, dtype: str) -> Any:
        params, inputs = (positional[0], positional[1:]) if self.has_params else ({}, positional)
        own = {**dict(self.function.named_parameters()), **dict(self.function.named_buffers())}
        unknown = set(params) - set(own)
        if unknown:
            raise ValueError(f"compare: the module has no parameters named {sorted(unknown)}; it has {sorted(own)}")
        rest = {n: self._cast(t.detach().clone(), dtype) for n, t in own.items() if n not in params}
        # Buffers may be updated in place, which must not reach the array that was handed over.
        buffers = {n: t.clone() for n, t in params.items() if n not in dict(self.function.named_parameters())}
        return self.torch.func.functional_call(self.function, {**rest, **params, **buffers}, tuple(inputs))

    def tensor(self, value: Any, dtype: str, differentiable: bool) -> Any:
        """Return a leaf as a tensor of this precision; what is no array stays what it is."""
        if not isinstance(value, np.ndarray):
            return value
        tensor = self._cast(self.torch.from_numpy(np.array(value)), dtype)
        return tensor.requires_grad_() if differentiable else tensor

    def _cast(self, tensor: "torch.Tensor", dtype: str) -> "torch.Tensor":
        return tensor.to(getattr(self.torch, dtype)) if tensor.is_floating_point() else tensor

    def pull_back(self, outputs: dict, leaves: Sequence, cotangent: Arrays, keep: bool = False) -> list:
        """Return the gradient of each leaf (or gradient edge), None where the function never used it; `keep` makes it differentiable again."""
        attached = {n: t for n, t in outputs.items() if t.is_floating_point() and t.requires_grad}
        if not attached or not leaves:
            return [None] * len(leaves)
        vectors = [self.torch.as_tensor(np.asarray(cotangent[n])).to(t.dtype) for n, t in attached.items()]
        options = {"retain_graph": True, "allow_unused": True, "create_graph": keep}
        return list(self.torch.autograd.grad(list(attached.values()), list(leaves), vectors, **options))


def _or_zeros(gradient: "torch.Tensor | None", like: "torch.Tensor") -> np.ndarray:
    if gradient is None:
        return np.zeros(tuple(like.shape), as_numpy(like).dtype)
    return as_numpy(gradient)


def as_numpy(tensor: "torch.Tensor") -> np.ndarray:
    """Return a tensor as an array of its own, also in the dtypes that NumPy itself does not know."""
    tensor = tensor.detach().cpu().resolve_conj().resolve_neg()
    name = str(tensor.dtype).removeprefix("torch.")
    if name in EXTENDED_FLOATS:
        import ml_dtypes

        return tensor.float().numpy().astype(getattr(ml_dtypes, name))
    return tensor.numpy(force=True).copy()  # a ZeroTensor among them, which is what a second derivative may be
