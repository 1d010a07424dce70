"""Compare structure before numbers: names, shapes, dtypes, and where NaN and infinities stand."""

import numpy as np

from . import definition
from .definition import DIFFERENT, Judgement
from .quantities import Quantities
from .rows import Row, make_row


def structural_rows(
    jax: Quantities,
    torch: Quantities,
    side,
    narrow_integers: bool = False,
    shapes_only: bool = False,
    dtypes: bool = True,
) -> list[Row]:
    """Return a row for every quantity whose structure differs; none if none does.

    Args:
        jax: the JAX side's results.
        torch: PyTorch's.
        side: the evidence of the JAX side, for its name and mode.
        narrow_integers: integers of any width are taken as equal: with 64-bit mode off JAX has no int64.
        shapes_only: only names, shapes and dtypes.
        dtypes: whether dtypes have to be equal.
    """
    rows = []
    for key in [*torch, *(k for k in jax if k not in torch)]:
        if key not in jax or key not in torch:
            there = torch[key] if key in torch else jax[key]
            judged = Judgement(DIFFERENT, np.inf, np.inf, None, f"missing in {'JAX' if key not in jax else 'PyTorch'}")
            rows.append(make_row(key, None, there, judged, side, str(there.dtype)))
            continue
        both_integers = narrow_integers and all(np.issubdtype(x.dtype, np.integer) for x in (jax[key], torch[key]))
        a, b = (np.zeros(x.shape, x.dtype) if shapes_only else x for x in (jax[key], torch[key]))
        difference, index = definition.structural_difference(a, b, same_dtype=dtypes and not both_integers)
        if difference:
            judged = Judgement(DIFFERENT, np.inf, np.inf, index, difference)
            rows.append(make_row(key, jax[key], torch[key], judged, side, str(torch[key].dtype)))
    return rows
