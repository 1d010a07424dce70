"""Count calls of our programs; leave out the tests of our own messages where shapes are checked at run time: the checker speaks before we do."""

import re
from collections.abc import Callable
from typing import Any

import jax
import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("jaxtyping_packages", None):
        return
    skip = pytest.mark.skip(reason="the run-time shape checker refuses first, with its own message")
    for item in items:
        if "refuse" in item.name:
            item.add_marker(skip)


@pytest.fixture
def calls() -> Callable[..., int]:
    """Return a function that counts the calls of programs of ours in a function, compiled for some arguments."""

    def count(function: Callable[..., Any], *args: Any) -> int:
        # A function of its own: nothing that was compiled before is taken.
        text = jax.jit(lambda *args: function(*args)).lower(*args).compile().as_text()
        assert text is not None
        return len(re.findall(r'custom_call_target="jaxtut_', text))

    return count
