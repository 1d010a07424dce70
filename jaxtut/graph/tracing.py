"""Trace a function at given arguments: the forward pass with its numbers, then the backward pass."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from . import opening
from .ahead import compiling_ahead
from .backward import accumulate, seeds
from .computational_graph import Graph
from .group import without_empty
from .node import Node, is_differentiable
from .recording import Entry, Recording

_DATA_DEPENDENT = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)
_ARRAYS = (jax.Array, np.ndarray, np.generic, bool, int, float, complex)


def trace(
    f: Callable[..., Any],
    *args: Any,
    cotangent: Any = None,
    jacobian_limit: int = 4096,
    opened: Iterable[str] = opening.OPENED,
) -> Graph:
    """Return the computational graph of `f(*args)`, with all its values, local gradients and accumulated gradients.

    Nodes are values, each with the operation that made it; edges carry values forward and gradients backward. The
    backward pass is the chain rule, node by node from the last to the first: with L the output,

        ∂L/∂x = Σ over the nodes z that use x of  ∂L/∂z · ∂z/∂x,      starting with ∂L/∂L = 1.

    Calls are open or folded. By default jitted functions and `jax.checkpoint` are opened; a function with its own
    derivative rule (`custom_jvp`, `custom_vjp`), a `scan`, a `cond` and a `while_loop` are one node each. A folded
    `while_loop` is differentiated column by column in forward mode, which JAX's own reverse mode refuses. What was
    computed by one call is a group (`Graph.groups`). A name given by `tap` stands on the node that it names.
    Python control flow is followed as `jax.jit` follows it: a loop over a fixed range is unrolled, and neither
    it nor an `if` is in the graph.

    Args:
        f: a function of arrays and trees of arrays, which `jax.jit` could compile.
        *args: its positional arguments. Each array in them is an input node named by its path, such as `x` or
            `params['w']`. Integer and boolean arguments are allowed; they have no gradient. Bind others with
            `functools.partial`.
        cotangent: the gradient to start from, with the structure, shapes and dtypes of the output. It may be left out
            where the output is one real number. `None` in the place of an output, or of a whole part of the
            outputs, means that it does not count.
        jacobian_limit: the largest local Jacobian, in numbers, that is computed and stored whole; larger ones are
            known by their products (`ImplicitJacobian`).
        opened: the kinds of calls to open, among `jit`, `checkpoint`, `custom_jvp`, `custom_vjp`, `scan`, `cond` and
            `while`; `graph.OPENABLE` is all of them. Loops are unrolled, and of a `cond` the branch that is taken is
            shown. Inside a function with its own rule only values are shown: gradients pass through the rule, from
            the node of its result to its arguments.

    Returns:
        The graph. Its arrays have the dtypes of the computation; nothing is rounded.

    Raises:
        TypeError: an argument is not an array; none is floating-point; or the Python control flow of `f` depends on a
            value.
        ValueError: the output is not one real number and there is no cotangent, or the cotangent does not fit; the
            output depends on an argument through an operation that has no derivative; or `opened` has a word that is
            no kind of call.

    Example:
        >>> from jaxtut import graph
        >>> def loss(x, y, w):
        ...     prediction = graph.tap("prediction", w * x)
        ...     s = graph.tap("s", prediction - y)
        ...     return s**2
        >>> g = graph.trace(loss, 1.0, 2.0, 1.0)
        >>> print(g)
        id   operation     name         inputs   value   local gradients   backward gradient
        ────────────────────────────────────────────────────────────────────────────────────
        0    input         x                     1                         -2
        1    input         y                     2                         2
        2    input         w                     1                         -2
        3    mul           prediction   2, 0     1       ∂3/∂2 = 1         -2
                                                         ∂3/∂0 = 1
        4    sub           s            3, 1     -1      ∂4/∂3 = 1         -2
                                                         ∂4/∂1 = -1
        5    integer_pow                4        1       ∂5/∂4 = -2        1
        >>> float(g.gradient_of("w"))
        -2.0

    At a kink the local gradient is the one that JAX's rule for the operation chooses: ½ for `jnp.maximum(x, 0)` at 0,
    0 for `jax.nn.relu`. Where a slope is infinite, as that of the square root at 0, a whole Jacobian has NaN beside
    it (0 · ∞), as `jax.jacobian` has; the accumulated gradients do not pass through it.

    PyTorch's counterpart is the graph behind `loss.grad_fn.next_functions`, which has no values; gradients of inner
    nodes need `retain_grad()`, and local gradients are not kept. Source: the reverse accumulation of Linnainmaa
    (1976).
    """
    leaves, tree = jax.tree.flatten(args)
    names = _names(f, args)
    _check_arguments(leaves, names)
    kinds = opening.check(opened)
    program, shape = _traced(f, args)
    with compiling_ahead() as submit:
        recording = Recording(jacobian_limit, kinds, submit)
        inputs = [
            recording.add(Entry("input", jnp.asarray(x), names=[n]), varying=True)
            for x, n in zip(leaves, names, strict=True)
        ]
        outputs = recording.run(program, inputs)
    starts = seeds([recording.entries[i] for i in outputs], jax.tree.structure(shape), cotangent)
    gradients = accumulate(recording, outputs, starts)
    groups, ids = without_empty(recording.grouping.groups, [e.group for e in recording.entries])
    pairs = zip(recording.entries, gradients, strict=True)
    nodes = tuple(_node(i, entry, gradient, ids.get(entry.group)) for i, (entry, gradient) in enumerate(pairs))
    return Graph(nodes, tuple(inputs), tuple(outputs), tuple(_parameters(f, args)), tree, groups)


def _node(i: int, entry: Entry, gradient: jax.Array | None, group: int | None) -> Node:
    name, *aliases = entry.names or [""]
    value = entry.value
    edges = tuple(entry.inputs)
    return Node(
        i,
        entry.op,
        name,
        entry.source,
        value.shape,
        value.dtype,
        value,
        gradient,
        edges,
        tuple(aliases),
        group,
        entry.params,
    )


def _parameters(f: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """Name the positional arguments as the function does; the function's own complaint comes where they do not fit."""
    try:
        bound = inspect.signature(f).bind(*args)
    except ValueError:  # a callable without a signature
        return [f"args[{i}]" for i in range(len(args))]
    except TypeError as error:
        raise TypeError(f"trace: f cannot be called with {len(args)} positional arguments: {error}") from error
    names: list[str] = []
    for name in bound.arguments:
        several = bound.signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
        names += [f"{name}[{i}]" for i in range(len(bound.arguments[name]))] if several else [name]
    return names


