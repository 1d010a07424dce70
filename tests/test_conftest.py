"""What `make test` runs, and what it leaves to `make test-long`."""

import importlib.util
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest


class Item:
    """A test's case, as pytest collects it."""

    def __init__(self, nodeid: str, *marks: str) -> None:
        self.nodeid, self.marks = nodeid, set(marks)

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.marks else None

    def add_marker(self, name: str) -> None:
        self.marks.add(name)


@pytest.fixture(scope="module")
def conftest():
    spec = importlib.util.spec_from_file_location("conftest_of_all", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def collect(conftest):
    """Return what gives all cases, as the hook leaves them under some options."""

    def run(sample: bool = False, part: str = "1/1") -> list[Item]:
        items = [
            *(Item(f"test_some.py::test_many[{n}]") for n in range(31)),
            *(Item(f"test_some.py::test_few[{n}]") for n in range(4)),
            *(Item(f"test_some.py::test_marked[{n}]", "every_case") for n in range(9)),
            Item("test_some.py::test_long", "long"),
            Item("test_some.py::test_one"),
        ]
        options = {"--sample": sample, "--part": part}
        hook = SimpleNamespace(pytest_deselected=lambda items: None)
        conftest.pytest_collection_modifyitems(SimpleNamespace(getoption=options.get, hook=hook), items)
        return items

    return run


def test_a_sample_has_cases_of_every_test_and_long_tests_the_others(collect) -> None:
    run = [item.nodeid for item in collect(sample=True) if "long" not in item.marks]
    assert Counter(name.partition("[")[0].partition("::")[2] for name in run) == {
        "test_many": 6,
        "test_few": 4,
        "test_marked": 9,
        "test_one": 1,
    }
    assert run == [item.nodeid for item in collect(sample=True) if "long" not in item.marks]
    assert [item.nodeid for item in collect() if "long" in item.marks] == ["test_some.py::test_long"]


def test_parts_are_all(collect) -> None:
    parts = [[item.nodeid for item in collect(part=f"{i}/3")] for i in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == sorted(item.nodeid for item in collect())
    assert all(parts)


@pytest.mark.parametrize("part", ["0/3", "4/3"])
def test_a_part_that_there_is_not(collect, part: str) -> None:
    with pytest.raises(pytest.UsageError, match=r"--part must be i/n"):
        collect(part=part)
