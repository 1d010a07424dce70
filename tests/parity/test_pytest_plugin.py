"""The pytest plugin: a failed comparison in a user's suite is a few telling lines."""

import subprocess
import sys

SUITE = """
import jax.numpy as jnp, numpy as np, torch
from jaxtut import parity

def test_same(assert_same_gradients):
    assert_same_gradients(jnp.tanh, torch.tanh, np.array([0.5]))

def test_wrong():
    x = np.array([-1.0, 0.0, 2.0])
    parity.assert_same_gradients(lambda x: jnp.maximum(x, 0), torch.relu, x)

def test_of_something_else():
    assert 1 == 2
"""


def test_failures_are_short_and_reports_are_written(tmp_path):
    (tmp_path / "test_port.py").write_text(SUITE)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--parity-html",
        "reports",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "2 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    wrong = done.stdout.partition("test_wrong")[2].partition("test_of_something_else")[0]
    lines = [line for line in wrong.splitlines() if line.strip()]
    assert any(line.startswith(">   parity.assert_same_gradients(") for line in lines)
    assert any(line.startswith("E   different") for line in lines)
    assert any(line.startswith("E   first divergence: gradient of x") for line in lines)
    assert any(line.startswith("E     likely cause: ") for line in lines)
    assert not [line for line in lines if "comparison.py" in line]
    assert len(lines) < 12
    assert "assert 1 == 2" in done.stdout
    (page,) = (tmp_path / "reports").iterdir()
    assert page.name == "test_port.py-test_wrong.html"
    assert page.read_text().startswith("<!doctype html>")


def test_loading_the_plugin_loads_no_framework():
    code = "import sys, jaxtut.parity.pytest_plugin; print(sorted({'jax', 'torch', 'flax'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
