"""Evidence that was recorded: what `record` has stored of one side, and what it must have for a verdict to be built on it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from . import definition
from .evidence import Spread
from .quantities import GRADIENT, TAP, TAP_GRADIENT, VALUE, Arrays, Key, Quantities, is_floating

SINGLES = tuple(f"single{i}" for i in range(definition.NOISE_RUNS))
BESIDE = tuple(f"beside{i}" for i in range(definition.KINK_JITTERS))
NOISE = ("near", "far", "operations")
SPREAD = ("most", "least")
TAPS = "taps/"
_KINDS = {"": (VALUE, GRADIENT), TAPS: (TAP, TAP_GRADIENT)}

# Of these the bits are stored, since safetensors for NumPy does not know them.
BITS = {"bfloat16": np.uint16, "complex128": np.float64}
_INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
_STORED = frozenset(["bool", *_INTEGERS, "float16", "float32", "float64", "complex64", *BITS])


class RecordingError(ValueError):
    """A file that is no recording, or is damaged, or does not fit the other one."""


@dataclass(frozen=True)
class RecordedEvidence:
    """Evidence that `record` has stored.

    Attributes:
        facts: what is no array: the framework, the seed, the names of the inputs, where precision is lowered.
        inputs: the array arguments by name.
        drawn: the cotangents of each floating output, stacked.
        groups: the results of each run, and the measured noise; those of named values begin with 'taps/'.
        prefix: 'taps/' in the evidence of named values.
    """

    facts: dict[str, Any]
    inputs: Arrays = field(repr=False)
    drawn: Arrays = field(repr=False)
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
    def cotangents(self) -> tuple[Arrays, ...]:
        """The cotangents by output name."""
        return tuple({name: x[i] for name, x in self.drawn.items()} for i in range(self.facts["cotangents"]))

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
    "versions": lambda value: isinstance(value, dict) and _texts([*value, *value.values()]),
} | dict.fromkeys(("inputs", "differentiated", "buffers", "unused", "lowered", "notes"), _texts)


def check(recording: RecordedEvidence) -> None:
    """Refuse what a verdict cannot be built on.

    Raises:
        ValueError: a fact is missing, a run lacks a result or has one of another shape, noise is negative or no number, and the like.
    """
    _check_facts(recording)
    for group, quantities in recording.groups.items():
        prefix = TAPS if group.startswith(TAPS) else ""
        if group.removeprefix(prefix) not in (*SINGLES, "exact", *NOISE, *SPREAD, *BESIDE):
            raise ValueError(f"there is no group of results called {group}")
        for kind, name in quantities:
            if kind not in _KINDS[prefix]:
                raise ValueError(f"{kind} {name} does not belong into {group}")
    if not recording.groups.get(SINGLES[0]):
        raise ValueError("there are no float32 results: the function returns no arrays, or they are lost")
    for name, x in [*recording.inputs.items(), *((k[1], x) for q in recording.groups.values() for k, x in q.items())]:
        if x.dtype.name not in _STORED:
            raise ValueError(f"{name} has dtype {x.dtype}, which cannot be stored")
    _check_gradients(recording)
    for prefix in _KINDS:
        _check_runs(recording, prefix)


def _check_facts(recording: RecordedEvidence) -> None:
    facts = recording.facts
    for name, fits in _FITS.items():
        if name not in facts or not fits(facts[name]):
            raise ValueError(f"{name} is missing, or not what it should be")
    inputs, differentiated = facts["inputs"], facts["differentiated"]
    if sorted(inputs) != sorted(recording.inputs):
        raise ValueError(f"the inputs are {sorted(recording.inputs)} and should be {sorted(inputs)}")
    if not {*differentiated, *facts["buffers"]} <= set(inputs) or not set(facts["unused"]) <= set(differentiated):
        raise ValueError("it speaks of gradients of what is no input")


def _check_gradients(recording: RecordedEvidence) -> None:
    """Cotangents are those of the outputs; for each, the gradient of every differentiated input is there in its shape."""
    count, first = recording.facts["cotangents"], recording.groups[SINGLES[0]]
    wanted = {n: (count, *recording.inputs[n].shape) for n in recording.facts["differentiated"]}
    found = {n: x.shape for (kind, n), x in first.items() if kind == GRADIENT}
    for name in [*wanted, *found]:
        if found.get(name) != wanted.get(name):
            raise ValueError(f"the gradient of {name} is missing or has another shape than {name}")
    floating = {n: (count, *x.shape) for (kind, n), x in first.items() if kind == VALUE and is_floating(x)}
    if floating != {n: x.shape for n, x in recording.drawn.items()}:
        raise ValueError("the cotangents are not those of the outputs")
    named = recording.groups.get(TAPS + SINGLES[0], {})
    for (kind, name), x in named.items():
        if kind == TAP_GRADIENT and ((TAP, name) not in named or x.shape != (count, *named[TAP, name].shape)):
            raise ValueError(f"the gradient at {name} has another shape than {name}")


def _check_runs(recording: RecordedEvidence, prefix: str) -> None:
    """Every run has every result in its shape, and noise is a finite number without a sign."""
    of = recording.groups
    first = of.get(prefix + SINGLES[0], {})
    exact = of.get(prefix + "exact", {})
    if not recording.facts["refused"] and set(exact) != set(first):
        raise ValueError("the float64 results are not those that the float32 results are of")
    if recording.facts["refused"] and any(of.get(prefix + name) for name in ("exact", *BESIDE, *NOISE, *SPREAD)):
        raise ValueError("there are float64 results of a function that refuses float64")
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
