"""Programs kept on disk are found by the next process; a folder that cannot be used is refused."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jaxtut import compilation_cache
from jaxtut.cli import app

# The second compilation comes after the switch: JAX must look again, although the first one had no cache.
PROGRAM = """
import sys
import jax, jax.numpy as jnp
from jaxtut import compilation_cache
counts = {"hits": 0, "misses": 0}
def listen(event, **_):
    kind = event.rpartition("_")[2]
    if event.startswith("/jax/compilation_cache/cache_"):
        counts[kind] += 1
jax.monitoring.register_event_listener(listen)
jax.jit(lambda x: x + 1)(1.0)
assert counts == {"hits": 0, "misses": 0}
compilation_cache.enable(sys.argv[1])
jax.jit(lambda x: x * jnp.sin(x))(2.0)
print(counts["hits"], counts["misses"])
compilation_cache.disable()
jax.jit(lambda x: x - 1)(1.0)
print(counts["hits"], counts["misses"])
"""


def test_the_second_process_compiles_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    said = []
    for _ in range(2):
        command = [sys.executable, "-c", PROGRAM, str(folder)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert run.returncode == 0, run.stderr[-2000:]
        said.append(run.stdout.split())
    (hits, misses, *rest), (hits_again, misses_again, *rest_again) = said
    assert (hits, misses_again) == ("0", "0")
    assert int(misses) == int(hits_again) > 0
    assert rest == [hits, misses]
    assert rest_again == [hits_again, misses_again]
    assert any(folder.iterdir())


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(NotADirectoryError, match="is a file"):
        compilation_cache.enable(file)


def test_the_default_is_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    try:
        assert compilation_cache.enable() == tmp_path / "jaxtut"
    finally:
        compilation_cache.disable()


@pytest.mark.parametrize(("asked", "folders"), [("", []), ("0", []), ("1", [None]), ("here", ["here"])])
def test_the_command_line_asks_the_environment(
    asked: str, folders: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAXTUT_COMPILATION_CACHE", asked)
    enabled: list[str | None] = []
    monkeypatch.setattr(compilation_cache, "enable", enabled.append)
    result = CliRunner().invoke(app, ["graph", "no such lesson"])
    assert result.exit_code == 2
    assert enabled == folders


def test_the_command_line_says_in_one_line_what_folder_it_cannot_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("JAXTUT_COMPILATION_CACHE", str(tmp_path / "file"))
    result = CliRunner().invoke(app, ["graph", "backprop"])
    assert result.exit_code == 2
    assert "is a file" in result.stderr
    assert result.stderr.count("\n") == 1
