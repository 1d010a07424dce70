"""Runs that are interrupted and go on: to the same bits, whatever happens on the way."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxtut.functional as F
from jaxtut import data, ffn, optim, torch_random, training
from jaxtut.errors import CheckpointError
from jaxtut.training import Checkpoints, random_state
from jaxtut.training import checkpoints as checkpoints_module

X = np.random.default_rng(0).normal(size=(22, 6)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 22)
# A schedule, and an optimizer with two moments and a count.
OPTIMIZER = optim.Adam(lr=optim.StepLR(0.05, step_size=7, gamma=0.5), weight_decay=0.01)


class Interrupted(Exception):
    """Stands for the end of the process."""


def run(folder: Path | None, epochs: int = 3, stop_after: int | None = None, every: int | None = None, **options: Any):
    generator = torch_random.Generator(5)
    params = ffn.init(generator, 6, 4, 3)
    steps = 0

    class Stop(training.Callback):
        def on_steps(self, epoch: int, done: int, losses: list[float]) -> None:
            nonlocal steps
            steps += len(losses)
            if stop_after is not None and steps >= stop_after:
                raise Interrupted

    given: dict[str, Any] = {"X": X, "Y": Y, "epochs": epochs, "batch_size": 4, "generator": generator} | options
    checkpoints = None if folder is None else Checkpoints(folder, every=every)
    optimizer = given.pop("optimizer", OPTIMIZER)
    params = given.pop("params", params)
    return training.fit(
        ffn.apply, F.cross_entropy, optimizer, params, callbacks=[Stop()], checkpoints=checkpoints, resume=True, **given
    )


def assert_same(a: training.FitResult, b: training.FitResult) -> None:
    assert a.history == b.history
    assert jax.tree.structure(a[:2]) == jax.tree.structure(b[:2])
    for x, y in zip(jax.tree.leaves(a[:2]), jax.tree.leaves(b[:2]), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(("every", "stop_after"), [(None, 7), (1, 2), (2, 3), (4, 5)])
@pytest.mark.parametrize("step_by_step", [False, True])
def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path, every, stop_after, step_by_step):
    options = {"on_step": lambda *_: None} if step_by_step else {}
    whole = run(tmp_path / "whole", every=every, **options)
    starts = 0
    while True:
        starts += 1
        try:
            result = run(tmp_path / "stopped", every=every, stop_after=stop_after, **options)
            break
        except Interrupted:
            assert starts < 30
    assert starts > 2
    assert_same(result, whole)


def test_without_checkpoints_the_run_is_the_same(tmp_path):
    assert_same(run(None), run(tmp_path))


def test_a_longer_run_goes_on_where_a_shorter_one_ended(tmp_path):
    run(tmp_path / "a", epochs=2)
    assert_same(run(tmp_path / "a", epochs=5), run(tmp_path / "b", epochs=5))
    assert_same(run(tmp_path / "a", epochs=5), run(tmp_path / "b", epochs=5))  # nothing is left to be done


class Noisy(data.Dataset):
    """Samples that draw from both generators when they are read, as random transforms do."""

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, index: int):
        noise = torch_random.default_generator.randn(6) + random.random()
        return X[index] + 0.1 * noise.astype("float32"), int(Y[index])


@pytest.mark.parametrize("own_generator", [False, True])
def test_a_loader_with_random_transforms_goes_on_bit_for_bit(tmp_path, own_generator):
    def loaded(folder: Path, stop_after: int | None):
        torch_random.manual_seed(3)
        random.seed(4)
        generator = torch_random.Generator(8) if own_generator else None
        loader = data.DataLoader(Noisy(), 4, shuffle=True, generator=generator)
        options = {"X": loader, "Y": None, "batch_size": None, "generator": None}
        return run(folder, epochs=3, stop_after=stop_after, every=2, **options)

    whole = loaded(tmp_path / "whole", None)
    for _ in range(3):
        with pytest.raises(Interrupted):
            loaded(tmp_path / "stopped", 3)
    assert_same(loaded(tmp_path / "stopped", None), whole)


def test_the_last_and_the_best_are_kept(tmp_path):
    generator = torch_random.Generator(0)
    params = ffn.init(generator, 6, 4, 3)
    checkpoints = Checkpoints(tmp_path, monitor="loss")
    seen: dict[int, Any] = {}

    def on_epoch(epoch: int, result: training.FitResult) -> None:
        seen[len(result.history.losses)] = np.array(result.params["fc1.weight"])

    # Downhill for four epochs, and uphill from there: the loss falls and rises.
    optimizer = optim.SGD(lr=lambda step: jnp.where(step < 24, 0.1, -0.3))
    result = training.fit(
        ffn.apply, F.cross_entropy, optimizer, params, X, Y, epochs=8, batch_size=4, generator=generator, checkpoints=checkpoints,
        on_epoch=on_epoch,
    )  # fmt: skip
    losses = result.history.epoch_losses
    best = int(np.argmin(losses))
    assert best not in (0, 7)
    assert [p.name for p in checkpoints.paths()] == [f"step_{6 * (best + 1):010d}", "step_0000000048"]
    assert checkpoints.best == checkpoints.paths()[0]
    assert checkpoints.last == checkpoints.paths()[1]
    like = checkpoints_module.Progress(
        result.params, result.opt_state, random_state.capture(generator), 0, 0, training.History()
    )
    kept = checkpoints.restore(like, checkpoints.best)
    np.testing.assert_array_equal(kept.params["fc1.weight"], seen[6 * (best + 1)])
    assert (kept.epoch, kept.step) == (best + 1, 0)


def test_dtypes_keys_and_empty_arrays_come_back(tmp_path):
    params = {
        "half": jnp.arange(3, dtype="bfloat16"),
        "key": jax.random.key(7),
        "empty": jnp.zeros((0, 3)),
        "flags": jnp.array([True, False]),
        "nested": [jnp.float32(1e-45), {"minus zero": jnp.float32(-0.0)}],
    }
    like = checkpoints_module.Progress(params, None, random_state.capture(None), 1, 0, training.History([0.1], [0.1]))
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(like)
    back = checkpoints.restore(like)
    assert back.history == like.history
    assert jax.random.bits(back.params["key"]) == jax.random.bits(params["key"])
    for a, b in zip(jax.tree.leaves(back.params), jax.tree.leaves(params), strict=True):
        assert a.dtype == b.dtype
        if not jax.dtypes.issubdtype(a.dtype, jax.dtypes.prng_key):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def test_a_checkpoint_of_the_same_step_takes_the_place_of_the_old_one(tmp_path):
    def state(number: float) -> checkpoints_module.Progress:
        params = {"w": jnp.full(3, number)}
        return checkpoints_module.Progress(
            params, None, random_state.capture(None), 1, 0, training.History([0.1], [0.1])
        )

    checkpoints = Checkpoints(tmp_path)
    for number in (1.0, 2.0):
        checkpoints.save(state(number))
    assert [path.name for path in tmp_path.iterdir()] == ["step_0000000001"]
    np.testing.assert_array_equal(checkpoints.restore(state(0.0)).params["w"], [2.0, 2.0, 2.0])


def test_a_folder_with_a_run_is_not_written_over(tmp_path):
    run(tmp_path)
    with pytest.raises(CheckpointError, match=r"holds the checkpoint of a run .*resume=True"):
        training.fit(
            ffn.apply, F.cross_entropy, OPTIMIZER, ffn.init(torch_random.Generator(0), 6, 4, 3), X, Y, epochs=1, batch_size=4,
            checkpoints=Checkpoints(tmp_path),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"params": ffn.init(torch_random.Generator(0), 6, 5, 3)}, r"params'?.*fc1.bias.* has shape \(4,\).*\(5,\)"),
        ({"params": {**ffn.init(torch_random.Generator(0), 6, 4, 3), "more": jnp.ones(2)}}, "has no .*more"),
        ({"optimizer": optim.SGD(lr=0.1)}, "another model, optimizer or generator"),
        ({"batch_size": 5}, "another batch_size"),
        ({"shuffle": False}, "another batch_size or shuffle"),
        ({"X": X[:9], "Y": Y[:9]}, "other samples"),
        ({"X": X + np.eye(22, 6, dtype="float32") * 1e-6}, "other samples"),
        ({"Y": Y[::-1]}, "other samples"),
    ],
)
def test_another_run_is_refused(tmp_path, change, message):
    run(tmp_path, epochs=2)
    with pytest.raises(CheckpointError, match=message):
        run(tmp_path, epochs=4, **change)


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    run(folder, epochs=1)
    return folder


def files_of(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


@settings(deadline=None, max_examples=60)
@given(
    which=st.integers(0, 10**6), where=st.integers(0, 10**9), how=st.sampled_from(["flip", "cut", "remove", "append"])
)
def test_damage_is_seen(good, tmp_path_factory, which, where, how):
    folder = tmp_path_factory.mktemp("damaged")
    shutil.copytree(good, folder, dirs_exist_ok=True)
    path = (files := files_of(folder))[which % len(files)]
    content = bytearray(path.read_bytes())
    if how == "remove":
        path.unlink()
    elif how == "append" or not content:
        path.write_bytes(content + b"\0")
    elif how == "cut":
        path.write_bytes(content[: where % len(content)])
    else:
        content[where % len(content)] ^= 1 << (where % 8)
        path.write_bytes(content)
    with pytest.raises(CheckpointError):
        run(folder, epochs=2)


@pytest.mark.parametrize("what", ["link", "file beside", "pickle", "empty folder", "other version", "path outside"])
def test_what_is_foreign_or_hostile_is_refused(good, tmp_path, what):
    shutil.copytree(good, tmp_path / "run")
    (folder,) = (tmp_path / "run").iterdir()
    seal = folder / "checksums.json"
    if what == "link":
        path = folder / "arrays" / "_METADATA"
        shutil.move(path, tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    elif what == "file beside":
        (folder / "arrays" / "more").write_text("more")
    elif what == "pickle":
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "model.pt").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    elif what == "empty folder":
        shutil.rmtree(folder)
        folder.mkdir()
    elif what == "other version":
        record = json.loads((folder / "record.json").read_text())
        (folder / "record.json").write_text(json.dumps(record | {"version": 99}))
        _seal_again(folder)
    else:
        seal.write_text(json.dumps(json.loads(seal.read_text()) | {"../../../etc/passwd": "0" * 64}))
    with pytest.raises(CheckpointError):
        run(tmp_path / "run", epochs=2)
    assert not Path("owned").exists()


def _seal_again(folder: Path) -> None:
    import hashlib

    names = [p for p in files_of(folder) if p.name != "checksums.json"]
    digests = {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in names}
    (folder / "checksums.json").write_text(json.dumps(digests))


def test_a_giant_is_refused_before_it_is_made(good, tmp_path):
    # Somebody writes a checkpoint whose one array claims ten terabytes, with checksums that fit.
    shutil.copytree(good, tmp_path / "run")
    (folder,) = (tmp_path / "run").iterdir()
    import orbax.checkpoint as ocp

    with ocp.StandardCheckpointer() as reader:
        names = list(reader.metadata(folder / "arrays").item_metadata.tree)
    shutil.rmtree(folder / "arrays")
    checkpoints_module._write_arrays(folder / "arrays", {n: np.zeros((4_000_000,), "float32") for n in names})
    _seal_again(folder)
    with pytest.raises(CheckpointError, match="has shape"):
        run(tmp_path / "run", epochs=2)


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(CheckpointError, match="cannot hold checkpoints"):
        Checkpoints(tmp_path / "taken")


SCRIPT = """
import sys
import numpy as np
import jaxtut.functional as F
from jaxtut import data, ffn, optim, torch_random, training

