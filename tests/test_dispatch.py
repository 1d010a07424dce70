"""Programs run in the thread that calls them, where a process asks for it before JAX begins."""

import subprocess
import sys

import pytest

from jaxtut import beginning, dispatch

# Says whether each of ten computations was over when its call returned.
PROGRAM = """
import sys
from jaxtut import dispatch
if sys.argv[1] == "inline":
    dispatch.run_inline()
assert dispatch.is_inline() == (sys.argv[1] == "inline")
import jax, jax.numpy as jnp
long = jax.jit(lambda x: x @ x @ x @ x)
x = jnp.ones((700, 700))
jax.block_until_ready(long(x))
found = [long(x).is_ready() for _ in range(10)]
print(all(found))
"""


@pytest.mark.parametrize(("how", "over"), [("inline", "True"), ("as it is", "False")])
def test_a_call_returns_when_it_is_over(how: str, over: str) -> None:
    command = [sys.executable, "-c", PROGRAM, how]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.strip() == over


def test_it_is_too_late_when_jax_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "_has_begun", lambda: True)
    monkeypatch.setattr(dispatch, "is_inline", lambda: False)
    with pytest.raises(
        RuntimeError, match="run_inline: call it before JAX computes anything; it has started its threads already"
    ):
        dispatch.run_inline()
    monkeypatch.setattr(dispatch, "is_inline", lambda: True)
    dispatch.run_inline()  # not too late, since it is so already
