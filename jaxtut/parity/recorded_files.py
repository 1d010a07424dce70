"""The file of a recording: written whole or not at all, and believed only if every byte is the one that was written."""

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

import numpy as np

from .arguments import numpy_dtype
from .quantities import Quantities
from .recorded_evidence import BITS, RecordedEvidence, RecordingError, check

FORMAT = "jaxtut-recording"
VERSION = 1
_UNSEALED = "0" * 64


def write(path: str | Path, recording: RecordedEvidence) -> None:
    """Write a recording: whole or not at all, so that a good one is never lost to half of another.

    Raises:
        ValueError: something in it cannot be stored.
        OSError: the file cannot be written.
    """
    check(recording)
    data, path = pack(recording), Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name[:100]}.{os.getpid()}.{secrets.token_hex(4)}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def pack(recording: RecordedEvidence) -> bytes:
    """Return the bytes of a recording: a safetensors file, with a checksum of all of it in its header."""
    from safetensors.numpy import save

    arrays = {f"input/{name}": x for name, x in recording.inputs.items()}
    arrays |= {f"cotangents/{name}": x for name, x in recording.drawn.items()}
    for group, quantities in recording.groups.items():
        arrays |= {f"{group}/{kind}/{name}": x for (kind, name), x in quantities.items()}
    order = {group: [list(key) for key in quantities] for group, quantities in recording.groups.items()}
    bits = {name: x.dtype.name for name, x in arrays.items() if x.dtype.name in BITS}
    described = {
        "format": FORMAT,
        "version": str(VERSION),
        "checksum": _UNSEALED,
        "facts": json.dumps({**recording.facts, "order": order, "bits": bits}),
    }
    data = bytearray(save({name: _storable(x) for name, x in arrays.items()}, described))
    start = data.index(_seal(_UNSEALED))
    data[start : start + len(_seal(_UNSEALED))] = _seal(hashlib.sha256(data).hexdigest())
    return bytes(data)


def read(path: str | Path) -> RecordedEvidence:
    """Read a recording; nothing in it is executed.

    Raises:
        RecordingError: the file is no recording, is of another version, is cut off or damaged.
        OSError: it cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise RecordingError(f"{path}: {'a folder, no recording' if path.is_dir() else 'there is no such file'}")
    data = path.read_bytes()
    try:
        described = _metadata(data)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RecordingError(f"{path}: not a whole safetensors file: {_one_line(error)}") from None
    if described.get("format") != FORMAT:
        raise RecordingError(f"{path}: a safetensors file, but no recording of `jaxtut record`")
    if described.get("version") != str(VERSION):
        raise RecordingError(
            f"{path}: a recording of version {described.get('version')}; this jaxtut reads version {VERSION}"
        )
    if not _is_sealed(data, described.get("checksum")):
        raise RecordingError(f"{path}: damaged: its bytes are not those that were written")
    try:
        recording = _unpacked(data, json.loads(described["facts"]))
        check(recording)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, ImportError) as error:
        raise RecordingError(f"{path}: the recording is damaged: {_one_line(error)}") from None
    return recording


def _metadata(data: bytes) -> dict[str, Any]:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    described = header.get("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(described, dict):
        raise TypeError("its header is no description of arrays")
    return described


def _seal(checksum: str) -> bytes:
    # With these quotes it can stand in the header alone: in the texts there, quotes are escaped.
    return f'"checksum":"{checksum}"'.encode()


def _is_sealed(data: bytes, checksum: Any) -> bool:
    """Say whether the checksum is that of the file as it was before the checksum was put in."""
    if not isinstance(checksum, str) or len(checksum) != len(_UNSEALED):
        return False
    start = data.find(_seal(checksum))
    if start < 0:
        return False
    whole = memoryview(data)
    digest = hashlib.sha256(whole[:start])
    digest.update(_seal(_UNSEALED))
    digest.update(whole[start + len(_seal(checksum)) :])
    return digest.hexdigest() == checksum


def _unpacked(data: bytes, facts: Any) -> RecordedEvidence:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        stored = load(data)
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    arrays = {name: _restored(x, facts["bits"].get(name)) for name, x in stored.items()}
    inputs, drawn = (
        {n.removeprefix(start): arrays.pop(n) for n in list(arrays) if n.startswith(start)}
        for start in ("input/", "cotangents/")
    )
    groups: dict[str, Quantities] = {}
    for group, keys in facts["order"].items():
        groups[group] = {(kind, name): arrays.pop(f"{group}/{kind}/{name}") for kind, name in keys}
    if arrays:
        raise ValueError(f"{next(iter(arrays))} is in no group")
    return RecordedEvidence({k: v for k, v in facts.items() if k not in ("order", "bits")}, inputs, drawn, groups)


def _storable(x: np.ndarray) -> np.ndarray:
    """Return an array as safetensors takes it: the memory behind it is stored, so a transposed view would come out as other numbers."""
    x = np.asarray(x, x.dtype.newbyteorder("="), order="C")
    if x.dtype.name not in BITS:
        return x
    return x.reshape(*x.shape, 1).view(BITS[x.dtype.name])


def _restored(x: np.ndarray, dtype: str | None) -> np.ndarray:
    if dtype is None:
        return x
    if x.dtype != BITS[dtype]:
        raise ValueError(f"{x.dtype} numbers cannot be the bits of {dtype}")
    return x.view(numpy_dtype(dtype))[..., 0]


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__} {' '.join(str(error).split())[:200]}"
