"""A pytest plugin: a failed `assert_same_gradients` is shown in a few telling lines, and its whole report can be written as a page."""

import re
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--parity-html`, the folder for reports of comparisons that failed."""
    parser.getgroup("jaxtut").addoption(
        "--parity-html",
        metavar="DIR",
        default=None,
        help="write the report of every failed comparison to this folder, one HTML page a test",
    )


@pytest.fixture
def assert_same_gradients() -> Callable:
    """`jaxtut.parity.assert_same_gradients`, for suites that would rather ask for it than import it."""
    from jaxtut.parity import assert_same_gradients

    return assert_same_gradients


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Show the line that asked, and what the comparison found, instead of the engine's inside."""
    shown = yield
    error: Any = call.excinfo.value if call.excinfo is not None else None
    comparison = sys.modules.get("jaxtut.parity.comparison")
    if comparison is None or not isinstance(error, comparison.ParityError):
        return shown
    report: Any = error.report
    shown.longrepr = "\n".join([*_caller(call.excinfo), *(f"E   {line}" for line in report.summary().splitlines())])
    folder = item.config.getoption("--parity-html")
    if folder:
        page = Path(folder) / _page_name(item.nodeid)
        try:
            # The test may have changed the working directory, and not yet back.
            whole = Path(item.config.invocation_params.dir) / page
            whole.parent.mkdir(parents=True, exist_ok=True)
            whole.write_text(report.to_html(), encoding="utf-8")
            shown.longrepr += f"\nthe whole report: {page}"
        except OSError as cannot:
            shown.longrepr += f"\nthe whole report could not be written: {cannot}"
    return shown


def _page_name(nodeid: str) -> str:
    """Return a file name for a test; two tests have two names, and a name is no longer than file systems take."""
    plain = re.sub(r"::|/", "-", nodeid)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", plain)
    if name == plain and "-" not in nodeid and len(name) <= 150:
        return f"{name}.html"
    return f"{name[:150]}-{zlib.crc32(nodeid.encode('utf-8', 'replace')):08x}.html"


def _caller(excinfo: Any) -> list[str]:
    """Return the statement of the test that asked for the comparison, and where it stands."""
    entries = [entry for entry in excinfo.traceback if _HERE not in Path(entry.path).parents]
    if not entries:
        return []
    entry = entries[-1]
    return [f"{entry.path}:{entry.lineno + 1}", *(f">   {line.strip()}" for line in str(entry.statement).splitlines())]
