"""The machine's limits, and which share of them a call reaches."""

from benchmarks.limits import Limits, Work, measured


def test_the_share_of_the_limit_is_that_of_what_bounds_the_call(monkeypatch):
    monkeypatch.setattr("benchmarks.limits.CACHE", 10)
    limits = Limits(flops=100.0, bytes=10.0)
    assert limits.share(Work(flops=100.0, bytes=5.0), 2.0) == 0.5
    assert limits.share(Work(flops=100.0, bytes=20.0), 4.0) == 0.5
    assert limits.share(Work(), 1.0) is None
    monkeypatch.setattr("benchmarks.limits.CACHE", 30)
    assert limits.share(Work(flops=100.0, bytes=20.0), 4.0) is None
    assert limits.share(Work(flops=300.0, bytes=20.0), 4.0) == 0.75


def test_the_limits_are_measured():
    assert min(measured()) > 1e6
