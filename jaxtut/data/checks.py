"""Checks of arguments that the data files share."""

from jaxtut import torch_random


def positive_int(caller: str, name: str, value: object) -> int:
    """Return `value` if it is an int of at least 1; a bool is none."""
    return _at_least(1, "be at least 1", caller, name, value)


def natural_int(caller: str, name: str, value: object) -> int:
    """Return `value` if it is an int of at least 0; a bool is none."""
    return _at_least(0, "not be negative", caller, name, value)


def _at_least(least: int, words: str, caller: str, name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{caller}: {name} must be an int, but {value!r} was given")
    if value < least:
        raise ValueError(f"{caller}: {name} must {words}, but {value} was given")
    return value


def boolean(caller: str, name: str, value: object) -> bool:
    """Return `value` if it is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{caller}: {name} must be True or False, but {value!r} was given")
    return value


def generator_or_none(caller: str, generator: object) -> "torch_random.Generator | None":
    """Return `generator` if it is one of ours or None."""
    if generator is not None and not isinstance(generator, torch_random.Generator):
        raise TypeError(
            f"{caller}: generator must be a jaxtut.torch_random.Generator or None, "
            f"but a {type(generator).__module__}.{type(generator).__name__} was given"
        )
    return generator


def generator_or_default(caller: str, generator: object) -> "torch_random.Generator":
    """Return `generator`; None stands for the default generator of the moment."""
    given = generator_or_none(caller, generator)
    return torch_random.default_generator if given is None else given
