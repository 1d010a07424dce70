"""IDX and CIFAR-10 files that the tests write: read back, and refused with file and byte when broken."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import torch_ref.data
from jaxtut import data

SIDES = [data, torch_ref.data]
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
RECORD = 3073

both_sides = pytest.mark.parametrize("side", SIDES, ids=["jaxtut", "torch_ref"])


def idx(array):
    code = CODES[array.dtype.str[1:]]
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def pictures(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 28, 28), np.uint8), rng.integers(0, 10, n, np.uint8)


def cifar(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 3, 32, 32), np.uint8), rng.integers(0, 10, n, np.uint8)


def records(images, labels):
    return np.column_stack([labels, images.reshape(len(images), -1)]).tobytes()


@settings(deadline=None)
@given(
    array=st.sampled_from(sorted(CODES)).flatmap(
        lambda kind: hnp.arrays(np.dtype(kind), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    ),
    packed=st.booleans(),
)
def test_idx_round_trip(array, packed, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "file"
    path.write_bytes(gzip.compress(idx(array), mtime=0) if packed else idx(array))
    for side in SIDES:
        np.testing.assert_array_equal(side.read_idx(path), array, strict=True)


@both_sides
@pytest.mark.parametrize(("train", "part"), [(True, "train"), (False, "t10k")])
@pytest.mark.parametrize("packed", [False, True])
def test_mnist_folder(side, train, part, packed, tmp_path):
    images, labels = pictures(12)
    pack, suffix = (gzip.compress, ".gz") if packed else (bytes, "")
    (tmp_path / f"{part}-images-idx3-ubyte{suffix}").write_bytes(pack(idx(images)))
    (tmp_path / f"{part}-labels-idx1-ubyte{suffix}").write_bytes(pack(idx(labels)))
    X, y = side.mnist(tmp_path, train=train)
    np.testing.assert_array_equal(X, (images / np.float32(255)).reshape(12, 784), strict=True)
    np.testing.assert_array_equal(y, labels.astype(np.int64), strict=True)
    with pytest.raises(FileNotFoundError, match="images-idx3-ubyte"):
        side.mnist(tmp_path, train=not train)


@both_sides
def test_cifar10_folder(side, tmp_path):
    parts = [cifar(3, seed=1), cifar(2, seed=2)]
    for number, part in enumerate(parts, start=1):
        (tmp_path / f"data_batch_{number}.bin").write_bytes(records(*part))
    X, y = side.cifar10(str(tmp_path))
    np.testing.assert_array_equal(X, np.concatenate([p[0] for p in parts]) / np.float32(255), strict=True)
    np.testing.assert_array_equal(y, np.concatenate([p[1] for p in parts]).astype(np.int64), strict=True)
    with pytest.raises(FileNotFoundError, match=r"test_batch\.bin"):
        side.cifar10(tmp_path, train=False)


GOOD = idx(np.arange(6, dtype=np.int16).reshape(2, 3))


@both_sides
@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", r"cut short at byte 0"),
        (GOOD[:3], r"cut short at byte 3"),
        (GOOD[:9], r"cut short at byte 9.*end(s)? at byte 12"),
        (GOOD[:-1], r"cut short at byte 23.*ends at byte 24"),
        (GOOD + b"ab", r"2 bytes too many from byte 24 on"),
        (b"\x01" + GOOD[1:], r"byte 0: .*two zero bytes.*01 00 0b 02"),
        (GOOD[:2] + b"\x0a" + GOOD[3:], r"byte 2: .*0x0a"),
        (struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3), r"cut short at byte 16"),
        (gzip.compress(GOOD, mtime=0)[:-9], r"cannot be unpacked"),
        (b"\x1f\x8bnot gzip", r"cannot be unpacked"),
        (gzip.compress(GOOD[:-1], mtime=0), r"cut short at byte 23"),
    ],
)
def test_a_broken_idx_file_is_named_with_the_byte(side, raw, message, tmp_path):
    path = tmp_path / "broken-idx"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=f"broken-idx: .*{message}"):
        side.read_idx(path)


@both_sides
@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (pictures(3)[0], np.array([1, 10, 2], np.uint8), r"labels-idx1-ubyte: byte 9: label 10 of sample 1"),
        (pictures(3)[0], pictures(2)[1], r"labels-idx1-ubyte: 3 labels in bytes.*\(2,\)"),
        (pictures(3)[0], pictures(3)[1].astype(np.int32), r"labels-idx1-ubyte: 3 labels in bytes.*int32"),
        (pictures(3)[0][:, 1:], pictures(3)[1], r"images-idx3-ubyte: .*\(n, 28, 28\).*\(3, 27, 28\)"),
        (pictures(3)[0].astype(np.int16), pictures(3)[1], r"images-idx3-ubyte: .*int16"),
    ],
)
def test_mnist_files_that_do_not_fit_are_refused(side, images, labels, message, tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    with pytest.raises(ValueError, match=message):
        side.mnist(tmp_path)


@both_sides
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: b"", r"ends at byte 0"),
        (lambda raw: raw[:-1], rf"ends at byte {2 * RECORD - 1}, inside"),
        (lambda raw: raw + b"x", rf"ends at byte {2 * RECORD + 1}, inside"),
        (lambda raw: raw[:RECORD] + b"\x0b" + raw[RECORD + 1 :], rf"byte {RECORD}: label 11 of sample 1"),
    ],
)
def test_a_broken_cifar_file_is_named_with_the_byte(side, change, message, tmp_path):
    (tmp_path / "data_batch_1.bin").write_bytes(change(records(*cifar(2))))
    with pytest.raises(ValueError, match=rf"data_batch_1\.bin: .*{message}"):
        side.cifar10(tmp_path)


@both_sides
def test_mlxtends_digits_have_no_test_part(side):
    with pytest.raises(ValueError, match="no test part"):
        side.mnist(train=False)


@both_sides
def test_a_missing_file_is_not_found(side, tmp_path):
    for reader in (side.read_idx, side.read_cifar10):
        with pytest.raises(FileNotFoundError):
            reader(tmp_path / "nothing")
