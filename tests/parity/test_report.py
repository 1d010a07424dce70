"""Reports: their JSON form against its schema, their few lines, their table, and the map of the worst leaf."""

import json
import math
import re
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from rich.console import Console

from jaxtut.naming import tap
from jaxtut.parity import Report, Row, compare, definition
from jaxtut.parity import json_form as form
from jaxtut.parity.heat_map import ROUNDING, ULP, UNEQUAL, heat_map
from jaxtut.parity.quantities import PHRASES
from jaxtut.parity.rows import HISTOGRAM_BINS, ulp_histogram
from jaxtut.parity.wording import place, shortened
from torch_ref.naming import tap as torch_tap

ROW = Row("x", "gradient", (2,), "float64", "different", 4.0, 1e-16, 0.0, 0.0, index=(1, 0), jax=1.5, torch=-math.inf)
X = np.random.default_rng(0).standard_normal((5, 3))


@pytest.fixture(scope="module")
def sloped():
    """Both sides name what they compute; in the first layer's activation the slopes differ."""

    def jax_net(p, x):
        return {"y": tap("activation", jnp.where((h := tap("hidden", x @ p["w"])) > 0, h, 0.02 * h)) @ p["v"]}

    def torch_net(p, x):
        h = torch_tap("hidden", x @ p["w"])
        return {"y": torch_tap("activation", torch.nn.functional.leaky_relu(h, 0.01)) @ p["v"]}

    rng = np.random.default_rng(1)
    return compare(jax_net, torch_net, {"w": rng.standard_normal((3, 4)), "v": rng.standard_normal((4, 2))}, X)


@pytest.fixture(scope="module")
def reports(sloped):
    """One report of every sort."""
    return {
        "different": sloped,
        "same": compare(jnp.tanh, torch.tanh, X, modes=("jit", "eager")),
        "kink": compare(lambda x: jnp.maximum(x, 0), torch.relu, np.array([-1.0, 0.0, 2.0])),
        "not finite": compare(jnp.log, lambda x: torch.log(x) * 2, np.array([0.0, 2.0])),
        "not numbers": compare(lambda x: x > 0, lambda x: x >= 0, np.array([0.0, 2.0])),
        "shapes": compare(lambda x: x, lambda x: x[0], X),
        "impure": compare(lambda x: x, torch.nn.Dropout(0.5), X),
        "empty": Report.of([]),
    }


def test_reports_fit_the_schema(reports):
    for report in reports.values():
        form.check(json.loads(report.to_json()), form.schema())


def test_the_schema_is_json_schema(reports):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(form.schema())
    for report in reports.values():
        jsonschema.Draft202012Validator(form.schema()).validate(json.loads(report.to_json()))


KEYWORDS = {
    *("$schema", "$defs", "$ref", "title", "description", "type", "properties", "required", "items", "enum", "const"),
    *("anyOf", "minimum", "additionalProperties"),
}


def parts(rule):
    """Yield the path and the rule of every part of a schema."""
    yield "", rule
    inside = {**rule.get("properties", {}), **rule.get("$defs", {})}
    inside |= {word: rule[word] for word in ("items", "additionalProperties") if word in rule}
    inside |= {f"anyOf {i}": option for i, option in enumerate(rule.get("anyOf", ()))}
    for name, part in inside.items():
        yield from ((f"{name} {path}", found) for path, found in parts(part))


def test_the_schema_describes_every_field_and_uses_known_keywords_alone():
    for path, rule in parts(form.schema()):
        assert set(rule) <= KEYWORDS, path
        for name, field in rule.get("properties", {}).items():
            assert field["description"].endswith((".", ";")), (path, name)
        assert set(rule.get("required", ())) == set(rule.get("properties", ())), path
    assert set(form.schema()["$defs"]["row"]["properties"]) == set(Row.__dataclass_fields__)
    assert set(form.schema()["$defs"]["kind"]["enum"]) == set(PHRASES)
    assert tuple(form.schema()["$defs"]["verdict"]["enum"]) == definition.VERDICTS
    assert form.schema()["$defs"]["heat_map"]["properties"]["unit"]["enum"] == [ROUNDING, ULP, UNEQUAL]


def test_reports_are_read_as_they_were_written(reports):
    for report in reports.values():
        again = Report.from_json(report.to_json())
        assert again.to_json() == report.to_json()
        assert again.versions == report.versions
    assert Report.from_json(reports["different"].to_json()) == reports["different"]
    odd = Report.of([replace(ROW, max_ulp=math.inf, max_rel=math.nan, name="inf", note="[\n  1,\n  2\n]", jax=True)])
    again = Report.from_json(odd.to_json())
    assert again.rows[0].torch == -math.inf
    assert math.isnan(again.rows[0].max_rel)
    assert (again.rows[0].name, again.rows[0].note, again.rows[0].jax) == ("inf", "[\n  1,\n  2\n]", True)


