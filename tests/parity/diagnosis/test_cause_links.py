"""Every cause points at a section of the documentation, the code in it parses, and the package needs NumPy alone."""

import ast
import re
import sys
from pathlib import Path

import pytest

import jaxtut.parity.diagnosis as diagnosis
from jaxtut.parity.diagnosis import Cause, Difference, Trap
from jaxtut.parity.diagnosis.cause import FEWER_BITS, NOT_FINITE, NUMBERS, PLACES, STRUCTURE
from jaxtut.parity.diagnosis.precision import coarse_products

PACKAGE = Path(diagnosis.__file__).parent
PAGE = Path(__file__).parents[3] / "docs" / "traps.md"


def test_every_section_stands_in_the_page_once_above_its_heading():
    anchors = re.findall(r"^\(([a-z0-9-]+)\)=\n### ", PAGE.read_text(), re.MULTILINE)
    assert sorted(anchors) == sorted(trap.value for trap in Trap)


def test_links_within_the_page_lead_somewhere():
    assert set(re.findall(r"\]\(#([a-z0-9-]+)\)", PAGE.read_text())) <= {trap.value for trap in Trap}


def test_a_cause_links_to_its_section():
    assert Trap.ONE_HALF.cause("…") == Cause("…", "traps.html#a-factor-of-one-half")


def test_every_section_is_used_and_has_lines_of_code():
    code = "".join(path.read_text() for path in PACKAGE.glob("*.py"))
    assert [trap for trap in Trap if f"Trap.{trap.name}" not in code] == []
    sections = re.split(r"^\([a-z0-9-]+\)=\n", PAGE.read_text(), flags=re.MULTILINE)[1:]
    assert all("```python" in section for section in sections)


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
def test_code_in_the_page_parses(block):
    ast.parse(block)


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.name)
def test_numpy_alone_is_imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            roots = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1
            roots = {(node.module or "").split(".")[0]} if node.level == 0 else set()
        else:
            continue
        assert roots <= set(sys.stdlib_module_names) | {"numpy"}


def test_detectors_are_told_apart():
    detectors = (*STRUCTURE, *NOT_FINITE, *NUMBERS, coarse_products)
    assert len(set(detectors)) == len(detectors)
    assert set(FEWER_BITS) | set(PLACES) <= set(detectors)
    assert all(detector.__doc__ for detector in detectors)
    assert Difference.__doc__
