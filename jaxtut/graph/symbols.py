"""What nodes and groups are called where a formula speaks of them."""

import re
from unicodedata import normalize

from .node import Node
from .table import abbreviate

_HAT = "\N{COMBINING CIRCUMFLEX ACCENT}"


def symbol(node: Node) -> str:
    """Return a node's name as a formula writes it, or a letter with its id; a constant is its number.

    Example:
        >>> from jaxtut import backprop, graph
        >>> [symbol(n) for n in graph.trace(backprop.loss, 1.0, 2.0, 1.0).nodes][-3:]
        ['ŷ', 's', 'loss']
    """
    if node.op == "constant" and node.value.size == 1:
        return abbreviate(node.value.reshape(()))
    if not node.name:
        return f"v{node.id}"
    return normalize("NFC", re.sub(r"^(\w)_hat$", rf"\1{_HAT}", node.name))
