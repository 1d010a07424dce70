"""The convention table: at each point where PyTorch and plain JAX part, what both give, and that `jaxtut.functional` follows PyTorch."""

from .row import Outcome as Outcome
from .row import Row as Row
from .row import rows as rows
