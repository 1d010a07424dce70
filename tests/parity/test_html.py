"""The page of a report: whole, on its own, and safe for every name."""

import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxtut.parity import Report, Row, compare
from jaxtut.parity.heat_map import heat_map
from jaxtut.parity.html import charts, page
from jaxtut.parity.html.card import marked
from jaxtut.parity.html.page import worst_rows

HOSTILE = '<script>alert("&\'")</script>'
ROW = Row("x", "gradient", (2,), "float64", "different", 4.0, 1e-16, 0.0, 0.0, index=(1, 0), jax=1.5, torch=1.25)
VOID = {"meta", "input"}


def drawn(a, b, bound=None):
    found = heat_map(ROW, a, b, bound)
    assert found is not None
    return found


class Reader(HTMLParser):
    """Reads a page, and holds that every element is closed in its order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.rows, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag == "tr" and "tbody" in self.open:
            self.rows.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open and "script" not in self.open:
            self.words.append(data)
        if "tr" in self.open and "tbody" in self.open:
            self.rows[-1] += f" {data}"

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def different():
    x = np.array([[-1.0, 0.0, 2.0]])
    return compare(lambda x: {HOSTILE: jnp.maximum(x, 0)}, lambda x: {HOSTILE: torch.relu(x)}, x)


def test_names_are_text(different):
    hostile = replace(
        ROW, name=HOSTILE, dtype=HOSTILE, mode=HOSTILE, note=HOSTILE, cause=HOSTILE, link=HOSTILE, histogram=(1, 2)
    )
    where = replace(drawn(np.ones(2), np.zeros(2)), name=HOSTILE, dtype=HOSTILE)
    report = replace(
        Report.of([hostile, replace(hostile, kind="value")]).noting(HOSTILE),
        definition=HOSTILE, versions={HOSTILE: HOSTILE}, heat_map=where,
    )  # fmt: skip
    for text in (page(report), different.to_html()):
        read = Reader(text)
        assert [tag for tag, _ in read.seen].count("script") == 1
        assert HOSTILE in read.text
        assert "<script>alert" not in text


@pytest.mark.parametrize("link", ["javascript:alert(1)", "//host/x.html", "https://host/x.html", 'x.html" onclick="y'])
def test_links_lead_to_the_documentation_alone(link):
    read = Reader(page(Report.of([replace(ROW, cause="c", link=link)])))
    assert not [tag for tag, _ in read.seen if tag == "a"]
    assert link in read.text
    (found,) = [
        a for tag, a in Reader(page(Report.of([replace(ROW, cause="c", link="traps.html#x")]))).seen if tag == "a"
    ]
    assert found["href"] == "traps.html#x"


def test_the_page_needs_nothing_else(different):
    text = page(different)
    assert text.isascii()
    assert "http" not in text
    assert "url(" not in text
    assert "@import" not in text
    read = Reader(text)
    assert not {"link", "img", "iframe", "object"} & {tag for tag, _ in read.seen}
    assert not [a for _, a in read.seen if "src" in a]


def test_the_parts_stand_in_their_order(different):
    text = Reader(page(different)).text
    places = [
        text.index(words)
        for words in (
            "different", "compared element by element", "First divergence", "at [0, 1], cotangent",
            "relative difference 1", "likely cause", "Notes", "Third witness", "All comparisons", "2 different", "verdict",
            "Worst leaves", "Where: gradient of x", "What the verdicts mean", "The float64 gate", "numpy 2",
        )
    ]  # fmt: skip
    assert places == sorted(places)


def test_every_row_is_there(different):
    read = Reader(page(different))
    assert len(read.rows) == len(different.rows)
    for row, text in zip(different.rows, read.rows, strict=True):
        assert all(word in text for word in (row.name, row.kind, row.dtype, row.mode, row.verdict))
    classes = [a["class"] for tag, a in read.seen if tag == "tr" and "class" in a]
    assert classes == ["same" if row.same else "differs" for row in different.rows]


def test_differences_can_be_filtered_without_script(different):
    assert '<input type="checkbox" id="only">' in page(different)
    assert "#only:checked ~ .wide tr.same { display: none; }" in page(different)
    assert 'id="only"' not in page(Report.of([ROW]))


def test_reports_of_nothing_have_pages():
    text = Reader(page(Report.of([]))).text
    assert "Nothing was compared." in text
    impure = compare(lambda x: x, torch.nn.Dropout(0.5), np.ones(9))
    text = Reader(impure.to_html()).text
    assert "impure" in text
    assert "The PyTorch function is impure" in text
    shapes = compare(lambda x: x, lambda x: x[0], np.ones((2, 3)))
    assert "they differ, so no numbers were judged" in Reader(shapes.to_html()).text


def test_odd_numbers_have_a_page():
    odd = [
        replace(ROW, jax=None, torch=1e-5, index=None),
        replace(ROW, jax=math.nan, torch=1e-300, max_ulp=math.nan, max_rel=math.inf),
        replace(ROW, jax=True, torch=False, dtype="bool", index=(), shape=()),
        replace(ROW, jax=3, torch=10**30, dtype="int32"),
        replace(ROW, histogram=(0, *[7] * 80)),
    ]
    for row in odd:
        assert row.name in Reader(page(Report.of([row]))).text
    empty = replace(drawn(np.ones(2), np.zeros(2)), cells=())
    Reader(page(replace(Report.of([ROW]), heat_map=empty)))


def test_a_page_is_the_same_after_a_round_trip(different):
    assert page(Report.from_json(different.to_json())) == page(different)


def test_digits_that_differ_are_marked():
    assert marked("1.250", "1.257") == ("1.25<mark>0</mark>", "1.25<mark>7</mark>")
    assert marked("-1.5", "1.5") == ("<mark>-1.5</mark>", " <mark>1.5</mark>")
    assert marked("1.5", "1.5") == ("1.5", "1.5")
    text = page(Report.of([replace(ROW, jax=0.00018205, torch=0.000018204)]))
    assert "1.8205e-04</mark>" not in text
    assert "1.820<mark>5e-04</mark>" in text


def test_drawings_say_their_counts_and_draw_every_bin():
    counts = (3, 0, 5, *[0] * 50, 1)
    words = "3 equal, 5 up to 2 ulp, 1 up to 2⁵² ulp"
    assert charts.in_words(counts) == words
    for drawing in (charts.spark(counts), charts.histogram(counts)):
        assert f'aria-label="{words}"' in drawing
        assert len(re.findall(r"M[\d.]+ [\d.]+v-", drawing)) == 3
    assert charts.spark(()) == ""


def test_a_single_wrong_element_is_drawn():
    a = np.ones((500, 300))
    b = a.copy()
    b[499, 0] += 1e-3
    found = drawn(a, b, np.full(a.shape, 1e-13))
    svg = charts.heat_map(found)
    assert len(re.findall("M", svg.partition('class="h6"')[2].partition("/>")[0])) == 1
    assert "the worst is in row 62, column 0" in svg
    assert "more than 10⁴ times" in svg
    assert "8×5 elements" in charts.axes_in_words(found)


@pytest.mark.parametrize(
    ("value", "colour"), [(-math.inf, 0), (-3.0, 1), (-1.5, 2), (0.0, 3), (0.1, 4), (3.9, 5), (200.0, 6), (math.inf, 7)]
)
def test_colours_part_what_rounding_explains_from_what_it_does_not(value, colour):
    assert charts.colour_of(drawn(np.ones(2), np.zeros(2), np.ones(2)), value) == colour


def test_the_worst_leaves_are_those_that_differ_or_have_the_largest_ulp():
    fine = replace(ROW, verdict="identical to rounding", histogram=(1, 1))
    rows = [replace(fine, name=f"r{i}", max_ulp=float(i)) for i in range(8)]
    assert [row.name for row in worst_rows(Report.of([*rows, *rows]))] == ["r7", "r6", "r5", "r4", "r3"]
    bad = replace(ROW, name="bad", histogram=(1, 1))
    assert [row.name for row in worst_rows(Report.of([*rows, bad]))] == ["bad"]
