"""Trials of the engine: ports with a planted mistake that it has to find, and how other checks fare on them."""

from .catalog import mutants as mutants
from .mutant import Mutant as Mutant
from .rivals import RIVALS as RIVALS
