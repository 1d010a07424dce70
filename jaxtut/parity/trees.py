"""Nested containers of arrays, flattened to named leaves in the same way for both frameworks, and without either."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Rebuild = Callable[[list[Any]], Any]


def flatten(tree: Any, name: str = "") -> tuple[list[tuple[str, Any]], Rebuild]:
    """Flatten dicts (by sorted key), lists, tuples and named tuples to pairs of name and leaf, with a function that puts leaves back.

    Example:
        >>> leaves, rebuild = flatten({"b": [1, 2], "a": (3,)}, "x")
        >>> leaves
        [('x.a.0', 3), ('x.b.0', 1), ('x.b.1', 2)]
        >>> rebuild([30, 10, 20])  # the mapping keeps its own order
        {'b': [10, 20], 'a': (30,)}
    """
    if isinstance(tree, Mapping):
        # Keys are kept in the order of the mapping when it is put back, since some functions read it.
        keys = sorted(tree, key=str)
        return _flatten_children(
            [(str(k), tree[k]) for k in keys], name, lambda parts: _mapping(tree, dict(zip(keys, parts, strict=True)))
        )
    if isinstance(tree, tuple) and hasattr(tree, "_asdict"):
        children = list(tree._asdict().items())  # pyright: ignore[reportAttributeAccessIssue]
        return _flatten_children(children, name, lambda parts: type(tree)(*parts))
    if hasattr(type(tree), "n_sequence_fields"):  # torch.return_types, whose fields have names too
        fields = [(name, getattr(tree, name)) for name in getattr(type(tree), "__match_args__", ())]
        return _flatten_children(fields, name, lambda parts: type(tree)(parts))
    if isinstance(tree, (list, tuple)):
        return _flatten_children(
            [(str(i), child) for i, child in enumerate(tree)], name, lambda parts: type(tree)(parts)
        )
    if tree is None:
        return [], lambda leaves: None
    return [(name, tree)], lambda leaves: leaves[0]


def _mapping(like: Mapping, parts: dict) -> Any:
    ordered = {k: parts[k] for k in like}
    return ordered if type(like) is dict else type(like)(ordered)  # pyright: ignore[reportCallIssue]


def _flatten_children(
    children: list[tuple[str, Any]], name: str, combine: Callable[[list[Any]], Any]
) -> tuple[list[tuple[str, Any]], Rebuild]:
    leaves: list[tuple[str, Any]] = []
    parts: list[tuple[int, Rebuild]] = []
    for key, child in children:
        inner, rebuild = flatten(child, f"{name}.{key}" if name else key)
        leaves += inner
        parts.append((len(inner), rebuild))

    def put_back(new: list[Any]) -> Any:
        rebuilt, start = [], 0
        for count, rebuild in parts:
            rebuilt.append(rebuild(new[start : start + count]))
            start += count
        return combine(rebuilt)

    return leaves, put_back


def distinct(names: Sequence[str]) -> list[str]:
    """Number a name that is met again: results are kept by name, and one of two equal names would hide the other.

    Example:
        >>> distinct(["x", "y", "x"])
        ['x', 'y', 'x#2']
    """
    taken: set[str] = set()
    found = []
    for name in names:
        number, free = 1, name
        while free in taken:
            number += 1
            free = f"{name}#{number}"
        taken.add(free)
        found.append(free)
    return found
