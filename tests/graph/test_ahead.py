"""What is compiled ahead runs under the caller's settings, is done at the end, and changes nothing."""

import threading
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxtut import graph
from jaxtut.graph import tracing
from jaxtut.graph.ahead import MOST_THREADS, compiling_ahead

OTHERS = ("default_matmul_precision", "default_device", "numpy_rank_promotion", "numpy_dtype_promotion")


@pytest.mark.parametrize("x64", [False, True])
def test_settings_are_the_callers_and_all_is_done_at_the_end(x64: bool) -> None:
    seen: list[tuple[Any, ...]] = []

    def look() -> None:
        seen.append(
            (
                threading.current_thread(),
                jnp.asarray(1.0).dtype,
                *(getattr(jax.config, f"jax_{name}") for name in OTHERS),
            )
        )

    with (
        jax.enable_x64(x64),
        jax.default_matmul_precision("highest"),
        jax.default_device(jax.devices()[0]),
        jax.numpy_rank_promotion("warn"),
        jax.numpy_dtype_promotion("standard"),
        compiling_ahead() as submit,
    ):
        for _ in range(20):
            submit(look)
    assert len(seen) == 20
    for thread, dtype, *others in seen:
        assert thread is not threading.current_thread()
        assert dtype == ("float64" if x64 else "float32")
        assert others == ["highest", jax.devices()[0], "warn", "standard"]


def test_what_fails_is_dropped_and_what_follows_is_done() -> None:
    seen = []
    with compiling_ahead() as submit:
        submit(lambda: 1 / 0)
        submit(lambda: seen.append(1))
    assert seen == [1]


def test_on_an_error_what_has_not_begun_is_dropped() -> None:
    begun, may_end = threading.Event(), threading.Event()
    seen = []

    def wait() -> None:
        begun.set()
        may_end.wait(30)

    def fail() -> None:
        with compiling_ahead() as submit:
            for _ in range(MOST_THREADS):
                submit(wait)
            submit(lambda: seen.append(1))
            begun.wait(30)
            threading.Timer(0.2, may_end.set).start()
            raise KeyError("planted")

    with pytest.raises(KeyError, match="planted"):
        fail()
    assert seen == []


def test_the_backward_pass_finds_its_programs_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    accumulate = tracing.accumulate

    def listen(event: str, _: float, **__: Any) -> None:
        if event.endswith("backend_compile_duration"):
            compiled.append(event)

    def watched(*args: Any) -> Any:
        jax.monitoring.register_event_duration_secs_listener(listen)
        try:
            return accumulate(*args)
        finally:
            jax.monitoring.unregister_event_duration_listener(listen)

    def traced() -> int:
        jax.clear_caches()
        compiled.clear()
        graph.trace(lambda x: jnp.sum(jnp.sin(x) / jnp.exp(x)), jnp.linspace(0.1, 0.9, 37))
        return len(compiled)

    @contextmanager
    def nothing_ahead() -> Any:
        yield lambda _: None

    monkeypatch.setattr(tracing, "accumulate", watched)
    ahead = traced()
    monkeypatch.setattr(tracing, "compiling_ahead", nothing_ahead)
    assert ahead < traced()
