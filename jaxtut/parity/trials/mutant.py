"""One planted mistake: a wrong JAX function, the right one, and the PyTorch function that both claim to be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jaxtut.parity import Report, compare


@dataclass(frozen=True, eq=False)  # two mutants are the same if they are one object: arrays have no hash
class Mutant:
    """A mistake that a port could contain.

    Attributes:
        name: unique among all mutants.
        family: the lesson or the group of functions that it belongs to.
        mistake: one sentence on what is wrong.
        jax: the wrong JAX function.
        torch: the PyTorch function.
        honest: the right JAX function.
        args: NumPy arrays, or nested containers of them.
        argnums: which of `args` to differentiate; None: every one with a floating leaf.
        params: parameters that go first into the JAX function and into a `torch.nn.Module`.
        cause: what a correct likely cause speaks of; alternatives are parted by "|". Empty where nobody could tell from numbers alone.
    """

    name: str
    family: str
    mistake: str
    jax: Callable
    torch: Callable
    honest: Callable
    args: tuple
    argnums: int | Sequence[int] | None = None
    params: Mapping[str, Any] | None = None
    cause: str = ""

    def corrected(self) -> "Mutant":
        """Return the same trial without the mistake."""
        return replace(self, jax=self.honest)

    def compare(self, **options: Any) -> Report:
        """Ask the engine; the options are those of `jaxtut.parity.compare`.

        Example:
            >>> import jax.numpy as jnp, numpy as np, torch
            >>> x = np.array([1.0, 2.0])
            >>> wrong = Mutant("sign", "example", "The sign is wrong.", lambda x: -x, lambda x: x, lambda x: x + 0, (x,))
            >>> wrong.compare().same, wrong.corrected().compare().same
            (False, True)
        """
        return compare(self.jax, self.torch, *self.args, argnums=self.argnums, params=self.params, **options)

    def explained_by(self, text: str) -> bool:
        """Say whether a likely cause speaks of the mistake; case does not count.

        Example:
            >>> Mutant("m", "f", "", abs, abs, abs, (), cause="flip|reverse").explained_by("axis 0 is flipped")
            True
        """
        return any(word.lower() in text.lower() for word in self.cause.split("|"))
