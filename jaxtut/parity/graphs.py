"""What `jaxtut graph` shows: the graph of a lesson, or of any function at arguments from a file; and where it is written."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from jaxtut import graph

from . import targets

_DIGITS = 4  # images in a batch


def lesson_graph(name: str) -> graph.Graph:
    """Trace a lesson's function at the numbers of the notes, or where they have none, at a few real samples.

    Example:
        >>> lesson_graph("backprop").find("s").gradient.tolist()
        -2.0

    Raises:
        ValueError: there is no graph of that lesson.
    """
    if name not in LESSONS:
        raise ValueError(f"there is no graph of {name!r}; there are {', '.join(LESSONS)}, or module:function")
    return LESSONS[name]()


def target_graph(target: str, inputs: Path | None, opened: Sequence[str] | None = None) -> graph.Graph:
    """Trace a function that is named as `module:function` at the arrays of a file.

    Args:
        target: the function's name.
        inputs: a .npz or .safetensors file; its arrays are named as the parameters are, or stand in their order.
        opened: the kinds of calls to open, as `graph.trace` has it.

    Raises:
        ValueError: there is no such function, no file is given, the arrays do not fit, or the function cannot be traced.
    """
    function = targets.resolve(target, "graph")
    if inputs is None:
        raise ValueError(f"graph: {target} needs arguments; name a file of arrays by --inputs")
    arguments = targets.arguments(function, targets.load(inputs), skip=False, command="graph")
    try:
        return graph.trace(function, *arguments, opened=opened or graph.OPENED)
    except (ValueError, TypeError) as error:
        raise ValueError(f"graph: {target}: {' '.join(str(error).split())}") from error


def show(traced: graph.Graph, title: str, files: dict[str, Path | None], backward: bool, console: Console) -> None:
    """Write a graph to the files that are named, or print its table if none is.

    Args:
        traced: the graph.
        title: of the page.
        files: paths for `html`, `svg`, `dot` and `json`.
        backward: print the table of the backward pass instead of the forward pass.
        console: where to print.
    """
    texts: dict[str, Callable[[], str]] = {
        "html": lambda: traced.to_html(title),
        "svg": traced.to_svg,
        "dot": traced.to_dot,
        "json": traced.to_json,
    }
    named = {kind: path for kind, path in files.items() if path is not None}
    for kind, path in named.items():
        path.write_text(texts[kind](), encoding="utf-8")
        console.print(f"{kind}: {path}", markup=False, highlight=False)
    if not named:
        console.print(traced.backward_table() if backward else traced.table())


def _backprop() -> graph.Graph:
    from jaxtut import backprop

    return graph.trace(backprop.loss, *(np.float32(v) for v in (1.0, 2.0, 1.0)))


def _chain_rule() -> graph.Graph:
    from jaxtut import chain_rule

    def L(x: Any) -> Any:
        return chain_rule.forward(x).L

    return graph.trace(L, np.array([1.0, 2.0], np.float32))


def _losses() -> graph.Graph:
    from jaxtut import losses

    scores = np.array([[2.0, 1.0, 0.1], [0.5, 2.5, 0.3]], np.float32)
    return graph.trace(losses.cross_entropy, scores, np.array([0, 2]))


def _regression() -> graph.Graph:
    from jaxtut import data, regression
    from jaxtut.torch_random import Generator

    wine, _ = data.wine()
    features = ((wine - wine.mean(0)) / wine.std(0))[:8].astype(np.float32)
    return graph.trace(regression.loss, regression.init(Generator(0), 12), features[:, 1:], features[:, :1])


def _ffn() -> graph.Graph:
    from jaxtut import ffn
    from jaxtut.torch_random import Generator

    X, y = _digits()
    return graph.trace(ffn.loss, ffn.init(Generator(0)), X.reshape(_DIGITS, -1), y)


def _cnn() -> graph.Graph:
    from jaxtut import cnn
    from jaxtut.torch_random import Generator

    return graph.trace(cnn.loss, cnn.init(Generator(0), (1, 28, 28)), *_digits())


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from jaxtut import data

    X, y = data.mnist()
    rows = np.linspace(0, len(X) - 1, _DIGITS).astype(int)
    return X[rows].reshape(-1, 1, 28, 28).astype(np.float32), y[rows]


LESSONS: dict[str, Callable[[], graph.Graph]] = {
    "backprop": _backprop,
    "chain_rule": _chain_rule,
    "losses": _losses,
    "regression": _regression,
    "ffn": _ffn,
    "cnn": _cnn,
}