def test_numbers_of_one_list_stand_on_one_line(reports):
    text = reports["different"].to_json()
    assert len(text.splitlines()) < 300
    assert re.search(r'"shape": \[5, 3\]', text)


def changed(**fields):
    return json.dumps(json.loads(Report.of([ROW]).to_json()) | fields)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "report: not JSON"),
        ("{", "report: not JSON"),
        ("NaN", "not JSON: NaN"),
        ("[" * 100_000, "report: not"),
        ("[]", "report must be of type object"),
        ("{}", "report must have the field 'schema'"),
        (changed(schema=2), "report.schema must be 1, but 2 was given"),
        (changed(verdict="good"), "report.verdict must be 'bit-identical' or .*, but 'good' was given"),
        (changed(same=True), "same is True, but the verdict is 'different'"),
        (changed(rows=[{}]), r"report.rows\[0\] must have the field 'name'"),
        (changed(notes=[1]), r"report.notes\[0\] must be of type string, but 1 was given"),
        (changed(first_divergence=3), "report.first_divergence must be a row or null"),
        (changed(first_divergence={}), "report.first_divergence must have the field 'name'"),
        (changed(versions={"numpy": 2}), "report.versions.numpy must be of type string"),
        (
            Report.of([replace(ROW, max_ulp="large")]).to_json(),
            r"report.rows\[0\].max_ulp must be a number, 'nan', 'inf' or '-inf', but 'large' was given",
        ),
        (Report.of([replace(ROW, shape=(True,))]).to_json(), r"shape\[0\] must be of type integer, but True was given"),
        (Report.of([replace(ROW, histogram=(-1,))]).to_json(), r"histogram\[0\] must be at least 0"),
    ],
)
def test_what_is_no_report_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Report.from_json(text)


def test_a_failure_says_where_and_how_much_and_why_in_a_few_lines(reports):
    lines = reports["kink"].summary().splitlines()
    assert lines[0] == "different: 4 comparisons: 2 different, 2 bit-identical"
    numbers = r"JAX -?0\.\d+, PyTorch 0\.0; relative difference 1, \d\.\de\+15 ulp"
    assert re.fullmatch(
        rf"first divergence: gradient of x \(float64, jit\) at \[1\], cotangent \d: {numbers}", lines[1]
    )
    assert lines[2].startswith("  3 of 9 elements differ")
    assert lines[3].startswith("  likely cause: the sides part only where x is exactly 0")
    assert lines[3].endswith("(traps.html#the-slope-at-a-kink)")
    assert lines[4].startswith("third witness")


def test_a_first_divergence_of_another_verdict_says_so():
    undecided = replace(ROW, verdict=definition.UNDECIDED, torch=1.0)
    assert "at [0], cotangent 1, undecided at a kink: JAX 1.5, PyTorch 1.0" in Report.of([undecided]).summary()


def test_the_names_of_the_first_three_others_are_said(sloped):
    (others,) = [line for line in sloped.summary().splitlines() if "also not the same" in line]
    assert others == "  also not the same: value of y, gradient of p.v, gradient of p.w and 1 more"
    assert sloped.first_divergence.name == "activation"
    assert "hidden is the same" in sloped.summary()


def test_summaries_are_short(reports):
    long = replace(ROW, name="n" * 90, cause="because " * 60, link="traps.html#x", note="noted " * 60)
    many = Report.of([long, *(replace(long, name=f"{i}" * 90) for i in range(9))]).noting(*["what is said " * 30] * 4)
    for report in (*reports.values(), many):
        lines = report.summary().splitlines()
        assert len(lines) <= 6
        assert max(map(len, lines)) <= 200, lines
        assert lines[0].startswith(f"{report.verdict}: ")
        assert ("first divergence: " in report.summary()) == (report.first_divergence is not None)
    assert "traps.html#x" in many.summary()


def test_paths_are_not_cut():
    note = f"judged in float32 alone (/{'folder/' * 40}file.py:3:1)"
    assert note in Report.of([ROW]).noting(note).summary()
    assert shortened("one two three four five", 15) == "one two … five"


def test_nothing_and_impure_functions_have_a_summary(reports):
    assert reports["empty"].summary() == "bit-identical: nothing was compared"
    assert reports["impure"].summary().startswith("impure: nothing was compared\nthe PyTorch function is impure")
    assert "value of output" in reports["shapes"].summary()
    assert "shape (5, 3) in JAX, (3,) in PyTorch" in reports["shapes"].summary().splitlines()[1]


def test_places_are_indices_of_the_leaf_itself():
    assert place(ROW) == "at [0], cotangent 1"
    assert place(replace(ROW, kind="value")) == "at [1, 0]"
    assert place(replace(ROW, kind="jvp", index=(2,))) == "tangent 2"
    assert place(replace(ROW, index=None)) == ""


