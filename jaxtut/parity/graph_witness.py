"""PyTorch's autograd as the witness of a computational graph: at every named value, and at every operation that autograd records."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.core import Tracer

from jaxtut import graph

from .comparison import compare
from .report import Report

# What autograd calls an operation, and what the graph calls the group or the node that folds to it.
FOLDED = {
    "AddBackward0": ("add",),
    "AddmmBackward0": ("linear",),
    "BinaryCrossEntropyBackward0": ("binary_cross_entropy",),
    "BinaryCrossEntropyWithLogitsBackward0": ("binary_cross_entropy_with_logits",),
    "ConvolutionBackward0": ("conv2d", "convolution_layer"),
    "DivBackward0": ("div",),
    "LogSoftmaxBackward0": ("log_softmax",),
    "MaxPool2DWithIndicesBackward0": ("max_pool2d", "max_pooling_layer"),
    "MseLossBackward0": ("mse_loss",),
    "MulBackward0": ("mul",),
    "NllLossBackward0": ("cross_entropy",),
    "PowBackward0": ("integer_pow", "square"),
    "ReluBackward0": ("relu",),
    "SigmoidBackward0": ("sigmoid",),
    "SubBackward0": ("sub",),
    "SumBackward0": ("reduce_sum",),
    "TanhBackward0": ("tanh",),
    "TBackward0": ("transpose",),
    "ViewBackward0": ("reshape",),
}
# Operations that may stand inside the fold of another one, or be none of the graph's: the transposed weight of a linear layer. Where the graph does
# not transpose it, its gradient is compared at the weight alone.
_INSIDE = {"TBackward0"}


class Match(NamedTuple):
    """An operation of autograd and what it is in the graph.

    Attributes:
        number: of the operation, counted from the output backward.
        operation: autograd's class name.
        name: of the group or the operation in the graph.
        members: the ids of the nodes that fold to it.
        result: the node of its result.
    """

    number: int
    operation: str
    name: str
    members: tuple[int, ...]
    result: graph.Node


def match(traced: graph.Graph, operations: Sequence[str]) -> list[Match]:
    """Find the group or node of a graph for each operation of autograd; a transposed weight may have none.

    Args:
        traced: the graph.
        operations: autograd's class names, from the output backward, as `torch_ref.graph.trace` lists them.

    Example:
        >>> from jaxtut import backprop
        >>> g = graph.trace(backprop.loss, 1.0, 2.0, 1.0)
        >>> [m.result.name for m in match(g, ("PowBackward0", "SubBackward0", "MulBackward0"))]
        ['loss', 's', 'y_hat']

    Raises:
        LookupError: an operation is not in the table `FOLDED`, or nothing in the graph is left for it.
    """
    folds = sorted(_folds(traced), key=lambda fold: (fold[2].id, len(fold[1])), reverse=True)
    taken: set[int] = set()
    found = []
    for number, operation in enumerate(operations):
        if operation not in FOLDED:
            raise LookupError(f"match: {operation} is not in the table of folds")
        inside = operation in _INSIDE
        # Autograd's T is that of a matrix; `feature_maps` moves the batch of images.
        suits = [
            f for f in folds if f[0] in FOLDED[operation] and (not inside or getattr(f[2].gradient, "ndim", 0) == 2)
        ]
        fold = next((f for f in suits if inside or f[2].id not in taken or _is_loss(f)), None)
        if fold is None:
            if inside:
                continue
            raise LookupError(f"match: the graph has no {' or '.join(FOLDED[operation])} for {operation}")
        folds.remove(fold)
        # The loss is a fold of its own and has another inside, log_softmax, which is still to come.
        taken.update([fold[2].id] if _is_loss(fold) else fold[1])
        found.append(Match(number, operation, *fold))
    return found


def _is_loss(fold: tuple[str, tuple[int, ...], graph.Node]) -> bool:
    return fold[0] == "cross_entropy"


def _folds(traced: graph.Graph) -> Iterator[tuple[str, tuple[int, ...], graph.Node]]:
    for group in traced.groups:
        members = traced.members(group.id)
        smooth = [i for i in members if traced.nodes[i].gradient is not None]
        if smooth:
            yield group.name, members, traced.nodes[smooth[-1]]
    for node in traced.nodes:
        if node.gradient is not None and node.op not in ("input", "constant"):
            yield node.op, (node.id,), node


def confirm(jax_function: Callable, torch_function: Callable, *args: Any) -> Report:
    """Compare a graph's value and gradient at every named value, and its gradient at every operation, with autograd's.

    Args:
        jax_function: a function of one real number, which `graph.trace` can trace.
        torch_function: its twin, with the same names.
        *args: NumPy arrays and trees of them.

    Example:
        >>> import numpy as np
        >>> from jaxtut import backprop
        >>> from torch_ref import backprop as twin
        >>> report = confirm(backprop.loss, twin.loss, *(np.array(v) for v in (1.0, 2.0, 1.0)))
        >>> report.verdict, len(report.rows)
        ('bit-identical', 24)

    Raises:
        LookupError: an operation of autograd has no place in the graph.
    """
    operations: list[str] = []
    shapes: list[tuple[int, ...]] = []
    found_in_graph: set[int] = set()

    def by_torch(*tensors: Any) -> dict[str, Any]:
        from torch_ref import graph as twin

        found = twin.trace(torch_function, *tensors)
        operations[:] = [name for name, _ in found.operations]
        shapes[:] = [np.shape(gradient) for _, gradient in found.operations]
        return {
            "named": {name: {"value": n.value, "gradient": n.gradient} for name, n in found.named.items()},
            "inputs": [g for g in found.inputs if g is not None],
            "operations": {
                f"{i} {name}": gradient for i, (name, gradient) in enumerate(found.operations) if i in found_in_graph
            },
        }

    def by_graph(*arrays: Any) -> dict[str, Any]:
        traced = graph.trace(jax_function, *arrays, jacobian_limit=0)
        named = [n for n in traced.nodes if n.name and n.op != "input"]
        matched = match(traced, operations)
        return {
            "named": {n.name: {"value": n.value, "gradient": n.gradient} for n in named},
            "inputs": [g for g in map(traced.gradient_of, range(len(arrays))) if g is not None],
            "operations": {
                f"{m.number} {m.operation}": _batch_first(m.result.gradient, shapes[m.number]) for m in matched
            },
        }

    def by_graph_or_callback(*arrays: Any) -> dict[str, Any]:
        leaves = jax.tree.leaves(arrays)
        if not any(isinstance(leaf, Tracer) for leaf in leaves):
            return by_graph(*arrays)
        # The engine looks at the program of what differs; a graph has none, and is a step of its own there.
        return jax.pure_callback(by_graph, _shapes(by_graph, arrays), *arrays)

    from torch.utils._pytree import tree_map

    # Once, for the list of operations, and for those that the graph has too.
    by_torch(*tree_map(_tensor, args))
    found_in_graph.update(m.number for m in match(graph.trace(jax_function, *args, jacobian_limit=0), operations))
    # The graph runs operation by operation, as it was made; its gradients are values here.
    return compare(by_graph_or_callback, by_torch, *args, argnums=(), modes=("eager",))


def _batch_first(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Return a gradient in autograd's order: between the layers of `feature_maps` the batch is the last axis."""
    if np.shape(gradient) != shape and np.shape(gradient) == (*shape[1:], *shape[:1]):
        return np.moveaxis(np.asarray(gradient), -1, 0)
    return gradient


def _tensor(x: Any) -> Any:
    import torch

    array = np.array(x)
    return torch.from_numpy(array.astype(float) if array.dtype.kind == "f" else array)


def _shapes(f: Callable, arrays: Any) -> Any:
    """The shapes of what `f` returns, which depend on no value."""
    ones = jax.tree.map(lambda x: np.ones(x.shape, x.dtype), arrays)
    with jax.ensure_compile_time_eval():
        return jax.tree.map(lambda y: jax.ShapeDtypeStruct(y.shape, y.dtype), f(*ones))
