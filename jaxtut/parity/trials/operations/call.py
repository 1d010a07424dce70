"""One call of an operation of `jaxtut.functional`, and the same call in PyTorch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jaxtut import functional

from ...torch_side import counterpart
from ..drawing import Draw
from ..pair import Pair


@dataclass(frozen=True)
class Call:
    """The arguments of one call.

    Attributes:
        args: positional arguments: arrays, and what is no array.
        named: arrays that are given by keyword.
        options: keyword arguments that are no arrays.
        argnums: which arrays are differentiated, `named` counted after `args`; None: every floating one.
    """

    args: tuple = ()
    named: Mapping[str, np.ndarray] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    argnums: tuple[int, ...] | None = None


Calls = Callable[[Draw], Call]


def pair(name: str, call: Call) -> Pair:
    """Return both sides of a call, as functions of its arrays."""
    ours, theirs = getattr(functional, name), counterpart(name)
    places = [i for i, a in enumerate(call.args) if isinstance(a, np.ndarray)]

    def applied(function: Callable) -> Callable:
        def f(*arrays: Any) -> Any:
            args = list(call.args)
            for place, array in zip(places, arrays, strict=False):
                args[place] = array
            return function(*args, **dict(zip(call.named, arrays[len(places) :], strict=True)), **call.options)

        return f

    arrays = (*(call.args[i] for i in places), *call.named.values())
    shapes = ", ".join(
        str(a.shape) if isinstance(a, np.ndarray) else repr(a) for a in (*call.args, *call.named.values())
    )
    words = ", ".join([shapes, *(f"{k}={v!r}" for k, v in call.options.items()), *call.named])
    return Pair(f"{name}({words})", applied(ours), applied(theirs), arrays, call.argnums)
