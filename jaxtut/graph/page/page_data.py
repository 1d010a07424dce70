"""The numbers that a page shows, as data for its script: small arrays in full, larger ones as heat maps."""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from ..computational_graph import Graph
from ..formulas import formula, in_symbols
from ..node import ImplicitJacobian, LocalGradient, Node
from ..symbols import symbol
from ..table import abbreviate, plain_array

_MOST_IN_FULL = 128
_CELLS = 28

# Operations that the page computes again by itself when the reader changes an input.
LIVE = frozenset(
    {
        *("input", "constant", "add", "sub", "mul", "div", "neg", "integer_pow", "exp", "log", "sin", "cos", "tanh"),
        *("sqrt", "square", "logistic", "abs", "max", "min", "reduce_sum", "convert_element_type", "copy"),
    }
)
_MOST_LIVE = 60


def page_data(graph: Graph, title: str) -> dict[str, Any]:
    """Return what the script needs: nodes, edges, groups and the title."""
    names = [symbol(n) for n in graph.nodes]
    return {
        "title": title,
        "nodes": [_node(graph, n, names) for n in graph.nodes],
        "groups": [
            {"id": g.id, "name": g.name, "kind": g.kind, "source": g.source, "parent": g.parent} for g in graph.groups
        ],
        "outputs": list(graph.output_ids),
        "live": is_live(graph),
    }


def is_live(graph: Graph) -> bool:
    """Say whether the page can compute the graph again: few nodes, small real arrays, elementwise operations and sums."""
    small = all(n.value.size <= 8 and jnp.issubdtype(n.dtype, jnp.floating) for n in graph.nodes)
    known = all(n.op in LIVE and _is_plain(graph, n) for n in graph.nodes)
    return small and known and len(graph.nodes) <= _MOST_LIVE and graph.output_ids == (len(graph.nodes) - 1,)


def _is_plain(graph: Graph, node: Node) -> bool:
    """Say whether every operand has the node's shape or is a number; sums are over everything."""
    if node.op == "reduce_sum":
        return node.shape == ()
    return all(graph.nodes[i].shape in (node.shape, ()) for i, _ in node.inputs)


def _node(graph: Graph, node: Node, names: Sequence[str]) -> dict[str, Any]:
    operands = [names[i] for i, _ in node.inputs]
    rule = formula(node)
    slopes = [in_symbols(s, operands, names[node.id]) for s in rule.slopes]
    return {
        "id": node.id,
        "op": node.op,
        "symbol": names[node.id],
        "names": [n for n in (node.name, *node.aliases) if n],
        "source": node.source,
        "group": node.group,
        "params": {k: v for k, v in node.params.items() if isinstance(v, int | float)},
        "formula": in_symbols(rule.value, operands, names[node.id]),
        "value": array(node.value),
        "gradient": None if node.gradient is None else array(node.gradient),
        "inputs": [
            _edge(graph, node, i, local, slopes[k] if k < len(slopes) else "")
            for k, (i, local) in enumerate(node.inputs)
        ],
    }


def _edge(graph: Graph, node: Node, i: int, local: LocalGradient, slope: str) -> dict[str, Any]:
    if local is None or node.gradient is None:
        return {"node": i, "kind": "none"}
    source = graph.nodes[i]
    if isinstance(local, ImplicitJacobian):
        part, kind, jacobian = local.vjp(node.gradient), "product", _unstored(local)
    else:
        part, kind, jacobian = _product(node.gradient, local), "whole", array(local)
        jacobian |= {"rows": list(node.shape), "columns": list(source.shape)}
    return {"node": i, "kind": kind, "slope": slope, "local": jacobian, "part": array(part)}


def _product(v: Array, jacobian: Array) -> np.ndarray:
    return np.tensordot(np.asarray(v), np.asarray(jacobian), v.ndim)


def _unstored(local: ImplicitJacobian) -> dict[str, Any]:
    return {"shape": list(local.shape), "text": repr(local), "norm": _short(local.frobenius_norm(probes=2))}


def array(value: Any) -> dict[str, Any]:
    """Return an array's text, and its numbers or a heat map of them.

    Example:
        >>> array(jnp.asarray([1.0, 2.5]))["numbers"]
        [1, 2.5]
    """
    numbers = plain_array(value)
    found = {"shape": list(numbers.shape), "dtype": str(value.dtype), "text": abbreviate(value)}
    if np.iscomplexobj(numbers):
        return found
    real = numbers.astype(float)
    if real.size <= _MOST_IN_FULL:
        return found | {"numbers": [_plain(x) for x in real.ravel().tolist()]}
    return found | {"cells": heat_cells(real), "norm": _short(float(np.linalg.norm(real)))}


def heat_cells(numbers: np.ndarray) -> list[list[Any]]:
    """Return an array as a small table; each cell is the number of its block that is farthest from zero.

    The last axis goes to the right; all others go down, the first one slowest.

    Example:
        >>> heat_cells(np.arange(6.0).reshape(2, 3))
        [[0, 1, 2], [3, 4, 5]]
    """
    table = numbers.reshape(-1, numbers.shape[-1]) if numbers.ndim > 1 else _folded(numbers.ravel())
    rows = [np.array_split(part, min(_CELLS, part.shape[1]), axis=1) for part in _parts(table)]
    return [[_short(_farthest(block)) for block in row] for row in rows]


def _parts(table: np.ndarray) -> list[np.ndarray]:
    return np.array_split(table, min(_CELLS, table.shape[0]), axis=0)


def _folded(row: np.ndarray) -> np.ndarray:
    """Break one long row into lines."""
    width = math.ceil(math.sqrt(row.size))
    return np.pad(row, (0, -row.size % width), constant_values=np.nan).reshape(-1, width)


def _farthest(block: np.ndarray) -> float:
    flat = block.ravel()
    known = flat[~np.isnan(flat)]
    return float(known[np.argmax(np.abs(known))]) if known.size else math.nan


def _short(x: float) -> Any:
    return _plain(float(f"{x:.3g}"))


def _plain(x: float) -> Any:
    """JSON has no NaN and no infinities: they are words."""
    if not math.isfinite(x):
        return str(np.float64(x))
    return int(x) if x == int(x) and abs(x) < 1e6 and not (x == 0.0 and math.copysign(1.0, x) < 0.0) else x
