"""The file of a recording: written whole or not at all, and believed only if every byte is the one that was written."""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import definition
from .arguments import numpy_dtype
from .evidence import Spread
from .quantities import GRADIENT, TAP, TAP_GRADIENT, VALUE, Key, Quantities, is_floating

FORMAT = "jaxtut-recording"
VERSION = 1

SINGLES = tuple(f"single{i}" for i in range(definition.NOISE_RUNS))
BESIDE = tuple(f"beside{i}" for i in range(definition.KINK_JITTERS))
NOISE = ("near", "far", "operations")
SPREAD = ("most", "least")
TAPS = "taps/"
_KINDS = {"": (VALUE, GRADIENT), TAPS: (TAP, TAP_GRADIENT)}

# safetensors holds these as they are; of the others it can hold the bits.
_PLAIN = frozenset("bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64 complex64".split())
_BITS = {"bfloat16": np.uint16, "complex128": np.float64}
_UNSEALED = "0" * 64


class RecordingError(ValueError):
    """A file that is no recording, or is damaged, or does not fit the other one."""


@dataclass(frozen=True)
class RecordedEvidence:
    """Evidence that `record` has stored.

    Attributes:
        facts: what is no array: the framework, the seed, the names of the inputs, where precision is lowered.
        inputs: the array arguments by name.
        groups: the results of each run, and the measured noise; those of named values begin with 'taps/'.
        prefix: 'taps/' in the evidence of named values.
    """

    facts: dict[str, Any]
    inputs: dict[str, np.ndarray] = field(repr=False)
    groups: dict[str, Quantities] = field(repr=False)
    prefix: str = ""

    @property
    def name(self) -> str:
        """The framework."""
        return self.facts["name"]

    @property
    def mode(self) -> str:
        """How the side ran."""
        return self.facts["mode"]

    @property
    def exact(self) -> Quantities:
        """The results in float64."""
        if self.facts["refused"]:
            raise ValueError(self.facts["refused"])
        return self._group("exact")

    @property
    def singles(self) -> list[Quantities]:
        """The results in float32: at the inputs, then at inputs moved by an ulp."""
        first, *moved = SINGLES
        return [self._group(first), *(g for name in moved if (g := self._group(name)))]

    @property
    def lowered(self) -> list[str]:
        """Where the function lowers precision inside."""
        return self.facts["lowered"]

    @property
    def nearby(self) -> tuple[Quantities, Quantities]:
        """The noise at inputs nearby."""
        return self._group("near"), self._group("far")

    @property
    def operations(self) -> Quantities:
        """How far the results move with the result of every operation."""
        return self._group("operations")

    @property
    def beside_kinks(self) -> list[Quantities]:
        """float64 results at inputs jittered by a millionth."""
        return [g for name in BESIDE if (g := self._group(name))]

    def spread(self, key: Key) -> Spread:
        """Return how far a quantity moves at inputs that float32 can hardly tell apart."""
        shape = self.exact[key].shape
        most, least = self._group("most"), self._group("least")
        return Spread(most.get(key, np.zeros(shape)), least.get(key, np.full(shape, np.inf)))

    def low(self, dtype: str) -> tuple[Quantities, Quantities]:
        """Refuse: 16-bit results are not recorded."""
        raise RecordingError(f"{dtype} results are not recorded; compare both sides in one process for them")

    def differs_from_itself(self) -> bool:
        """Say whether the function differed from itself when it was recorded."""
        return self.facts["impure"]

    @property
    def taps(self) -> "RecordedEvidence":
        """The same for what the function names."""
        return replace(self, prefix=TAPS)

    def called(self, names: Mapping[str, str], dropped: Iterable[str] = ()) -> "RecordedEvidence":
        """Return the same with the inputs called otherwise, since two functions may name their arguments differently.

        Args:
            names: the new name of each input.
            dropped: inputs, by their old names, whose gradients are left out.
        """
        without = {(GRADIENT, name) for name in dropped}

        def renamed(group: Quantities) -> Quantities:
            return {
                (kind, names[name] if kind == GRADIENT else name): x
                for (kind, name), x in group.items()
                if (kind, name) not in without
            }

        return replace(
            self,
            inputs={names[name]: x for name, x in self.inputs.items()},
            groups={name: renamed(group) for name, group in self.groups.items()},
        )

    def _group(self, name: str) -> Quantities:
        return self.groups.get(self.prefix + name, {})


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
    for group, quantities in recording.groups.items():
        arrays |= {f"{group}/{kind}/{name}": x for (kind, name), x in quantities.items()}
    order = {group: [list(key) for key in quantities] for group, quantities in recording.groups.items()}
    bits = {name: x.dtype.name for name, x in arrays.items() if x.dtype.name in _BITS}
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
    inputs = {n.removeprefix("input/"): arrays.pop(n) for n in list(arrays) if n.startswith("input/")}
    groups: dict[str, Quantities] = {}
    for group, keys in facts["order"].items():
        groups[group] = {(kind, name): arrays.pop(f"{group}/{kind}/{name}") for kind, name in keys}
    if arrays:
        raise ValueError(f"{next(iter(arrays))} is in no group")
    return RecordedEvidence({k: v for k, v in facts.items() if k not in ("order", "bits")}, inputs, groups)


def _storable(x: np.ndarray) -> np.ndarray:
    """Return an array as safetensors takes it: the memory behind it is stored, so a transposed view would come out as other numbers."""
    x = np.asarray(x, x.dtype.newbyteorder("="), order="C")
    if x.dtype.name not in _BITS:
        return x
    return x.reshape(*x.shape, 1).view(_BITS[x.dtype.name])


