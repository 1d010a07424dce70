"""What a detector sees: one quantity on both sides, how far rounding reaches in it, and the arrays it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

# Kinds whose first axis counts random cotangents.
STACKED = ("gradient", "tap gradient")
GRADIENTS = (*STACKED, "vmap gradient")
# Without a bound: how many roundings of the largest element the whole quantity may be apart.
UNMEASURED = 1e3
# As many, where the two are known to be one function.
ROUNDINGS = 64
# What a detector itself may round, in ulp.
OWN_ROUNDING = 16
# A cause leaves at most so much of the difference unexplained.
LEFT = 0.02
# Without a bound, elements that differ are told from those that round by a factor like this.
FAR = 30


@dataclass(frozen=True, eq=False)
class Difference:
    """A quantity that the two sides do not agree on.

    Args:
        kind: 'value', 'gradient', 'tap', 'tap gradient', 'jvp', 'jacobian', 'hvp', 'vmap value', 'vmap gradient' or 'step'.
        name: the quantity's name; a gradient's is a key of `inputs`.
        jax: the quantity on the JAX side; of 'gradient' and 'tap gradient' the first axis counts random cotangents.
        torch: the same in PyTorch; shape and dtype may differ.
        bound: how far apart rounding may have put each element, None if that is not known.
        inputs: every array argument by name.
        values: PyTorch's outputs and named intermediate values.
        gradients: the other gradients, JAX's and PyTorch's.
        cotangents: of the only output, if there is only one.
        same_in_float64: whether this is a float32 quantity whose float64 form has been found the same: then only rounding is left.
    """

    kind: str
    name: str
    jax: np.ndarray
    torch: np.ndarray
    bound: np.ndarray | None
    inputs: Mapping[str, np.ndarray]
    values: Mapping[str, np.ndarray]
    gradients: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    cotangents: tuple[np.ndarray, ...] = ()
    same_in_float64: bool = False

    @cached_property
    def lead(self) -> int:
        """How many leading axes count cotangents: 0 or 1."""
        return int(self.kind in STACKED and self.torch.ndim > 0)

    @property
    def of_gradient(self) -> bool:
        """Whether the quantity is a gradient."""
        return self.kind in GRADIENTS

    @cached_property
    def own_shape(self) -> tuple[int, ...]:
        """The shape of `b` without the axis of cotangents."""
        return self.torch.shape[self.lead :] + ((2,) if np.iscomplexobj(self.torch) else ())

    @cached_property
    def own_size(self) -> int:
        """The number of elements for one cotangent."""
        return int(np.prod(self.own_shape, dtype=int))

    @cached_property
    def eps(self) -> float:
        """The spacing of numbers at 1, in the coarser of the two dtypes; 0 for integers."""
        return max(spacing_at_one(self.jax.dtype), spacing_at_one(self.torch.dtype))

    @cached_property
    def finite(self) -> np.ndarray:
        """Where both sides are finite."""
        return np.isfinite(_numbers(self.jax)) & np.isfinite(_numbers(self.torch))

    @cached_property
    def a(self) -> np.ndarray:
        """The JAX side as float64, 0 where either side is not finite; a complex array has a last axis (real, imaginary)."""
        return _real(np.where(self.finite, _numbers(self.jax), 0))

    @cached_property
    def b(self) -> np.ndarray:
        """The PyTorch side in the same way."""
        return _real(np.where(self.finite, _numbers(self.torch), 0))

    @cached_property
    def reach(self) -> np.ndarray:
        """How far apart rounding may have put each element: the bound, or a share of the largest element where there is none."""
        if self.bound is None:
            share = ROUNDINGS / UNMEASURED if self.same_in_float64 else 1.0
            return np.full(self.a.shape, share * loose_tolerance(self.a, self.b, self.eps))
        bound = np.nan_to_num(np.asarray(self.bound, np.float64), nan=0.0, posinf=0.0)
        return np.broadcast_to(bound[..., None] if bound.ndim < self.a.ndim else bound, self.a.shape)

    @cached_property
    def tolerance(self) -> np.ndarray:
        """The reach of rounding, and a few ulp for what a detector computes from the two sides."""
        size = np.maximum(np.abs(self.a), np.abs(self.b))
        return np.asarray(self.reach + OWN_ROUNDING * max(self.eps, float(np.finfo(np.float64).eps)) * size)

    @cached_property
    def gap(self) -> np.ndarray:
        """JAX − PyTorch."""
        return np.asarray(self.a - self.b)

    @cached_property
    def unequal(self) -> np.ndarray:
        """Where the two differ by more than rounding explains."""
        return np.asarray(np.abs(self.gap) > self.reach)

    @cached_property
    def parted(self) -> np.ndarray:
        """Where they differ for any of the cotangents, in the quantity's own shape."""
        return self.any_cotangent(self.unequal)

    @cached_property
    def active(self) -> np.ndarray:
        """Where either side is not zero for some cotangent, in the quantity's own shape."""
        return self.any_cotangent(np.maximum(np.abs(self.a), np.abs(self.b)) > self.reach)

    @cached_property
    def clear(self) -> bool:
        """Whether it is certain where the two differ: by a measured bound, or because the differences are of two sizes far apart."""
        if self.bound is not None or self.unequal.all():
            return True
        size = np.abs(self.gap)
        return bool(size[self.unequal].min(initial=np.inf) > FAR * size[~self.unequal].max())

    def explained_by(self, expected: np.ndarray) -> bool:
        """Say whether JAX is what is expected, within the tolerance and far nearer to it than to PyTorch."""
        return within(self.a, expected, self.tolerance) and by_far(self.a - expected, self.gap)

    @cached_property
    def same_totals(self) -> bool:
        """Whether both sides have the same sum for every cotangent, as they do where the same numbers stand in other places."""
        rows = len(self.a) if self.lead else 1
        gap, reach = (x.reshape(rows, -1).sum(axis=1) for x in (self.gap, 2 * self.tolerance))
        return bool((np.abs(gap) <= reach).all())

    @cached_property
    def twins(self) -> tuple[tuple[str, np.ndarray], ...]:
        """The floating inputs and values of the quantity's own shape, the one that is differentiated first."""
        there = {n: x for n, x in self.values.items() if n != self.name or self.of_gradient} | dict(self.inputs)
        if self.name in there:
            there = {self.name: there[self.name], **there}
        return tuple(
            (n, x) for n, x in there.items() if x.shape == self.own_shape and np.issubdtype(x.dtype, np.floating)
        )

    @cached_property
    def arguments(self) -> tuple[tuple[str, np.ndarray], ...]:
        """The arrays that the quantity may be a function of, element by element: a gradient's own argument, a value's twins."""
        return tuple((n, x) for n, x in self.twins if not self.of_gradient or n == self.name)

    @cached_property
    def labels(self) -> tuple[tuple[str, np.ndarray], ...]:
        """The integer inputs that are not scalars."""
        return tuple((n, y) for n, y in self.inputs.items() if np.issubdtype(y.dtype, np.integer) and y.ndim)

    def any_cotangent(self, mask: np.ndarray) -> np.ndarray:
        """Reduce a mask over the axis of cotangents, if there is one."""
        return np.asarray(mask.any(axis=0) if self.lead else mask)

    def singles_out(self, special: np.ndarray) -> bool:
        """Say whether the sides part at every special element that is not zero and nowhere else, while others, not zero, agree."""
        if special.shape != self.parted.shape:
            return False
        return bool(
            self.parted.any()
            and np.array_equal(self.parted, special & self.active)
            and (self.active & ~special & ~self.parted).any()
        )


