"""Every lesson equals its twin: the table that `jaxtut check` prints, as tests."""

import pytest

from jaxtut.parity.lessons import LESSONS, cases


@pytest.mark.every_case
@pytest.mark.parametrize("lesson", LESSONS)
def test_lesson_equals_its_twin(lesson):
    found = list(cases((lesson,), seed=1))
    assert found
    for case in found:
        report = case.compare(cotangents=2)
        assert report.same, f"{case.title}: {report.summary()}"
        assert report.rows


def test_unknown_lesson_is_named():
    with pytest.raises(ValueError, match="no lesson named 'algebra'"):
        list(cases(("algebra",)))
