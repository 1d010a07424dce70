"""Name an intermediate value, and read its value and its gradient from PyTorch's own autograd."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch.autograd.graph import GradientEdge, get_gradient_edge


@dataclass
class Recording:
    """What one run left behind: every named value in the order of the forward pass, and where its gradient passes in the backward pass.

    A name that is met again gets a number: 'relu', then 'relu#2'. Values without a gradient have no edge. Both are taken when the name is
    given, so an operation in place afterwards changes neither.
    """

    values: dict[str, torch.Tensor] = field(default_factory=dict)
    edges: dict[str, GradientEdge] = field(default_factory=dict, repr=False)
    _seen: Counter = field(default_factory=Counter, repr=False)

    def add(self, name: str, value: torch.Tensor, edge: GradientEdge | None) -> None:
        """Remember a value under a name."""
        self._seen[name] += 1
        numbered = name if self._seen[name] == 1 else f"{name}#{self._seen[name]}"
        self.values[numbered] = value
        if edge is not None:
            self.edges[numbered] = edge


class _Event(NamedTuple):
    """A value that was met: its name, whether `tap` gave it, the value, and the gradient's edge."""

    name: str
    by_tap: bool
    value: torch.Tensor
    edge: GradientEdge | None


def _event(name: str, by_tap: bool, x: torch.Tensor) -> _Event:
    return _Event(name, by_tap, x.detach().clone(), get_gradient_edge(x) if x.requires_grad else None)


_open_recording: ContextVar[list[_Event] | None] = ContextVar("open_recording", default=None)


@contextmanager
def record(module: torch.nn.Module | None = None) -> Iterator[Recording]:
    """Collect what `tap` names inside the `with` block; with a module, also the outputs of its submodules, named by their paths.

    Where `tap` and a submodule use one name, what `tap` named counts.

    Example:
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> with record() as recording:
        ...     y = tap("square", x**2) * 2
        >>> recording.values["square"].item()
        9.0
        >>> torch.autograd.grad(y, recording.edges["square"])[0].item()
        2.0
    """
    recording = Recording()
    events: list[_Event] = []
    token = _open_recording.set(events)
    hooks = []
    for path, submodule in module.named_modules() if module is not None else ():

        def remember(_, inputs, output, path=path):
            events.extend(_event(name, False, x) for name, x in _named(path, output))

        if path:
            hooks.append(submodule.register_forward_hook(remember))
    try:
        yield recording
    finally:
        _open_recording.reset(token)
        for hook in hooks:
            hook.remove()
        tapped = {event.name for event in events if event.by_tap}
        for event in events:
            if event.by_tap or event.name not in tapped:
                recording.add(event.name, event.value, event.edge)


def _named(path: str, output: Any) -> list[tuple[str, torch.Tensor]]:
    """Name the tensors in what a submodule returned: its path, and the position in a tuple or the key in a dict."""
    if isinstance(output, torch.Tensor):
        return [(path, output)]
    if isinstance(output, (list, tuple)):
        return [pair for i, child in enumerate(output) for pair in _named(f"{path}.{i}", child)]
    if isinstance(output, dict):
        return [pair for key, child in output.items() for pair in _named(f"{path}.{key}", child)]
    return []


def tap(name: str, x: torch.Tensor) -> torch.Tensor:
    """Return `x` unchanged and, while a recording is open, remember it under `name`.

    The counterpart in JAX is `jaxtut.naming.tap`.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"tap: name must be a non-empty string, but {name!r} was given")
    events = _open_recording.get()
    if events is not None:
        events.append(_event(name, True, x))
    return x
