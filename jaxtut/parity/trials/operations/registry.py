"""Every operation of `jaxtut.functional` with how calls of it are drawn."""

from . import (
    calls_of_activations,
    calls_of_distances,
    calls_of_elementwise,
    calls_of_layers,
    calls_of_losses,
    calls_of_reductions,
    calls_of_windows,
)
from .call import Calls

CALLS: dict[str, Calls] = {
    **calls_of_activations.CALLS,
    **calls_of_losses.CALLS,
    **calls_of_distances.CALLS,
    **calls_of_elementwise.CALLS,
    **calls_of_reductions.CALLS,
    **calls_of_windows.CALLS,
    **calls_of_layers.CALLS,
}
