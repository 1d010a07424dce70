"""The pytest plugin: a failed comparison in a user's suite is a few telling lines, and its whole report a page."""

import re
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from jaxtut.parity import pytest_plugin

SUITE = """
import jax.numpy as jnp, numpy as np, pytest, torch
from jaxtut import parity

X = np.array([-1.0, 0.0, 2.0])

def compared():
    parity.assert_same_gradients(lambda x: jnp.maximum(x, 0), torch.relu, X)

def test_same(assert_same_gradients):
    assert assert_same_gradients(jnp.tanh, torch.tanh, X).same

def test_wrong():
    parity.assert_same_gradients(
        lambda x: jnp.maximum(x, 0), torch.relu, X,
    )

def test_wrong_in_the_fixture(assert_same_gradients):
    assert_same_gradients(jnp.tanh, torch.relu, X)

@pytest.mark.parametrize("size", ["a b", "a-b", "é" * 300])
def test_wrong_elsewhere(size, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    compared()

@pytest.fixture
def prepared():
    compared()

def test_wrong_before(prepared):
    pass

@pytest.mark.xfail(raises=AssertionError, strict=True)
def test_known_to_be_wrong():
    compared()

def test_caught():
    with pytest.raises(parity.ParityError, match="different"):
        compared()

def test_of_something_else():
    assert 1 == 2

def test_that_raises():
    raise AssertionError("ordinary words")
"""

# Where the package was installed with its entry points, pytest has loaded the plugin before it reads -p.
LOADED = any(found.value == "jaxtut.parity.pytest_plugin" for found in entry_points(group="pytest11"))


def run(folder, *options):
    plugin = () if LOADED else ("-p", "jaxtut.parity.pytest_plugin")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "ignore", "-p", "no:cacheprovider", *plugin, *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """What a run says with pages asked for, by test, and the folder of the run."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_port.py").write_text(SUITE)
    done = run(folder, "--parity-html", "reports/of parity")
    assert "7 failed, 2 passed, 1 xfailed, 1 error" in done.stdout, done.stdout + done.stderr
    parts = re.split(
        r"^_+ (?:ERROR at setup of )?(\S.*?) _+$", done.stdout.partition("short test summary")[0], flags=re.M
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True)), folder


def told(text):
    return [line for line in text.splitlines() if line.strip() and not line.startswith("=")]


@pytest.mark.parametrize(
    "name", ["test_wrong", "test_wrong_in_the_fixture", "test_wrong_elsewhere[a b]", "test_wrong_before"]
)
def test_a_failed_comparison_is_a_few_telling_lines(name, failed):
    lines = told(failed[0][name])
    assert re.search(r"test_port\.py:\d+$", lines[0])
    assert lines[1].startswith((">   parity.assert_same_gradients(", ">   assert_same_gradients("))
    assert any(line.startswith("E   different") for line in lines)
    assert any(line.startswith("E   first divergence: ") for line in lines)
    assert len(lines) < 14
    inside = [line for line in lines if re.search(r"jaxtut[/\\]parity|site-packages|comparison\.py|Traceback", line)]
    assert not inside


def test_the_whole_statement_the_divergence_and_the_cause_are_shown(failed):
    lines = told(failed[0]["test_wrong"])
    assert ">   lambda x: jnp.maximum(x, 0), torch.relu, X," in lines
    assert any("first divergence: gradient of x" in line for line in lines)
    assert any("likely cause: " in line for line in lines)


def test_what_is_not_about_parity_is_shown_as_ever(failed):
    assert "assert 1 == 2" in failed[0]["test_of_something_else"]
    assert 'raise AssertionError("ordinary words")' in failed[0]["test_that_raises"]
    assert "the whole report" not in failed[0]["test_that_raises"]


def test_every_failed_comparison_has_a_page_of_its_own(failed):
    texts, folder = failed
    pages = {page.name: page.read_text() for page in (folder / "reports" / "of parity").iterdir()}
    assert {"test_port.py-test_wrong.html", "test_port.py-test_wrong_before.html"} <= set(pages)
    assert sum(name.startswith("test_port.py-test_wrong_elsewhere") for name in pages) == 3
    assert all(text.startswith("<!doctype html>") and "different" in text for text in pages.values())
    said = {name for text in texts.values() for name in re.findall(r"the whole report: reports/of parity/(\S+)", text)}
    assert said <= set(pages)
    assert len(said) == 6


def test_a_page_that_cannot_be_written_ends_no_run_and_workers_speak_likewise(tmp_path):
    (tmp_path / "test_port.py").write_text(SUITE)
    (tmp_path / "file").touch()
    done = run(tmp_path, "-n", "2", "--parity-html", "file", "-k", "same or before or fixture or raises")
    assert "2 failed, 1 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert "INTERNALERROR" not in done.stdout
    assert "the whole report could not be written" in done.stdout
    assert "E   first divergence: gradient of x" in done.stdout
    assert ">   assert_same_gradients(jnp.tanh, torch.relu, X)" in done.stdout


def test_pages_are_named_by_their_tests():
    assert pytest_plugin._page_name("tests/test_a.py::Test::test_b") == "tests-test_a.py-Test-test_b.html"
    assert re.fullmatch(
        r"test_a\.py-test_b-1\.5--[0-9a-f]{8}\.html", pytest_plugin._page_name("test_a.py::test_b[1.5]")
    )


def test_pages_have_names_that_differ_and_are_short():
    nodeids = [
        "t.py::t[a b]",
        "t.py::t[a-b]",
        "t.py::t[a/b]",
        "t.py::t-a-b-",
        f"t.py::t[{'x' * 400}]",
        f"t.py::t[{'x' * 401}]",
    ]
    names = [pytest_plugin._page_name(nodeid) for nodeid in nodeids]
    assert len({name.lower() for name in names}) == len(nodeids)
    assert all(len(name) < 200 and re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in names)


def test_loading_the_plugin_loads_no_framework():
    code = "import sys, jaxtut.parity.pytest_plugin; print(sorted({'jax', 'torch', 'flax'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
