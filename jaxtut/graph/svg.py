"""Draw a graph as SVG, which browsers, documents and editors show; nothing else needs to be installed."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise

from .layering import layered
from .node import ImplicitJacobian, LocalGradient, Node
from .symbols import symbol
from .table import abbreviate

_LETTER = 7.4
_LINE = 17
_MOST_LETTERS = 40
# Every rule names the drawing: in a page, a style inside a drawing would hold for the whole page.
_STYLE = """
.jaxtut-graph { background: #fcfcfb; font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
.jaxtut-graph rect { fill: #ffffff; stroke: #b9bcc4; } .jaxtut-graph .constant rect, .jaxtut-graph .discrete rect { fill: #eceef2; }
.jaxtut-graph .discrete rect { stroke-dasharray: 4 3; } .jaxtut-graph text { fill: #1c2024; } .jaxtut-graph .name { font-weight: 600; }
.jaxtut-graph .value { fill: #0b68cb; } .jaxtut-graph .gradient { fill: #b3261e; } .jaxtut-graph .edge { fill: none; stroke: #b3261e; }
.jaxtut-graph .none { stroke: #60646c; stroke-dasharray: 3 4; } .jaxtut-graph .tip { fill: #60646c; }
.jaxtut-graph .slope { fill: #8a5700; font-size: 12px; text-anchor: middle; paint-order: stroke; stroke: #fcfcfb; stroke-width: 4px; }
@media (prefers-color-scheme: dark) {
  .jaxtut-graph { background: #131416; } .jaxtut-graph rect { fill: #1d2024; stroke: #4a4f57; }
  .jaxtut-graph .constant rect, .jaxtut-graph .discrete rect { fill: #26292e; } .jaxtut-graph text { fill: #edeef0; }
  .jaxtut-graph .value { fill: #7cb8ff; } .jaxtut-graph .gradient { fill: #ff8f88; } .jaxtut-graph .edge { stroke: #ff8f88; }
  .jaxtut-graph .none { stroke: #a5aab2; } .jaxtut-graph .slope { fill: #f1b549; stroke: #131416; }
}
"""


def svg_text(nodes: Sequence[Node]) -> str:
    """Return the graph as SVG text: a box for each node with value and gradient, an arrow with its slope for each edge.

    Edges without a local gradient are dashed, and so are the boxes of values without a gradient.

    Example:
        >>> from jaxtut import backprop, graph
        >>> text = svg_text(graph.trace(backprop.loss, 1.0, 2.0, 1.0).nodes)
        >>> text.startswith("<svg"), "ŷ" in text
        (True, True)
    """
    lines = {n.id: _lines(n) for n in nodes}
    sizes = {
        i: (20 + _LETTER * max(1.15 * len(texts[0]), *map(len, texts)), 12.0 + _LINE * len(texts))
        for i, texts in lines.items()
    }
    edges = [(i, n.id) for n in nodes for i, _ in n.inputs]
    slopes = [local for n in nodes for _, local in n.inputs]
    layout = layered(sizes, edges)
    arrows = [
        _arrow(points, sizes[a][1], sizes[b][1], slope)
        for points, (a, b), slope in zip(layout.bends, edges, slopes, strict=True)
    ]
    boxes = [_box(n, layout.centres[n.id], sizes[n.id], lines[n.id]) for n in nodes]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="jaxtut-graph" viewBox="0 0 {layout.width:.0f} {layout.height:.0f}"'
        f' width="{layout.width:.0f}" height="{layout.height:.0f}" role="img"><style>{_STYLE}</style>'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"'
        ' markerUnits="userSpaceOnUse"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>\n'
        + "\n".join([*arrows, *boxes])
        + "\n</svg>\n"
    )


def _lines(node: Node) -> list[str]:
    if node.op == "constant":
        return [_short(symbol(node) if node.value.size == 1 else abbreviate(node.value))]
    head = f"{symbol(node)}  {node.op}" if node.name and node.op != "input" else node.name or node.op
    gradient = "no gradient" if node.gradient is None else f"grad {abbreviate(node.gradient)}"
    return [_short(text) for text in (head, f"value {abbreviate(node.value)}", gradient)]


def _short(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"


def _box(node: Node, centre: tuple[float, float], size: tuple[float, float], texts: Sequence[str]) -> str:
    left, top = centre[0] - size[0] / 2, centre[1] - size[1] / 2
    kind = "constant" if node.op == "constant" else "discrete" if node.gradient is None else "smooth"
    where = f"node {node.id}, {node.op}{f', {node.source}' if node.source else ''}"
    rows = "".join(
        f'<text class="{c}" x="{left + 10:.1f}" y="{top + 18 + _LINE * k:.1f}">{escape(text)}</text>'
        for k, (c, text) in enumerate(zip(("name", "value", "gradient"), texts, strict=False))
    )
    return (
        f'<g class="{kind}"><title>{escape(where)}</title><rect x="{left:.1f}" y="{top:.1f}" width="{size[0]:.1f}"'
        f' height="{size[1]:.1f}" rx="7"/>{rows}</g>'
    )


def _arrow(points: Sequence[tuple[float, float]], high: float, low: float, slope: LocalGradient) -> str:
    (x0, y0), *middle, (x1, y1) = points
    stops = [(x0, y0 + high / 2), *middle, (x1, y1 - low / 2)]
    path = f"M{stops[0][0]:.1f} {stops[0][1]:.1f}"
    for (xa, ya), (xb, yb) in pairwise(stops):
        half = (ya + yb) / 2
        path += f"C{xa:.1f} {half:.1f} {xb:.1f} {half:.1f} {xb:.1f} {yb:.1f}"
    drawn = f'<path class="edge{" none" if slope is None else ""}" d="{path}" marker-end="url(#tip)"/>'
    text = "" if slope is None or isinstance(slope, ImplicitJacobian) else abbreviate(slope)
    if not text or len(text) > 24:
        return drawn
    (xa, ya), (xb, yb) = stops[-2:]
    return f'{drawn}<text class="slope" x="{(xa + xb) / 2:.1f}" y="{(ya + yb) / 2 + 4:.1f}">{escape(text)}</text>'
