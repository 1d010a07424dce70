"""All mutants, in the order of the course, then by what a port consists of."""

from collections.abc import Iterator

from . import (
    mutants_of_activations,
    mutants_of_attention,
    mutants_of_convolutions,
    mutants_of_images,
    mutants_of_lessons,
    mutants_of_losses,
    mutants_of_networks,
    mutants_of_normalization,
    mutants_of_numbers,
    mutants_of_optimizers,
    mutants_of_precision,
    mutants_of_reductions,
    mutants_of_structure,
)
from .mutant import Mutant

MODULES = (
    mutants_of_lessons,
    mutants_of_activations,
    mutants_of_losses,
    mutants_of_networks,
    mutants_of_optimizers,
    mutants_of_convolutions,
    mutants_of_images,
    mutants_of_normalization,
    mutants_of_attention,
    mutants_of_reductions,
    mutants_of_numbers,
    mutants_of_precision,
    mutants_of_structure,
)


def mutants(only: str = "") -> Iterator[Mutant]:
    """Yield the mutants whose name or family contains `only`; PyTorch is imported when the first is asked for.

    Example:
        >>> [mutant.name for mutant in mutants("sigmoid twice")]
        ['regression: sigmoid twice']
    """
    for module in MODULES:
        yield from (m for m in module.mutants() if only.lower() in f"{m.family} {m.name}".lower())