def _restored(x: np.ndarray, dtype: str | None) -> np.ndarray:
    if dtype is None:
        return x
    if x.dtype != _BITS[dtype]:
        raise ValueError(f"{x.dtype} numbers cannot be the bits of {dtype}")
    return x.view(numpy_dtype(dtype))[..., 0]


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


_FITS: dict[str, Callable[[Any], bool]] = {
    "name": lambda value: value in ("JAX", "PyTorch"),
    "mode": lambda value: value in ("jit", "eager"),
    "seed": lambda value: type(value) is int and value >= 0,
    "cotangents": lambda value: type(value) is int and value >= 1,
    "refused": lambda value: isinstance(value, str),
    "untapped": lambda value: isinstance(value, str),
    "impure": lambda value: isinstance(value, bool),
    "static": lambda value: isinstance(value, list) and all(text is None or isinstance(text, str) for text in value),
} | dict.fromkeys(("inputs", "differentiated", "buffers", "unused", "lowered", "notes"), _texts)


def check(recording: RecordedEvidence) -> None:
    """Refuse what a verdict cannot be built on.

    Raises:
        ValueError: a fact is missing, a run lacks a result or has one of another shape, noise is negative or no number, and the like.
    """
    facts = recording.facts
    for name, fits in _FITS.items():
        if name not in facts or not fits(facts[name]):
            raise ValueError(f"{name} is missing, or not what it should be")
    inputs, differentiated = facts["inputs"], facts["differentiated"]
    if sorted(inputs) != sorted(recording.inputs):
        raise ValueError(f"the inputs are {sorted(recording.inputs)} and should be {sorted(inputs)}")
    if not {*differentiated, *facts["buffers"]} <= set(inputs) or not set(facts["unused"]) <= set(differentiated):
        raise ValueError("gradients are spoken of that are those of no input")
    for group, quantities in recording.groups.items():
        if group.removeprefix(TAPS) not in (*SINGLES, "exact", *NOISE, *SPREAD, *BESIDE):
            raise ValueError(f"there is no group of results called {group}")
        for kind, name in quantities:
            if kind not in _KINDS[TAPS if group.startswith(TAPS) else ""]:
                raise ValueError(f"{kind} {name} does not belong into {group}")
        for (kind, name), x in quantities.items():
            if x.dtype.name not in _PLAIN and x.dtype.name not in _BITS:
                raise ValueError(f"{kind} {name} has dtype {x.dtype}, which cannot be stored")
    for name, x in recording.inputs.items():
        if x.dtype.name not in _PLAIN and x.dtype.name not in _BITS:
            raise ValueError(f"the input {name} has dtype {x.dtype}, which cannot be stored")
    first = recording.groups.get(SINGLES[0], {})
    if not first:
        raise ValueError("there are no float32 results: the function returns no arrays, or they are lost")
    count = facts["cotangents"]
    wanted = {(GRADIENT, n): (count, *recording.inputs[n].shape) for n in differentiated}
    _check_stacked(GRADIENT, first, wanted)
    named = recording.groups.get(TAPS + SINGLES[0], {})
    floating = {n: x.shape for (kind, n), x in named.items() if kind == TAP and is_floating(x)}
    _check_stacked(TAP_GRADIENT, named, {(TAP_GRADIENT, n): (count, *shape) for n, shape in floating.items()})
    for prefix in _KINDS:
        _check_runs(recording, prefix)


def _check_stacked(kind: str, results: Quantities, wanted: Mapping[Key, tuple[int, ...]]) -> None:
    found = {key: x.shape for key, x in results.items() if key[0] == kind}
    for key in [*wanted, *found]:
        if found.get(key) != wanted.get(key):
            raise ValueError(f"the {kind} of {key[1]} is missing or has another shape than {key[1]}")


def _check_runs(recording: RecordedEvidence, prefix: str) -> None:
    """Every run has every result in its shape, and noise is a finite number without a sign."""
    of = recording.groups
    first = of.get(prefix + SINGLES[0], {})
    exact = of.get(prefix + "exact", {})
    if not recording.facts["refused"] and set(exact) != set(first):
        raise ValueError("the float64 results are not those that the float32 results are of")
    floating = {key for key, x in exact.items() if is_floating(x)}
    for name in (*SINGLES, "exact", *BESIDE, *NOISE, *SPREAD):
        group = of.get(prefix + name, {})
        measured = name in (*NOISE, *SPREAD)
        if group and set(group) != (floating if measured else set(first)):
            raise ValueError(f"results are missing in {prefix}{name}")
        like = first if name in SINGLES else exact
        for key, x in group.items():
            what = f"{key[0]} {key[1]}"
            if x.shape != like[key].shape or x.shape != first[key].shape:
                raise ValueError(f"{what} has shape {x.shape} in one run and {first[key].shape} in another")
            if not measured and (x.dtype != like[key].dtype or is_floating(x) != is_floating(first[key])):
                raise ValueError(f"{what} has dtype {x.dtype} in one run and {like[key].dtype} in another")
            # A spread may be infinite or NaN, where moved inputs overflow.
            if measured and (not is_floating(x) or np.any(x < 0) or (name in NOISE and not np.all(np.isfinite(x)))):
                raise ValueError(f"the noise of {what} is negative or no number")


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__} {' '.join(str(error).split())[:200]}"
