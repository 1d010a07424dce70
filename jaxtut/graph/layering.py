"""Where to draw nodes and arrows: in layers, each node below all of its inputs, with few crossings.

The method is that of Sugiyama, Tagawa and Toda (1981): layers by longest paths, edges over several layers broken by bends, the order in a
layer by the mean place of the neighbours, swept down and up. `Graph.to_svg` draws with it where no script can run; the page has dagre.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

_SWEEPS = 12
_GAP = 24.0
_LAYER_GAP = 56.0
_BEND = 12.0

Key = tuple[int, int]  # (node, -1), or (edge, layer) for a bend


@dataclass(frozen=True)
class Layout:
    """Centres of nodes, the points of each edge from its first node to its second, and the size of the drawing."""

    centres: dict[int, tuple[float, float]]
    bends: list[list[tuple[float, float]]]
    width: float
    height: float


def layered(sizes: Mapping[int, tuple[float, float]], edges: Sequence[tuple[int, int]]) -> Layout:
    """Lay a graph out from top to bottom.

    Args:
        sizes: width and height of each node, in an order in which the first node of every edge comes before the second.
        edges: pairs of nodes.

    Example:
        >>> layout = layered({0: (40, 20), 1: (40, 20), 2: (40, 20)}, [(0, 2), (1, 2)])
        >>> layout.centres[0][1] == layout.centres[1][1] < layout.centres[2][1]
        True
    """
    layer = _layers(list(sizes), edges)
    rows, links = _with_bends(layer, edges)
    _order(rows, links)
    widths = {key: sizes[key[0]][0] if key[1] < 0 else _BEND for row in rows for key in row}
    across = _columns(rows, links, widths)
    tops, height = _tops(rows, sizes)
    left = min((x - widths[k] / 2 for k, x in across.items()), default=0.0) - _GAP
    right = max((x + widths[k] / 2 for k, x in across.items()), default=0.0) + _GAP
    centres = {n: (across[n, -1] - left, tops[layer[n]]) for n in sizes}
    bends = [
        [centres[a], *((across[e, i] - left, tops[i]) for i in range(layer[a] + 1, layer[b])), centres[b]]
        for e, (a, b) in enumerate(edges)
    ]
    return Layout(centres, bends, right - left, height)


def _layers(nodes: Sequence[int], edges: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Each node one layer below its lowest input; then sources move down, next to the first node that uses them."""
    before: dict[int, list[int]] = {n: [] for n in nodes}
    after: dict[int, list[int]] = {n: [] for n in nodes}
    for a, b in edges:
        before[b].append(a)
        after[a].append(b)
    layer: dict[int, int] = {}
    for n in nodes:
        layer[n] = 1 + max((layer[m] for m in before[n]), default=-1)
    for n in nodes:
        if not before[n] and after[n]:
            layer[n] = min(layer[m] for m in after[n]) - 1
    return layer


def _with_bends(
    layer: Mapping[int, int], edges: Sequence[tuple[int, int]]
) -> tuple[list[list[Key]], list[tuple[Key, Key]]]:
    rows: list[list[Key]] = [[] for _ in range(1 + max(layer.values(), default=0))]
    for n, i in layer.items():
        rows[i].append((n, -1))
    links = []
    for e, (a, b) in enumerate(edges):
        chain = [(a, -1), *((e, i) for i in range(layer[a] + 1, layer[b])), (b, -1)]
        for key in chain[1:-1]:
            rows[key[1]].append(key)
        links += list(pairwise(chain))
    return rows, links


def _neighbours(links: Sequence[tuple[Key, Key]]) -> tuple[dict[Key, list[Key]], dict[Key, list[Key]]]:
    above: dict[Key, list[Key]] = {}
    below: dict[Key, list[Key]] = {}
    for a, b in links:
        above.setdefault(b, []).append(a)
        below.setdefault(a, []).append(b)
    return above, below


def _order(rows: list[list[Key]], links: Sequence[tuple[Key, Key]]) -> None:
    above, below = _neighbours(links)
    for sweep in range(_SWEEPS):
        place = {key: i for row in rows for i, key in enumerate(row)}
        near = below if sweep % 2 else above
        for row in reversed(rows) if sweep % 2 else rows:
            means = {key: fmean(place[n] for n in near[key]) if key in near else float(place[key]) for key in row}
            row.sort(key=means.__getitem__)
            place.update((key, i) for i, key in enumerate(row))


def _columns(
    rows: Sequence[list[Key]], links: Sequence[tuple[Key, Key]], widths: Mapping[Key, float]
) -> dict[Key, float]:
    """Pull every node toward the mean of its neighbours, and push overlapping ones apart."""
    above, below = _neighbours(links)
    across: dict[Key, float] = {}
    for row in rows:
        across.update(_apart(row, dict.fromkeys(row, 0.0), widths))
    for sweep in range(_SWEEPS):
        near = below if sweep % 2 else above
        for row in reversed(rows) if sweep % 2 else rows:
            wished = {k: fmean(across[n] for n in near[k]) if k in near else across[k] for k in row}
            across.update(_apart(row, wished, widths))
    return across


def _apart(row: Sequence[Key], wished: Mapping[Key, float], widths: Mapping[Key, float]) -> dict[Key, float]:
    """The places nearest to the wished ones, in order and without overlap: neighbours that meet move as one block."""
    blocks: list[tuple[list[Key], list[float], float]] = []  # keys, offsets in the block, centre of the first key
    for key in row:
        block = ([key], [0.0], wished[key])
        while (
            blocks and blocks[-1][2] + blocks[-1][1][-1] + _distance(blocks[-1][0][-1], block[0][0], widths) > block[2]
        ):
            keys, offsets, _ = blocks.pop()
            shift = offsets[-1] + _distance(keys[-1], block[0][0], widths)
            keys, offsets = keys + block[0], offsets + [shift + o for o in block[1]]
            block = (keys, offsets, fmean(wished[k] - o for k, o in zip(keys, offsets, strict=True)))
        blocks.append(block)
    return {k: start + o for keys, offsets, start in blocks for k, o in zip(keys, offsets, strict=True)}


def _distance(a: Key, b: Key, widths: Mapping[Key, float]) -> float:
    return (widths[a] + widths[b]) / 2 + _GAP


def _tops(rows: Sequence[list[Key]], sizes: Mapping[int, tuple[float, float]]) -> tuple[list[float], float]:
    tops, y = [], _GAP
    for row in rows:
        high = max((sizes[n][1] for n, bend in row if bend < 0), default=0.0)
        tops.append(y + high / 2)
        y += high + _LAYER_GAP
    return tops, y - _LAYER_GAP + _GAP