def _names(f: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """Name each array in the arguments: `x`, `params['w']`."""
    pairs = zip(_parameters(f, args), args, strict=True)
    return [n + jax.tree_util.keystr(path) for n, a in pairs for path, _ in jax.tree_util.tree_leaves_with_path(a)]


def _check_arguments(leaves: list[Any], names: list[str]) -> None:
    for leaf, name in zip(leaves, names, strict=True):
        if isinstance(leaf, Tracer):
            raise TypeError(f"trace: argument {name} has no value yet; call trace outside jit, grad and vmap")
        if not isinstance(leaf, _ARRAYS):
            raise TypeError(
                f"trace: argument {name} is of type {type(leaf).__name__}, not an array or a number; "
                "bind other arguments beforehand with functools.partial"
            )
    if not any(is_differentiable(jnp.result_type(leaf)) for leaf in leaves):
        given = ", ".join(f"{n}: {jnp.result_type(leaf)}" for leaf, n in zip(leaves, names, strict=True)) or "none"
        raise TypeError(f"trace: f must have at least one floating-point argument (write 3.0, not 3); given: {given}")


def _traced(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, Any]:
    try:
        return jax.make_jaxpr(f, return_shape=True)(*args)
    except _DATA_DEPENDENT as error:
        raise TypeError(
            "trace: f cannot be traced, because its Python control flow, an index or a conversion depends on the "
            "value of an argument. Use jnp.where or jax.lax.cond for a branch, a loop of jax.lax for a loop, or bind "
            f"the argument with functools.partial. JAX says: {str(error).splitlines()[0]}"
        ) from error
