"""Read the binary files of MNIST (IDX) and CIFAR-10, and say at which byte a broken one is broken."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Num, UInt8

_GZIP_MAGIC = b"\x1f\x8b"
_IDX_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_CIFAR_SHAPE = (3, 32, 32)
_CIFAR_CLASSES = 10


def read_idx(path: str | Path) -> Num[np.ndarray, "..."]:
    """Read an IDX file, packed by gzip or not.

    Two zero bytes, a byte for the dtype, a byte for the number of dimensions, the sizes as big-endian 32-bit integers,
    then the numbers.

    Args:
        path: the file.

    Returns:
        The array, in the dtype that the file names, in the machine's byte order.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "labels"
        ...     _ = file.write_bytes(bytes([0, 0, 0x08, 1, 0, 0, 0, 3, 7, 2, 1]))
        ...     read_idx(file)
        array([7, 2, 1], dtype=uint8)

    Raises:
        FileNotFoundError: no such file.
        ValueError: a file that is not IDX, is cut short or too long; the message names the file and the byte.

    Source: "The IDX file format", on the page of the MNIST database (LeCun, Cortes, Burges).
    """
    raw = _unpacked(Path(path))
    if len(raw) < 4:
        raise ValueError(f"{path}: the header is cut short at byte {len(raw)}; an IDX file starts with 4 bytes")
    zeros, code, dimensions = struct.unpack_from(">HBB", raw)
    if zeros:
        raise ValueError(
            f"{path}: byte 0: an IDX file starts with two zero bytes, but this one starts with {raw[:4].hex(' ')}"
        )
    if code not in _IDX_DTYPES:
        known = ", ".join(f"{known:#04x}" for known in _IDX_DTYPES)
        raise ValueError(f"{path}: byte 2: the dtype code is {code:#04x}, which is none of {known}")
    start = 4 + 4 * dimensions
    if len(raw) < start:
        raise ValueError(
            f"{path}: the header is cut short at byte {len(raw)}; the sizes of {dimensions} dimensions end at byte "
            f"{start}"
        )
    shape = struct.unpack_from(f">{dimensions}I", raw, 4)
    dtype = np.dtype(_IDX_DTYPES[code])
    _check_length(
        path, len(raw), start + math.prod(shape) * dtype.itemsize, f"the header announces shape {shape} of {dtype.name}"
    )
    return np.frombuffer(raw, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def read_cifar10(path: str | Path) -> tuple[UInt8[np.ndarray, "samples 3 32 32"], UInt8[np.ndarray, "samples"]]:
    """Read one file of CIFAR-10's binary version.

    Each record is one byte of label and 3072 bytes of picture: red, green, blue, each row by row.

    Args:
        path: the file, such as `data_batch_1.bin`.

    Returns:
        `(images, labels)`: pixels from 0 to 255 and classes from 0 to 9.

    Raises:
        FileNotFoundError: no such file.
        ValueError: an empty file, one that ends inside a record, or a label above 9; the message names the file and the
            byte.

    Source: "Binary version", on the page of the CIFAR-10 data set (Krizhevsky).
    """
    raw = Path(path).read_bytes()
    record = 1 + math.prod(_CIFAR_SHAPE)
    if not raw or len(raw) % record:
        whole = len(raw) // record
        raise ValueError(
            f"{path}: ends at byte {len(raw)}, inside the record that starts at byte {whole * record}; every record "
            f"has {record} bytes"
        )
    records = np.frombuffer(raw, np.uint8).reshape(-1, record)
    labels = records[:, 0].copy()
    check_labels(path, labels, _CIFAR_CLASSES, start=0, stride=record)
    return records[:, 1:].reshape(-1, *_CIFAR_SHAPE).copy(), labels


def check_labels(path: str | Path, labels: np.ndarray, classes: int, start: int, stride: int) -> None:
    """Raise a `ValueError` with the byte of the first label that is not in [0, classes)."""
    wrong = np.flatnonzero(labels >= classes)
    if wrong.size:
        first = int(wrong[0])
        raise ValueError(
            f"{path}: byte {start + first * stride}: label {labels[first]} of sample {first} is not in [0, {classes})"
        )


def _unpacked(path: Path) -> bytes:
    raw = path.read_bytes()
    if not raw.startswith(_GZIP_MAGIC):
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"{path}: {len(raw)} bytes that start as a gzip file but cannot be unpacked: {error}"
        ) from error


def _check_length(path: str | Path, length: int, expected: int, why: str) -> None:
    if length < expected:
        raise ValueError(f"{path}: cut short at byte {length}; {why}, which ends at byte {expected}")
    if length > expected:
        raise ValueError(f"{path}: {length - expected} bytes too many from byte {expected} on; {why}")
