"""Find what `jaxtut record` is to run, and read its arguments from files; nothing in a file is executed."""

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np

from .recording import RecordingError


def resolve(target: str) -> Callable:
    """Import what 'module:name' names; a class is called without arguments to make the module that it describes.

    Raises:
        ValueError: the text has no colon, or there is no such module or name, or it cannot be called.
    """
    module, colon, name = target.partition(":")
    if not (module and colon and name):
        raise ValueError(f"record: the target must be written as module:name, but {target!r} was given")
    if "" not in sys.path:
        sys.path.insert(0, "")  # modules of the folder that one is in, as `python -m` finds them
    try:
        found = import_module(module)
    except ImportError as error:
        raise ValueError(f"record: the module {module!r} cannot be imported: {error}") from None
    for part in name.split("."):
        if not hasattr(found, part):
            raise ValueError(f"record: {module!r} has no {name!r}")
        found = getattr(found, part)
    found = found() if inspect.isclass(found) else found
    if not callable(found):
        raise ValueError(f"record: {target} is a {type(found).__name__}, which cannot be called")
    return found


def load(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a .npz or .safetensors file.

    Raises:
        ValueError: the file is of another kind, damaged, or holds objects.
    """
    if not path.is_file():
        raise RecordingError(f"{path}: there is no such file")
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        if path.suffix == ".safetensors":
            from safetensors.numpy import load_file

            return load_file(path)
    except Exception as error:  # zipfile, NumPy and safetensors raise errors of their own
        raise RecordingError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    raise RecordingError(f"{path}: arguments must be in a .npz or a .safetensors file")


def arguments(function: Callable, arrays: dict[str, np.ndarray], skip: bool) -> list[np.ndarray]:
    """Put arrays into the order of the function's parameters, by name where the names fit, else in the order of the names.

    Args:
        function: what will be called.
        arrays: its arguments by name.
        skip: the first parameter is for `params`.

    Example:
        >>> arguments(lambda x, w: x @ w, {"w": np.eye(2), "x": np.ones(2)}, skip=False)[0]
        array([1., 1.])
    """
    called = getattr(function, "forward", function)
    try:
        names = [p.name for p in inspect.signature(called).parameters.values() if p.kind <= p.POSITIONAL_OR_KEYWORD]
    except (TypeError, ValueError):
        names = []
    # A module takes its parameters apart from its arguments.
    wanted = names[int(skip and called is function) :]
    order = wanted[: len(arrays)] if set(wanted[: len(arrays)]) == set(arrays) else sorted(arrays)
    return [arrays[name] for name in order]
