"""A normalization in another form: another epsilon, n − 1 for n, no mean subtracted, other axes, running statistics."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .difference import Difference, by_far, within
from .traps import Cause, Trap
from .vectors import affine, running_statistics

EPSILONS = (0.0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
# Elements looked at, of arrays up to a size.
LOOKED_AT, LARGEST = 2048, 1 << 18
# What these formulas round themselves, in spacings of the dtype.
OWN_ROUNDING = 256


@dataclass(frozen=True)
class Form:
    """One way to normalize: over which axes, none for running statistics; with which epsilon, and where; over n or n − 1; centred or not."""

    axes: tuple[int, ...]
    correction: int = 0
    eps: float = 0.0
    inside: bool = True
    centred: bool = True

    def beside(self, other: "Form") -> str:
        """Say what this form has where the other has something else."""
        words = []
        if self.axes != other.axes:
            words.append(
                self._statistics() if () in (self.axes, other.axes) else f"axes {', '.join(map(str, self.axes))}"
            )
        if self.centred != other.centred:
            words.append("the mean subtracted" if self.centred else "no mean subtracted (RMS norm)")
        if self.correction != other.correction:
            words.append("n − 1 below the variance" if self.correction else "n below the variance")
        if self.eps != other.eps:
            words.append(f"eps = {self.eps:g}")
        if self.inside != other.inside and max(self.eps, other.eps) > 0:
            words.append("eps inside the root" if self.inside else "eps outside the root")
        return ", ".join(words)

    def _statistics(self) -> str:
        return "its own statistics (training)" if self.axes else "running statistics (evaluation)"

    def trap(self, other: "Form") -> Trap:
        """Return the section for the difference between two forms."""
        same = (self.axes, self.centred) == (other.axes, other.centred)
        if same and self.correction != other.correction:
            return Trap.VARIANCE
        return Trap.EPSILON if same else Trap.NORMALIZATION


Normal = tuple[Form, np.ndarray]


def another_normalization(difference: Difference) -> Cause | None:
    """Both sides are normalizations of one and the same array, in other forms."""
    if difference.of_gradient or difference.own_size > LARGEST or difference.torch.dtype.kind != "f":
        return None
    for name, x in difference.twins:
        if x.ndim and x.size >= 4 and np.isfinite(x).all() and (found := _two_forms(difference, x.astype(np.float64))):
            jax, torch = found
            text = f"a normalization of {name}: {jax.beside(torch)} in JAX, {torch.beside(jax)} in PyTorch"
            return jax.trap(torch).cause(text)
    return None


def _two_forms(difference: Difference, x: np.ndarray) -> tuple[Form, Form] | None:
    chosen = np.linspace(0, x.size - 1, min(x.size, LOOKED_AT)).astype(int)
    a, b, reach = (v.ravel()[chosen] for v in (difference.a, difference.b, difference.tolerance))
    reach = reach + OWN_ROUNDING * difference.eps * (1 + np.abs(b))

    def fits(side: np.ndarray, y: np.ndarray) -> bool:
        return within(side, y, reach) and by_far(side - y, a - b)

    normals = list(_normalized(x, chosen))
    place = np.unravel_index(chosen, x.shape)
    for axis in dict.fromkeys((x.ndim - 1, min(1, x.ndim - 1))):
        running = [
            normal
            for pair in running_statistics(difference, x.shape[axis])
            for normal in _running(x, chosen, place[axis], *pair)
        ]
        for weight, bias in affine(difference, x.shape[axis]):
            forms = [(form, y * weight[place[axis]] + bias[place[axis]]) for form, y in [*normals, *running]]
            torch = [form for form, y in forms if fits(b, y)]
            jax = [form for form, y in forms if torch and fits(a, y)]
            if torch and jax and not set(torch) & set(jax):
                # Forms that these numbers do not tell apart: take the pair with the least to say.
                return min(((j, t) for j in jax for t in torch), key=lambda pair: len(pair[0].beside(pair[1])))
    return None


def _normalized(x: np.ndarray, chosen: np.ndarray) -> Iterator[Normal]:
    """Yield each form by the array's own statistics, with its values at the chosen elements."""
    flat = x.ravel()[chosen]
    for axes in _axis_sets(x.ndim):
        count = int(np.prod([x.shape[axis] for axis in axes]))
        mean = x.mean(axis=axes, keepdims=True)
        for centred in (True, False):
            squares = ((x - mean) ** 2 if centred else x**2).sum(axis=axes, keepdims=True)
            shift, square = (
                np.broadcast_to(v, x.shape).ravel()[chosen] for v in (mean if centred else 0 * mean, squares)
            )
            for correction in (0, 1) if centred and count > 1 else (0,):
                variance = square / (count - correction)
                for eps in EPSILONS:
                    yield Form(axes, correction, eps, True, centred), (flat - shift) / np.sqrt(variance + eps)
                    yield Form(axes, correction, eps, False, centred), (flat - shift) / (np.sqrt(variance) + eps)


def _running(
    x: np.ndarray, chosen: np.ndarray, channel: np.ndarray, mean: np.ndarray, variance: np.ndarray
) -> Iterator[Normal]:
    """Yield the forms by running statistics."""
    flat = x.ravel()[chosen] - mean[channel]
    for eps in EPSILONS:
        yield Form((), eps=eps), flat / np.sqrt(variance[channel] + eps)


def _axis_sets(ndim: int) -> list[tuple[int, ...]]:
    """Return the axes of layer norm, batch norm in both layouts, and instance norm."""
    every = tuple(range(ndim))
    sets = [every[-1:], every[-2:], every[-3:], tuple(a for a in every if a != 1), every[:-1], every[2:], every]
    return [axes for axes in dict.fromkeys(sets) if axes]