def spacing_at_one(dtype: np.dtype) -> float:
    """Return the distance from 1 to the next number, and 0 for what has no rounding."""
    if np.issubdtype(dtype, np.inexact):
        return float(np.finfo(dtype).eps)
    return 2.0**-7 if dtype.name == "bfloat16" else 0.0


def loose_tolerance(a: np.ndarray, b: np.ndarray, eps: float) -> float:
    """Return how far apart two arrays may be where no bound was measured."""
    return UNMEASURED * eps * max(float(np.abs(a).max(initial=0)), float(np.abs(b).max(initial=0)))


def within(a: np.ndarray, b: np.ndarray | float, tolerance: np.ndarray | float) -> bool:
    """Say whether two arrays are nowhere further apart than the tolerance."""
    return bool((np.abs(a - b) <= tolerance).all())


def by_far(residual: np.ndarray, gap: np.ndarray) -> bool:
    """Say whether what is left of a difference is small beside it."""
    return bool(np.abs(residual).sum() <= LEFT * np.abs(gap).sum())


def _numbers(x: np.ndarray) -> np.ndarray:
    return x if np.iscomplexobj(x) else x.astype(np.float64)


def _real(x: np.ndarray) -> np.ndarray:
    return np.stack([np.real(x), np.imag(x)], axis=-1) if np.iscomplexobj(x) else x
