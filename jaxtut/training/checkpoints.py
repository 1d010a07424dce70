"""The last and the best checkpoint of a run, in a folder: written by Orbax, read back bit for bit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxtut.errors import CheckpointError

from .callbacks import Monitor, check_monitor, scores
from .checkpoint_files import remove_folder, remove_parts, verify_folder, write_folder
from .random_state import RandomState
from .results import FitResult, History

FORMAT, VERSION = "jaxtut checkpoint", 1
_NAME = re.compile(r"step_(\d{10})")
_ARRAYS, _RECORD = "arrays", "record.json"


class Progress(NamedTuple):
    """All that a run is at one moment.

    Attributes:
        params: the parameters.
        opt_state: the optimizer's state, schedules included.
        random: the generators' states when the epoch began.
        epoch: which epoch, from 0.
        step: how many steps of it are done.
        history: the numbers of the steps so far.
        samples: what tells the samples and their batches from others.
        finished: a callback has ended the run.
    """

    params: Any
    opt_state: Any
    random: RandomState
    epoch: int
    step: int
    history: History
    samples: str = ""
    finished: bool = False

    @property
    def result(self) -> FitResult:
        """What `fit` returns of it."""
        return FitResult(self.params, self.opt_state, self.history)


class Checkpoints:
    """A folder that keeps the last checkpoint of a run and the best one.

    Each is a folder `step_0000000123`, named after the number of steps done, which appears whole or not at all: it is written beside,
    sealed with checksums, flushed to disk and renamed. What came before is removed only then.

    Args:
        folder: where they lie; it is made if it is not there.
        every: save after so many steps of an epoch, too; None: after each epoch alone.
        monitor: what makes the best one: 'accuracy' or 'loss', the mean of the epoch; None: the accuracy where there is one.

    Example:
        >>> import tempfile
        >>> from jaxtut import optim, regression, torch_random, training
        >>> import jaxtut.functional as F
        >>> X = jnp.array([[1.0], [2.0], [3.0], [4.0]])
        >>> def run(folder, epochs):
        ...     generator = torch_random.Generator(0)
        ...     params = regression.init(generator, input_size=1)
        ...     return training.fit(regression.apply, F.mse_loss, optim.Adam(lr=0.1), params, X, 2 * X, epochs=epochs, batch_size=2,
        ...                         generator=generator, checkpoints=Checkpoints(folder), resume=True)
        >>> with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        ...     _ = run(one, epochs=3)  # ends here, and goes on in the next line
        ...     run(one, epochs=5).history == run(two, epochs=5).history
        True

    Raises:
        TypeError: `every` is no int.
        ValueError: `every` below 1, or an unknown monitor.
        CheckpointError: the folder is a file, or cannot be made.

    PyTorch's counterpart: `torch.save({"model": ..., "optimizer": ...}, path)`, which is no longer the last good one
    while it is being written, and which `torch.load` runs as code unless `weights_only` is set. Nothing in these files is code.
    """

    def __init__(self, folder: str | Path, every: int | None = None, monitor: Monitor | None = None) -> None:
        if every is not None and (isinstance(every, bool) or not isinstance(every, int)):
            raise TypeError(f"Checkpoints: every must be a number of steps or None, but {every!r} was given")
        if every is not None and every < 1:
            raise ValueError(f"Checkpoints: every must be at least 1, but {every} was given")
        check_monitor("Checkpoints", monitor)
        self.folder, self.every = Path(folder).absolute(), every
        self.monitor: Monitor | None = monitor
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"{folder} cannot hold checkpoints: {error.strerror}") from None

    def paths(self) -> list[Path]:
        """Return the folders of the checkpoints, the oldest first."""
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))

    @property
    def last(self) -> Path | None:
        """The newest checkpoint."""
        return (self.paths() or [None])[-1]

    @property
    def best(self) -> Path | None:
        """The checkpoint at the end of the best epoch; of equal ones the first."""
        scored = [(score, path) for path in self.paths() if (score := _read_record(path)["score"]) is not None]
        return max(scored, key=lambda pair: pair[0])[1] if scored else None

    def save(self, progress: Progress) -> Path:
        """Write a checkpoint, then remove those that are neither the last nor the best.

        Raises:
            CheckpointError: it could not be written, for want of room for example. The checkpoints before it stay.
        """
        remove_parts(self.folder)
        path = self.folder / f"step_{len(progress.history.losses):010d}"
        record = self._record(progress)
        arrays = _arrays({"params": progress.params, "opt_state": progress.opt_state, "random": progress.random})

        def fill(folder: Path) -> None:
            _write_arrays(folder / _ARRAYS, arrays)
            (folder / _RECORD).write_text(json.dumps(record), encoding="utf-8")

        write_folder(path, fill)
        keep = {self.last, self.best}
        for old in self.paths():
            if old not in keep:
                remove_folder(old)
        return path

    def restore(self, like: Progress, path: str | Path | None = None) -> Progress:
        """Read a checkpoint back, bit for bit.

        Args:
            like: a run whose parameters, optimizer state and generators have the names, shapes and dtypes that are expected.
            path: which checkpoint; None: the last one.

        Raises:
            CheckpointError: there is none, it is damaged, it is not of jaxtut, or it belongs to another model or optimizer. Nothing that
                is in it is run, and no array is made before its shape is known to be the expected one.
        """
        folder = self.last if path is None else Path(path).absolute()
        if folder is None:
            raise CheckpointError(f"there is no checkpoint in {self.folder}")
        if not folder.is_dir():
            raise CheckpointError(f"{folder} is not a checkpoint: there is no such folder")
        verify_folder(folder)
        record = _read_record(folder)
        trees = {"params": like.params, "opt_state": like.opt_state, "random": like.random}
        arrays = _read_arrays(folder / _ARRAYS, _arrays(trees))
        params, opt_state, random = (_filled(name, trees[name], arrays) for name in trees)
        history = History(**{name: list(values) for name, values in record["history"].items()})
        where = (record["epoch"], record["step"], history, record["samples"], record["finished"])
        return Progress(params, opt_state, random, *where)

    def _record(self, progress: Progress) -> dict[str, Any]:
        from jaxtut import __version__

        ended = progress.step == 0 and progress.epoch > 0
        return {
            "format": FORMAT,
            "version": VERSION,
            "jaxtut": __version__,
            "jax": jax.__version__,
            "epoch": progress.epoch,
            "step": progress.step,
            "samples": progress.samples,
            "finished": progress.finished,
            "score": scores(progress.history, self.monitor)[-1] if ended else None,
            "history": vars(progress.history),
        }


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / _RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise CheckpointError(f"{folder} is not a checkpoint of jaxtut")
    if record.get("version") != VERSION:
        raise CheckpointError(
            f"{folder} is a checkpoint of version {record.get('version')!r}; this jaxtut reads version {VERSION}"
        )
    kinds = {"epoch": int, "step": int, "samples": str, "finished": bool, "history": dict}
    history = record.get("history")
    good = all(isinstance(record.get(name), kind) for name, kind in kinds.items())
    if (
        not good
        or not isinstance(history, dict)
        or set(history) != set(vars(History()))
        or not all(_numbers(v) for v in history.values())
    ):
        raise CheckpointError(f"{path} does not say where the run was")
    return record


def _numbers(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(v, int | float) for v in values)


def _arrays(trees: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return every leaf as an array, under its path in the trees; tree by tree in their order, so that parameters are compared first."""
    return {
        jax.tree_util.keystr((jax.tree_util.DictKey(name), *path)): _to_numpy(leaf)
        for name, tree in trees.items()
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def _to_numpy(leaf: Any) -> np.ndarray:
    if _is_key(leaf):
        leaf = jax.random.key_data(leaf)
    return np.asarray(leaf)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _filled(name: str, tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Return the tree with the arrays in the places of its leaves, each on the device of the leaf."""

    def fill(path: Any, leaf: Any) -> Any:
        value = arrays[jax.tree_util.keystr((jax.tree_util.DictKey(name), *path))]
        if _is_key(leaf):
            return jax.random.wrap_key_data(jnp.asarray(value), impl=jax.random.key_impl(leaf))
        return jax.device_put(value, leaf.sharding) if isinstance(leaf, jax.Array) else value

    return jax.tree_util.tree_map_with_path(fill, tree)


def _write_arrays(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    import orbax.checkpoint as ocp

    with ocp.StandardCheckpointer() as writer:
        writer.save(folder, {name: array for name, array in arrays.items() if array.size})
        writer.wait_until_finished()


def _read_arrays(folder: Path, like: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    import orbax.checkpoint as ocp

    expected = {name: array for name, array in like.items() if array.size}
    with ocp.StandardCheckpointer() as reader:
        try:
            metadata = reader.metadata(folder).item_metadata
            found = {} if metadata is None else dict(metadata.tree)
        except Exception as error:
            raise CheckpointError(f"{folder} cannot be read: {_first_line(error)}") from None
        _require_same(folder, found, expected)
        try:
            read = reader.restore(folder, {name: np.empty_like(array) for name, array in expected.items()})
        except Exception as error:
            raise CheckpointError(f"{folder} cannot be read: {_first_line(error)}") from None
    return like | {name: np.asarray(array) for name, array in read.items()}


def _require_same(folder: Path, found: dict[str, Any], expected: dict[str, np.ndarray]) -> None:
    where = f"{folder.parent} belongs to another model, optimizer or generator"
    if missing := [name for name in expected if name not in found]:
        raise CheckpointError(f"{where}: it has no {_shown(missing[0])}")
    if more := sorted(set(found) - set(expected)):
        raise CheckpointError(f"{where}: it has {_shown(more[0])}, and the run has none")
    for name, array in expected.items():
        shape, dtype = tuple(getattr(found[name], "shape", ())), getattr(found[name], "dtype", None)
        if (shape, str(dtype)) != (array.shape, str(array.dtype)):
            raise CheckpointError(
                f"{where}: {_shown(name)} has shape {shape} and dtype {dtype}, the run's has {array.shape} and {array.dtype}"
            )


def _shown(name: str) -> str:
    return name.replace("['", "", 1).replace("']", "", 1)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