def test_the_table_fits_120_columns(reports):
    rows = [replace(ROW, name="params[red].encoder.layers.11.attention.weight", note="the note", shape=(64, 64, 7, 7))]
    text = ""
    for report in (*reports.values(), Report.of(rows)):
        console = Console(width=120, color_system=None)
        with console.capture() as caught:
            console.print(report)
        text = caught.get()
        assert "…" not in text
        assert len([line for line in text.splitlines() if re.search("(jit|eager)", line)]) == len(report.rows)
    assert "[red]" in text
    assert "[1] the note" in text


def test_histograms_count_every_element(reports):
    rows = [row for report in reports.values() for row in report.rows if row.histogram]
    assert rows
    for row in rows:
        stacked = 3 if row.kind == "gradient" else 1
        assert sum(row.histogram) == stacked * math.prod(row.shape), row
        assert len(row.histogram) <= HISTOGRAM_BINS


def test_histograms_have_a_place_for_every_distance():
    x = np.array([1.0, 1.0, 1.0, 1.0, 1.0])
    y = np.array([1.0, 1 + 2**-52, 1 + 3 * 2**-52, 2.0, -1.0])
    counts = ulp_histogram(x, y)
    assert [(i, n) for i, n in enumerate(counts) if n] == [(0, 1), (1, 1), (3, 1), (52, 1), (54, 1)]
    assert ulp_histogram(x, x.astype(np.float32)) == ()


def drawn(a, b, bound=None):
    found = heat_map(replace(ROW, shape=a.shape), a, b, bound)
    assert found is not None
    return found


@pytest.mark.parametrize("shape", [(), (5,), (1000,), (64, 64), (65, 129), (300, 2), (3, 16, 5, 5), (2, 3, 200, 100)])
def test_one_wrong_element_stays_visible_in_a_map(shape):
    a = np.random.default_rng(0).standard_normal(shape)
    for wrong in (0, a.size // 2, a.size - 1):
        b = a.copy()
        b.flat[wrong] += 1
        found = drawn(a, b)
        rows, columns = len(found.cells), len(found.cells[0])
        assert rows <= 64
        assert columns <= 64
        assert {len(line) for line in found.cells} == {columns}
        seen = [(y, x) for y, line in enumerate(found.cells) for x, value in enumerate(line) if value > -math.inf]
        width = shape[-1] if shape else 1
        blocks = (math.ceil(a.size // width / 64), math.ceil(width / 64))
        assert seen == [(wrong // width // blocks[0], wrong % width // blocks[1])]


def test_maps_are_relative_to_what_rounding_explains():
    a = np.ones((2, 2))
    b = a + np.array([[0, 1e-12], [1e-10, 1e-9]])
    assert drawn(a, b, np.full((2, 2), 1e-12)).cells == ((-math.inf, 0.0), (2.0, 3.0))
    assert drawn(a, b, np.full((2, 2), 1e-12)).unit == ROUNDING
    assert drawn(a, b).unit == ULP
    assert drawn(a, b).cells[0][1] == pytest.approx(math.log10(1e-12 / 2**-52), abs=1e-2)


def test_maps_show_what_is_not_finite_on_one_side_alone():
    a, b = np.array([np.nan, np.inf, np.nan, -np.inf, 1.0]), np.array([np.nan, np.inf, 1.0, np.inf, 1.0])
    assert drawn(a, b).cells == ((-math.inf, -math.inf, math.inf, math.inf, -math.inf),)
    assert drawn(np.array([True, False]), np.array([True, True])).cells == ((-math.inf, 0.0),)
    assert drawn(np.array([True]), np.array([False])).unit == UNEQUAL


def test_there_is_no_map_of_other_shapes_dtypes_or_nothing():
    assert heat_map(ROW, np.ones(2), np.ones(3)) is None
    assert heat_map(ROW, np.ones(2), np.ones(2, np.float32)) is None
    assert heat_map(ROW, np.ones((0, 2)), np.ones((0, 2))) is None


def test_comparisons_draw_their_worst_leaf(reports):
    assert (reports["different"].heat_map.name, reports["different"].heat_map.unit) == ("activation", ROUNDING)
    assert len(reports["different"].heat_map.cells) == 5
    assert reports["kink"].heat_map.shape == (3, 3)
    assert reports["not numbers"].heat_map.unit == UNEQUAL
    assert reports["same"].heat_map.unit == ULP
    worst = max(row.max_ulp for row in reports["same"].rows)
    assert max(map(max, reports["same"].heat_map.cells)) == pytest.approx(math.log10(worst), abs=1e-2)
    for name in ("shapes", "impure", "empty"):
        assert reports[name].heat_map is None
