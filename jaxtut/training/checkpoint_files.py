"""Folders that appear whole or not at all, and whose every byte is known: written beside, sealed with checksums, renamed."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jaxtut.errors import CheckpointError

SEAL = "checksums.json"
_PART = ".part-"


def write_folder(final: Path, fill: Callable[[Path], None]) -> None:
    """Make the folder `final`, whose files `fill` writes into the folder that it is given.

    Until the last step, a rename, it lies beside under another name; an error or the end of the process leaves nothing under `final`.

    Raises:
        CheckpointError: it could not be written.
    """
    beside = final.with_name(f"{_PART}{final.name}-{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        fill(beside)
        digests = {str(path.relative_to(beside)): _digest(path) for path in _files(beside)}
        (beside / SEAL).write_text(json.dumps(digests, indent=0), encoding="utf-8")
        for path in [*_files(beside), *sorted(p for p in beside.rglob("*") if p.is_dir()), beside]:
            _flush(path)
        if final.exists():
            remove_folder(final)
        os.rename(beside, final)
        _flush(final.parent)
    except Exception as error:  # Orbax and tensorstore have many, for a full disk among others
        shutil.rmtree(beside, ignore_errors=True)
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"{final} could not be written ({reason[:200]}); the checkpoints before it are whole"
        ) from error


def verify_folder(folder: Path) -> None:
    """Refuse a folder of which a byte, a file or a name is not what was written.

    Raises:
        CheckpointError: says which file, and what is wrong with it.
    """
    seal = folder / SEAL
    try:
        digests = json.loads(seal.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{folder} is not a checkpoint of jaxtut: it has no {SEAL}") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{seal} cannot be read: {error}") from None
    if not isinstance(digests, dict) or not all(isinstance(d, str) for d in digests.values()):
        raise CheckpointError(f"{seal} does not hold checksums by name")
    links = [path for path in folder.rglob("*") if path.is_symlink()]
    if links:
        raise CheckpointError(f"{links[0]} is a link; a checkpoint holds files alone")
    found = {str(path.relative_to(folder)) for path in _files(folder)} - {SEAL}
    for name in sorted(found ^ set(digests)):
        raise CheckpointError(f"{folder / name} {'was not there' if name in found else 'is missing'}: {_DAMAGED}")
    for name, digest in digests.items():
        if _digest(folder / name) != digest:
            raise CheckpointError(f"{folder / name} is not what was written: {_DAMAGED}")


_DAMAGED = "the checkpoint is damaged; delete its folder to go on from the one before it"


def remove_folder(folder: Path) -> None:
    """Remove a folder; should this be interrupted, nothing under its name is left that looks whole."""
    beside = folder.with_name(f"{_PART}old-{folder.name}-{os.getpid()}")
    os.rename(folder, beside)
    shutil.rmtree(beside, ignore_errors=True)


def remove_parts(parent: Path) -> None:
    """Remove what interrupted runs have left half written."""
    for path in parent.glob(f"{_PART}*"):
        shutil.rmtree(path, ignore_errors=True)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows does not open folders
        return
    handle: Any = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
