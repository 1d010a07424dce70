"""An epoch over several devices gives what it gives on one."""

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxtut import ffn, optim
from jaxtut import functional as F
from jaxtut.training import make_epoch

DEVICES = 8
# A program of its own, since JAX has as many devices as it was started with.
PROGRAM = f"""
import sys
import jax, numpy as np
from jaxtut import cnn, ffn, optim, functional as F
from jaxtut.torch_random import Generator
from jaxtut.training import make_epoch

jax.config.update("jax_enable_x64", True)
devices = jax.devices("cpu")
assert len(devices) == {DEVICES}
mesh = jax.make_mesh(({DEVICES},), ("data",))
weights = np.linspace(0.5, 2, 10)
losses = {{"mean": F.cross_entropy, "weighted": lambda x, y: F.cross_entropy(x, y, weight=weights)}}
models = {{"ffn": (ffn.apply, ffn.init(Generator(0), 36, 20, 10, dtype="float64"), (36,)),
          "cnn": (cnn.apply, cnn.init(Generator(0), (1, 28, 28), 10, dtype="float64"), (1, 28, 28))}}
name, *kinds = sys.argv[1:]
apply, params, shape = models[name]
for kind in kinds:
    loss, generator = losses[kind], Generator(1)
    X, Y = generator.randn(64, *shape, dtype="float64"), generator.randint(0, 10, (64,))
    rows = generator.randperm(64).reshape(2, 32)
    optimizer = optim.Adam(lr=0.01)
    results = []
    for where in (None, mesh):
        epoch = make_epoch(apply, loss, optimizer, donate=False, mesh=where)
        results.append(epoch(params, optimizer.init(params), X, Y, rows))
    one, several = results
    for leaf in jax.tree.leaves(several):
        assert leaf.sharding.is_fully_replicated and len(leaf.sharding.device_set) == {DEVICES}
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(several), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12, err_msg=f"{{name}} {{kind}}")
    print(name, kind, "equal")

if name == "ffn":
    # Every device works on its share: the products of a step have four rows of 32, and the gradients are added up.
    epoch = make_epoch(apply, F.cross_entropy, optim.SGD(lr=0.1), mesh=mesh)
    state = optim.SGD(lr=0.1).init(params)
    X, Y, rows = np.zeros((64, 36)), np.zeros(64, int), np.zeros((2, 32), int)
    text = jax.jit(epoch).lower(params, state, X, Y, rows).compile().as_text()
    assert "all-reduce" in text
    assert "f64[4,20]" in text and "f64[32,20]" not in text
    print("split")
    try:
        epoch(params, state, X, Y, np.zeros((2, 30), int))
    except ValueError as error:
        print(error)
"""


def run(*arguments: str) -> list[str]:
    environment = os.environ | {
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={DEVICES}",
        "JAX_PLATFORMS": "cpu",
    }
    command = [sys.executable, "-c", PROGRAM, *arguments]
    root = Path(__file__).parents[2]
    ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout.splitlines()


def test_an_epoch_on_eight_devices_equals_that_on_one() -> None:
    assert run("ffn", "mean", "weighted") == [
        "ffn mean equal",
        "ffn weighted equal",
        "split",
        "epoch: a batch of 30 cannot be shared evenly by the 8 devices of the mesh",
    ]


@pytest.mark.long
def test_so_does_one_of_a_convolutional_network() -> None:
    assert run("cnn", "mean", "weighted") == ["cnn mean equal", "cnn weighted equal"]


def test_a_mesh_must_have_one_axis() -> None:
    optimizer = optim.SGD(lr=0.1)
    with pytest.raises(ValueError, match=r"one axis, but it has 2: \('a', 'b'\)"):
        make_epoch(ffn.apply, F.cross_entropy, optimizer, mesh=jax.make_mesh((1, 1), ("a", "b")))


def test_what_is_no_mesh_is_refused() -> None:
    for given, name in ((8, "int"), (jax.devices(), "list")):
        with pytest.raises(TypeError, match=f"must be a jax.sharding.Mesh, but {name} was given"):
            make_epoch(ffn.apply, F.cross_entropy, optim.SGD(lr=0.1), mesh=given)  # type: ignore[arg-type]


@pytest.mark.parametrize("around", [False, True])
def test_on_a_mesh_of_one_device_an_epoch_is_as_ever(around: bool) -> None:
    optimizer, params, mesh = optim.SGD(lr=0.1), {"w": np.ones((), "float32")}, jax.make_mesh((1,), ("data",))
    epoch = make_epoch(lambda params, x: params["w"] * x, F.mse_loss, optimizer, mesh=mesh)
    with jax.set_mesh(mesh) if around else nullcontext():
        _, _, losses = epoch(params, optimizer.init(params), np.ones(4, "float32"), np.zeros(4, "float32"), [[0, 1, 2]])
    assert losses.tolist() == [1.0]
