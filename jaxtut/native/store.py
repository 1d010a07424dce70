"""Compiled programs on disk, in the folder of JAX's persistent compilation cache where there is one."""

import hashlib
import os
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from .machine import Machine

_DIGEST = hashlib.sha256().digest_size


def key(program: Any, machine: Machine) -> str:
    """Return a name for a program: another one wherever the code that would be compiled could be another."""
    return hashlib.sha256(repr((program, machine, _writers())).encode()).hexdigest()[:32]


@cache
def _writers() -> tuple[str, str]:
    """Return what tells apart who writes and who compiles programs."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return version("llvmlite"), hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(hashlib.sha256(code).digest() + code)
        Path(temporary).replace(folder / name)  # so that no other process reads half of it
    except OSError:
        return


def _folder() -> Path | None:
    place: str | None = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    return Path(place) / "jaxtut-native" if place and "://" not in place else None
