"""Rows of a table: both sides take whole rows of one array, and not the same ones."""

import numpy as np

from .difference import Difference, by_far
from .traps import Cause, Trap

# How many of the indices are shown, and the largest number of comparisons of a row with a row.
SHOWN, LARGEST = 6, 1 << 22


def other_rows(difference: Difference) -> Cause | None:
    """Every row of both sides is a row of one table, at other indices."""
    if difference.of_gradient or difference.b.ndim < 1 or difference.torch.dtype.kind != "f":
        return None
    for name, table in {**difference.inputs, **difference.values}.items():
        width = table.shape[1:]
        count = difference.b.ndim - len(width)
        if name == difference.name or table.ndim < 2 or table.dtype.kind != "f" or count < 0:
            continue
        if difference.b.shape[count:] != width or difference.own_size * len(table) > LARGEST:
            continue
        jax, torch = (_indices(x.reshape(-1, *width), table.astype(np.float64)) for x in (difference.a, difference.b))
        if jax is None or torch is None or (jax == torch).all():
            continue
        if not by_far(difference.a - table[jax].reshape(difference.a.shape), difference.gap):
            continue
        shown = ", ".join(f"{i} for {j}" for i, j in zip(jax[jax != torch][:SHOWN], torch[jax != torch], strict=False))
        text = f"JAX takes other rows of {name} than PyTorch: {shown}"
        steps = np.unique(jax - torch)
        shift = (
            f", each {abs(steps[0])} {'further' if steps[0] > 0 else 'before'}: an index that counts from 1"
            if len(steps) == 1
            else ""
        )
        return Trap.OTHER_PLACES.cause(text + shift)
    return None


def _indices(rows: np.ndarray, table: np.ndarray) -> np.ndarray | None:
    """Return which row of the table each row is, None if one is none."""
    flat, entries = rows.reshape(len(rows), -1), table.reshape(len(table), -1)
    found = (flat[:, None, :] == entries[None, :, :]).all(axis=-1)
    return found.argmax(axis=1) if len(rows) and found.any(axis=1).all() else None
