"""Write a graph for other programs: as JSON, and in the language of Graphviz."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import jax
import numpy as np

from .group import Group
from .node import ImplicitJacobian, LocalGradient, Node
from .table import abbreviate, plain_array

_MOST_WRITTEN = 4096


def json_text(nodes: Sequence[Node], output_ids: Sequence[int], groups: Sequence[Group] = ()) -> str:
    """Return the graph as JSON text; NaN and the infinities, which JSON lacks, are strings."""
    written = {
        "nodes": [_node(n) for n in nodes],
        "outputs": list(output_ids),
        "groups": [asdict(group) for group in groups],
    }
    return json.dumps(written, allow_nan=False)


def _node(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "op": node.op,
        "name": node.name,
        "aliases": list(node.aliases),
        "source": node.source,
        "group": node.group,
        "shape": list(node.shape),
        "dtype": str(node.dtype),
        "value": _numbers(node.value),
        "gradient": _numbers(node.gradient),
        "inputs": [{"node": i, "local_gradient": _numbers(local)} for i, local in node.inputs],
    }


def _numbers(value: jax.Array | LocalGradient) -> Any:
    if value is None:
        return None
    if isinstance(value, ImplicitJacobian):
        return {"shape": list(value.shape), "stored": False}
    array = plain_array(value)
    if array.size > _MOST_WRITTEN:
        return {"shape": list(array.shape), "stored": False, "summary": abbreviate(value)}
    return _plain(array.tolist())


def _plain(x: Any) -> Any:
    if isinstance(x, list):
        return [_plain(item) for item in x]
    if isinstance(x, complex):
        return {"real": _plain(x.real), "imag": _plain(x.imag)}
    if isinstance(x, bool | int):
        return x
    number = float(x)
    return number if math.isfinite(number) else str(np.float64(number))


def dot_text(nodes: Sequence[Node]) -> str:
    """Return the graph in the DOT language: a box for each node with value and gradient, an arrow for each edge."""
    lines = ["digraph {", "  rankdir=LR;", "  node [shape=box];"]
    for node in nodes:
        gradient = "" if node.gradient is None else f"\ngradient {abbreviate(node.gradient)}"
        title = f"{node.op} {node.name}".strip()
        lines.append(f"  {node.id} [label={_quoted(f'{title}{chr(10)}{abbreviate(node.value)}{gradient}')}];")
        lines += [
            f"  {i} -> {node.id} [label={_quoted(_edge(local))}{'' if local is not None else ', style=dashed'}];"
            for i, local in node.inputs
        ]
    return "\n".join([*lines, "}"]) + "\n"


def _edge(local: LocalGradient) -> str:
    if local is None:
        return ""
    return "not stored" if isinstance(local, ImplicitJacobian) else abbreviate(local)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
