"""Name an intermediate value, and read its value and its gradient from PyTorch's own autograd."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch


@dataclass
class Recording:
    """What one run left behind: every named value in the order of the forward pass, and its gradient once `backward` has run."""

    values: dict[str, torch.Tensor] = field(default_factory=dict)
    tensors: dict[str, torch.Tensor] = field(default_factory=dict, repr=False)


_open_recording: ContextVar[Recording | None] = ContextVar("open_recording", default=None)


@contextmanager
def record() -> Iterator[Recording]:
    """Collect what `tap` names inside the `with` block.

    Example:
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> with record() as recording:
        ...     y = tap("square", x**2) * 2
        >>> recording.values["square"].item()
        9.0
        >>> torch.autograd.grad(y, recording.tensors["square"])[0].item()
        2.0
    """
    recording = Recording()
    token = _open_recording.set(recording)
    try:
        yield recording
    finally:
        _open_recording.reset(token)


def tap(name: str, x: torch.Tensor) -> torch.Tensor:
    """Return `x` unchanged and, while a recording is open, remember it under `name`.

    The counterpart in JAX is `jaxtut.naming.tap`.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"tap: name must be a non-empty string, but {name!r} was given")
    recording = _open_recording.get()
    if recording is not None:
        recording.values[name] = x.detach().clone()
        recording.tensors[name] = x
    return x
