"""Read the numbers of a computational graph from autograd: value and gradient at every named value, and the operations in between."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge
from torch.utils._pytree import tree_flatten, tree_map_only

from .naming import record


class Named(NamedTuple):
    """What autograd knows of one named value."""

    value: Tensor
    gradient: Tensor


class Trace(NamedTuple):
    """The numbers of one run.

    Attributes:
        named: value and gradient by name, in the order of the forward pass; a name that is met again gets a number.
        inputs: the gradients of the arguments, each of its argument's structure, with `None` for what has no gradient.
        operations: autograd's nodes, from the output back to the arguments, the last that ran first: the class name, and the
            gradient that arrives at the operation's result.
    """

    named: dict[str, Named]
    inputs: tuple[Any, ...]
    operations: tuple[tuple[str, Tensor], ...]


def trace(f: Callable[..., Tensor], *args: Any) -> Trace:
    """Run a function of one real number and read autograd's graph of it.

    Args:
        f: a function of tensors and trees of tensors; it names values by `torch_ref.naming.tap`.
        *args: its arguments.

    Example:
        >>> from torch_ref import backprop
        >>> found = trace(backprop.loss, *map(torch.tensor, (1.0, 2.0, 1.0)))
        >>> found.named["s"].value.item(), found.named["s"].gradient.item()
        (-1.0, -2.0)
        >>> [(name, gradient.item()) for name, gradient in found.operations]
        [('PowBackward0', 1.0), ('SubBackward0', -2.0), ('MulBackward0', -2.0)]

    Raises:
        ValueError: the function returns no single real number, or it depends on no argument.

    The counterpart in JAX is `jaxtut.graph.trace`, which knows every value and not only the named ones.
    """
    args = tree_map_only(Tensor, _leaf, args)
    leaves = [x for x in tree_flatten(args)[0] if isinstance(x, Tensor) and x.requires_grad]
    with record() as recording:
        output = f(*args)
    if output.shape != () or not output.is_floating_point():
        raise ValueError(
            f"trace: f must return one real number, but it returns {output.dtype} of shape {tuple(output.shape)}"
        )
    if output.grad_fn is None:
        raise ValueError("trace: f depends on none of its arguments")
    below = _operations(output.grad_fn)
    edges = [*recording.edges.values(), *(GradientEdge(node, 0) for node in below)]
    targets: Any = [*edges, *leaves]  # its annotation knows tensors or edges, not both
    found: Any = torch.autograd.grad(output, targets, allow_unused=True)
    gradients = dict(zip(recording.edges, found, strict=False))
    arrived = found[len(gradients) : len(edges)]
    named = {
        name: Named(value, _or_zeros(gradients[name], value))
        for name, value in recording.values.items()
        if name in gradients
    }
    rest = iter(found[len(edges) :])
    inputs = tree_map_only(Tensor, lambda x: _or_zeros(next(rest), x) if x.requires_grad else None, args)
    return Trace(named, inputs, tuple((type(n).__name__, g) for n, g in zip(below, arrived, strict=True)))


def _leaf(x: Tensor) -> Tensor:
    return x.detach().clone().requires_grad_(x.is_floating_point())


def _or_zeros(gradient: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if gradient is None else gradient


def _operations(last: Any) -> list[Any]:
    """List autograd's nodes, the last that ran first; where gradients only arrive is no operation."""
    seen: set[Any] = set()
    waiting = [last]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [below for below, _ in node.next_functions]
    return sorted((n for n in seen if type(n).__name__ != "AccumulateGrad"), key=lambda n: -n._sequence_nr())
