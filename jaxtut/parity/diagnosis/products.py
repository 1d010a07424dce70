"""A matrix product of two inputs, evaluated again: with the weight transposed, or with both rounded to fewer bits."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import numpy as np

from .difference import Difference, within
from .precision import rounded
from .traps import Cause, Trap

# The largest product evaluated, in multiplications, and the most of them and of biases tried.
LARGEST, MOST = 1 << 26, 24
FORMATS = ((8, "bfloat16", Trap.BFLOAT16), (11, "TF32 or float16", Trap.TF32))
# How far rounding must move the product, beside the error of its sums, for the format to be told.
CLEAR = 8


def another_product(difference: Difference) -> Cause | None:
    """PyTorch is the product of two inputs, perhaps with a bias, and JAX another one."""
    if difference.of_gradient or difference.b.ndim < 2 or difference.torch.dtype.kind != "f":
        return None
    for names, x, w, reach in _pairs(difference):
        for bias in _biases(difference):
            if not within(difference.b, x @ w + bias, reach):
                continue
            if x.shape[-1] == w.shape[1] == w.shape[0] and within(difference.a, x @ w.T + bias, reach):
                return Trap.TRANSPOSED.cause(
                    f"PyTorch is the product of {names[0]} and {names[1]}, JAX the one with the other transposed"
                )
            if (cause := _rounded(difference, names, x, w, bias)) is not None:
                return cause
    return _flattened(difference)


def _flattened(difference: Difference) -> Cause | None:
    """A product with an image, whose axes JAX flattens in another order."""
    there = {n: x for n, x in {**difference.values, **difference.inputs}.items() if n != difference.name}
    for image, x in there.items():
        if x.ndim not in (3, 4) or not len(x):
            continue
        flat = replace(difference, values={}, inputs=_matrices_and_vectors(difference) | {image: x.reshape(len(x), -1)})
        for (left, right), rows, w, reach in _pairs(flat):
            biases = _biases(difference) if left == image else ()
            bias = next((bias for bias in biases if within(difference.b, rows @ w + bias, reach)), None)
            if bias is None:
                continue
            for order in permutations(range(1, x.ndim)):
                moved = x.transpose(0, *order).reshape(len(x), -1).astype(np.float64) @ w + bias
                if within(difference.a, moved, reach) and not within(difference.b, moved, reach):
                    text = f"PyTorch is the product of {image}, flattened, and {right}"
                    return Trap.FLATTEN.cause(f"{text}; JAX flattens the axes in the order {(0, *order)}")
    return None


def _matrices_and_vectors(difference: Difference) -> dict[str, np.ndarray]:
    return {n: x for n, x in difference.inputs.items() if x.ndim <= 2}


def _rounded(
    difference: Difference, names: tuple[str, str], x: np.ndarray, w: np.ndarray, bias: np.ndarray
) -> Cause | None:
    # A product of numbers of few bits is summed in float32 at best.
    sums = 4 * 2.0**-24 * np.sqrt(x.shape[-1]) * (np.abs(x) @ np.abs(w) + np.abs(bias))
    for bits, name, trap in FORMATS:
        moved = rounded(x, bits) @ rounded(w, bits) + bias
        if (np.abs(moved - difference.b) > CLEAR * sums).any() and within(difference.a, moved, sums):
            return trap.cause(
                f"JAX is the product of {names[0]} and {names[1]} rounded to {name}, PyTorch the one of the numbers as they are"
            )
    return None


def _pairs(difference: Difference) -> Iterator[tuple[tuple[str, str], np.ndarray, np.ndarray, np.ndarray]]:
    """Yield an array and a matrix whose product has the quantity's shape, and how far such a product rounds."""
    there = {n: x for n, x in {**difference.values, **difference.inputs}.items() if n != difference.name}
    usable = {n: x for n, x in there.items() if x.ndim >= 2 and x.dtype.kind == "f" and np.isfinite(x).all()}
    tried = 0
    for (left, x), (right, m) in permutations(usable.items(), 2):
        for name, w in ((f"{right}ᵀ", m.T), (right, m)) if m.ndim == 2 else ():
            fits = x.shape[-1] == w.shape[0] and (*x.shape[:-1], w.shape[1]) == difference.own_shape
            if fits and x.size * w.shape[1] <= LARGEST and tried < MOST:
                tried += 1
                x, w = x.astype(np.float64), w.astype(np.float64)
                rounding = 4 * difference.eps * x.shape[-1] * (np.abs(x) @ np.abs(w))
                yield (left, name), x, w, difference.tolerance + rounding


def _biases(difference: Difference) -> Iterator[np.ndarray]:
    yield np.zeros(difference.own_shape[-1:])
    vectors = [v for v in difference.inputs.values() if v.shape == difference.own_shape[-1:] and v.dtype.kind == "f"]
    yield from (v.astype(np.float64) for v in vectors[:MOST])
