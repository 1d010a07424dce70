"""The dtype of every result is PyTorch's in 16 bits, where PyTorch takes them, and without 64 bits; the sweep has the wider ones."""

import jax
import numpy as np
import pytest
import torch

from jaxtut.parity import definition
from jaxtut.parity.quantities import is_floating
from jaxtut.parity.torch_side import as_numpy
from jaxtut.parity.trees import flatten
from jaxtut.parity.trials.drawing import Draw
from jaxtut.parity.trials.operations.call import pair
from jaxtut.parity.trials.operations.registry import CALLS

FLOATS = ("float16", "bfloat16")
# PyTorch refuses these on a CPU, for want of a kernel; here they are computed in float32.
OURS_ALONE = ("avg_pool3d", "lp_pool3d", "local_response_norm", "affine_grid")


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
            if name in OURS_ALONE:
                assert all(x.dtype.name == dtype for _, x in flatten(both.jax(*ours))[0])
                return
            with pytest.raises(TypeError):
                both.jax(*ours)
            return
        found = flatten(both.jax(*ours))[0]
    assert [x.dtype for _, x in found] == [as_numpy(x).dtype for _, x in expected]
    assert [x.shape for _, x in found] == [tuple(x.shape) for _, x in expected]
    truth = flatten(both.torch(*(x.double() if x.is_floating_point() else x for x in theirs)))[0]
    for (_, x), (_, y), (_, exact) in zip(found, expected, truth, strict=True):
        a, b, t = (np.asarray(x), as_numpy(y), as_numpy(exact))
        assert definition.structural_difference(a, b)[0] == "", both.name
        if not is_floating(a):
            np.testing.assert_array_equal(a, b)
            continue
        # A few roundings of the largest element, whatever PyTorch's own error: what is computed in float32 rounds once.
        limit = definition.FLOAT32_FACTOR * definition.float32_allowance(t, 0.0, dtype)
        assert definition.largest_error(a, t) <= limit, both.name


@pytest.mark.parametrize("name", CALLS)
def test_without_64_bits(name: str) -> None:
    both = pair(name, CALLS[name](Few(4)))
    found = flatten(both.jax(*(np.asarray(a) for a in both.args)))[0]
    assert {x.dtype.name for _, x in found} <= {"float32", "int32", "bool"}
