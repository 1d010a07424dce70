"""The verdict on two recordings, for which neither framework is needed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from . import definition
from .quantities import VALUE
from .recorded_evidence import RecordedEvidence, RecordingError
from .recorded_files import read
from .report import Report
from .structure import structural_rows
from .verdict import explained_structure, reach
from .versions import installed

_DTYPES = ("float64", "float32")
_EQUAL = {"seed": "seed", "cotangents": "cotangents", "static": "arguments that are no arrays"}


def judge_files(first: str | Path, second: str | Path, dtypes: Sequence[str] = _DTYPES) -> Report:
    """Judge two recordings by the definition; neither framework is needed.

    Args:
        first: the recording of one side, JAX's in most cases.
        second: of the other, PyTorch's.
        dtypes: the precisions to judge.

    Raises:
        RecordingError: a file is no recording, is damaged, or was made from other inputs than the other.
        ValueError: dtypes that are not 'float64' and 'float32'.
        OSError: a file cannot be read.
    """
    if isinstance(dtypes, str) or not dtypes or set(dtypes) - set(_DTYPES):
        raise ValueError(f"judge_files: dtypes must be some of {list(_DTYPES)}, but {dtypes!r} was given")
    a, b = read(first), read(second)
    if (a.name, b.name) == ("PyTorch", "JAX"):
        a, b, first, second = b, a, second, first
    return _judged(*_matched(a, b, first, second), (first, second), tuple(dtypes))


def _judged(
    a: RecordedEvidence, b: RecordedEvidence, files: tuple[str | Path, str | Path], dtypes: tuple[str, ...]
) -> Report:
    first, second = files
    notes = [*a.facts["notes"], *b.facts["notes"]]
    if (a.name, b.name) != ("JAX", "PyTorch"):
        notes.append(f"both files are {a.name}'s: read JAX as {first} and PyTorch as {second}")
    if structure := _output_structure(a, b):
        return structure.noting(*notes)
    if not all(definition.same_bits(x, b.drawn[name]) for name, x in a.drawn.items()):
        raise RecordingError(
            f"{first} and {second} were recorded with other cotangents, drawn by other versions of NumPy"
        )
    report = reach([a], b, dtypes, a.inputs, tuple(notes))
    if report.verdict == definition.IMPURE:
        return report
    if b.facts["unused"] and b.name == "PyTorch":
        report = report.noting(
            f"PyTorch never used {', '.join(b.facts['unused'])}: its gradient is None there, taken as zeros"
        )
    for side in (a, b):
        if side.facts["untapped"] and not report.same:
            report = report.noting(f"the {side.name} side's named values were not recorded ({side.facts['untapped']})")
    return replace(report, versions=installed() | b.facts["versions"] | a.facts["versions"])


def _output_structure(a: RecordedEvidence, b: RecordedEvidence) -> Report | None:
    """Compare the names, shapes and dtypes of the float32 outputs first, as `compare` does."""
    here, there = ({key: x for key, x in side.singles[0].items() if key[0] == VALUE} for side in (a, b))
    rows = structural_rows(here, there, a, narrow_integers=True, shapes_only=True)
    return Report.of([explained_structure(row, here, there, a.inputs) for row in rows]) if rows else None


def _matched(
    a: RecordedEvidence, b: RecordedEvidence, first: str | Path, second: str | Path
) -> tuple[RecordedEvidence, RecordedEvidence]:
    """Return both with the inputs called as in the first, and without gradients by what is a buffer to the other."""
    if len(a.facts["inputs"]) != len(b.facts["inputs"]):
        raise RecordingError(f"{first} has the inputs {a.facts['inputs']}, {second} {b.facts['inputs']}")
    for what, name in _EQUAL.items():
        if a.facts[what] != b.facts[what]:
            here, there = (side.facts[what] for side in (a, b))
            raise RecordingError(f"{first} and {second} were recorded with other {name}: {here} and {there}")
    names = dict(zip(b.facts["inputs"], a.facts["inputs"], strict=True))
    dropped: tuple[list[str], list[str]] = ([], [])
    for there, here in names.items():
        if not definition.same_bits(a.inputs[here], b.inputs[there]):
            raise RecordingError(f"{first} and {second} were recorded on other numbers in the input {here}")
        by_a, by_b = here in a.facts["differentiated"], there in b.facts["differentiated"]
        # A module knows what of its state is a buffer; a function of parameters does not.
        if by_a and not by_b and there in b.facts["buffers"]:
            dropped[0].append(here)
        elif by_b and not by_a and here in a.facts["buffers"]:
            dropped[1].append(there)
        elif by_a != by_b:
            raise RecordingError(
                f"the input {here} was differentiated in one of {first} and {second} alone; record both with the same argnums"
            )
    unused = [names[name] for name in b.facts["unused"]]
    b = replace(b.called(names, dropped[1]), facts=b.facts | {"unused": unused})
    return a.called({name: name for name in a.facts["inputs"]}, dropped[0]), b
