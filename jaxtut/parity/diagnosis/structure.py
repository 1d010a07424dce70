"""Differences in shape and dtype, before any number is looked at."""

from itertools import permutations

import numpy as np

from .difference import Difference, loose_tolerance, within
from .traps import Cause, Trap

MOST_AXES = 5
LAYOUTS: dict[tuple[int, ...], str] = {
    (0, 2, 3, 1): ": NHWC for NCHW",
    (0, 3, 1, 2): ": NCHW for NHWC",
    (2, 3, 1, 0): ": a kernel HWIO for OIHW",
}


def another_shape(difference: Difference) -> Cause | None:
    """Say how one shape comes from the other."""
    jax, torch = difference.jax, difference.torch
    if jax.shape == torch.shape:
        return None
    for detector in (_size_one, _reduced, _transposed, _reshaped, _square, _longer):
        if (cause := detector(difference, jax, torch)) is not None:
            return cause
    return None


def another_dtype(difference: Difference) -> Cause | None:
    """Say what brings the two dtypes about; integers of other widths whose numbers differ are left to their numbers."""
    jax, torch = difference.jax, difference.torch
    if jax.dtype == torch.dtype:
        return None
    if {jax.dtype.kind, torch.dtype.kind} <= set("iu"):
        if jax.shape == torch.shape and not np.array_equal(jax, torch):
            return None
        return Trap.DTYPE.cause(
            f"dtype {jax.dtype} in JAX, {torch.dtype} in PyTorch: without its 64-bit mode JAX has 32 bits"
        )
    return Trap.DTYPE.cause(
        f"dtype {jax.dtype} in JAX, {torch.dtype} in PyTorch{_dtype_reason(jax.dtype, torch.dtype)}"
    )


def _dtype_reason(jax: np.dtype, torch: np.dtype) -> str:
    floating = [np.issubdtype(d, np.floating) or d.name == "bfloat16" for d in (jax, torch)]
    if all(floating):
        less = "JAX" if jax.itemsize < torch.itemsize else "PyTorch"
        return f": a cast or a constant of fewer bits in {less}, or another rule for what two dtypes give"
    if floating[0] != floating[1] and {jax.kind, torch.kind} & set("iu"):
        whole = "JAX" if not floating[0] else "PyTorch"
        return f": an integer division, a comparison or a cast to integers in {whole}"
    if "b" in (jax.kind, torch.kind):
        return ": a comparison whose booleans are cast on one side only"
    return ": a complex result whose real part is taken on one side only" if "c" in (jax.kind, torch.kind) else ""


def _size_one(difference: Difference, jax: np.ndarray, torch: np.ndarray) -> Cause | None:
    if tuple(n for n in jax.shape if n != 1) != tuple(n for n in torch.shape if n != 1):
        return None
    text = f"an axis of size 1 is kept on one side and dropped on the other: {_shapes(difference, jax, torch)}"
    return Trap.SIZE_ONE.cause(text)


def _reduced(difference: Difference, jax: np.ndarray, torch: np.ndarray) -> Cause | None:
    """One side is the mean or the sum of the other, over all axes or over one."""
    for one, other, side in ((jax, torch, "JAX"), (torch, jax, "PyTorch")):
        axes = [None] if one.ndim == difference.lead else []
        axes += [
            axis
            for axis in range(difference.lead, other.ndim)
            if other.shape[:axis] + other.shape[axis + 1 :] == one.shape
        ]
        for axis in axes if _plain(one, other) else ():
            where = tuple(range(difference.lead, other.ndim)) if axis is None else axis
            over = "" if axis is None else f" over axis {axis - difference.lead}"
            for name, reduce in (("mean", np.mean), ("sum", np.sum)):
                if _close(one, reduce(other.astype(np.float64), axis=where), difference.eps):
                    return Trap.REDUCTION.cause(f"{side} takes the {name}{over}, the other side does not reduce")
    if {jax.ndim, torch.ndim} == {0, max(jax.ndim, torch.ndim)} and difference.lead == 0:
        side = "JAX" if jax.ndim == 0 else "PyTorch"
        return Trap.REDUCTION.cause(
            f"{side} reduces to one number, the other side has {_shapes(difference, jax, torch)}"
        )
    return None


