"""Convolutions on a CPU: equal windows give equal bits, what is not finite spoils only what sees it, memory stays small, the right order."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtut.native import library, machine
from jaxtut.native.machine import Machine
from jaxtut.ops import convolution_taps as taps
from jaxtut.ops import cpu_convolution as cpu
from jaxtut.ops import direct_convolution as direct
from jaxtut.ops.convolution_geometry import Geometry
from jaxtut.ops.correlation import convolve, input_gradient, kernel_gradient, xla_convolve

if jax.default_backend() != "cpu":
    pytest.skip("these are the programs of a CPU", allow_module_level=True)

compiled = pytest.mark.skipif(machine.host() is None, reason="nothing can be compiled for this processor")

# Batch, channels, size, channels out, kernel.
SHAPES = [
    (4, 1, 12, 6, 3),
    (5, 3, 32, 6, 5),
    (3, 6, 14, 16, 5),
    (9, 16, 19, 32, 3),
    (2, 64, 16, 64, 3),
    (1, 16, 23, 8, 7),
    (70, 6, 11, 1, 2),
]


def square(size: int, kernel: int, stride: int = 1, batch_last: bool = False) -> Geometry:
    return Geometry((size, size), (kernel, kernel), (stride, stride), ((0, 0), (0, 0)), (1, 1), 1, batch_last)


def require_equal_bits(outputs: Callable[[Any, Any], Any], images: np.ndarray, w: np.ndarray) -> None:
    """Compute the outputs of flat images, all of whose windows are equal; `images` has one number for each channel."""
    with jax.enable_x64(True):
        y = np.asarray(jax.jit(outputs)(images, w))
    np.testing.assert_array_equal(y, np.broadcast_to(y[:1, :, :1, :1], y.shape))


@pytest.mark.parametrize("batch_last", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equal_windows_give_equal_bits(shape: tuple[int, ...], dtype: str, batch_last: bool) -> None:
    batch, channels, size, out, kernel = shape
    generator = np.random.default_rng(0)
    flat = generator.standard_normal((1, channels, 1, 1)).astype(dtype)
    images = np.broadcast_to(flat, (batch, channels, size, size))
    w = generator.standard_normal((out, channels, kernel, kernel)).astype(dtype)
    where = square(size, kernel, batch_last=batch_last)

    def outputs(x: Any, w: Any) -> Any:
        y = convolve(jnp.moveaxis(x, 0, -1) if batch_last else x, w, where)
        return jnp.moveaxis(y, -1, 0) if batch_last else y

    require_equal_bits(outputs, images, w)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equal_windows_give_equal_bits_tap_by_tap(shape: tuple[int, ...], dtype: str) -> None:
    batch, channels, size, out, kernel = shape
    generator = np.random.default_rng(0)
    flat = generator.standard_normal((1, channels, 1, 1)).astype(dtype)
    w = generator.standard_normal((out, channels, kernel, kernel)).astype(dtype)
    where = square(size, kernel)
    outputs = lambda x, w: jnp.moveaxis(taps.outputs(jnp.moveaxis(x, 1, -1), w, where), -1, 1)  # noqa: E731
    require_equal_bits(outputs, np.broadcast_to(flat, (batch, channels, size, size)), w)


@compiled
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_a_window_gives_the_same_bits_wherever_it_is_moved(data: st.DataObject) -> None:
    draw = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    size, kernel, stride = (draw(5, 21), draw(5, 21)), (draw(1, 4), draw(1, 4)), (draw(1, 2), draw(1, 2))
    batch, channels, out = data.draw(st.sampled_from((1, 3, 17))), draw(1, 70), draw(1, 17)
    where = Geometry(size, kernel, stride, ((2, 2), (2, 2)), (1, 1), 1, data.draw(st.booleans()))
    generator = np.random.default_rng(draw(0, 99))
    # One image, moved by whole strides with zeros behind it: what it gives is moved by one.
    image = generator.standard_normal((batch, channels, *size)).astype("float32")
    image[..., size[0] - 2 * stride[0] :, :] = image[..., size[1] - 2 * stride[1] :] = 0
    moved = np.roll(image, stride, (2, 3))
    w = generator.standard_normal((out, channels, *kernel)).astype("float32")
    function = jax.jit(lambda x: convolve(x, w, where))
    first, second = (
        np.moveaxis(np.asarray(function(np.moveaxis(x, 0, -1))), -1, 0) if where.batch_last else np.asarray(function(x))
        for x in (image, moved)
    )
    np.testing.assert_array_equal(first[..., :-1, :-1], second[..., 1:, 1:])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("batch_last", [False, True])
@pytest.mark.parametrize(
    "shape", [(3, 32, 6, 5, 1), (3, 32, 6, 5, 2), (3, 31, 6, 5, 3), (64, 16, 64, 3, 1), (2, 11, 3, 5, 1)], ids=str
)
@pytest.mark.parametrize("way", [pytest.param("compiled", marks=compiled), "taps"])
def test_what_is_not_finite_spoils_only_what_sees_it(
    shape: tuple[int, ...], batch_last: bool, bad: float, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "taps":
        monkeypatch.setattr(machine, "host", lambda: None)
    channels, size, out, kernel, stride = shape
    where = square(size, kernel, stride)
    generator = np.random.default_rng(0)
    x, w = (generator.uniform(1, 2, a) for a in ((9, channels, size, size), (out, channels, kernel, kernel)))
    y = generator.uniform(1, 2, where.output_shape(9, out))
    x[0, 0, size - 1, 5] = x[2, 1, 9, 10] = y[3, 2, 5, 6] = bad
    arrays = [jnp.asarray(a, "float32") for a in (x, w, y)]
    theirs = jax.vjp(lambda x, w: xla_convolve(x, w, where), *arrays[:2])
    expected = (theirs[0], *theirs[1](arrays[2]))
    if batch_last:
        where = where._replace(batch_last=True)
        arrays = [jnp.moveaxis(arrays[0], 0, -1), arrays[1], jnp.moveaxis(arrays[2], 0, -1)]
    # Functions of their own, since the program of a convolution that is called outside `jit` is kept.
    found = jax.jit(lambda x, w, y: (convolve(x, w, where), input_gradient(y, w, where), kernel_gradient(x, y, where)))
    *images, gradient = found(*arrays)
    ours = (*(jnp.moveaxis(a, -1, 0) if batch_last else a for a in images), gradient)
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(np.isfinite(a), np.isfinite(b))
        # All numbers are positive, so nothing but NaN gives NaN: not a place that is counted twice, once as 0 · ∞.
        assert np.isnan(bad) or not np.isnan(a).any()


@pytest.mark.parametrize(
    "where",
    [
        Geometry((9, 11), (3, 2), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
        Geometry((9, 11), (3, 2), (2, 3), ((1, 0), (2, 1)), (1, 2), 2),
        Geometry((13,), (4,), (3,), ((2, 2),), (2,), 1),
        Geometry((61,), (40,), (1,), ((7, 0),), (1,), 1),
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


@compiled
@pytest.mark.parametrize("batch_last", [False, True])
@pytest.mark.parametrize(
    "shape",
    [
        (256, 3, 32, 6, 5, 1),
        (256, 6, 14, 16, 5, 1),
        (64, 64, 16, 64, 3, 1),
        (16, 256, 7, 256, 3, 1),
        (4, 3, 224, 192, 16, 16),
    ],
    ids=str,
)
def test_memory_is_at_most_three_times_that_of_the_arrays(shape: tuple[int, ...], batch_last: bool) -> None:
    batch, channels, size, out, kernel, stride = shape
    where = square(size, kernel, stride, batch_last)
    x = jax.ShapeDtypeStruct(where.input_shape(batch, channels), "float32")
    y = jax.ShapeDtypeStruct(where.output_shape(batch, out), "float32")
    w = jax.ShapeDtypeStruct((out, channels, kernel, kernel), "float32")
    arrays = sum(a.size * a.dtype.itemsize for a in (x, y, w))
    for map, operands in [(convolve, (x, w)), (input_gradient, (y, w)), (kernel_gradient, (x, y))]:
        used: Any = jax.jit(lambda a, b, map=map: map(a, b, where)).lower(*operands).compile().memory_analysis()
        assert used.temp_size_in_bytes <= 3 * arrays, map.__name__


@compiled
def test_what_is_read_beyond_a_line_belongs_to_the_array() -> None:
    """Vectors longer than a line are read from a copy that ends a vector later."""
    where, width = Geometry((2, 3), (2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1), 1), 8
    x, w = jnp.ones((1, 50, 2, 3)), jnp.ones((2, 50, 2, 2))
    used: Any = jax.jit(lambda x, w: convolve(x, w, where)).lower(x, w).compile().memory_analysis()
    assert used.temp_size_in_bytes >= (x.size + min(width, machine.host().width("float32"))) * 4  # pyright: ignore[reportOptionalMemberAccess]


@pytest.mark.parametrize("batch_last", [False, True])
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pad"), [(11, 3, 2, 0), (11, 3, 2, 1), (8, 1, 3, 1), (14, 5, 4, 2)]
)
def test_every_place_of_a_part_is_in_its_plane(size: int, kernel: int, stride: int, pad: int, batch_last: bool) -> None:
    """Those of results that are too many at the end of a line, too."""
    pads = ((pad, pad), (pad, pad))
    where = Geometry((size, size), (kernel, kernel), (stride, stride), pads, (1, 1), 1, batch_last)
    ways: list[Any] = direct.input_gradient(where, 3, (4, 2, kernel, kernel))
    for loops in ways:
        for phase in loops.main.phases:
            if any(taps.reach for taps in phase.taps):
                continue
            rows = sum((axis.number - 1) * axis.source for axis in (*phase.rows, *phase.taps))
            places = [phase.source + tap for tap, _ in phase.last]
            assert all(place >= 0 and place + rows + phase.run <= loops.padding.plane for place in places)


@compiled
def test_sums_of_channels_wait_between_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    host = machine.host()
    assert host is not None
    monkeypatch.setattr(machine, "host", lambda: host._replace(near=1))
    where = square(6, 1)
    generator = np.random.default_rng(0)
    x, y = (generator.integers(-3, 4, shape).astype("float32") for shape in ((5, 131, 6, 6), (5, 9, 6, 6)))
    w = jax.jit(lambda x, y: kernel_gradient(x, y, where))(x, y)
    np.testing.assert_array_equal(w[:, :, 0, 0], np.einsum("ncij,noij->oc", x, y))


@compiled
def test_lines_of_one_number_have_a_gradient() -> None:
    where = Geometry((6, 1), (2, 1), (2, 2), ((0, 0), (0, 0)), (1, 1), 1)
    generator = np.random.default_rng(0)
    y, w = (generator.integers(-3, 4, shape).astype("float32") for shape in ((3, 4, 3, 1), (4, 2, 2, 1)))
    for loops in direct.input_gradient(where, 3, w.shape):
        x = jax.jit(lambda y, w, loops=loops: loops(y, w))(y, w)
        np.testing.assert_array_equal(x, np.einsum("noij,ockj->ncikj", y, w).reshape(3, 2, 6, 1))


def test_there_is_a_tile_for_more_parts_than_registers() -> None:
    where = Geometry((100,), (3,), (13,), ((0, 0),), (1,), 1)
    assert cpu.fastest(direct.input_gradient, where, 1, (4, 2, 3), "float64", Machine("any", "", 32, 12))


def batch_last_is_chosen(
    where: Geometry, batch: int, channels: int, outputs: int, ways: Any = direct.convolution
) -> bool:
    any_machine = Machine("any", "", 32, 12)
    w = (outputs, channels, *where.kernel)
    return cpu.fastest(ways, where, batch, w, "float64", any_machine).where.batch_last


@pytest.mark.parametrize("ways", [direct.convolution, direct.input_gradient, direct.kernel_gradient])
def test_the_order_is_the_one_with_full_vectors(ways: Any) -> None:
    # Windows a stride apart, and one image: there is nothing to make vectors of.
    assert not batch_last_is_chosen(square(9, 3, 2, batch_last=True), 1, 64, 64, ways)
    assert batch_last_is_chosen(square(9, 3, 1, batch_last=True), 1, 8, 8, ways)
    assert batch_last_is_chosen(square(9, 3, 2, batch_last=True), 64, 8, 8, ways)
    # Lines of five numbers, two vectors of four: three in eight are lost. Where there is much to compute, that pays for moving all.
    assert batch_last_is_chosen(square(7, 3), 64, 64, 64, ways)
    assert not batch_last_is_chosen(square(7, 3), 64, 1, 1, ways)
    assert not batch_last_is_chosen(square(7, 3), 1, 64, 64, ways)


def test_patches_are_cut_where_windows_lie_side_by_side_and_not_where_short_ones_overlap() -> None:
    any_machine = Machine("any", "", 64, 24, halves=True)

    def are_cut(where: Geometry, batch: int, w: tuple[int, ...]) -> set[bool]:
        ways = (direct.convolution, direct.kernel_gradient)
        return {cpu.is_faster_in_patches(way, where, batch, w, "float32", any_machine) for way in ways}

    assert are_cut(square(224, 16, 16), 4, (192, 3, 16, 16)) == {True}
    assert are_cut(square(28, 2, 2), 8, (192, 96, 2, 2)) == {True}
    assert are_cut(square(18, 4, 2), 16, (128, 64, 4, 4)) == {False}


def test_taps_that_meet_zeros_are_left_out_where_that_is_faster() -> None:
    any_machine = Machine("any", "", 64, 24, halves=True)

    def are_left_out(size: int, batch: int, w: tuple[int, ...]) -> bool:
        where = square(size, 3)._replace(pads=((1, 1), (1, 1)))
        loops: Any = cpu.fastest(direct.convolution, where, batch, w, "float32", any_machine)
        return any(taps.reach for taps in loops.main.phases[0].taps)

    assert are_left_out(8, 16, (256, 256, 3, 3))
    # One output: rows of a tile together share what is read.
    assert not are_left_out(28, 1, (1, 16, 3, 3))


def test_lines_are_as_long_as_rows_and_batch_together() -> None:
    # Fifteen numbers, of three images that would not fill a vector alone.
    assert batch_last_is_chosen(square(7, 3), 3, 64, 64)


def test_taps_that_meet_zeros_only_do_not_count() -> None:
    """One window sees the whole image: the gradient of each place has one term, and not one for each place."""
    where, host = (
        Geometry((9, 9), (9, 9), (1, 1), ((0, 0), (0, 0)), (1, 1), 1, batch_last=True),
        Machine("any", "", 32, 12),
    )
    together, *_, by_position = (
        loops.cycles("float32", host) for loops in direct.input_gradient(where, 64, (16, 16, 9, 9))
    )
    assert by_position < together / 5


@compiled
def test_a_program_is_compiled_once() -> None:
    where = Geometry((17, 5), (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1), 1)
    x, w = jnp.ones((1, 2, 17, 5)), jnp.ones((3, 2, 3, 3))
    jax.jit(lambda x: convolve(x, w, where))(x)
    before = len(library.names())
    np.testing.assert_array_equal(jax.jit(lambda x: convolve(x, 2 * w, where))(x), np.full((1, 3, 15, 3), 36.0))
    assert len(library.names()) == before


def test_a_program_for_several_devices_has_no_calls_that_xla_cannot_cut() -> None:
    where = square(9, 3)
    x, w = jax.ShapeDtypeStruct((4, 8, 9, 9), "float32"), jax.ShapeDtypeStruct((16, 8, 3, 3), "float32")

    def text(is_cut: bool) -> str:
        program = lambda x, w: cpu.convolve(x, w, where, is_cut, xla_convolve)  # noqa: E731
        return jax.jit(program).lower(x, w).as_text()

    assert "jaxtut_" not in text(True)
    assert ("jaxtut_" in text(False)) == (machine.host() is not None)


def test_a_convolution_can_be_exported() -> None:
    function = jax.jit(lambda x, w: jax.grad(lambda w: convolve(x, w, square(9, 3)).sum())(w))
    arrays = jnp.ones((2, 3, 9, 9)), jnp.ones((4, 3, 3, 3))
    exported = jax.export.export(function)(*arrays)  # refuses calls that another process does not have
    np.testing.assert_array_equal(exported.call(*arrays), function(*arrays))


@pytest.mark.parametrize("size", [(0,), (0, 4), (3, 0)], ids=str)
def test_an_empty_image_with_padding_has_gradients(size: tuple[int, ...]) -> None:
    ones = (1,) * len(size)
    where = Geometry(size, ones, ones, ((2, 2),) * len(size), ones, 1)
    x, w = jnp.ones((1, 1, *size)), jnp.ones((1, 1, *ones))
    gradients = jax.jit(jax.grad(lambda x, w: convolve(x, w, where).sum(), (0, 1)))(x, w)
    assert [g.shape for g in gradients] == [x.shape, w.shape]
    np.testing.assert_array_equal(gradients[1], np.zeros_like(w))


@pytest.mark.parametrize(
    "where",
    [
        Geometry((1000,), (400,), (160,), ((0, 0),), (1,), 1),
        Geometry((33, 32), (16, 16), (16, 16), ((0, 0), (0, 0)), (1, 1), 1),
        Geometry((490,), (400,), (1,), ((3, 0),), (1,), 1),
        Geometry((900,), (432,), (27,), ((0, 0),), (1,), 1),
        Geometry((11, 11, 11), (5, 5, 5), (3, 3, 3), ((1, 1), (1, 1), (1, 1)), (1, 1, 1), 1),
        Geometry((32, 34), (8, 8), (8, 8), ((4, 4), (4, 4)), (1, 1), 1),
        Geometry((96, 64), (64, 64), (32, 32), ((16, 16), (16, 16)), (1, 1), 1),
        Geometry((21, 21), (11, 11), (5, 5), ((0, 0), (0, 0)), (1, 1), 1),
        Geometry((35, 35), (3, 3), (16, 16), ((0, 0), (0, 0)), (1, 1), 1),
        Geometry((35, 35), (3, 3), (8, 8), ((0, 0), (0, 0)), (1, 1), 1),
        Geometry((33, 35), (16, 3), (16, 16), ((0, 0), (0, 0)), (1, 1), 1),
        Geometry((100,), (3,), (13,), ((0, 0),), (1,), 1),
        Geometry((33, 530), (9, 3), (8, 16), ((0, 0), (0, 0)), (1, 1), 1),
        Geometry((9, 61), (4, 7), (4, 8), ((0, 0), (0, 0)), (1, 1), 1),
        Geometry((11, 11, 11), (2, 2, 2), (3, 3, 3), ((1, 1), (1, 1), (1, 1)), (1, 1, 1), 1),
        Geometry((40, 40), (31, 31), (4, 4), ((0, 0), (0, 0)), (1, 1), 1),
        Geometry((5, 130), (1, 128), (1, 2), ((0, 0), (0, 0)), (1, 1), 1),
    ],
    ids=str,
)
def test_long_kernels_and_large_strides_have_no_long_programs(where: Geometry, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [0]
    write = library.source

    def counted(*args: Any) -> str:
        text = write(*args)
        lines.append(len(text.splitlines()))
        return text

    monkeypatch.setattr(library, "source", counted)
    generator = np.random.default_rng(0)
    x, y = (
        generator.integers(-3, 4, shape(2, 2)).astype("float32") for shape in (where.input_shape, where.output_shape)
    )
    w = generator.integers(-3, 4, (2, 2, *where.kernel)).astype("float32")
    value, pull = jax.vjp(lambda x, w: xla_convolve(x, w, where), x, w)
    found = jax.jit(lambda x, w, y: (convolve(x, w, where), input_gradient(y, w, where), kernel_gradient(x, y, where)))
    for ours, theirs in zip(found(x, w, y), (value, *pull(jnp.asarray(y))), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert max(lines) < 3000


@compiled
def test_taps_that_meet_zeros_only_are_left_out_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for all rows of a tile at once: which rows these are must not show, as it does where the kernel is not finite."""
    where = Geometry((8, 8), (5, 5), (1, 1), ((2, 2), (2, 2)), (1, 1), 1)
    ways: list[Any] = direct.convolution(where, 1, (4, 64, 5, 5))
    way = next(loops for loops in ways if loops.main.phases[0].taps[0].reach)
    monkeypatch.setattr(cpu, "fastest", lambda *_: way)
    w = np.ones((4, 64, 5, 5), "float32")
    w[:, :, 3, :] = np.inf  # below each row but the last one there is another
    y = np.asarray(jax.jit(lambda x: convolve(x, w, where))(np.ones((1, 64, 8, 8), "float32")))
    assert np.isfinite(y[:, :, 7, 2:6]).all()
    assert np.isinf(y[:, :, :7, 2:6]).all()


