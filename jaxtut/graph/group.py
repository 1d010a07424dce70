"""Parts of a graph that fold to one node: the call of a function, a loop, one of its rounds, a branch."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from jax.extend.core import JaxprEqn

from .source import Call, calls


@dataclass(frozen=True)
class Group:
    """Nodes that were computed by one call.

    Attributes:
        id: the position in `Graph.groups`; a group's parent has a smaller id.
        name: the function's name, or `round 2` of a loop, or `branch 0` of a `cond`.
        kind: `function` for a Python function that was called in between; `jit`, `checkpoint`, `custom_jvp`,
            `custom_vjp`, `scan`, `cond`, `while` for the calls that JAX knows; `round` for one round of a loop.
        source: the line of the call, as `file.py:12`, or "".
        parent: the id of the group around it, or `None`.

    Example:
        >>> import jax
        >>> from jaxtut import graph
        >>> def layer(x):
        ...     return 2.0 * x + 1.0
        >>> g = graph.trace(lambda x: layer(x) ** 2, 3.0)
        >>> g.groups[0].name, [g.nodes[i].op for i in g.members(0)]
        ('layer', ['constant', 'mul', 'constant', 'add'])
    """

    id: int
    name: str
    kind: str
    source: str
    parent: int | None


@dataclass
class Grouping:
    """Puts each equation into the group of the call that made it, in the order in which a program runs."""

    groups: list[Group] = field(default_factory=list)
    # For each opened call, the Python calls inside it that are under way.
    _under_way: dict[int | None, list[tuple[Call, int]]] = field(default_factory=dict)

    def add(self, name: str, kind: str, source: str, parent: int | None) -> int:
        """Append a group and return its id."""
        self.groups.append(Group(len(self.groups), name, kind, source, parent))
        return len(self.groups) - 1

    def of(self, eqn: JaxprEqn, base: int | None, function: str | None) -> int | None:
        """Return the group of an equation.

        Two equations in succession are in one group if the same line of the same caller called the same function. So
        `layer(layer(x))` is one group, which no traceback can tell apart.

        Args:
            eqn: the equation.
            base: the group of the call whose program it is in.
            function: the name of that program's function; `None` for the function that is traced.
        """
        under_way = self._under_way.setdefault(base, [])
        now = calls(eqn, function)
        same = 0
        while same < min(len(now), len(under_way)) and now[same] == under_way[same][0]:
            same += 1
        del under_way[same:]
        for call in now[same:]:
            parent = under_way[-1][1] if under_way else base
            under_way.append((call, self.add(call.function, "function", call.source, parent)))
        return under_way[-1][1] if under_way else base


def without_empty(
    groups: Sequence[Group], used: Sequence[int | None]
) -> tuple[tuple[Group, ...], dict[int | None, int]]:
    """Leave groups out in which no node is; return the others, renumbered, and the new ids by the old ones."""
    full = {i for i in used if i is not None}
    for group in reversed(groups):  # a child comes after its parent
        if group.id in full and group.parent is not None:
            full.add(group.parent)
    ids: dict[int | None, int] = {old: new for new, old in enumerate(sorted(full))}
    return tuple(replace(groups[i], id=ids[i], parent=ids.get(groups[i].parent)) for i in sorted(full)), ids
