"""`python -m benchmarks.compare` sees what became slower, and refuses what cannot be compared."""

import json

import pytest
from typer.testing import CliRunner

from benchmarks import compare
from benchmarks.sides import COMPILED, EAGER, LIBRARY


def result_of(against=EAGER, device="cpu", torch="1", order="in turns", **speeds):
    rows = [
        {
            "benchmark": name,
            "batch": 1,
            "side": LIBRARY,
            "speed_against_torch": {"against": against, "median": m, "quartiles": [low, high]},
        }
        for name, (low, m, high) in speeds.items()
    ]
    return {
        "date": "2026-01-01",
        "machine": {"processor": "p"},
        "settings": {"device": device},
        "versions": {"torch": torch},
        "method": {"order": order},
        "rows": [*rows, {"benchmark": "x", "unavailable": "y"}],
    }


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((0.9, 1.0, 1.1), (0.7, 0.8, 0.85), "slower"),
        ((0.9, 1.0, 1.1), (1.2, 1.3, 1.4), "faster"),
        ((0.9, 1.0, 1.1), (0.7, 0.8, 0.95), ""),
        ((0.99, 1.0, 1.01), (0.94, 0.95, 0.96), ""),
    ],
)
def test_a_change_beyond_the_spread_is_seen(tmp_path, before, after, verdict):
    old, new = result_of(cnn=before, gone=before), result_of(cnn=after, new=after)
    (change,) = compare.changes(old, new)
    assert (change.key, change.verdict) == (("cnn", 1, LIBRARY, EAGER), verdict)
    paths = [tmp_path / "old.json", tmp_path / "new.json"]
    for path, result in zip(paths, (old, new), strict=True):
        path.write_text(json.dumps(result))
    told = CliRunner().invoke(compare.app, [str(path) for path in paths])
    assert told.exit_code == (verdict == "slower"), told.output
    assert f"1 rows: {int(verdict == 'slower')} slower, {int(verdict == 'faster')} faster" in told.output


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"against": COMPILED}, "no row of 'jaxtut' in common"),
        ({"device": "gpu"}, "device is cpu in one and gpu in the other"),
        ({"torch": "2"}, "torch is 1 in one and 2 in the other"),
        ({"order": "one after the other"}, "order is in turns in one and one after the other in the other"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, other, said):
    paths = [tmp_path / "old.json", tmp_path / "new.json"]
    for path, settings in zip(paths, ({}, other), strict=True):
        path.write_text(json.dumps(result_of(**settings, cnn=(1.0, 1.0, 1.0))))
    told = CliRunner().invoke(compare.app, [str(path) for path in paths])
    assert told.exit_code == 2
    assert said in told.stderr


@pytest.mark.parametrize(("text", "said"), [(None, "cannot be read"), ("{", "is no JSON file"), ("[]", "is no result")])
def test_what_is_no_result_is_one_line_and_exit_code_2(tmp_path, text, said):
    path = tmp_path / "r.json"
    if text is not None:
        path.write_text(text)
    told = CliRunner().invoke(compare.app, [str(path), str(path)])
    assert told.exit_code == 2
    assert said in told.stderr
    assert told.stderr.count("\n") == 1