class Started(training.Callback):
    def on_start(self, *_):
        print("started", flush=True)

folder, pause = sys.argv[1], float(sys.argv[2])
if pause < 0:  # no file may grow beyond this size: a full disk
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
generator = torch_random.Generator(0)
X, y = data.digits()
params = ffn.init(generator, 64, 32, 10)

def on_epoch(epoch, result):
    if pause < 0 and epoch == 1:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

result = training.fit(ffn.apply, F.cross_entropy, optim.Adam(optim.StepLR(1e-2, 50, 0.7)), params, X.astype("float32") / 16, y,
                      epochs=4, batch_size=50, generator=generator, callbacks=[Started()], on_epoch=on_epoch,
                      checkpoints=training.Checkpoints(folder, every=3), resume=True)
np.savez(sys.argv[3], losses=result.history.losses, state=generator.get_state(), **result.params)
"""


def start(tmp_path: Path, folder: str, pause: float = 0) -> subprocess.Popen:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    return subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / folder), str(pause), str(tmp_path / f"{folder}.npz")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )  # fmt: skip


def kill_again_and_again(tmp_path: Path, kills: int, seed: int) -> None:
    """Kill a run at random moments, start it again each time, and compare its end with that of a run that nobody killed."""
    whole = start(tmp_path, "whole")
    _, problem = whole.communicate()
    assert whole.returncode == 0, problem
    moments = random.Random(seed)
    for _ in range(kills):
        process = start(tmp_path, "killed")
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        # A save takes about 0.2 s, a step far less: most kills come down in the middle of one.
        time.sleep(moments.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    end = start(tmp_path, "killed")
    _, problem = end.communicate()
    assert end.returncode == 0, problem
    with np.load(tmp_path / "whole.npz") as a, np.load(tmp_path / "killed.npz") as b:
        assert a.files == b.files
        for name in a.files:
            np.testing.assert_array_equal(a[name], b[name])
    assert not list((tmp_path / "killed").glob(".part*"))


def test_killed_at_any_moment(tmp_path):
    kill_again_and_again(tmp_path, kills=2, seed=0)


@pytest.mark.long
def test_killed_at_thirty_moments(tmp_path):
    kill_again_and_again(tmp_path, kills=30, seed=1)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path):
    process = start(tmp_path, "full", pause=-1)
    _, problem = process.communicate()
    assert process.returncode == 1
    assert "could not be written" in problem.strip().splitlines()[-1]
    names = [p.name for p in Checkpoints(tmp_path / "full").paths()]
    assert names
    assert not list((tmp_path / "full").glob(".part*"))
    again = start(tmp_path, "full")
    _, problem = again.communicate()
    assert again.returncode == 0, problem
    whole = start(tmp_path, "whole")
    whole.communicate()
    with np.load(tmp_path / "whole.npz") as a, np.load(tmp_path / "full.npz") as b:
        for name in a.files:
            np.testing.assert_array_equal(a[name], b[name])