@compiled
@pytest.mark.parametrize(("size", "kernel", "batch", "is_copied"), [(8, 5, 64, False), (30, 3, 5, True)])
def test_zeros_are_written_only_where_they_are_read(size: int, kernel: int, batch: int, is_copied: bool) -> None:
    pad = kernel // 2
    where = Geometry((size, size), (kernel, kernel), (1, 1), ((pad, pad), (pad, pad)), (1, 1), 1, batch_last=True)
    generator = np.random.default_rng(0)
    x = jnp.asarray(generator.integers(-3, 4, where.input_shape(batch, 3)), "float32")
    w = jnp.asarray(generator.integers(-3, 4, (6, 3, kernel, kernel)), "float32")
    function = jax.jit(lambda x, w: convolve(x, w, where))
    np.testing.assert_array_equal(function(x, w), xla_convolve(x, w, where))
    used: Any = function.lower(x, w).compile().memory_analysis()
    assert (used.temp_size_in_bytes >= x.size * 4) == is_copied


def test_arrays_of_two_dtypes_are_refused() -> None:
    with pytest.raises(TypeError, match="must have one dtype, but float32 and bfloat16 were given"):
        convolve(jnp.ones((1, 1, 3, 3)), jnp.ones((1, 1, 3, 3), "bfloat16"), square(3, 3))
