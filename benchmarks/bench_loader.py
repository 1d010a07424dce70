"""A pass over 5,000 pictures of 1×28×28 with their labels, in a new order, in batches."""

from typing import Any

import numpy as np
import torch

import torch_ref.data as torch_data
from jaxtut import data
from jaxtut.torch_random import Generator

from .harness import Named, Side
from .sides import EAGER, LIBRARY

SAMPLES = 5000


def sides(batch: int, seed: int = 0) -> list[Side]:
    """Make the sides: jaxtut's loader indexes a whole batch at once, torch's reads sample by sample and stacks."""
    generator = Generator(seed)
    x, y = generator.rand(SAMPLES, 1, 28, 28), generator.randint(0, 10, (SAMPLES,))

    def ours() -> Any:
        return data.DataLoader(data.ArrayDataset(x, y), batch, shuffle=True, generator=Generator(seed))

    def theirs() -> Any:
        order = torch.Generator().manual_seed(seed)
        return torch_data.DataLoader(torch_data.ArrayDataset(x, y), batch, shuffle=True, generator=order)

    return [_side(LIBRARY, ours), _side(EAGER, theirs, is_torch=True)]


def _side(name: str, make: Any, is_torch: bool = False) -> Side:
    def run() -> list[Any]:
        return list(make())

    def results() -> Named:
        batches = run()
        return {
            "images": np.concatenate([np.asarray(x) for x, _ in batches]),
            "labels": np.concatenate([np.asarray(y) for _, y in batches]),
        }

    return Side(name, run, results, is_torch)
