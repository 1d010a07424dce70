"""What is written for readers: the page and its data, the drawing, formulas, and the tables of both passes."""

import json
import re
from xml.etree import ElementTree

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtut import backprop, graph
from jaxtut.graph.formulas import formula, in_symbols
from jaxtut.graph.layering import layered
from jaxtut.graph.page import page
from jaxtut.graph.page.page_data import heat_cells, is_live, page_data


@pytest.fixture
def notes() -> graph.Graph:
    return graph.trace(backprop.loss, *(np.float32(v) for v in (1.0, 2.0, 1.0)))


def test_the_page_is_one_file_that_asks_for_nothing(notes: graph.Graph) -> None:
    text = notes.to_html("backprop <b>")
    assert "<title>backprop &lt;b&gt;</title>" in text
    assert not re.search(r"<(script|img|iframe|link)[^>]*\s(src|href)=\"(?!data:)", text)
    assert "@import" not in text
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert "<" not in data
    assert json.loads(data)["title"] == "backprop <b>"


def test_the_data_of_the_notes(notes: graph.Graph) -> None:
    data = page_data(notes, "backprop")
    assert data["live"]
    s = data["nodes"][4]
    assert (s["symbol"], s["formula"], s["value"]["numbers"], s["gradient"]["numbers"]) == ("s", "ŷ − y", [-1], [-2])
    assert [(e["node"], e["slope"], e["local"]["numbers"], e["part"]["numbers"]) for e in s["inputs"]] == [
        (3, "1", [1], [-2]),
        (1, "−1", [-1], [2]),
    ]
    loss = data["nodes"][5]
    assert (loss["formula"], loss["inputs"][0]["slope"]) == ("s²", "2 · s")
    assert data["groups"][0]["name"] == "forward"


def test_large_arrays_are_heat_maps_and_large_jacobians_have_a_norm() -> None:
    x = np.linspace(-1.0, 2.0, 300, dtype=np.float32)
    data = page_data(graph.trace(lambda x: jnp.sum(x * 2.0), x), "")
    assert "numbers" not in data["nodes"][0]["value"]
    assert max(len(row) for row in data["nodes"][0]["value"]["cells"]) <= 28
    [edge] = [e for e in data["nodes"][2]["inputs"] if e["kind"] == "product"]
    assert edge["local"]["norm"] == pytest.approx(2.0 * np.sqrt(300), rel=1e-2)
    assert edge["part"]["cells"][0][0] == 2
    assert not data["live"]


def test_what_is_no_number_is_a_word() -> None:
    text = page(graph.trace(lambda x: jnp.sum(jnp.log(x)), np.array([0.0, -1.0], np.float32)), "")
    assert '["-inf", "nan"]' in text


def test_integer_edges_are_marked() -> None:
    g = graph.trace(lambda x, i: x[i] * 2.0, np.ones(3, np.float32), np.asarray(1, np.int32))
    data = page_data(g, "")
    assert data["nodes"][1]["gradient"] is None
    assert {e["kind"] for n in data["nodes"] for e in n["inputs"] if e["node"] == 1} == {"none"}
    assert ", style=dashed" in g.to_dot()
    assert 'class="edge none"' in g.to_svg()


def test_only_what_the_page_can_compute_is_live() -> None:
    assert is_live(graph.trace(lambda x: jnp.sum(jnp.sin(x) / x), np.ones(3, np.float32)))
    assert not is_live(graph.trace(lambda x: jnp.sum(jnp.sort(x)), np.ones(3, np.float32)))
    assert not is_live(graph.trace(lambda x: jnp.sum(jnp.sin(x)), np.ones(9, np.float32)))


def test_a_cell_is_the_number_farthest_from_zero() -> None:
    numbers = np.zeros((56, 56))
    numbers[3, 5], numbers[3, 4] = -7.0, 5.0
    cells = heat_cells(numbers)
    assert (len(cells), len(cells[0])) == (28, 28)
    assert cells[1][2] == -7
    assert sum(x != 0 for row in cells for x in row) == 1


def test_formulas() -> None:
    g = graph.trace(lambda x: x * x + jnp.sin(x), 2.0)
    rules = {n.op: formula(n) for n in g.nodes}
    assert in_symbols(rules["mul"].value, ("x",), "v1") == "x · x"
    assert in_symbols(rules["mul"].slopes[0], ("x",), "v1") == "2 · x"
    assert rules["sin"] == ("sin {0}", ("cos {0}",))
    assert formula(graph.trace(lambda x: jnp.sort(x)[0], np.ones(2, np.float32)).nodes[1]).value.startswith("sort(")


@pytest.mark.parametrize("x", [0.3, 1.7])
def test_formulas_of_slopes_are_the_slopes(x: float) -> None:
    functions = {"exp": "z", "tanh": "1 - z**2", "log": "1 / x", "sqrt": "1 / (2 * z)", "logistic": "z * (1 - z)"}
    for name, slope in functions.items():
        f = getattr(jax.lax, name)
        rule = formula(graph.trace(f, x).output)
        written = in_symbols(rule.slopes[0], ("x",), "z").translate(str.maketrans("−·", "-*")).replace("²", "**2")
        value = {"x": x, "z": float(f(x))}
        assert eval(written, value) == pytest.approx(eval(slope, value))
        assert eval(written, value) == pytest.approx(float(jax.grad(f)(x)), rel=1e-5)


def test_the_drawing_is_well_formed_and_has_every_number(notes: graph.Graph) -> None:
    root = ElementTree.fromstring(notes.to_svg())
    texts = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"ŷ  mul", "value -1", "grad -2"} <= set(texts)
    assert len([p for p in root.iter("{http://www.w3.org/2000/svg}path") if p.get("class") == "edge"]) == 5


def test_layers_are_below_their_inputs_and_boxes_do_not_meet() -> None:
    rng = np.random.default_rng(0)
    sizes = {i: (float(rng.uniform(30, 200)), 40.0) for i in range(40)}
    edges = [(int(rng.integers(0, b)), b) for b in range(1, 40) for _ in range(2)]
    layout = layered(sizes, list(dict.fromkeys(edges)))
    assert all(layout.centres[a][1] < layout.centres[b][1] for a, b in edges)
    boxes = [(x, y, *sizes[i]) for i, (x, y) in layout.centres.items()]
    for i, (x, y, w, h) in enumerate(boxes):
        assert w / 2 <= x <= layout.width - w / 2
        assert h / 2 <= y <= layout.height - h / 2
        for x2, y2, w2, h2 in boxes[:i]:
            assert abs(y - y2) >= (h + h2) / 2 or abs(x - x2) >= (w + w2) / 2


def test_the_table_of_the_backward_pass_begins_at_the_loss(notes: graph.Graph) -> None:
    table = notes.backward_table()
    cells = [list(map(str, column.cells)) for column in table.columns]
    assert cells[0] == ["5", "4", "3", "2", "1", "0"]
    assert cells[2] == [
        "1, or the cotangent",
        "∂L/∂5 · ∂5/∂4",
        *["∂L/∂4 · ∂4/∂3", "∂L/∂3 · ∂3/∂2"],
        "∂L/∂4 · ∂4/∂1",
        "∂L/∂3 · ∂3/∂0",
    ]
    assert cells[3] == ["1", "-2", "-2", "-2", "2", "-2"]
