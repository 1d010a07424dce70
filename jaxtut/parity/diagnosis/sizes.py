"""The numbers that a factor may be made of: lengths of axes, numbers of elements, and scalars among the inputs."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from .difference import Difference


def named_sizes(difference: Difference) -> dict[int, str]:
    """Return the sizes above 1 of the quantity, the inputs and the values, each with the place it is found at first.

    Axes come before numbers of elements, those before products of some axes.
    """
    arrays = {difference.name: difference.own_shape}
    arrays |= {name: x.shape for name, x in {**difference.inputs, **difference.values}.items()}
    found: dict[int, str] = {}
    for describe in (_axes, _whole, _products):
        for name, shape in arrays.items():
            for size, where in describe(name, shape):
                if size > 1:
                    found.setdefault(size, where)
    return found


def axis_lengths(difference: Difference) -> list[tuple[str, tuple[int, ...]]]:
    """Return each array's name and its axes' lengths above 1."""
    arrays = {difference.name: difference.own_shape}
    arrays |= {name: x.shape for name, x in {**difference.inputs, **difference.values}.items()}
    return [(name, tuple(dict.fromkeys(n for n in shape if n > 1))) for name, shape in arrays.items()]


def scalars(difference: Difference) -> Iterator[tuple[str, float]]:
    """Yield the floating inputs of one element: temperatures, scales, rates."""
    for name, x in difference.inputs.items():
        if x.size == 1 and np.issubdtype(x.dtype, np.floating) and np.isfinite(x).all() and x.item() != 0:
            yield name, float(x.item())


def label_shares(difference: Difference) -> Iterator[tuple[float, str]]:
    """Yield what a mean over all rows has in place of a mean over weights, over labels that count, or over a mask."""
    for name, y in difference.labels:
        # Negative labels are the ignored ones; without any, a class may be padding.
        for value in np.unique(y[y < 0] if (y < 0).any() else y)[:16]:
            count = int((y != value).sum())
            if 0 < count < y.size:
                yield count / y.size, f"the share of {name} that is not {value}"
        yield from _class_weights(difference, name, y)
    for name, mask in difference.inputs.items():
        binary = mask.size > 1 and np.isin(mask, (0, 1)).all()
        if binary and 0 < mask.sum() < mask.size:
            yield float(mask.sum()) / mask.size, f"the share of {name} that is 1"


def _class_weights(difference: Difference, name: str, y: np.ndarray) -> Iterator[tuple[float, str]]:
    for weight_name, weight in difference.inputs.items():
        fits = weight.ndim == 1 and np.issubdtype(weight.dtype, np.floating)
        counted = (y >= 0) & (y < weight.size) if fits else np.zeros(y.shape, bool)
        if counted.any() and weight[y[counted]].sum() > 0:
            yield float(weight[y[counted]].sum() / counted.sum()), f"the mean of {weight_name}[{name}]"


def _axes(name: str, shape: tuple[int, ...]) -> Iterator[tuple[int, str]]:
    for axis, size in enumerate(shape):
        yield size, f"the length of axis {axis} of {name}"


def _whole(name: str, shape: tuple[int, ...]) -> Iterator[tuple[int, str]]:
    yield int(np.prod(shape, dtype=int)), f"the number of elements of {name}"


def _products(name: str, shape: tuple[int, ...]) -> Iterator[tuple[int, str]]:
    for count in range(2, len(shape)):
        for axes in combinations(range(len(shape)), count):
            product = int(np.prod([shape[axis] for axis in axes], dtype=int))
            yield product, f"the product of axes {', '.join(map(str, axes))} of {name}"
