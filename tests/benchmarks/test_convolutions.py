"""`python -m benchmarks.convolutions` times what is right, at many shapes."""

import json

import pytest
from jax import lax
from typer.testing import CliRunner

from benchmarks import convolution_shapes, convolutions
from benchmarks.convolution_shapes import FEW, MANY, at_random, multiplications


@pytest.mark.long
def test_convolutions_of_many_shapes(tmp_path, monkeypatch):
    shapes = convolution_shapes.well_known()
    assert len({str(shape) for shape in shapes}) == len(shapes) >= 60
    monkeypatch.setattr(
        convolution_shapes,
        "well_known",
        lambda: [shapes[0], convolution_shapes.Shape(2, 4, (9,), 4, 3, 2, 1, 1, 2, "float64")],
    )
    path = tmp_path / "found.json"
    result = CliRunner().invoke(convolutions.app, ["--repeats", "1", "--json", str(path)])
    assert result.exit_code == 0, result.output
    assert "all: " in result.stdout
    rows = json.loads(path.read_text())["rows"]
    assert [row["benchmark"] for row in rows[::3]] == [
        f"{shape}, {name}"
        for shape in ("1×3×32×32 → 6@5×5", "2×4×9 → 4@3, stride 2, padding 1, groups 2, float64")
        for name in convolutions.MAPS
    ]
    assert all(row["median_seconds"] > 0 for row in rows)


def test_a_convolution_with_another_result_is_not_timed(monkeypatch):
    monkeypatch.setattr(convolution_shapes, "well_known", lambda: [convolution_shapes.Shape(1, 1, (5,), 1, 3)])
    monkeypatch.setattr(convolutions.F, "conv1d", lambda x, w, **options: 2 * lax.conv(x, w, (1,), "VALID"))
    result = CliRunner().invoke(convolutions.app, ["--repeats", "1"])
    assert result.exit_code == 1
    assert "1×1×5 → 1@3, forward: jaxtut and torch eager differ" in result.stderr


def test_shapes_drawn_at_random_are_those_of_the_seed_and_can_be_computed():
    drawn = at_random(40, 5)
    assert drawn == at_random(40, 5) != at_random(40, 6)
    assert len(set(drawn)) > 30
    for shape in drawn:
        assert FEW <= multiplications(shape) <= MANY
        assert shape.channels % shape.groups == shape.outputs % shape.groups == 0
        assert all(size + 2 * shape.padding > shape.dilation * (shape.kernel - 1) for size in shape.size)
    # Each kind is among them.
    assert {len(shape.size) for shape in drawn} == {1, 2, 3}
    assert any(shape.groups > 1 for shape in drawn)
    assert any(shape.stride > 1 for shape in drawn)
    assert {shape.dtype for shape in drawn} == {"float32", "float64"}


@pytest.mark.long
def test_a_run_takes_shapes_drawn_at_random(tmp_path):
    path = tmp_path / "found.json"
    result = CliRunner().invoke(
        convolutions.app, ["--repeats", "1", "--random", "1", "--seed", "3", "--json", str(path)]
    )
    assert result.exit_code == 0, result.output
    found = json.loads(path.read_text())
    assert found["settings"]["random"] == 1
    assert [row["benchmark"] for row in found["rows"][::3]] == [
        f"{at_random(1, 3)[0]}, {name}" for name in convolutions.MAPS
    ]
