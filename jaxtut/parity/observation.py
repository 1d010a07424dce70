"""What one run of one side leaves behind: named values, and gradients for each cotangent, as NumPy arrays."""

from dataclasses import dataclass, field

import numpy as np

Arrays = dict[str, np.ndarray]


@dataclass
class Observation:
    """Values and gradients of one run; gradients carry the cotangents as their first axis."""

    values: Arrays = field(default_factory=dict)
    gradients: Arrays = field(default_factory=dict)
    # Arguments that the function never used: PyTorch says None where JAX says zeros.
    unused: frozenset[str] = frozenset()

    def quantities(self) -> dict[tuple[str, str], np.ndarray]:
        """Return everything by (kind, name): values first, in the order in which a reader meets them."""
        return {("value", n): a for n, a in self.values.items()} | {
            ("gradient", n): a for n, a in self.gradients.items()
        }


def output_name(path: str) -> str:
    """Return what to call an output: its path in the result, or 'output' for a bare array."""
    return path or "output"
