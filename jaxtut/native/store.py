"""Compiled programs on disk, in the folder of JAX's persistent compilation cache where there is one.

They are trusted as much as JAX's own: who can write to that folder can have this process run what they like.
"""

import hashlib
import os
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from .machine import Machine

_DIGEST = hashlib.sha256().digest_size
# What tells apart who writes programs. It is read when this is imported, as the writers are: a file may change while a process runs.
_WRITERS = hashlib.sha256(
    b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))
).hexdigest()


def key(program: Any, machine: Machine) -> str:
    """Return a name for a program: another one wherever the code that would be compiled could be another."""
    parts = (program, machine, sys.platform, version("llvmlite"), _WRITERS)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def load(name: str) -> bytes | None:
    """Return the code kept under a name, if there is some and it is whole."""
    folder = _folder()
    try:
        content = (folder / name).read_bytes() if folder else b""
    except OSError:
        return None
    code = content[_DIGEST:]
    return code if code and hashlib.sha256(code).digest() == content[:_DIGEST] else None


def save(name: str, code: bytes) -> None:
    """Keep code under a name. A folder that cannot be written to is not an error: the code is there, and will be compiled again."""
    folder = _folder()
    if folder is None:
        return
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(hashlib.sha256(code).digest() + code)
            Path(temporary).replace(folder / name)  # so that no other process reads half of it
        except OSError:
            Path(temporary).unlink()


def _folder() -> Path | None:
    place: str | None = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    return Path(place) / "jaxtut-native" if place and "://" not in place else None
