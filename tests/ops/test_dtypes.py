"""The dtype of every result is PyTorch's in 16 bits, where PyTorch takes them, and without 64 bits; the sweep has the wider ones."""

import jax
import numpy as np
import pytest
import torch

from jaxtut.parity.torch_side import as_numpy
from jaxtut.parity.trees import flatten
from jaxtut.parity.trials.drawing import Draw
from jaxtut.parity.trials.operations.call import pair
from jaxtut.parity.trials.operations.registry import CALLS

FLOATS = ("float16", "bfloat16")
# PyTorch refuses these on a CPU, for want of a kernel; here they are computed in float32.
HALVES = ("float16", "bfloat16")
OURS_ALONE: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("avg_pool3d", "lp_pool3d", "local_response_norm", "affine_grid"), HALVES
)


class Few(Draw):
    """Draws of a seed, normal numbers alone."""

    def __init__(self, seed: int):
        generator = np.random.default_rng(seed)
        super().__init__(lambda strategy: bool(generator.integers(2)))

    def array(self, shape, profiles=(), least=1e-2, most=3.0, domain=None) -> np.ndarray:
        return super().array(shape, ("normal",), max(least, 1e-2), min(most, 3.0), domain)


def _in(dtype: str, x: np.ndarray) -> tuple[jax.Array, torch.Tensor]:
    if not np.issubdtype(x.dtype, np.floating):
        return jax.numpy.asarray(x), torch.tensor(x)
    return jax.numpy.asarray(x).astype(dtype), torch.tensor(x).to(getattr(torch, dtype))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.filterwarnings("ignore")
def test_dtypes(name: str, dtype: str) -> None:
    both = pair(name, CALLS[name](Few(3)))
    with jax.enable_x64(True):
        ours, theirs = zip(*(_in(dtype, np.asarray(a)) for a in both.args), strict=True)
        try:
            expected = flatten(both.torch(*theirs))[0]
        except (NotImplementedError, RuntimeError):
            if dtype in OURS_ALONE.get(name, ()):
                return
            with pytest.raises(TypeError):
                both.jax(*ours)
            return
        found = flatten(both.jax(*ours))[0]
    assert [x.dtype for _, x in found] == [as_numpy(x).dtype for _, x in expected]
    assert [x.shape for _, x in found] == [tuple(x.shape) for _, x in expected]
    for (_, x), (_, y) in zip(found, expected, strict=True):
        a, b = np.asarray(x, np.float64), as_numpy(y).astype(np.float64)
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        # 16 bits of a chain of sums: a quarter of the digits of the largest element.
        limit = {"float16": 2e-2, "bfloat16": 1e-1}[dtype]
        assert np.all(np.abs(a - b)[np.isfinite(b)] <= limit * np.abs(b[np.isfinite(b)]).max(initial=1e-3)), both.name


@pytest.mark.parametrize("name", CALLS)
def test_without_64_bits(name: str) -> None:
    both = pair(name, CALLS[name](Few(4)))
    found = flatten(both.jax(*(np.asarray(a) for a in both.args)))[0]
    assert {x.dtype.name for _, x in found} <= {"float32", "int32", "bool"}
