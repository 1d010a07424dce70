"""Reach a verdict from the evidence of two sides, live or recorded: on what basis it is judged, the rows, the first divergence, the causes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from . import definition
from .definition import DIFFERENT, IMPURE, UNDECIDED
from .diagnosis import Difference, likely_cause
from .evidence import Evidence
from .heat_map import worst_leaf
from .judge import Pair, common
from .layout import ChannelsFirst
from .noise import REFUSALS
from .quantities import GRADIENT, STACKED, TAP, TAP_GRADIENT, VALUE, Key, Quantities, is_floating
from .report import Report
from .rows import Row
from .structure import structural_rows

CANNOT_RUN = (*REFUSALS, TypeError)
# A layout is tried only where the numbers look alike in it; whether they are the same is then judged by the definition.
_ALIKE = 1e-3


def reach(
    jax: Sequence[Evidence],
    torch: Evidence,
    dtypes: tuple[str, ...],
    inputs: Mapping[str, np.ndarray],
    notes: tuple[str, ...] = (),
) -> Report:
    """Judge the JAX side, in one or more modes, against PyTorch.

    Args:
        jax: the evidence of the JAX side in each mode.
        torch: PyTorch's.
        dtypes: the precisions to judge.
        inputs: the array arguments by name, for the search for causes.
        notes: what is to be said beside the verdict.
    """
    refused = _float64_refused([*jax, torch])
    for side in [torch, *jax] if not refused else []:
        if side.differs_from_itself():
            return Report(
                IMPURE,
                (),
                None,
                (f"the {side.name} function is impure: it differs from itself when run twice on the same inputs",),
            )
    pairs = [Pair(side, torch, [other for other in jax if other is not side]) for side in jax]
    rows, basis = _rows(pairs, dtypes, refused)
    said = [*notes, *basis]
    bad = [row for row in rows if not row.same]
    report = Report(definition.worst([row.verdict for row in rows]), tuple(rows), None, tuple(said))
    if not bad:
        return replace(report, heat_map=worst_leaf(pairs, rows))
    pair = next(pair for pair in pairs if pair.jax.mode == bad[0].mode)
    first = _first_named(pair, bad[0], alone=bool(basis)) or bad[0]
    passed = {(row.kind, row.name, row.mode) for row in rows if row.dtype == "float64" and row.same}
    explained = {id(row): _explained(row, pair, inputs, passed) for row in [*bad, first] if row.verdict == DIFFERENT}
    rows = [explained.get(id(row), row) for row in rows]
    drawn = worst_leaf(pairs, rows, first)
    return replace(report, rows=tuple(rows), first_divergence=explained.get(id(first), first), heat_map=drawn)


def _float64_refused(sides: Sequence[Evidence]) -> str:
    """Say why a side cannot run in float64 although it can in float32; an empty string if all can."""
    for side in sides:
        try:
            _ = side.exact
        except CANNOT_RUN as error:
            _ = side.singles[:1]  # what fails in float32 too is the caller's to see
            said = " ".join(str(error).split())[:200] or type(error).__name__
            return f"the {side.name} function cannot run in float64 ({said})"
    return ""


def _rows(pairs: list[Pair], dtypes: tuple[str, ...], refused: str) -> tuple[list[Row], list[str]]:
    """Return the rows, and why they are judged in float32 alone, if they are."""
    if refused:
        return _alone(pairs, dtypes), [f"{refused}; judged in float32 alone"]
    torch = pairs[0].torch
    structure = [row for pair in pairs for row in structural_rows(pair.jax.exact, torch.exact, pair.jax, dtypes=False)]
    if structure:
        return structure, []
    gated: list[list[Row]] = []
    for pair in pairs:
        dtype_rows = structural_rows(pair.jax.exact, torch.exact, pair.jax)
        narrow = [key for key, x in torch.exact.items() if is_floating(x) and x.dtype != np.float64]
        gated.append([] if dtype_rows or narrow else pair.float64_rows())
        if dtype_rows or narrow or any(row.verdict == DIFFERENT for row in gated[-1]):
            places = [f"{side.name}: {place}" for side in (pair.jax, torch) for place in side.lowered]
            if places:
                shown = "; ".join(places[:4]) + (f"; and {len(places) - 4} more" if len(places) > 4 else "")
                return _alone(pairs, dtypes), [
                    f"precision is lowered inside, so float64 is no truth here ({shown}); judged in float32 alone"
                ]
            if dtype_rows:
                return dtype_rows, []
            if narrow:
                return _alone(pairs, dtypes), [
                    "the results are no float64 numbers for float64 inputs; judged in float32 alone"
                ]
    rows: list[Row] = []
    for pair, found in zip(pairs, gated, strict=True):
        single = (
            structural_rows(pair.jax.singles[0], torch.singles[0], pair.jax, narrow_integers=True)
            if "float32" in dtypes
            else []
        )
        rows += found if "float64" in dtypes else [row for row in found if not row.same]
        verdicts = {(row.kind, row.name): row.verdict for row in found}
        keys = [key for key in torch.singles[0] if key not in {(row.kind, row.name) for row in single}]
        rows += single + (pair.float32_rows(verdicts, keys) if "float32" in dtypes else [])
        for dtype in dtypes:
            rows += pair.low_rows(dtype) if dtype in ("bfloat16", "float16") else []
    return rows, []


def _alone(pairs: list[Pair], dtypes: tuple[str, ...]) -> list[Row]:
    rows = []
    for pair in pairs:
        structure = structural_rows(pair.jax.singles[0], pair.torch.singles[0], pair.jax, narrow_integers=True)
        rows += structure or pair.single_rows()
    return rows


def _first_named(pair: Pair, worst: Row, alone: bool) -> Row | None:
    """Walk the named values forward, then their gradients backward, and return the first that parts."""
    if worst.verdict == UNDECIDED:
        return None
    named = pair.of_taps
    dtype = "float32" if alone or worst.dtype != "float64" else "float64"
    try:
        a, b = (
            (named.jax.exact, named.torch.exact)
            if dtype == "float64"
            else (named.jax.singles[0], named.torch.singles[0])
        )
    except CANNOT_RUN:
        return None
    before = ""
    for key in common(a, b):
        if key[0] not in (TAP, TAP_GRADIENT) or (key[0] == TAP_GRADIENT and worst.kind == VALUE):
            return None
        row = _tap_row(named, key, a, b, dtype, alone)
        if not row.same:
            where = f"{before} is the same" if before else ""
            return replace(row, note="; ".join(filter(None, [where, row.note])))
        before = f"{'the gradient at ' if key[0] == TAP_GRADIENT else ''}{key[1]}"
    return None


def _tap_row(named: Pair, key: Key, a: Quantities, b: Quantities, dtype: str, alone: bool) -> Row:
    """Judge one named value; an image that the JAX side keeps with its channels last is no difference."""
    row = _judged_tap(named, key, a, b, dtype, alone)
    lead = 1 + (key[0] in STACKED)
    if row.same or a[key].ndim < lead + 2:
        return row
    moved = {key: np.moveaxis(a[key], -1, lead)}
    if moved[key].shape != b[key].shape or not np.allclose(
        moved[key], b[key], rtol=_ALIKE, atol=_ALIKE, equal_nan=True
    ):
        return row
    other = _judged_tap(
        Pair(cast(Evidence, ChannelsFirst(named.jax, key, lead)), named.torch), key, moved, b, dtype, alone
    )
    return other if other.same or a[key].shape != b[key].shape else row


def _judged_tap(named: Pair, key: Key, a: Quantities, b: Quantities, dtype: str, alone: bool) -> Row:
    structure = structural_rows({key: a[key]}, {key: b[key]}, named.jax, narrow_integers=True)
    if structure:
        return structure[0]
    if alone:
        return named.single_rows([key])[0]
    return (named.float64_rows([key]) if dtype == "float64" else named.float32_rows({}, [key]))[0]


def explained_structure(row: Row, a: Quantities, b: Quantities, inputs: Mapping[str, np.ndarray]) -> Row:
    """Return the row of an output whose shape or dtype differs with the mistake that it looks like."""
    key = (row.kind, row.name)
    if key not in a or key not in b:
        return row
    values = {name: x for (_, name), x in b.items()}
    cause = likely_cause(Difference(row.kind, row.name, a[key], b[key], None, inputs, values))
    return row if cause is None else replace(row, cause=cause.text, link=cause.link)


def _explained(row: Row, pair: Pair, inputs: Mapping[str, np.ndarray], passed: set[tuple[str, str, str]]) -> Row:
    """Return the row with the mistake that its difference looks like; `passed` are the quantities that are the same in float64."""
    key = (row.kind, row.name)
    of = pair.of_taps if row.kind in (TAP, TAP_GRADIENT) else pair
    double = row.dtype == "float64" or not is_floating(np.zeros(0, row.dtype if row.dtype != "bfloat16" else "float32"))
    try:
        a, b = (of.jax.exact, of.torch.exact) if double else (of.jax.singles[0], of.torch.singles[0])
        if key not in a or key not in b:
            return row
        values: dict[str, Any] = {name: x for (kind, name), x in pair.torch.exact.items() if kind == VALUE}
        outputs = [name for name, x in values.items() if is_floating(x)]
        values = {name: x for (kind, name), x in pair.of_taps.torch.exact.items() if kind == TAP} | values
    except CANNOT_RUN:
        return row
    drawn = pair.torch.cotangents
    cotangents = tuple(c[outputs[0]].astype(np.float64) for c in drawn if outputs[0] in c) if len(outputs) == 1 else ()
    gradients = {
        n: (a[GRADIENT, n], x)
        for (kind, n), x in b.items()
        if kind == GRADIENT and (GRADIENT, n) in a and n != row.name
    }
    difference = Difference(
        row.kind, row.name, a[key], b[key], of.bound(key) if double else None,
        {n: x.astype(np.float64) if is_floating(x) else x for n, x in inputs.items()}, values, gradients, cotangents,
        same_in_float64=(row.kind, row.name, row.mode) in passed and not double,
    )  # fmt: skip
    cause = likely_cause(difference)
    return row if cause is None else replace(row, cause=cause.text, link=cause.link)
