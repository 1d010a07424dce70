"""One activation in place of another: GELU by tanh for GELU by erf, another negative slope, a hard form for a smooth one."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

from .difference import Difference, by_far
from .traps import Cause, Trap

# Elements looked at, evenly spread over the array.
LOOKED_AT = 4096
ENOUGH = 3
# What these formulas round themselves, in spacings of the dtype at the size of the result.
OWN_ROUNDING = 64

Formula = Callable[[np.ndarray], np.ndarray]


def _erf(x: np.ndarray) -> np.ndarray:
    return np.array([math.erf(v) for v in x.ravel().tolist()]).reshape(x.shape)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))


def _gelu(x: np.ndarray) -> np.ndarray:
    return x * (1 + _erf(x / math.sqrt(2))) / 2


def _gelu_slope(x: np.ndarray) -> np.ndarray:
    return (1 + _erf(x / math.sqrt(2))) / 2 + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def _tanh_gelu(x: np.ndarray) -> np.ndarray:
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def _tanh_gelu_slope(x: np.ndarray) -> np.ndarray:
    t = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    return (1 + t) / 2 + x * (1 - t**2) * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2) / 2


def _swish(beta: float) -> tuple[Formula, Formula]:
    def slope(x: np.ndarray) -> np.ndarray:
        s = _sigmoid(beta * x)
        return s + beta * x * s * (1 - s)

    return lambda x: x * _sigmoid(beta * x), slope


def _leaky(slope: float) -> tuple[Formula, Formula]:
    return lambda x: np.where(x > 0, x, slope * x), lambda x: np.where(x > 0, 1, slope)


def _hard_sigmoid(slope: float, half: float) -> tuple[Formula, Formula]:
    return lambda x: np.clip(slope * x + 0.5, 0, 1), lambda x: np.where(np.abs(x) < half, slope, 0.0)


FORMULAS: dict[str, tuple[Formula, Formula]] = {
    "the identity": (lambda x: x, np.ones_like),
    "ReLU": _leaky(0.0),
    "GELU by erf": (_gelu, _gelu_slope),
    "GELU by tanh": (_tanh_gelu, _tanh_gelu_slope),
    "GELU by the sigmoid of 1.702 x": _swish(1.702),
    "SiLU": _swish(1.0),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "sigmoid": (_sigmoid, lambda x: _sigmoid(x) * (1 - _sigmoid(x))),
    "softplus": (lambda x: np.logaddexp(x, 0), _sigmoid),
    "ELU": (
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        lambda x: np.where(x > 0, 1, np.exp(np.minimum(x, 0))),
    ),
    "leaky ReLU of slope 0.01": _leaky(0.01),
    "leaky ReLU of slope 0.2": _leaky(0.2),
    "leaky ReLU of slope 0.3": _leaky(0.3),
    "hard sigmoid, x/6 + 1/2": _hard_sigmoid(1 / 6, 3.0),
    "hard sigmoid, x/5 + 1/2": _hard_sigmoid(0.2, 2.5),
    "hard swish": (lambda x: x * np.clip(x / 6 + 0.5, 0, 1), lambda x: np.where(np.abs(x) < 3, x / 3 + 0.5, x >= 3)),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2),
    "ReLU6": (lambda x: np.clip(x, 0, 6), lambda x: np.where((x > 0) & (x < 6), 1.0, 0.0)),
}


def another_activation(difference: Difference) -> Cause | None:
    """Each side is its own activation of one and the same array, or has the slopes of one."""
    for name, x in difference.twins:
        if x.size < ENOUGH or not np.isfinite(x).all():
            continue
        look = _Look(difference, x)
        jax, torch = look.slopes() if difference.of_gradient else look.formulas()
        if jax and torch and not set(jax) & set(torch):
            trap = Trap.GELU if "GELU" in jax[0] + torch[0] else Trap.ACTIVATION
            of = "the slopes of the activation of" if difference.of_gradient else "an activation of"
            return trap.cause(f"{of} {name}: {' or '.join(jax)} in JAX, {' or '.join(torch)} in PyTorch")
    return None


@dataclass(frozen=True, eq=False)
class _Look:
    """A quantity beside an array that it may be an activation of, at some of the elements."""

    difference: Difference
    twin: np.ndarray

    @cached_property
    def chosen(self) -> np.ndarray:
        size = self.twin.size
        spread = np.linspace(0, size - 1, min(size, LOOKED_AT)).astype(int)
        return np.unique(np.r_[spread, np.flatnonzero(self.difference.parted)[:LOOKED_AT]])

    @cached_property
    def x(self) -> np.ndarray:
        return self.twin.ravel()[self.chosen].astype(np.float64)

    def rows(self, x: np.ndarray) -> np.ndarray:
        """Return an array on the scale of the quantity, a row for each cotangent."""
        return x.reshape(len(x) if self.difference.lead else 1, -1)[:, self.chosen]

    @cached_property
    def reach(self) -> np.ndarray:
        d = self.difference
        return self.rows(d.tolerance) + OWN_ROUNDING * d.eps * (1 + np.abs(self.x))

    def formulas(self) -> tuple[list[str], list[str]]:
        """Return the activations that each side's values are."""
        a, b = (self.rows(side) for side in (self.difference.a, self.difference.b))
        found = [(name, formula(self.x)) for name, (formula, _) in FORMULAS.items()]
        jax, torch = (
            [n for n, y in found if (np.abs(side - y) <= self.reach).all() and by_far(side - y, a - b)]
            for side in (a, b)
        )
        return jax[:3], torch[:3]

    def slopes(self) -> tuple[list[str], list[str]]:
        """Return the pair of activations whose slopes have the ratio of the two sides: the cotangent is the same, and cancels.

        If more than one pair fits, the numbers do not say which.
        """
        a, b = (self.rows(side) for side in (self.difference.a, self.difference.b))
        found = {name: slope(self.x) for name, (_, slope) in FORMULAS.items()}
        fits = []
        for jax, torch in permutations(found, 2):
            j, t = found[jax], found[torch]
            residual = a * t - b * j
            near = np.abs(residual) <= self.reach * (np.abs(j) + np.abs(t) + self.difference.eps)
            differing = (np.abs(j - t) > 1e-6) & (np.maximum(np.abs(a), np.abs(b)) > self.reach).any(axis=0)
            if near.all() and differing.sum() >= ENOUGH and by_far(residual, (a - b) * t):
                fits.append((jax, torch))
        return ([fits[0][0]], [fits[0][1]]) if len(fits) == 1 else ([], [])
