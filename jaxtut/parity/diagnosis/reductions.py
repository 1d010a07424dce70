"""A reduction of one array, evaluated again: along another axis, or with another function along the same one."""

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np

from .difference import Difference, by_far, within
from .traps import Cause, Trap

# Arrays, and numbers in each, that are looked at.
MOST, LARGEST = 12, 1 << 20
# Sums, logarithms and powers round, in spacings for each number that goes in.
OWN_ROUNDING = 8
# Fewer numbers than this may be the same by chance.
ENOUGH = 3

_Reduction = tuple[str, tuple[int, ...]]


def _log_sum_exp(x: np.ndarray, axis: tuple[int, ...]) -> np.ndarray:
    largest = x.max(axis=axis, keepdims=True)
    return np.log(np.exp(x - largest).sum(axis=axis)) + np.squeeze(largest, axis)


REDUCTIONS: dict[str, Callable[[np.ndarray, tuple[int, ...]], np.ndarray]] = {
    "sum": lambda x, axis: x.sum(axis=axis),
    "mean": lambda x, axis: x.mean(axis=axis),
    "maximum": lambda x, axis: x.max(axis=axis),
    "minimum": lambda x, axis: x.min(axis=axis),
    "product": lambda x, axis: x.prod(axis=axis),
    "variance": lambda x, axis: x.var(axis=axis),
    "unbiased variance": lambda x, axis: x.var(axis=axis, ddof=1),
    "deviation": lambda x, axis: x.std(axis=axis),
    "unbiased deviation": lambda x, axis: x.std(axis=axis, ddof=1),
    "logarithm of the sum of exponentials": _log_sum_exp,
    "norm": lambda x, axis: np.sqrt((x * x).sum(axis=axis)),
    "sum of magnitudes": lambda x, axis: np.abs(x).sum(axis=axis),
    "sum of squares": lambda x, axis: (x * x).sum(axis=axis),
    "mean of squares": lambda x, axis: (x * x).mean(axis=axis),
}


def reduction_along_another_axis(difference: Difference) -> Cause | None:
    """Both sides reduce one array by the same function, along different axes."""
    for name, here, there in _found(difference):
        for what, axes in here:
            same = [other for other in there if other[0] == what]
            if same:
                text = f"JAX is the {what} of {name} along {_axes(axes)}, PyTorch along {_axes(same[0][1])}"
                return Trap.REDUCED_AXIS.cause(text)
    return None


def another_reduction(difference: Difference) -> Cause | None:
    """The sides reduce one array by different functions."""
    for name, here, there in _found(difference):
        if here and there:
            text = f"JAX is the {here[0][0]} of {name} along {_axes(here[0][1])}, PyTorch the {there[0][0]}"
            return Trap.REDUCED_AXIS.cause(text)
    return None


def _found(difference: Difference) -> Iterator[tuple[str, list[_Reduction], list[_Reduction]]]:
    """Yield each array with the reductions of it that the JAX side is, and those that PyTorch is."""
    if difference.of_gradient or difference.torch.dtype.kind != "f" or difference.own_size < ENOUGH:
        return
    for name, x in _arrays(difference):
        reach = difference.tolerance + OWN_ROUNDING * difference.eps * x.size * float(np.abs(x).max(initial=0))
        found = list(_reduced(difference, x))
        here = [(what, axes) for what, axes, y in found if within(difference.a, y, reach) and _left(difference, y)]
        yield name, here, [(what, axes) for what, axes, y in found if within(difference.b, y, reach)]


def _left(difference: Difference, y: np.ndarray) -> bool:
    return by_far(difference.a - y, difference.gap)


def _axes(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"


def _arrays(difference: Difference) -> Iterator[tuple[str, np.ndarray]]:
    there = {n: x for n, x in {**difference.values, **difference.inputs}.items() if n != difference.name}
    usable = [
        (n, x.astype(np.float64))
        for n, x in there.items()
        if x.dtype.kind == "f" and difference.own_size < x.size <= LARGEST and np.isfinite(x).all()
    ]
    yield from usable[:MOST]


def _reduced(difference: Difference, x: np.ndarray) -> Iterator[tuple[str, tuple[int, ...], np.ndarray]]:
    """Yield every reduction of an array that has the quantity's shape, with reduced axes dropped or kept."""
    for count in range(1, x.ndim + 1):
        for axes in combinations(range(x.ndim), count):
            left = [n for axis, n in enumerate(x.shape) if axis not in axes and n > 1]
            if left != [n for n in difference.own_shape if n > 1]:
                continue
            for what, reduce in REDUCTIONS.items():
                yield what, axes, reduce(x, axes).reshape(difference.own_shape)
