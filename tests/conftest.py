"""Settings that every test runs under: no implicit promotion of rank or dtype, so that each operation says what it means."""

import os

# Two workers share the machine: small tensors want one thread each. Read by PyTorch when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections import defaultdict
from zlib import crc32

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# With `--sample` a test of more cases than this runs a sixth of them, and at least this many; the others are long tests.
FEW = 4


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options `--sample` and `--part`."""
    parser.addoption(
        "--sample", action="store_true", help="Of a test with many cases, call all but a sixth long tests."
    )
    parser.addoption("--part", default="1/1", help="Run only this part of the tests, as 2/3: the second of three.")


# Before pytest looks at the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list) -> None:
    """Refuse names with an address in them, which differ between the workers, which then run nothing at all; and keep what is asked for."""
    if named := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise ValueError(f"a test must have the same name in every process, but there is {named[0]!r}")
    if config.getoption("--sample"):
        for item in left_out(items):
            item.add_marker("long")
    part, parts = map(int, str(config.getoption("--part")).split("/"))
    if not 1 <= part <= parts:
        raise pytest.UsageError(f"--part must be i/n with 1 ≤ i ≤ n, but {part}/{parts} was given")
    chosen = [item for item in items if _number(item) % parts == part - 1]
    kept = set(chosen)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = chosen


def left_out(items: list) -> list:
    """Return the cases that a sample does without: of each test the same ones every time, but for what the mark `every_case` is on."""
    cases = defaultdict(list)
    for item in items:
        if item.get_closest_marker("every_case") is None:
            cases[item.nodeid.partition("[")[0]].append(item)
    return [item for group in cases.values() for item in sorted(group, key=_number)[max(FEW, -(-len(group) // 6)) :]]


def _number(item: pytest.Item) -> int:
    """Return a number as good as random, the same for a test in every process."""
    return crc32(item.nodeid.encode())
