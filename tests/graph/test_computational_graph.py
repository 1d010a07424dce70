"""Look-ups, paths, the table and the exports of a graph."""

import json
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from rich.table import Table

from jaxtut import graph
from jaxtut.errors import LabelError


def _loss(w: Any, x: Any, y: Any) -> Any:
    return (graph.tap("prediction", w * x) - y) ** 2


@pytest.fixture
def notes() -> graph.Graph:
    return graph.trace(_loss, 1.0, 1.0, 2.0)


def test_the_table_contains_the_numbers(notes: graph.Graph) -> None:
    lines = str(notes).splitlines()
    assert lines[0].split() == (
        ["id", "operation", "name", "inputs", "value", "local", "gradients", "backward", "gradient"]
    )
    assert lines[2].split() == ["0", "input", "w", "1", "-2"]
    assert lines[5].split() == ["3", "mul", "prediction", "0,", "1", "1", "∂3/∂0", "=", "1", "-2"]
    assert lines[6].split() == ["∂3/∂1", "=", "1"]
    assert lines[-1].split() == ["5", "integer_pow", "4", "1", "∂5/∂4", "=", "-2", "1"]
    assert isinstance(notes.table(), Table)
    assert notes.table().row_count == 6
    assert repr(notes) == "Graph(6 nodes, of w, x, y)"
    assert repr(notes.nodes[3]) == "Node(3: mul 'prediction', float32[])"


def test_the_table_abbreviates_large_arrays_and_keeps_brackets() -> None:
    params = {"w": np.arange(100, dtype=np.float32).reshape(4, 25)}
    text = str(graph.trace(lambda params: jnp.sum(params["w"] * params["w"]), params))
    assert "params['w']" in text
    assert "4×25: 0 … 99" in text
    assert "4×25: 0 … 198" in text
    assert "4×25 by 4×25, not stored" in text


def test_the_table_shows_values_that_are_no_ordinary_numbers() -> None:
    def f(x: Any) -> Any:
        small = x.astype(jnp.bfloat16)
        spectrum = jnp.abs(jnp.fft.fft(x))
        return jnp.sum(spectrum) + jnp.sum(jnp.log(x)) + jnp.sum(small.astype(x.dtype)) + jnp.sum(jnp.fft.fft(x)).real

    text = str(graph.trace(f, np.array([0.0, 1.0], np.float32)))
    assert "[-inf, 0]" in text
    assert "[1+0j, -1+0j]" in text
    assert "none" in str(graph.trace(lambda x, i: x[i], np.ones(2, np.float32), 0))


def test_find(notes: graph.Graph) -> None:
    assert notes.find("prediction") is notes.nodes[3]
    with pytest.raises(ValueError, match="no node is named 'z'; there are: w, x, y, prediction"):
        notes.find("z")
    with pytest.raises(ValueError, match="no node is named ''"):
        notes.find("")
    twice = graph.trace(lambda x: graph.tap("a", jnp.sin(graph.tap("a", jnp.cos(x)))), 1.0)
    with pytest.raises(ValueError, match="nodes 1, 2 are named 'a'"):
        twice.find("a")


def test_gradient_of() -> None:
    def f(p: Any, i: Any) -> Any:
        return p["a"] * p["b"][i]

    g = graph.trace(f, {"a": 2.0, "b": np.array([3.0, 4.0], np.float32), "n": 5}, 1)
    tree = g.gradient_of("p")
    assert float(tree["a"]) == 4.0
    np.testing.assert_array_equal(tree["b"], [0.0, 2.0])
    assert tree["n"] is None
    assert float(g.gradient_of(0)["a"]) == float(g.gradient_of(-2)["a"]) == float(g.gradient_of("p['a']")) == 4.0
    assert g.gradient_of("i") is None
    with pytest.raises(LabelError, match="2 arguments, but 2"):
        g.gradient_of(2)
    with pytest.raises(LabelError, match="no argument is named 'q'"):
        g.gradient_of("q")


def test_outputs() -> None:
    g = graph.trace(lambda x: (x * 2.0, x), 3.0, cotangent=(1.0, 10.0))
    assert [float(n.value) for n in g.outputs] == [6.0, 3.0]
    assert float(g.gradient_of("x")) == 12.0
    with pytest.raises(ValueError, match="returns 2 arrays"):
        _ = g.output


def test_paths() -> None:
    g = graph.trace(lambda x: jnp.sin(x) * jnp.exp(x) + x, 0.5)
    ops = [[g.nodes[i].op for i in path] for path in g.paths("x")]
    assert sorted(ops) == [["input", "add"], ["input", "exp", "mul", "add"], ["input", "sin", "mul", "add"]]
    assert list(g.paths("x", "x")) == [(0,)]
    assert list(g.paths(g.output.id, "x")) == []
    with pytest.raises(LabelError, match="nodes, but 99"):
        list(g.paths(99))


def test_product_along_a_path() -> None:
    matrix = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32)
    g = graph.trace(lambda x: 2.0 * (matrix @ x), np.ones(2, np.float32), cotangent=np.ones(3, np.float32))
    [path] = g.paths("x")
    np.testing.assert_array_equal(g.product_along(path), 2.0 * matrix)
    np.testing.assert_array_equal(g.product_along((path[0],)), np.eye(2))
    with pytest.raises(ValueError, match=f"no differentiable edge from node 0 to node {path[-1]}"):
        g.product_along((0, path[-1]))
    unstored = graph.trace(jnp.sum, np.ones(2, np.float32), jacobian_limit=1)
    with pytest.raises(ValueError, match="not stored"):
        unstored.product_along((0, 1))


def test_json(notes: graph.Graph) -> None:
    read = json.loads(notes.to_json())
    assert read["outputs"] == [5]
    assert [n["value"] for n in read["nodes"]] == [1.0, 1.0, 2.0, 1.0, -1.0, 1.0]
    assert [n["gradient"] for n in read["nodes"]] == [-2.0, -2.0, 2.0, -2.0, -2.0, 1.0]
    assert read["nodes"][5]["inputs"] == [{"node": 4, "local_gradient": -2.0}]
    assert read["nodes"][3]["name"] == "prediction"
    assert read["nodes"][3]["source"].startswith("test_computational_graph.py:")


def test_json_of_large_and_of_infinite_values() -> None:
    g = graph.trace(lambda x: jnp.sum(jnp.log(x)), np.zeros(5000, np.float32))
    large = json.loads(g.to_json())["nodes"][0]
    assert large["value"] == {"shape": [5000], "stored": False, "summary": "5000: 0 … 0"}
    small = json.loads(graph.trace(jnp.log, 0.0).to_json())["nodes"][1]
    assert small["value"] == "-inf"
    assert small["inputs"] == [{"node": 0, "local_gradient": "inf"}]


def test_dot(notes: graph.Graph) -> None:
    text = notes.to_dot()
    assert text.startswith("digraph {")
    assert '3 [label="mul prediction\\n1\\ngradient -2"];' in text
    assert '4 -> 5 [label="-2"];' in text
    assert text.count("->") == sum(len(n.inputs) for n in notes.nodes)