def _transposed(difference: Difference, jax: np.ndarray, torch: np.ndarray) -> Cause | None:
    if sorted(jax.shape) != sorted(torch.shape) or jax.ndim > MOST_AXES + difference.lead:
        return None
    lead = range(difference.lead)
    orders = [(*lead, *order) for order in permutations(range(difference.lead, jax.ndim))]
    fitting = [order for order in orders if tuple(torch.shape[axis] for axis in order) == jax.shape]
    exact = [order for order in fitting if _plain(jax, torch) and _close(jax, torch.transpose(order), difference.eps)]
    if exact:
        order = tuple(axis - difference.lead for axis in exact[0][difference.lead :])
        if len(order) == 2:
            return Trap.TRANSPOSED.cause("JAX is the transpose of PyTorch: a weight (in, out) for a weight (out, in)")
        return Trap.AXES.cause(f"JAX's axes are PyTorch's in the order {order}{_layout(order)}")
    if fitting:
        return Trap.AXES.cause(f"the axes are in another order: {_shapes(difference, jax, torch)}")
    return None


def _layout(order: tuple[int, ...]) -> str:
    return LAYOUTS.get(order, "")


def _reshaped(difference: Difference, jax: np.ndarray, torch: np.ndarray) -> Cause | None:
    if jax.size != torch.size or not jax.size:
        return None
    exact = _plain(jax, torch) and _close(jax.ravel(), torch.ravel(), difference.eps)
    what = "the same numbers in another shape" if exact else "as many elements in another shape"
    return Trap.SHAPE.cause(f"{what}: {_shapes(difference, jax, torch)}, a flatten or reshape on one side")


def _square(difference: Difference, jax: np.ndarray, torch: np.ndarray) -> Cause | None:
    j, t = jax.shape[difference.lead :], torch.shape[difference.lead :]
    for one, other, side in ((j, t, "JAX"), (t, j, "PyTorch")):
        if len(one) >= 2 and one[-1] == one[-2] > 1 and other in (one[:-1], (*one[:-1], 1)):
            return Trap.BROADCAST.cause(
                f"(N, 1) and (N,) broadcast to (N, N) in {side}: {_shapes(difference, jax, torch)}"
            )
    return None


def _longer(difference: Difference, jax: np.ndarray, torch: np.ndarray) -> Cause | None:
    if jax.ndim != torch.ndim:
        return None
    axes = [axis - difference.lead for axis in range(jax.ndim) if jax.shape[axis] != torch.shape[axis]]
    where = f"axis {axes[0]} differs" if len(axes) == 1 else f"axes {', '.join(map(str, axes))} differ"
    text = f"{where} in length: {_shapes(difference, jax, torch)}"
    spatial = jax.ndim - difference.lead >= 3 and all(axis > 0 for axis in axes)
    if spatial:
        return Trap.SHAPE.cause(f"{text}, the padding, stride or ceil_mode of a window, or another layout")
    return Trap.SHAPE.cause(f"{text}, a slice, a last batch that one side drops, or a size that one side is given")


def _shapes(difference: Difference, jax: np.ndarray, torch: np.ndarray) -> str:
    return f"shape {jax.shape[difference.lead :]} in JAX, {torch.shape[difference.lead :]} in PyTorch"


def _plain(*arrays: np.ndarray) -> bool:
    """Say whether the arrays hold finite numbers."""
    return all(x.dtype.kind in "fiub" and np.isfinite(x).all() for x in arrays)


def _close(a: np.ndarray, b: np.ndarray, eps: float) -> bool:
    a, b = a.astype(np.float64), b.astype(np.float64)
    return bool(a.any()) and within(a, b, loose_tolerance(a, b, eps))
