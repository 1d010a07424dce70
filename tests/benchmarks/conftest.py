"""Settings that all tests of the benchmarks run under."""

import pytest

from benchmarks import harness
from jaxtut import dispatch, memory


@pytest.fixture(autouse=True)
def quick_limits(monkeypatch):
    """Measure what the machine can do at small arrays: the figures mean nothing here."""
    monkeypatch.setattr("benchmarks.limits.SIZE", 64)
    monkeypatch.setattr("benchmarks.limits.NUMBERS", 1 << 16)


def _counted(monkeypatch, module, ask, tell):
    """Count who asks for something, and change nothing of this process."""
    asked = []
    monkeypatch.setattr(module, ask, lambda: asked.append(True))
    monkeypatch.setattr(module, tell, lambda: bool(asked))
    return asked


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    """Count who asks for memory to be kept."""
    return _counted(monkeypatch, memory, "keep", "is_kept")


@pytest.fixture(autouse=True)
def inlined(monkeypatch):
    """Count who asks for computing in the calling thread."""
    return _counted(monkeypatch, dispatch, "run_inline", "is_inline")


@pytest.fixture(autouse=True)
def no_peak(monkeypatch):
    """Measure no peak memory: a process that has run many tests takes seconds to give back what it holds."""
    monkeypatch.setattr(harness, "peak", lambda run, is_torch: None)
