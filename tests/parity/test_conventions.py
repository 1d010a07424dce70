"""Every row of the convention table holds for the installed PyTorch and JAX, and `jaxtut.functional` follows PyTorch at each."""

import builtins
import dataclasses
from importlib.metadata import version

import numpy as np
import pytest
from packaging.version import Version

from jaxtut import errors
from jaxtut.parity.conventions import Outcome, Row, rows
from jaxtut.parity.conventions.measure import ULPS, agree, jax_outcome, our_outcome, torch_outcome
from jaxtut.parity.trials.operations.registry import CALLS

# PyTorch's own, about the speed of one padding.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")
each_row = pytest.mark.parametrize("row", rows(), ids=lambda row: row.title)


@each_row
def test_pytorch_behaves_as_the_row_says(row: Row) -> None:
    assert agree(torch_outcome(row), row.torch, ULPS, row.dtype), torch_outcome(row)


@each_row
def test_plain_jax_behaves_as_the_row_says(row: Row) -> None:
    holds = not row.jax_until or Version(version("jax")) < Version(row.jax_until)
    assert agree(jax_outcome(row), row.jax, ULPS, row.dtype) == holds, jax_outcome(row)


@pytest.mark.parametrize("row", [row for row in rows() if row.torch.error], ids=lambda row: row.title)
def test_ours_refuses_what_pytorch_refuses(row: Row) -> None:
    ours = our_outcome(row)
    assert ours.error == row.ours
    assert issubclass(getattr(builtins, ours.error, None) or getattr(errors, ours.error), (TypeError, ValueError))


@pytest.mark.parametrize("row", [row for row in rows() if not row.torch.error][::8], ids=lambda row: row.title)
def test_ours_follows_pytorch_uncompiled(row: Row) -> None:
    ours = our_outcome(row)
    assert agree(ours, row.torch, ULPS, row.dtype), ours


@each_row
def test_ours_follows_pytorch_under_jit(row: Row) -> None:
    ours = our_outcome(row, under_jit=True)
    if not row.torch.error:
        assert agree(ours, row.torch, ULPS, row.dtype), ours
    elif not ours.error:
        # What only values show cannot be refused here: it is NaN in the value and in the slope, or −1 among integers.
        assert marked(ours.value), ours
        assert not ours.slope or any(marked(slope) for slope in ours.slope.values()), ours


def marked(values: object) -> bool:
    """Say whether NaN, or −1 among integers, is among numbers."""
    x = np.asarray(values)
    return bool(np.isnan(x).any() if x.dtype.kind == "f" else (x == -1).any())


def test_the_table_is_whole():
    titles = [row.title for row in rows()]
    assert len(set(titles)) == len(titles)
    assert all(row.source and row.versions for row in rows())
    # A name that is not there is a slip of the row, not an outcome.
    assert {row.jax.error for row in rows()}.isdisjoint({"NameError", "AttributeError", "SyntaxError"})
    assert {row.op for row in rows()} <= set(CALLS) | {"step"}


def test_a_row_that_is_wrong_is_seen():
    row = next(row for row in rows() if row.title == "relu at 0")
    assert not agree(torch_outcome(row), Outcome(0.0, {"x": 0.5}))
    assert not agree(torch_outcome(row), Outcome(0.0, {}))
    assert not agree(torch_outcome(row), Outcome(error="ValueError"))
    assert not agree(Outcome(float("nan"), {"x": 0.0}), Outcome(0.0, {"x": 0.0}))
    refused = dataclasses.replace(row, call="F.no_such_function(x)")
    assert torch_outcome(refused).error
