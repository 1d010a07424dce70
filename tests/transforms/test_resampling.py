"""Windows of an image at another size: the pixels that PyTorch takes, at every size and where rounding decides."""

import functools

import jax
import numpy as np
import pytest
import torch
import torch.nn.functional as TF

from jaxtut.transforms.pixels import resampling

LENGTHS = range(1, 40)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
# Height and width of the result together at most 128, or more: PyTorch has two loops.
@pytest.mark.parametrize("rows", [3, 130])
def test_nearest_neighbours_at_every_size(dtype: str, mode: str, rows: int) -> None:
    x = np.arange(max(LENGTHS), dtype=dtype).reshape(1, 1, -1)
    for length in LENGTHS:
        for width in range(1, 90, 1 if mode == "nearest-exact" else 7):
            ours = resampling.resampled(x, (0, 0, 1, length), (rows, width), mode, False)
            theirs = TF.interpolate(torch.from_numpy(x[None, ..., :length]), (rows, width), mode=mode)[0]
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{length} to {width}")


@pytest.mark.parametrize("size", [(3, 41), (130, 41), (130, 55)])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_traced_windows_take_the_same_pixels(size: tuple[int, int], mode: str) -> None:
    x = np.arange(4 * 50, dtype="float32").reshape(1, 4, 50)
    traced = jax.jit(functools.partial(resampling.resampled, size=size, mode=mode, antialias=False))
    for length in LENGTHS:
        window = (1, 2, 2, length)
        np.testing.assert_array_equal(
            traced(x, window), resampling.resampled(x, window, size, mode, False), err_msg=str(length)
        )
