"""Read the binary files of MNIST (IDX) and CIFAR-10."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

_IDX_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_CIFAR_RECORD = 1 + 3 * 32 * 32


def read_idx(path: str | Path) -> np.ndarray:
    """Read an IDX file, packed by gzip or not; a broken one is a `ValueError` with the file and the byte.

    The counterpart in JAX is `jaxtut.data.read_idx`, which describes the format.
    """
    raw = Path(path).read_bytes()
    if raw.startswith(b"\x1f\x8b"):
        try:
            raw = gzip.decompress(raw)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{path}: {len(raw)} bytes that start as gzip but cannot be unpacked: {error}") from error
    start = 4 + 4 * raw[3] if len(raw) > 3 else 4
    if len(raw) < start:
        raise ValueError(f"{path}: the header is cut short at byte {len(raw)}; it ends at byte {start}")
    if raw[:2] != bytes(2):
        raise ValueError(
            f"{path}: byte 0: an IDX file starts with two zero bytes, but this one starts with {raw[:4].hex(' ')}"
        )
    if raw[2] not in _IDX_DTYPES:
        raise ValueError(f"{path}: byte 2: {raw[2]:#04x} is no dtype code of IDX")
    shape, dtype = struct.unpack_from(f">{raw[3]}I", raw, 4), np.dtype(_IDX_DTYPES[raw[2]])
    end = start + math.prod(shape) * dtype.itemsize
    if len(raw) < end:
        raise ValueError(f"{path}: cut short at byte {len(raw)}; {dtype.name} of shape {shape} ends at byte {end}")
    if len(raw) > end:
        raise ValueError(
            f"{path}: {len(raw) - end} bytes too many from byte {end} on; shape {shape} of {dtype.name} ends there"
        )
    return np.frombuffer(raw, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def read_cifar10(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read one file of CIFAR-10's binary version: pictures of shape (n, 3, 32, 32) and labels, both in bytes.

    The counterpart in JAX is `jaxtut.data.read_cifar10`, which describes the format.
    """
    raw = Path(path).read_bytes()
    if not raw or len(raw) % _CIFAR_RECORD:
        raise ValueError(f"{path}: ends at byte {len(raw)}, inside a record; every record has {_CIFAR_RECORD} bytes")
    records = np.frombuffer(raw, np.uint8).reshape(-1, _CIFAR_RECORD)
    labels = records[:, 0].copy()
    check_labels(path, labels, start=0, stride=_CIFAR_RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32).copy(), labels


def check_labels(path: str | Path, labels: np.ndarray, start: int, stride: int) -> None:
    """Raise a `ValueError` with the byte of the first label that is none of the ten classes."""
    for first in np.flatnonzero(labels > 9)[:1]:
        raise ValueError(
            f"{path}: byte {start + first * stride}: label {labels[first]} of sample {first} is not in [0, 10)"
        )
