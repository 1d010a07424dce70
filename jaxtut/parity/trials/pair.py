"""A correct pair: one function in both frameworks, with the arguments at which it is compared."""

from collections.abc import Callable
from dataclasses import dataclass

from ..torch_side import require_torch as require_torch
from .drawing import Draw


@dataclass(frozen=True)
class Pair:
    """Two programs for the same mathematics.

    Attributes:
        name: the family, and the choices that were drawn.
        jax: the JAX function.
        torch: the PyTorch function.
        args: NumPy arrays.
        argnums: which of them to differentiate; None: every floating one.
        dtypes: the precisions in which both forms are accurate; None: both. A form that loses digits on purpose is the
            same function in float64, and another one in float32, by the definition's own ceiling.
    """

    name: str
    jax: Callable
    torch: Callable
    args: tuple
    argnums: tuple[int, ...] | None = None
    dtypes: tuple[str, ...] | None = None


Family = Callable[[Draw], Pair]
