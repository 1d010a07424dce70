"""The graph that `trace` returns: look nodes up, read gradients, follow paths, print."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from rich.console import Console
from rich.table import Table

from ..errors import LabelError
from .export import dot_text, json_text
from .group import Group
from .node import ImplicitJacobian, LocalGradient, Node
from .svg import svg_text
from .table import backward_table, node_table


@dataclass(frozen=True, repr=False)
class Graph:
    """A function's computational graph at one point, in the order of the forward pass.

    `print(graph)` shows it as a table. The other members:

    Attributes:
        nodes: every value; `nodes[i].id == i`, and inputs come before the nodes that use them.
        input_ids: the nodes of the arguments' arrays.
        output_ids: the nodes of the output's arrays.
        arguments: the names of the arguments.
        tree: the structure of the arguments.
        groups: the calls, each of which folds to one node.

    Example:
        >>> from jaxtut import graph
        >>> g = graph.trace(lambda x: graph.tap("square", x**2) * 3.0, 2.0)
        >>> g
        Graph(4 nodes, of x)
        >>> float(g.find("square").gradient), float(g.find("x").gradient)
        (3.0, 12.0)
        >>> list(g.paths("x"))
        [(0, 1, 3)]
        >>> float(g.product_along((0, 1, 3)))
        12.0
    """

    nodes: tuple[Node, ...]
    input_ids: tuple[int, ...]
    output_ids: tuple[int, ...]
    arguments: tuple[str, ...]
    tree: Any
    groups: tuple[Group, ...] = ()

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes of the arguments' arrays, in order."""
        return tuple(self.nodes[i] for i in self.input_ids)

    @property
    def outputs(self) -> tuple[Node, ...]:
        """The nodes of the output's arrays, in order."""
        return tuple(self.nodes[i] for i in self.output_ids)

    @property
    def output(self) -> Node:
        """The node of the output. Raises `ValueError` where the function returns several arrays."""
        if len(self.output_ids) != 1:
            raise ValueError(f"output: the function returns {len(self.output_ids)} arrays; use outputs")
        return self.outputs[0]

    def members(self, group: int) -> tuple[int, ...]:
        """Return the ids of the nodes of a group and of the groups inside it."""
        inside = {group}
        for g in self.groups:  # a parent comes before its children
            if g.parent in inside:
                inside.add(g.id)
        return tuple(n.id for n in self.nodes if n.group in inside)

    def find(self, name: str) -> Node:
        """Return the node of that name: an argument's path such as `params['w']`, or a name given by `tap`.

        Raises:
            ValueError: no node, or more than one, has that name.
        """
        found = [n for n in self.nodes if name in (n.name, *n.aliases)] if name else []
        if len(found) != 1:
            known = ", ".join(dict.fromkeys(name for n in self.nodes for name in (n.name, *n.aliases) if name))
            several = f"nodes {', '.join(str(n.id) for n in found)} are named {name!r}; take one from Graph.nodes"
            raise ValueError("find: " + (several if found else f"no node is named {name!r}; there are: {known}"))
        return found[0]

    def gradient_of(self, argument: str | int) -> Any:
        """Return the gradient with respect to an argument, as a tree of the argument's structure.

        Args:
            argument: its name or its position. The path of one array in it, such as `params['w']`, is a name too.

        Returns:
            An array for an array; for a tree, a tree of arrays. The place of an integer array holds `None`.

        Raises:
            LabelError: there is no such argument.
        """
        gradients = jax.tree.unflatten(self.tree, [n.gradient for n in self.inputs])
        if isinstance(argument, int) and not isinstance(argument, bool):
            if not -len(self.arguments) <= argument < len(self.arguments):
                raise LabelError(f"gradient_of: there are {len(self.arguments)} arguments, but {argument} was given")
            return gradients[argument]
        if argument in self.arguments:
            return gradients[self.arguments.index(argument)]
        by_path = {n.name: n.gradient for n in self.inputs}
        if argument not in by_path:
            known = ", ".join(dict.fromkeys((*self.arguments, *by_path)))
            raise LabelError(f"gradient_of: no argument is named {argument!r}; there are: {known}")
        return by_path[argument]

    def paths(self, start: str | int, end: str | int | None = None) -> Iterator[tuple[int, ...]]:
        """Yield every path of differentiable edges from one node to another (the output, if none is given), as ids.

        The gradient is the sum over all paths of `product_along`. Their number can grow exponentially with the size
        of the graph, which is why backpropagation sums node by node instead.
        """
        first = self._id(start)
        last = self.output.id if end is None else self._id(end)
        if first == last:
            yield (first,)
        for i, local in self.nodes[last].inputs:
            if local is not None and i >= first:
                yield from ((*path, last) for path in self.paths(first, i))

    def product_along(self, path: tuple[int, ...]) -> Array:
        """Multiply the local Jacobians along a path: an array of shape `last.shape + first.shape`.

        Raises:
            ValueError: the path has a step that is no differentiable edge, or whose Jacobian is not stored.
        """
        first = self.nodes[path[0]]
        size = max(first.value.size, 1)
        product = jnp.eye(size, dtype=first.dtype).reshape(first.shape * 2)
        for before, after in pairwise(path):
            local = dict(self.nodes[after].inputs).get(before)
            if local is None or isinstance(local, ImplicitJacobian):
                raise ValueError(f"product_along: {_why_not(local)} from node {before} to node {after}")
            product = jnp.tensordot(local, product.astype(local.dtype), self.nodes[before].value.ndim)
        return product

    def _id(self, node: str | int) -> int:
        if isinstance(node, str):
            return self.find(node).id
        if not 0 <= node < len(self.nodes):
            raise LabelError(f"paths: there are {len(self.nodes)} nodes, but {node} was given")
        return node

    def table(self) -> Table:
        """Return the graph as a `rich.table.Table`, one row a node, in the order of the forward pass."""
        return node_table(self.nodes)

    def to_json(self) -> str:
        """Return the graph as JSON text, with its groups: the numbers of arrays up to 4096 elements, a summary of larger ones."""
        return json_text(self.nodes, self.output_ids, self.groups)

    def to_dot(self) -> str:
        """Return the graph as text in Graphviz's DOT language; `dot -Tsvg` draws it."""
        return dot_text(self.nodes)

    def to_svg(self) -> str:
        """Return the graph as a drawing, SVG text; Graphviz is not needed."""
        return svg_text(self.nodes)

    def to_html(self, title: str = "computational graph") -> str:
        """Return the graph as one interactive HTML page: the passes step by step, formulas and numbers, folding."""
        from .page import page  # a page needs a whole graph

        return page(self, title)

    def backward_table(self) -> Table:
        """Return the nodes that have a gradient as a table in the order of the backward pass, with what each one gets."""
        return backward_table(self.nodes, self.output_ids)

    def __rich__(self) -> Table:
        return self.table()

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=180, color_system=None, force_terminal=False, force_jupyter=False).print(self.table())
        return "\n".join(line.rstrip() for line in text.getvalue().rstrip().splitlines())

    def __repr__(self) -> str:
        return f"Graph({len(self.nodes)} nodes, of {', '.join(self.arguments)})"


def _why_not(local: LocalGradient) -> str:
    return "there is no differentiable edge" if local is None else "the Jacobian is too large and not stored,"
