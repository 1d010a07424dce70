"""Pictures of results show all of themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from benchmarks import report
from benchmarks.harness import Row
from benchmarks.sides import COMPILED, EAGER, FLAX, LIBRARY, PLAIN


@pytest.mark.parametrize("benchmarks", [1, 2, 5])
def test_the_names_of_all_sides_lie_inside_the_picture(tmp_path, monkeypatch, benchmarks):
    drawn: list[Any] = []
    figure = report.figure

    @contextmanager
    def kept(*arguments: Any, **options: Any) -> Iterator[Any]:
        with figure(*arguments, **options) as (whole, axes):
            drawn.append(whole)
            yield whole, axes

    monkeypatch.setattr(report, "figure", kept)
    sides = (LIBRARY, PLAIN, FLAX, EAGER, COMPILED)
    rows = [
        Row(f"benchmark {i}", batch, side, False, samples=[0.1 * batch])
        for i in range(benchmarks)
        for batch in (1, 4)
        for side in sides
    ]
    report.plot(rows, tmp_path / "picture.png")
    (whole,) = drawn
    (legend,) = whole.legends
    assert {text.get_text() for text in legend.get_texts()} == set(sides)
    inside, around = legend.get_window_extent(), whole.bbox
    assert around.x0 <= inside.x0 < inside.x1 <= around.x1
    assert around.y0 <= inside.y0 < inside.y1 <= around.y1
