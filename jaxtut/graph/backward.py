"""The backward pass: from the last node to the first, each hands its gradient to its inputs through its local rule."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from .local import zeros_like
from .node import is_differentiable
from .recording import Entry, Recording


def seeds(outputs: Sequence[Entry], tree: Any, cotangent: Any) -> list[Array | None]:
    """Return the gradient that each output starts with: 1 for a single real number, else what the caller gave.

    Args:
        outputs: the entries of the function's outputs.
        tree: the structure of the function's result.
        cotangent: a tree of that structure, with `None` for outputs, or whole parts, that shall not count; or `None`.

    Raises:
        ValueError: there is no single real number and no cotangent; or the cotangent's structure or a shape is wrong.
        TypeError: a cotangent's dtype is not its output's.
    """
    if cotangent is None:
        return [_one(outputs, tree)]
    leaves = _spread(tree, cotangent)
    if leaves is None:
        given = jax.tree.structure(cotangent, is_leaf=lambda leaf: leaf is None)
        raise ValueError(f"trace: cotangent must have the structure of f's output, {tree}, but it is {given}")
    return [_cotangent(entry.value, leaf) for entry, leaf in zip(outputs, leaves, strict=True)]


def _spread(tree: Any, cotangent: Any) -> list[Any] | None:
    """Return one cotangent for each leaf of a structure; `None` stands for all leaves below it. `None` if it does not fit."""
    if cotangent is None:
        return [None] * tree.num_leaves
    if tree.node_data() is None:
        return [cotangent] if tree.num_leaves == 1 else None
    children, level = jax.tree.flatten(cotangent, is_leaf=lambda x: x is None or x is not cotangent)
    if level.node_data() != tree.node_data() or len(children) != len(tree.children()):
        return None
    parts = [_spread(child, part) for child, part in zip(tree.children(), children, strict=True)]
    return None if None in parts else [leaf for part in parts if part is not None for leaf in part]


def _one(outputs: Sequence[Entry], tree: Any) -> Array:
    if len(outputs) != 1:
        raise ValueError(
            f"trace: f returns {len(outputs)} arrays ({tree}); say which combination to differentiate by "
            "cotangent=, a tree of the same structure (None for outputs that shall not count)"
        )
    value = outputs[0].value
    if not is_differentiable(value.dtype):
        raise ValueError(f"trace: f returns {value.dtype}, which has no gradient; return a floating-point value")
    if value.shape != () or jnp.iscomplexobj(value):
        raise ValueError(
            f"trace: f returns {value.dtype} of shape {value.shape}, not one real number; give the gradient to start "
            "from as cotangent=, an array of that shape, or let f return a scalar"
        )
    return jnp.ones_like(value)


def _cotangent(value: Array, leaf: Any) -> Array | None:
    if leaf is None:
        return None
    if not is_differentiable(value.dtype):
        raise ValueError(f"trace: the cotangent of an output of dtype {value.dtype} must be None")
    if jnp.shape(leaf) != value.shape:
        raise ValueError(f"trace: cotangent must have the output's shape {value.shape}, but it is {jnp.shape(leaf)}")
    # A Python number takes the output's dtype; so does a NumPy float64 where JAX has no 64-bit types.
    converted = jnp.asarray(leaf, value.dtype) if isinstance(leaf, int | float | complex) else jnp.asarray(leaf)
    if converted.dtype != value.dtype:
        raise TypeError(f"trace: cotangent must have the output's dtype {value.dtype}, but it is {converted.dtype}")
    return converted


def accumulate(recording: Recording, output_ids: Sequence[int], starts: Sequence[Array | None]) -> list[Array | None]:
    """Return the gradient of every node, by the rule ∂L/∂x = Σ over the nodes z that use x of ∂L/∂z · ∂z/∂x.

    Raises:
        ValueError: the output depends on an argument through an operation that JAX cannot differentiate.
    """
    gradients: list[Array | None] = [None] * len(recording.entries)

    def add(i: int, gradient: Array | None) -> None:
        if gradient is not None:
            before = gradients[i]
            gradients[i] = gradient if before is None else before + gradient

    for i, start in zip(output_ids, starts, strict=True):
        add(i, start)
    for step in reversed(recording.steps):
        cotangents = [gradients[i] for i in step.output_ids]
        if all(c is None for c in cotangents):
            continue
        if step.local.refusal is not None and recording.varying.intersection(step.input_ids):
            raise _no_derivative(recording.entries[step.output_ids[0]], step.local.refusal)
        for i, gradient in zip(step.input_ids, step.local.pull_back(cotangents), strict=True):
            add(i, gradient)
    return [_or_zeros(entry, g) for entry, g in zip(recording.entries, gradients, strict=True)]


def _or_zeros(entry: Entry, gradient: Array | None) -> Array | None:
    if gradient is not None or entry.inside_rule or not is_differentiable(entry.value.dtype):
        return gradient
    return zeros_like(entry.value)


def _no_derivative(entry: Entry, cause: Exception) -> ValueError:
    where = f" at {entry.source}" if entry.source else ""
    error = ValueError(f"trace: JAX cannot differentiate the operation {entry.op}{where}: {str(cause).splitlines()[0]}")
    error.__cause__ = cause
    return error
