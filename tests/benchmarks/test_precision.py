"""`python -m benchmarks.precision` measures from float64 how far gradients are, at each precision."""

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from benchmarks import precision
from benchmarks.device import computing_on
from benchmarks.sides import EAGER, LIBRARY


def test_a_line_for_each_network_precision_and_side(tmp_path, monkeypatch):
    monkeypatch.setitem(precision.NETWORKS, "cnn", precision.NETWORKS["ffn"])  # which compiles sooner
    path = tmp_path / "found.json"
    asked = ["--device", "cpu", "--batch", "3", "--repeats", "1", "--json", str(path)]
    result = CliRunner().invoke(precision.app, asked)
    assert result.exit_code == 0, result.output
    data = json.loads(path.read_text())
    assert [(row["network"], row["precision"], row["side"]) for row in data["rows"]] == [
        (network, name, side) for network in ("ffn", "cnn") for name in ("float32", "TF32") for side in (LIBRARY, EAGER)
    ]
    for row in data["rows"]:
        assert 1e-9 < row["norm"] < 1e-6  # a CPU has no TF32
        assert 1e-9 < row["largest"] < 1e-5
        assert row["milliseconds"] > 0
    assert data["settings"]["gpu"] is None
    assert data["versions"]["torch"] == torch.__version__


def test_factors_with_fewer_bits_are_seen():
    def rounded(x):
        return jnp.asarray(np.asarray(x).view("uint32") & np.uint32(0xFFFFE000)).view("float32")  # TF32 has 10 bits

    network = precision.NETWORKS["ffn"]
    params = {key: np.asarray(value) for key, value in network.init(precision.Generator(0)).items()}
    x, y = np.linspace(-1, 1, 2 * 784, dtype="float32").reshape(2, 784), np.array([3, 4])
    truth = precision._truth(network, params, x, y)
    with computing_on("cpu"):
        fine = precision._library(network, params, x, y).results()
        coarse = precision._library(network, jax.tree.map(rounded, params), rounded(x), y).results()
    assert max(precision._errors(fine, truth)) < 1e-6
    assert min(precision._errors(coarse, truth)) > 1e-5


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_without_a_gpu_it_says_so():
    result = CliRunner().invoke(precision.app, [])
    assert (result.exit_code, result.stderr) == (2, "benchmarks.precision: there is no GPU here that PyTorch sees\n")


def test_precision_is_asked_of_both_frameworks_and_put_back():
    def asked():
        config: Any = jax.config
        return (
            torch.backends.cuda.matmul.allow_tf32,
            torch.backends.cudnn.allow_tf32,
            config.jax_default_matmul_precision,
        )

    for tf32, name in ((True, "tensorfloat32"), (False, "highest")):
        before = asked()
        with computing_on("cpu", tf32):
            assert asked() == (tf32, tf32, name)
        assert asked() == before
