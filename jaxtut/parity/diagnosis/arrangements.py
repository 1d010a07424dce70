"""The same numbers in other places: axes swapped, kernels flipped, leaves swapped, and numbers scattered without a rule."""

from collections.abc import Callable
from itertools import combinations, permutations

import numpy as np

from .difference import Difference, by_far, loose_tolerance, within
from .traps import Cause, Trap

# The permutations of five axes are 120, of six 720.
MOST_AXES = 5
# Fewer distinct numbers than this are the same by chance.
DISTINCT = 3
# Sorted numbers are compared by the largest tolerance, which must be small beside the differences.
CLEAR = 100


def conjugate(difference: Difference) -> Cause | None:
    """A complex gradient, which PyTorch defines as the conjugate of JAX's."""
    if not np.iscomplexobj(difference.jax):
        return None
    if within(difference.a * np.array([1, -1]), difference.b, difference.tolerance):
        return Trap.CONJUGATE.cause(
            "JAX is the complex conjugate of PyTorch: the two define the gradient of a complex number so"
        )
    return None


def axes_in_another_order(difference: Difference) -> Cause | None:
    """Two axes of the same length are swapped, or more of them are in another order."""
    shape = difference.own_shape
    if not 2 <= len(shape) <= MOST_AXES:
        return None
    for order in sorted(permutations(range(len(shape))), key=_moved):
        if _moved(order) == 0 or tuple(shape[axis] for axis in order) != shape:
            continue
        if same_after(difference, lambda x, order=order: x.transpose(_stacked(difference, order))):
            swapped = [axis for axis, source in enumerate(order) if axis != source]
            if len(swapped) > 2:
                return Trap.AXES.cause(f"JAX's axes are PyTorch's in the order {order}")
            what = (
                "JAX is the transpose of PyTorch"
                if len(shape) == 2
                else f"axes {swapped[0]} and {swapped[1]} are swapped"
            )
            return Trap.TRANSPOSED.cause(
                f"{what}: a weight (in, out) for a weight (out, in), or a transpose too many or too few"
            )
    return None


def reshaped_for_transposed(difference: Difference) -> Cause | None:
    """The numbers are the same in a row, once the axes of one side are put in another order."""
    shape = difference.own_shape
    if not 2 <= len(shape) <= MOST_AXES or min(shape) < 1:
        return None
    flat = (*difference.a.shape[: difference.lead], -1)
    a, b, t = difference.a, difference.b, difference.tolerance
    for order in list(permutations(range(len(shape))))[1:]:
        axes = _stacked(difference, order)
        for one, other, side in ((a, b, "JAX"), (b, a, "PyTorch")):
            moved, reach = one.transpose(axes).reshape(flat), t.transpose(axes).reshape(flat)
            residual = moved - other.reshape(flat)
            if within(residual, 0, reach + t.reshape(flat)) and by_far(residual, difference.gap):
                text = f"{side}'s numbers, read with the axes in the order {order}, are the other side's in a row"
                return Trap.FLATTEN.cause(f"{text}: a reshape in place of a transpose, or a flatten of other axes")
    return None


def flipped(difference: Difference) -> Cause | None:
    """One axis is reversed, or the spatial axes together: a convolution in place of a cross-correlation."""
    axes = [axis for axis, n in enumerate(difference.own_shape) if n > 1]
    groups = [group for count in (1, 2, 3) for group in combinations(axes, count)]
    for group in groups:
        moved = tuple(axis + difference.lead for axis in group)
        if same_after(difference, lambda x, moved=moved: np.flip(x, moved)):
            if len(group) == 1:
                return Trap.FLIPPED.cause(f"JAX is PyTorch with axis {group[0]} reversed")
            named = " and ".join(map(str, group))
            return Trap.FLIPPED.cause(
                f"JAX is PyTorch with axes {named} reversed: a convolution flips the kernel, PyTorch's conv does not"
            )
    return None


def another_leaf(difference: Difference) -> Cause | None:
    """The gradients of two leaves are swapped, or JAX returns what PyTorch calls by another name."""
    if difference.own_size < 2 and not difference.lead:
        return None
    for name, (jax, torch) in difference.gradients.items():
        if (
            difference.of_gradient
            and _equals(difference, difference.jax, torch)
            and _equals(difference, jax, difference.torch)
        ):
            return Trap.SWAPPED.cause(f"the gradients of {difference.name} and {name} are swapped")
    if difference.of_gradient:
        return None
    for name, value in {**difference.values, **difference.inputs}.items():
        if name != difference.name and value.any() and _equals(difference, difference.jax, value):
            return Trap.SWAPPED.cause(
                f"JAX's {difference.name} is PyTorch's {name}: outputs in another order, or a step left out"
            )
    return None


def same_numbers_elsewhere(difference: Difference) -> Cause | None:
    """The two sides hold the same numbers, in other places."""
    if not difference.same_totals:
        return None
    a, b = difference.a, difference.b
    if np.abs(difference.gap).max() <= CLEAR * difference.tolerance.max():
        return None
    rows = a.shape[0] if difference.lead else 1
    x, y, t = (np.sort(v.reshape(rows, -1), axis=1) for v in (a, b, difference.tolerance))
    distinct = len(np.unique(np.round(y[0] / (np.abs(y[0]).max() or 1), 6)))
    if not within(x, y, t[:, -1:]) or distinct < DISTINCT:
        return None
    return Trap.OTHER_PLACES.cause(
        "JAX holds the same numbers as PyTorch in other places: a gather, a scatter or a reshape in another order"
    )


def same_after(difference: Difference, move: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Say whether JAX is PyTorch after its elements are moved."""
    moved, tolerance = move(difference.b), difference.tolerance + move(difference.tolerance)
    fits = moved.shape == difference.a.shape and within(difference.a, moved, tolerance)
    return fits and by_far(difference.a - moved, difference.gap)


def _moved(order: tuple[int, ...]) -> int:
    return sum(axis != source for axis, source in enumerate(order))


def _stacked(difference: Difference, order: tuple[int, ...]) -> tuple[int, ...]:
    return (*range(difference.lead), *(axis + difference.lead for axis in order))


def _equals(difference: Difference, a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape or np.iscomplexobj(a) or np.iscomplexobj(b):
        return False
    a, b = a.astype(np.float64), b.astype(np.float64)
    if not np.isfinite(a).all() or not np.isfinite(b).all():
        return False
    return within(a, b, loose_tolerance(a, b, difference.eps))
