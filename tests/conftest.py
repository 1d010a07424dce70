"""Settings that every test runs under: no implicit promotion of rank or dtype, so that each operation says what it means."""

import os

# Two workers share the machine: small tensors want one thread each. Read by PyTorch when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from zlib import crc32

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--part`."""
    parser.addoption("--part", default="1/1", help="Run only this part of the tests, as 2/3: the second of three.")


def pytest_collection_modifyitems(config: pytest.Config, items: list) -> None:
    """Refuse names with an address in them, which differ between the workers, which then run nothing at all; and keep the part asked for."""
    if named := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise ValueError(f"a test must have the same name in every process, but there is {named[0]!r}")
    part, parts = map(int, str(config.getoption("--part")).split("/"))
    if not 1 <= part <= parts:
        raise pytest.UsageError(f"--part must be i/n with 1 ≤ i ≤ n, but {part}/{parts} was given")
    chosen = [item for item in items if crc32(item.nodeid.encode()) % parts == part - 1]
    kept = set(chosen)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = chosen
