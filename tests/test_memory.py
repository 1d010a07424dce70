"""Freed memory stays with a process that asks for it, before JAX begins."""

import platform
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from jaxtut import beginning, memory
from jaxtut.cli import app

on_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")

# Says how many pages are taken from the system by a call that returns two arrays of 32 MB, once enough calls have been made for memory to be kept.
PROGRAM = """
import resource, statistics, sys
from jaxtut import memory
if sys.argv[1] == "kept":
    assert memory.keep() and memory.is_kept()
import jax, jax.numpy as jnp
double = jax.jit(lambda x: (x + 1, 2 * x))
x = jnp.ones((8192, 1000))
taken = []
for _ in range(60):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    jax.block_until_ready(double(x))
    taken.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(round(statistics.median(taken[30:])))
"""


def _pages(how: str) -> int:
    command = [sys.executable, "-c", PROGRAM, how]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    return int(run.stdout)


@on_glibc
def test_calls_take_few_new_pages_from_the_system() -> None:
    assert _pages("kept") < _pages("as it is") / 2


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> list[dict[int, int]]:
    """What glibc is asked for, without being asked."""
    asked: list[dict[int, int]] = []
    monkeypatch.setattr(memory, "_kept", False)
    monkeypatch.setattr(memory, "set_options", lambda options: asked.append(options) or True)
    return asked


def test_once_is_enough(options: list[dict[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "_has_begun", lambda: False)
    assert memory.keep()
    asked = len(options)
    assert asked
    monkeypatch.setattr(beginning, "_has_begun", lambda: True)
    assert memory.keep()  # not too late, since it is so already
    assert memory.is_kept()
    assert len(options) == asked


def test_what_is_refused_leaves_threads_their_areas(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[int, int]] = []
    monkeypatch.setattr(beginning, "_has_begun", lambda: False)
    monkeypatch.setattr(memory, "set_options", lambda options: asked.append(options))
    assert not memory.keep()
    assert len(asked) == 1
    assert not memory.is_kept()


def test_it_is_too_late_when_jax_has_begun(options: list[dict[int, int]]) -> None:
    import jax.numpy as jnp

    jnp.ones(1).block_until_ready()
    with pytest.raises(RuntimeError, match="before JAX computes anything"):
        memory.keep()
    assert not memory.is_kept()
    assert not options


def test_another_c_library_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())
    assert not memory.set_options(memory.UNTRIMMED)


@pytest.mark.parametrize(("asked", "times"), [("", 0), ("0", 0), ("1", 1)])
def test_the_command_line_asks_the_environment(asked: str, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAXTUT_KEEP_MEMORY", asked)
    kept: list[bool] = []
    monkeypatch.setattr(memory, "keep", lambda: kept.append(True))
    assert CliRunner().invoke(app, ["graph", "no such lesson"]).exit_code == 2
    assert len(kept) == times
