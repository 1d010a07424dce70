"""Every operation of `jaxtut.functional` with how calls of it are drawn."""

from . import calls_of_activations, calls_of_losses
from .call import Calls

CALLS: dict[str, Calls] = {
    **calls_of_activations.CALLS,
    **calls_of_losses.CALLS,
}
