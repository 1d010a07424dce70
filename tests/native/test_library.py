"""Programs compiled by LLVM: what a processor must be able to do, threads, and what is kept on disk."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtut import compilation_cache
from jaxtut.native import library, machine, runtime, store
from jaxtut.native.loops import Axis, Padding, Phase, Reach, Sums, Taps, division_of
from jaxtut.native.machine import Machine
from jaxtut.native.program import GivingBack, Move, Patches, Program
from jaxtut.native.tiles import cycles, fits, pieces, tile_of_products, tile_of_sums
from jaxtut.ops.windows import Windows

HOST = machine.host()
if HOST is None or jax.default_backend() != "cpu":
    pytest.skip("nothing is compiled for this processor", allow_module_level=True)

# Vectors may be read beyond the end of a line, and so of the array, where this has nothing behind it.
BEHIND = np.zeros(16)
# A convolution of one channel with three taps.
LINE = Program(
    "float64",
    Sums(1, 1, 1, 1, 0, 9, 0, 7, 3, 3, 3, (Phase(0, 0, (), 7, (), (tuple((i, i) for i in range(3)),)),)),
    None,
)


def called(program: Program, *shapes: tuple[int, ...], on: Any) -> Any:
    with jax.enable_x64(True):
        results = [jax.ShapeDtypeStruct(shape, program.dtype) for shape in shapes]
        return jax.ffi.ffi_call(library.target(program), results)(*map(jnp.asarray, on))


def test_a_line_and_three_taps() -> None:
    x, w = np.arange(9.0) ** 2, np.array([1.0, 10.0, 100.0])
    (y,) = called(LINE, (7,), on=(np.concatenate([x, BEHIND]), w))
    np.testing.assert_array_equal(y, np.convolve(x, w[::-1], "valid"))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["float32", "float64"]), st.integers(1, 90), st.integers(1, 90))
def test_rows_become_columns(dtype: str, rows: int, columns: int) -> None:
    x = np.arange(rows * columns, dtype=dtype).reshape(rows, columns)
    (y,) = called(Program(dtype, Move(rows, columns)), (columns, rows), on=(x,))
    np.testing.assert_array_equal(y, x.T)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["float32", "float64"]), st.integers(1, 3), st.sampled_from((1, 1, 2, 17)), st.data())
def test_images_are_cut_into_patches_and_put_together(dtype: str, axes: int, inner: int, data: st.DataObject) -> None:
    most = (40, 9, 4)[axes - 1]
    kernel, counts = (tuple(data.draw(st.integers(1, most)) for _ in range(axes)) for _ in range(2))
    rest = tuple(data.draw(st.integers(0, k - 1)) for k in kernel)
    size = tuple(k * n + r for k, n, r in zip(kernel, counts, rest, strict=True))
    x = np.arange(1.0, 2 * math.prod(size) * inner + 1, dtype=dtype).reshape(2, *size, inner)
    reached = x[(slice(None), *(slice(k * n) for k, n in zip(kernel, counts, strict=True)))]
    each = [n for pair in zip(counts, kernel, strict=True) for n in pair]
    order = (0, *range(2, 2 * axes + 1, 2), *range(1, 2 * axes, 2), 2 * axes + 1)
    expected = reached.reshape(2, *each, inner).transpose(order)
    (patches,) = called(Program(dtype, Patches(2, size, kernel, inner, False)), expected.shape, on=(x,))
    np.testing.assert_array_equal(patches, expected)
    (back,) = called(Program(dtype, Patches(2, size, kernel, inner, True)), x.shape, on=(expected,))
    np.testing.assert_array_equal(back, np.where(np.isin(x, reached), x, 0))


@pytest.mark.parametrize(("size", "kernel"), [(9001, 3), (9001, 16), (20003, 5000)])
def test_a_long_line_is_cut_into_patches_piece_by_piece(size: int, kernel: int) -> None:
    x = np.arange(2.0 * size).reshape(2, size)
    whole = size - size % kernel
    expected = x[:, :whole].reshape(2, -1, kernel).swapaxes(1, 2)
    (patches,) = called(Program("float64", Patches(2, (size,), (kernel,), 1, False)), expected.shape, on=(x,))
    np.testing.assert_array_equal(patches, expected)
    (back,) = called(Program("float64", Patches(2, (size,), (kernel,), 1, True)), x.shape, on=(expected,))
    np.testing.assert_array_equal(back, np.where(np.arange(size) < whole, x, 0))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["float32", "float64"]), st.integers(1, 9), st.integers(1, 7), st.integers(1, 9), st.data())
def test_results_of_several_parts_alternate(
    dtype: str, lines: int, parts: int, outputs: int, data: st.DataObject
) -> None:
    """Each number of a line times a factor of each part, but for the last parts, whose factors lie behind each other and see no number."""
    run, blind = data.draw(st.integers(1, 300)), data.draw(st.integers(0, parts - 1))
    over = data.draw(st.integers(0, parts - 1))
    length = run * parts - over
    taps = tuple(((0, i),) if i < parts - blind else () for i in range(parts))
    phase = Phase(0, 0, (Axis(lines, run, length),), run, (), taps, over)
    sums = Sums(1, 1, 1, outputs, 0, lines * run, 0, lines * length, 0, 0, parts, (phase,))
    padding = Padding(1, (lines, run), ((0, 0), (0, 0)))
    x = np.arange(1.0, lines * run + 1, dtype=dtype).reshape(lines, run)
    w = np.arange(1.0, outputs * parts + 1, dtype=dtype).reshape(outputs, parts)
    results = (outputs, lines, length), (padding.numbers + 16,)
    y, _ = called(Program(dtype, sums, padding), *results, on=(x, w))
    seen = w * (np.arange(parts) < parts - blind)
    expected = (x[:, :, None] * seen[:, None, None, :]).reshape(outputs, lines, -1)[..., :length]
    np.testing.assert_array_equal(y, expected)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["float32", "float64"]), st.integers(1, 3), st.integers(1, 3), st.data())
def test_windows_give_back_to_the_members_that_won(dtype: str, planes: int, axes: int, data: st.DataObject) -> None:
    each = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(axes))  # noqa: E731
    kernel, strides, dilations, counts = each(1, 3), each(1, 3), each(1, 2), each(1, 4)
    # One position fewer at either end is padding, which no window lies in alone.
    pads = tuple(data.draw(st.integers(0, int(k > 1))) for k in kernel)
    reach = ((c - 1) * s + d * (k - 1) + 1 for c, s, d, k in zip(counts, strides, dilations, kernel, strict=True))
    size = tuple(max(r - 2 * p, d * (k - 1)) for r, p, d, k in zip(reach, pads, dilations, kernel, strict=True))
    size = tuple(max(n, 1) for n in size)
    generator = np.random.default_rng(data.draw(st.integers(0, 99)))
    where = Windows(size, kernel, strides, pads, dilations, counts)
    inside = [(p >= 0) & (p < n) for p, n in zip(map(where.positions, range(axes)), size, strict=True)]
    places = np.zeros((planes, *counts), "int32")
    for index in np.ndindex(*places.shape):
        members = [generator.choice(np.flatnonzero(ok[i])) for ok, i in zip(inside, index[1:], strict=True)]
        places[index] = np.ravel_multi_index(members, kernel)
    given = generator.integers(-9, 10, places.shape).astype(dtype)
    expected = np.zeros((planes, *size), dtype)
    for index in np.ndindex(*places.shape):
        members = np.unravel_index(places[index], kernel)
        position = (p[i, m] for p, i, m in zip(map(where.positions, range(axes)), index[1:], members, strict=True))
        expected[(index[0], *position)] += given[index]
    main = GivingBack(planes, *where)
    (found,) = called(Program(dtype, main), expected.shape, on=(places, given))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("length", [1, 5, 13, 37, 71])
@pytest.mark.parametrize("split", [1, 2, 3, 5, 17])
@pytest.mark.parametrize("pads", [((0, 0), (0, 0)), ((1, 2), (2, 1)), ((0, 3), (4, 0))], ids=str)
def test_padding_surrounds_with_zeros_and_splits_the_last_axis(pads: Any, split: int, length: int, dtype: str) -> None:
    padding = Padding(2, (3, length), pads, split=split)
    # The results are the padded source itself: a kernel of one tap, 1.
    planes, lines, row = 2, padding.padded[0], padding.padded[1]
    phase = Phase(0, 0, (Axis(lines, row, row),), row, (), (((0, 0),),))
    sums = Sums(planes, 1, 1, 1, padding.plane, 0, padding.plane, 0, 0, 0, 0, (phase,))
    x = np.arange(1.0, 6 * length + 1, dtype=dtype).reshape(2, 3, length)
    program = Program(dtype, sums, padding)
    y, _ = called(program, (2, lines, row), (padding.numbers + 16,), on=(x, np.ones(1, dtype)))
    whole = np.pad(x, ((0, 0), *pads))
    whole = np.pad(whole, ((0, 0), (0, 0), (0, row - whole.shape[-1])))
    expected = whole.reshape(2, lines, -1, split).swapaxes(-1, -2).reshape(2, lines, row)
    np.testing.assert_array_equal(y, expected)


def test_taps_that_meet_zeros_only_are_not_read() -> None:
    """In the kernel they are NaN here, and would spoil the sums."""
    padding = Padding(1, (3, 4), ((2, 2), (0, 0)))
    # One row of results, from three taps one below the other, of which the last one meets the source.
    taps = Taps(3, 4, 1, Reach(0, -2, 1, 1, 3))
    phase = Phase(0, 0, (Axis(1, 0, 0), Axis(1, 0, 0)), 4, (taps,), (((0, 0),),))
    sums = Sums(1, 1, 1, 1, 0, padding.plane, 0, 4, 3, 3, 3, (phase,))
    x = np.arange(1.0, 13.0)
    y, _ = called(
        Program("float64", sums, padding), (4,), (padding.numbers + 8,), on=(x, np.array([np.nan, np.nan, 2.0]))
    )
    np.testing.assert_array_equal(y, 2 * x[:4])


@pytest.mark.parametrize("pieces_of_work", [1, 2, 3, 1000])
def test_every_piece_is_done_by_however_many_threads(pieces_of_work: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert HOST is not None
    eager = HOST._replace(grain=1)
    monkeypatch.setattr(machine, "host", lambda: eager)
    sums = LINE.main._replace(images=pieces_of_work, source_image=9, result_image=7)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]
    for round in range(20):
        x = np.arange(9.0 * pieces_of_work) + round  # so that a result of the round before is not one of this
        (y,) = called(
            Program("float64", sums, None),
            (pieces_of_work, 7),
            on=(np.concatenate([x, BEHIND]), np.array([1.0, 0.0, 0.0])),
        )  # pyright: ignore[reportUnknownArgumentType]
        np.testing.assert_array_equal(y, x.reshape(-1, 9)[:, :7])


def test_a_stage_of_little_work_wakes_no_thread() -> None:
    stages = [runtime.Stage("few", 10, 5), runtime.Stage("little", 10, 39), runtime.Stage("many", 10, 500)]
    text = runtime.text(2, 1, stages, grain=100)
    assert "call void @grain.0(ptr %arrays, i64 0)" in text
    assert "call void @grain.1(ptr %arrays, i64 0)" in text
    assert "call void @jaxtut_share(ptr %frame, ptr @grain.2, ptr %arrays, i64 10)" in text


@pytest.mark.parametrize(("total", "most"), [(1, 1), (5, 12), (16, 6), (64, 6), (13, 12), (12, 12)])
def test_pieces_are_as_few_and_as_equal_as_can_be(total: int, most: int) -> None:
    found = [(first + i * size, size) for first, many, size in pieces(total, most) for i in range(many)]
    starts = [start for start, _ in found]
    assert starts == np.cumsum([0, *(size for _, size in found)])[:-1].tolist()
    assert sum(size for _, size in found) == total
    assert len(found) == -(-total // most)
    assert max(size for _, size in found) - min(size for _, size in found) <= 1


@pytest.mark.parametrize("accumulators", [12, 24])
def test_tiles_fit_into_registers_and_use_them(accumulators: int) -> None:
    for outputs, rows, vectors in ((1, 1, 1), (6, 28, 4), (16, 10, 2), (64, 16, 2), (64, 7, 1), (3, 1, 32)):
        tile = tile_of_sums(outputs, rows, vectors, accumulators, 36)
        assert tile.outputs <= outputs
        assert tile.rows <= rows
        assert tile.vectors <= vectors
        assert fits(tile.outputs, tile.rows * tile.vectors, accumulators)
        # A sum waits for the one before it: with eight at a time, two units never wait.
        assert tile.outputs * tile.rows * tile.vectors >= min(8, outputs * rows * vectors)
    assert tile_of_products(64, 3, 12, False, 36) == (4, 3)
    assert fits(*tile_of_products(6, 5, accumulators, False, 36), accumulators)
    # Kernels that all begin in one set of the cache cost more; not those that lie in one line of it.
    assert cycles(12, 2, 1, 4096) > cycles(12, 2, 1, 4) == cycles(12, 2)
    # Channels, whose numbers come from afar, are few in a tile, and each is used for many outputs.
    outputs, channels = tile_of_products(208, 192, accumulators, True, 36)
    assert outputs > channels
    assert fits(outputs, channels, accumulators)


def test_work_is_divided_by_shapes_alone_and_only_where_there_is_much_to_do() -> None:
    assert division_of(1, 3, 6, 25, 2, 28, False) == (1, 1)
    # Channels first, for as many pieces as there are to be; lines only where these are too few, and never more parts than lines.
    assert division_of(1, 64, 16, 9, 1000, 28, False) == (8, 1)
    assert division_of(1, 3, 6, 25, 784 * 256, 28, False) == (3, 6)
    assert division_of(1, 1, 4, 25, 5, 10**6, False) == (1, 5)
    assert division_of(1, 256, 256, 9, 1000, 28, False) == (1, 1)
    # Of one tap, channels make a tile together.
    assert division_of(1, 32, 1, 1, 64, 3136, True) == (2, 16)
    # But no more of them than a cache holds the sums of.
    assert division_of(1, 200, 4096, 1, 64, 3136, True) == (4, 1)


def test_what_cannot_be_compiled_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "host", lambda: None)
    with pytest.raises(RuntimeError, match="cannot be compiled for this processor"):
        library.target(LINE)


def test_a_name_tells_programs_and_processors_apart() -> None:
    assert HOST is not None
    other = LINE._replace(dtype="float32")
    names = [store.key(LINE, HOST), store.key(other, HOST), store.key(LINE, Machine("other", HOST.features, 32, 12))]
    assert len(set(names)) == 3
    assert store.key(LINE, HOST) == names[0]


def test_what_is_kept_is_found_if_it_is_whole(tmp_path: Path) -> None:
    assert store.load("name") is None
    store.save("name", b"code")  # without a folder, nowhere
    try:
        compilation_cache.enable(tmp_path)
        assert store.load("name") is None
        store.save("name", b"code")
        assert store.load("name") == b"code"
        file = tmp_path / "jaxtut-native" / "name"
        file.write_bytes(file.read_bytes()[:-1])
        assert store.load("name") is None
        file.write_bytes(b"")
        assert store.load("name") is None
    finally:
        compilation_cache.disable()


# The third argument says whether the compiler may be asked.
PROGRAM = """
import sys
import jax, jax.numpy as jnp, numpy as np
import jaxtut.functional as F
from jaxtut import compilation_cache
from jaxtut.native import library
compilation_cache.enable(sys.argv[1])
if sys.argv[2] == "again":
    def refuse(*_):
        raise AssertionError("compiled")
    library._compiled = refuse
y = jax.jit(lambda x: F.conv2d(x, jnp.ones((2, 3, 3, 3))))(jnp.ones((70, 3, 9, 9)))
np.testing.assert_array_equal(y, np.full(y.shape, 27.0))
"""


def test_the_next_process_compiles_no_convolution_again(tmp_path: Path) -> None:
    for which in ("first", "again"):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path), which]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert run.returncode == 0, run.stderr[-2000:]
    assert list((tmp_path / "jaxtut-native").iterdir())
