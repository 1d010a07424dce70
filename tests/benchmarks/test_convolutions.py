"""`python -m benchmarks.convolutions` times what is right, at many shapes."""

import json

import pytest
from jax import lax
from typer.testing import CliRunner

from benchmarks import convolutions


@pytest.mark.long
def test_convolutions_of_many_shapes(tmp_path, monkeypatch):
    shapes = convolutions.shapes()
    assert len({str(shape) for shape in shapes}) == len(shapes) >= 60
    monkeypatch.setattr(
        convolutions, "shapes", lambda: [shapes[0], convolutions.Shape(2, 4, (9,), 4, 3, 2, 1, 1, 2, "float64")]
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
    monkeypatch.setattr(convolutions, "shapes", lambda: [convolutions.Shape(1, 1, (5,), 1, 3)])
    monkeypatch.setattr(convolutions.F, "conv1d", lambda x, w, **options: 2 * lax.conv(x, w, (1,), "VALID"))
    result = CliRunner().invoke(convolutions.app, ["--repeats", "1"])
    assert result.exit_code == 1
    assert "1×1×5 → 1@3, forward: jaxtut and torch eager differ" in result.stderr
