"""Find what `jaxtut record` and `jaxtut graph` are to run, and read its arguments from files; nothing in a file is executed."""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from jaxtut.errors import MissingDependencyError

from .recording import RecordingError


def resolve(target: str, command: str = "record") -> Callable:
    """Import what 'module:name' names; a class is called without arguments to make the module that it describes.

    Args:
        target: the text.
        command: who asks, for messages.

    Example:
        >>> resolve("math:sin")(0.0)
        0.0

    Raises:
        ValueError: the text has no colon, there is no such module or name, it cannot be imported, made or called.
    """
    module, colon, name = target.partition(":")
    if not (module and colon and name):
        raise ValueError(f"{command}: the target must be written as module:name, but {target!r} was given")
    if "" not in sys.path:
        sys.path.insert(0, "")  # modules of the folder that one is in, as `python -m` finds them
    try:
        found = import_module(module)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{command}: the module {module!r} cannot be imported: {_words(error)}") from None
    for part in name.split("."):
        if not hasattr(found, part):
            raise ValueError(f"{command}: {module!r} has no {name!r}")
        found = getattr(found, part)
    if inspect.isclass(found):
        try:
            found = found()
        except Exception as error:
            raise ValueError(
                f"{command}: {target} is a class, which is called without arguments, and fails: {_words(error)}; "
                "name a function or an object instead"
            ) from None
    if not callable(found):
        raise ValueError(f"{command}: {target} is a {type(found).__name__}, which cannot be called")
    return found


def load(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a .npz file, in its order, or of a .safetensors file, in the order of their names.

    Raises:
        RecordingError: the file is of another kind, damaged, or holds what are no numbers.
    """
    if not path.is_file():
        raise RecordingError(f"{path}: {'is a folder' if path.is_dir() else 'there is no such file'}")
    if path.suffix not in (".npz", ".safetensors"):
        raise RecordingError(f"{path}: arguments must be in a .npz or a .safetensors file")
    try:
        arrays = _npz(path) if path.suffix == ".npz" else _safetensors(path)
    except Exception as error:  # zipfile, NumPy and safetensors raise errors of their own
        raise RecordingError(f"{path}: cannot be read: {_words(error)}") from None
    for name, x in arrays.items():
        if x.dtype.kind not in "biufc":
            raise RecordingError(f"{path}: {name} has dtype {x.dtype}, which is none of numbers")
    return arrays


def arguments(
    function: Callable, arrays: dict[str, np.ndarray], skip: bool, command: str = "record"
) -> list[np.ndarray]:
    """Put arrays into the order of the function's parameters, by name, or keep their order if none of the names is a parameter's.

    Args:
        function: what will be called.
        arrays: its arguments by name.
        skip: the first parameter is for `params`.
        command: who asks, for messages.

    Example:
        >>> arguments(lambda x, w: x @ w, {"w": np.eye(2), "x": np.ones(2)}, skip=False)[0]
        array([1., 1.])

    Raises:
        ValueError: only some of the names fit, or there are too many or too few.
    """
    try:
        parameters = list(inspect.signature(getattr(function, "forward", function)).parameters.values())
    except (TypeError, ValueError):
        return list(arrays.values())
    # A module takes its parameters apart from its arguments.
    first = int(skip and not _is_module(function))
    positional = [p for p in parameters if p.kind <= p.POSITIONAL_OR_KEYWORD][first:]
    names, needed = [p.name for p in positional], [p.name for p in positional if p.default is p.empty]
    more = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    fits = len(needed) <= len(arrays) and (more or len(arrays) <= len(names))
    chosen = names[: len(arrays)]
    if fits and set(chosen) == set(arrays):
        return [arrays[name] for name in chosen]
    if fits and not set(names) & set(arrays):
        return list(arrays.values())
    taken = f"{_listed(names)}{' after its parameters' if first else ''}"
    raise ValueError(f"{command}: the target takes {taken}, but the file holds {_listed(arrays)}")


@contextmanager
def naming_failures(target: str) -> Iterator[None]:
    """Say that it was the target that failed, and where in it, for errors that are not about the call of `record`.

    Raises:
        ValueError: in place of whatever the target raised.
    """
    try:
        yield
    except Exception as error:
        about_the_call = isinstance(error, (RecordingError, OSError, MissingDependencyError))
        if about_the_call or str(error).startswith(("record: ", "compare: ")):
            raise
        raise ValueError(f"record: {target} failed: {_words(error)}") from None


def _npz(path: Path) -> dict[str, np.ndarray]:
    # Opened here, since NumPy leaves a file open that it cannot read.
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    from safetensors import deserialize

    arrays = {name: _numbers(**part) for name, part in deserialize(path.read_bytes())}
    # arg2 before arg10: the file itself keeps no order.
    names = sorted(arrays, key=lambda name: [(int(n or 0), text) for n, text in re.findall(r"(\d+)|(\D+)", name)])
    return {name: arrays[name] for name in names}


def _numbers(dtype: str, shape: list[int], data: bytes) -> np.ndarray:
    """Return an array of a safetensors file; bfloat16, which NumPy does not know, as the float32 numbers that it is the first half of."""
    if dtype == "BF16":
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
    return np.frombuffer(data, "?" if dtype == "BOOL" else f"<{dtype[0].lower()}{int(dtype[1:]) // 8}").reshape(shape)


def _is_module(function: Any) -> bool:
    nnx = sys.modules.get("flax.nnx")
    return hasattr(function, "forward") or (nnx is not None and isinstance(function, nnx.Module))


def _listed(names: Any) -> str:
    return ", ".join(names) or "nothing"


def _words(error: BaseException) -> str:
    """Return the kind of an error and its message in a line that can be read."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}{'…' if len(text) > 300 else ''}" if text else type(error).__name__
