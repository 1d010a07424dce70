"""Every operation of `jaxtut.functional` with how calls of it are drawn."""

from . import calls_of_activations
from .call import Calls

CALLS: dict[str, Calls] = {
    **calls_of_activations.CALLS,
}
