"""How long vectors are: shorter ones where the processor computes long ones as two halves, and lines would leave more of them unused."""

import pytest

from jaxtut.native.machine import Machine

WHOLE = Machine("", "", 64, 24)
HALVES = WHOLE._replace(halves=True)


@pytest.mark.parametrize(
    ("run", "width", "within"),
    [
        (1, 8, 8),
        (7, 8, 8),
        (8, 8, 8),
        (9, 16, 8),
        (15, 16, 8),
        (16, 16, 16),
        (17, 8, 8),
        (24, 8, 8),
        (25, 16, 16),
        (1000, 8, 8),
    ],
)
def test_lines_take_the_vectors_that_leave_fewest_unused(run: int, width: int, within: int) -> None:
    assert HALVES.width("float32", run) == width
    assert HALVES.width("float32", run, within=True) == within
    assert HALVES.width("float32") == 16
    assert WHOLE.width("float32", run) == WHOLE.width("float32", run, within=True) == 16


def test_other_numbers_and_shorter_vectors() -> None:
    assert HALVES.width("float64", 4) == 4
    assert HALVES.width("float64", 8) == 8
    # Two numbers are not cut further.
    assert HALVES._replace(vector_bytes=16).width("float64", 1) == 2
