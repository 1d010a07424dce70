"""Likely causes: from the shape of a difference, the mistake that makes such a difference. NumPy alone, no JAX, no PyTorch."""

from .cause import likely_cause as likely_cause
from .difference import Difference as Difference
from .traps import Cause as Cause
from .traps import Trap as Trap
