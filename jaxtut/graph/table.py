"""Write a graph as a table, with large arrays abbreviated."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from .node import ImplicitJacobian, LocalGradient, Node, shape_text

_MOST_SHOWN = 9
_COLUMNS = ("id", "operation", "name", "inputs", "value", "local gradients", "backward gradient")


def plain_array(value: jax.Array) -> np.ndarray:
    """Return the numbers as a NumPy array; those of a random key are its data."""
    if jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
        value = jax.random.key_data(value)
    return np.asarray(value)


def abbreviate(value: jax.Array) -> str:
    """Write a number or a small array in full to six digits, a larger one as its shape and extremes.

    Example:
        >>> import jax.numpy as jnp
        >>> abbreviate(jnp.asarray([[1.0, 2.5]]))
        '[[1, 2.5]]'
        >>> abbreviate(jnp.arange(100.0))
        '100: 0 … 99'
    """
    array = plain_array(value)
    if array.size <= _MOST_SHOWN:
        return _nested(array)
    if np.iscomplexobj(array):
        return f"{shape_text(array.shape)} complex"
    return f"{shape_text(array.shape)}: {_number(array.min())} … {_number(array.max())}"


def _nested(array: np.ndarray) -> str:
    return f"[{', '.join(_nested(a) for a in array)}]" if array.ndim else _number(array[()])


def _number(x: Any) -> str:
    number = x.item() if isinstance(x, np.generic) else x
    if isinstance(number, bool | int):
        return str(number)
    if not isinstance(number, float | complex):  # the small float types of machine learning
        number = float(number)
    return f"{number:.6g}"


def local_text(node: Node, i: int, local: LocalGradient) -> str:
    """Write one edge: `∂4/∂3 = 1`."""
    if local is None:
        return f"∂{node.id}/∂{i}: none"
    if isinstance(local, ImplicitJacobian):
        return f"∂{node.id}/∂{i}: {shape_text(local.out_shape)} by {shape_text(local.in_shape)}, not stored"
    return f"∂{node.id}/∂{i} = {abbreviate(local)}"


def node_table(nodes: Sequence[Node]) -> Table:
    """Return one row for each node, in the order of the forward pass."""
    table = Table(*_COLUMNS, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for node in nodes:
        cells = (
            str(node.id),
            node.op,
            ", ".join(n for n in (node.name, *node.aliases) if n),
            ", ".join(str(i) for i, _ in node.inputs),
            abbreviate(node.value),
            "\n".join(local_text(node, i, local) for i, local in node.inputs),
            "none" if node.gradient is None else abbreviate(node.gradient),
        )
        table.add_row(*(Text(cell) for cell in cells))  # Text: a name such as params['w'] is no markup
    return table


def backward_table(nodes: Sequence[Node], output_ids: Sequence[int]) -> Table:
    """Return one row for each node with a gradient, in the order of the backward pass: what it gets, and the sum."""
    table = Table("id", "node", "receives", "backward gradient", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for node in reversed(nodes):
        if node.gradient is None:
            continue
        parts = [
            f"∂L/∂{n.id} · ∂{n.id}/∂{node.id}" for n in nodes for i, e in n.inputs if i == node.id and e is not None
        ]
        seed = ["1, or the cotangent"] if node.id in output_ids else []
        cells = (str(node.id), node.name or node.op, " + ".join([*seed, *parts]) or "0", abbreviate(node.gradient))
        table.add_row(*(Text(cell) for cell in cells))
    return table
