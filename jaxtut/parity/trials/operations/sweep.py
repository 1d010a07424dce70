"""Compare random calls of every operation with PyTorch, value and gradient in float64: each verdict "different" is a fault."""

from collections.abc import Callable
from functools import partial
from typing import Any

from ..drawing import Draw
from ..pair import Pair
from ..sweep import Source, command
from .call import Calls, pair
from .registry import CALLS


def options(draw: Draw, pair: Pair) -> dict[str, Any]:
    """Draw how a call is compared: operation by operation, which compiles least, and in float64, where rounding hides nothing."""
    drawn: dict[str, Any] = {"cotangents": draw.choice((1, 2)), "seed": draw.integer(0, 999)}
    drawn |= {"modes": ("eager",), "dtypes": ("float64",)}
    return drawn | ({} if pair.argnums is None else {"argnums": pair.argnums})


def _family(name: str, calls: Calls, draw: Draw) -> Pair:
    return pair(name, calls(draw))


FAMILIES: dict[str, Callable[[Draw], Pair]] = {name: partial(_family, name, calls) for name, calls in CALLS.items()}
OPERATIONS = Source(FAMILIES, options, "jaxtut.parity.trials.operations.sweep", kept=300)


app = command(OPERATIONS, __doc__ or "")

if __name__ == "__main__":
    app()
