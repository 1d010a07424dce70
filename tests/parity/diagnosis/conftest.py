"""One way to ask for the cause of a difference, with the bound that a well-behaved float64 quantity has."""

import numpy as np
import pytest

from jaxtut.parity.diagnosis import Difference, likely_cause


@pytest.fixture(scope="session")
def see():
    """Return a function (jax, torch, …) -> (section of the documentation, text), two empty strings if no cause is seen.

    A bound of "measured" is 64 ulp of the larger side, as for elements whose float32 noise is small.
    """

    def look(jax, torch, kind="value", name="output", bound="measured", inputs=(), values=(), gradients=(), **options):
        jax, torch = np.asarray(jax), np.asarray(torch)
        if isinstance(bound, str):
            bound = 64 * np.spacing(np.maximum(np.abs(jax), np.abs(torch))) if _measurable(jax, torch) else None
        arrays = ({k: np.asarray(v) for k, v in dict(given).items()} for given in (inputs, values))
        difference = Difference(kind, name, jax, torch, bound, *arrays, dict(gradients), **options)
        cause = likely_cause(difference)
        return (cause.link.removeprefix("traps.html#"), cause.text) if cause else ("", "")

    return look


def _measurable(jax, torch):
    return (
        jax.shape == torch.shape
        and jax.dtype == torch.dtype
        and jax.dtype.kind == "f"
        and np.isfinite(jax + torch).all()
    )
