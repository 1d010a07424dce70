"""A graph as one interactive HTML page that needs nothing else: no network, no fonts, no other file."""

import json
from html import escape
from importlib.resources import files

from ..computational_graph import Graph
from .page_data import page_data

_STYLES = ("page.css",)
_LIBRARIES = ("vendor/d3.min.js", "vendor/dagre.min.js")
_SCRIPTS = ("numbers.js", "model.js", "live.js", "steps.js", "drawing.js", "panel.js", "main.js")


def page(graph: Graph, title: str = "computational graph") -> str:
    """Return a graph as an HTML page on which the passes are stepped through, one node at a time.

    The layout is made by dagre and the drawing by d3, which are bundled into the page. Where the graph is small and
    its operations are elementwise, the reader can change the inputs and the page computes again.

    Args:
        graph: the graph.
        title: what stands on top.

    Example:
        >>> from jaxtut import backprop, graph
        >>> text = page(graph.trace(backprop.loss, 1.0, 2.0, 1.0), "backprop")
        >>> text.startswith("<!doctype html>"), "ŷ" in text
        (True, True)
    """
    # `<` could end the element that the data stands in.
    data = json.dumps(page_data(graph, title), allow_nan=False, ensure_ascii=False).replace("<", "\\u003c")
    styles = "".join(f"<style>{_read(name)}</style>" for name in _STYLES)
    scripts = "".join(f"<script>{_read(name)}</script>\n" for name in (*_LIBRARIES, *_SCRIPTS))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title>{styles}</head>\n{_read("body.html")}'
        f'<script type="application/json" id="data">{data}</script>\n{scripts}</html>\n'
    )


def _read(name: str) -> str:
    return files("jaxtut.graph.page").joinpath(name).read_text(encoding="utf-8")
