"""Convolutions on a CPU: equal windows give equal bits, what is not finite spoils only what sees it, memory stays small."""

from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtut.ops import convolution_plans as plans
from jaxtut.ops import convolution_taps as taps
from jaxtut.ops import cpu_convolution as cpu
from jaxtut.ops.convolution_geometry import Geometry
from jaxtut.ops.correlation import convolve, input_gradient, kernel_gradient, xla_convolve

if jax.default_backend() != "cpu":
    pytest.skip("these are the programs of a CPU", allow_module_level=True)

# Batch, channels, size, channels out, kernel.
SHAPES = [
    (4, 1, 12, 6, 3),
    (5, 3, 32, 6, 5),
    (3, 6, 14, 16, 5),
    (3, 16, 19, 32, 3),
    (2, 64, 16, 64, 3),
    (1, 16, 23, 8, 7),
    (3, 6, 40, 1, 2),
]


def square(size: int, kernel: int, stride: int = 1, batch_last: bool = False) -> Geometry:
    return Geometry((size, size), (kernel, kernel), (stride, stride), ((0, 0), (0, 0)), (1, 1), 1, batch_last)


def require_equal_bits(outputs: Any, shape: tuple[int, ...], dtype: str) -> None:
    """Compute the outputs of flat images, channels last, all of whose windows are equal."""
    batch, channels, size, out, kernel = shape
    generator = np.random.default_rng(0)
    with jax.enable_x64(True):
        x = jnp.asarray(np.broadcast_to(generator.standard_normal(channels), (batch, size, size, channels)), dtype)
        w = jnp.asarray(generator.standard_normal((out, channels, kernel, kernel)), dtype)
        y = np.asarray(jax.jit(outputs)(x, w))
    np.testing.assert_array_equal(y, np.broadcast_to(y[:1, :1, :1], y.shape))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equal_windows_give_equal_bits_in_blocks_of_every_size(shape: tuple[int, ...], dtype: str) -> None:
    batch, channels, size, out, kernel = shape
    where = square(size, kernel)
    for blocks in product((1, 2, 4), (1, 2, 4)):
        plan = plans.planned(where, batch, channels, out, plans.output_axis, blocks)
        if plans.is_safe(plan, 1):
            require_equal_bits(lambda x, w, plan=plan: cpu.outputs_of(x, w, plan, where), shape, dtype)


def test_blocks_are_chosen_among_those_that_are_safe() -> None:
    for batch, channels, size, out, kernel in SHAPES:
        where = square(size, kernel)
        for inputs, outputs, axis in ((channels, out, plans.output_axis), (out, channels, plans.input_axis)):
            assert plans.is_safe(plans.cheapest(where, batch, inputs, outputs, axis), 1)


def test_narrow_layers_have_large_blocks_and_wide_ones_none() -> None:
    assert plans.cheapest(square(32, 5), 256, 3, 6, plans.output_axis).block > 1
    assert plans.cheapest(square(16, 3), 64, 64, 64, plans.output_axis).block == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equal_windows_give_equal_bits_tap_by_tap(shape: tuple[int, ...], dtype: str) -> None:
    where = square(shape[2], shape[4])
    require_equal_bits(lambda x, w: taps.outputs(x, w, where), shape, dtype)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("shape", [(3, 32, 6, 5, 1), (3, 32, 6, 5, 2), (3, 32, 6, 5, 3), (64, 16, 64, 3, 1)], ids=str)
def test_what_is_not_finite_spoils_only_what_sees_it(shape: tuple[int, ...], bad: float) -> None:
    channels, size, out, kernel, stride = shape
    where = square(size, kernel, stride)
    # The matrix of the last has no zeros; only the rows that fill its last chunk do.
    assert stride > 1 or plans.cheapest(where, 8, channels, out, plans.output_axis).holds_zeros == (channels == 3)
    generator = np.random.default_rng(0)
    x, w = (generator.uniform(1, 2, a) for a in ((8, channels, size, size), (out, channels, kernel, kernel)))
    y = generator.uniform(1, 2, where.output_shape(8, out))
    x[0, 0, size - 1, 5] = x[2, 1, 9, 10] = y[3, 2, 5, 7] = bad
    arrays = [jnp.asarray(a, "float32") for a in (x, w, y)]

    def both(convolution: Any) -> Any:
        _, pull = jax.vjp(lambda x, w: convolution(x, w, where), *arrays[:2])
        return jax.tree.map(np.isfinite, (convolution(*arrays[:2], where), *pull(arrays[2])))

    for ours, theirs in zip(both(convolve), both(xla_convolve), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "where",
    [
        Geometry((9, 11), (3, 2), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
        Geometry((9, 11), (3, 2), (2, 3), ((1, 0), (2, 1)), (1, 2), 2),
        Geometry((13,), (4,), (3,), ((2, 2),), (2,), 1),
        Geometry((5, 6, 7), (2, 3, 3), (1, 2, 1), ((1, 1), (0, 2), (1, 0)), (1, 1, 2), 3),
    ],
    ids=str,
)
def test_tap_by_tap_the_numbers_are_the_same(where: Geometry) -> None:
    generator = np.random.default_rng(0)
    channels, out, batch = 12 * where.groups, 8 * where.groups, 3
    x = jnp.asarray(generator.standard_normal(where.input_shape(batch, channels)), "float32")
    y = jnp.asarray(generator.standard_normal(where.output_shape(batch, out)), "float32")
    w = jnp.asarray(generator.standard_normal((out, channels // where.groups, *where.kernel)), "float32")
    x_last, y_last = (jnp.moveaxis(a, 0, -1) for a in (x, y))
    pairs = [
        (jnp.moveaxis(taps.outputs(jnp.moveaxis(x, 1, -1), w, where), -1, 1), convolve(x, w, where)),
        (jnp.moveaxis(taps.input_gradient(y_last, w, where), -1, 0), input_gradient(y, w, where)),
        (taps.kernel_gradient(x_last, y_last, where), kernel_gradient(x, y, where)),
    ]
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch_last", [False, True])
@pytest.mark.parametrize("shape", [(256, 3, 32, 6, 5), (256, 6, 14, 16, 5), (64, 64, 16, 64, 3)], ids=str)
def test_memory_is_at_most_three_times_that_of_the_arrays(shape: tuple[int, ...], batch_last: bool) -> None:
    batch, channels, size, out, kernel = shape
    where = square(size, kernel, batch_last=batch_last)
    x = jax.ShapeDtypeStruct(where.input_shape(batch, channels), "float32")
    y = jax.ShapeDtypeStruct(where.output_shape(batch, out), "float32")
    w = jax.ShapeDtypeStruct((out, channels, kernel, kernel), "float32")
    arrays = sum(a.size * a.dtype.itemsize for a in (x, y, w))
    maps = [(convolve, (x, w)), (input_gradient, (y, w)), (kernel_gradient, (x, y))]
    if channels == 6:
        maps.pop(1)  # it takes up to 4.3 times as much: windows of 150 numbers for each of so few
    for map, operands in maps:
        used: Any = jax.jit(lambda a, b, map=map: map(a, b, where)).lower(*operands).compile().memory_analysis()
        assert used.temp_size_in_bytes <= 3 * arrays, map.__name__
