"""Differences only at single points of the input: the slope at a kink, or the side that a bound belongs to."""

from collections.abc import Iterator

import numpy as np

from .difference import Difference, within
from .traps import Cause, Trap

# The kinks of ReLU, clamps to [0, 1] and [−1, 1], hardtanh, the hard sigmoid and swish, ReLU6, shrinks, softplus.
KINKS = (0.0, 1.0, -1.0, 3.0, -3.0, 6.0, -6.0, 0.5, -0.5, 20.0)
# Another point is taken for a kink if as many elements stand at it.
ENOUGH = 3
# How many elements of an array that enters a kink stand at it at most.
RARE = 0.1

# Lines that have such slopes (JAX, PyTorch), by the place of the kink, and the line where only PyTorch's slope is known, 0.
ONLY_JAX = (-1.0, 0.0)
AT_ZERO = {
    (0.5, 0.0): ": ½ against 0, jnp.maximum(x, 0) for ReLU",
    (0.5, 1.0): ": ½ against 1, jnp.clip or jnp.maximum for a clamp",
    (1.0, 0.0): ": 1 against 0, jnp.abs, or >= for >",
    ONLY_JAX: ": jnp.maximum(x, 0) has ½ there, jnp.abs 1",
}
AT_BOUND = {
    (0.5, 0.0): ": ½ against 0, jnp.clip",
    (0.5, 1.0): ": ½ against 1, jnp.clip or jnp.maximum for a clamp",
    (1.0, 0.0): ": 1 against 0, the bound belongs to the inside in JAX",
    ONLY_JAX: ": the bound belongs to the inside in JAX",
}
AT_EQUALITY = {
    (1.0, 0.0): ": 1 against 0, jnp.abs of the difference",
    ONLY_JAX: ": jnp.abs of the difference has 1",
}


def kink(difference: Difference) -> Cause | None:
    """The sides part exactly where the input stands at one or two points."""
    for name, x in difference.twins:
        points = np.unique(x[difference.parted])
        if (
            len(points) > 2
            or not _believable(difference, x, points)
            or not (name == difference.name or _rare(x, points))
        ):
            continue
        if difference.singles_out(np.isin(x, points)) or _every_element(difference, x):
            where = f"the sides part only where {name} is exactly {' or '.join(f'{p + 0.0:g}' for p in points)}"
            if not difference.of_gradient:
                return Trap.KINK.cause(f"{where}: the value there belongs to the other branch, > for >= or < for <=")
            return Trap.KINK.cause(f"{where}: {_slopes(difference, AT_ZERO if (points == 0).all() else AT_BOUND)}")
    return None


def equal_inputs(difference: Difference) -> Cause | None:
    """The sides part exactly where two arrays are equal: the slope of |a − b| at 0, or a comparison."""
    for name, x in difference.twins:
        for other, y in _partners(difference, name):
            whole = bool((x == np.round(x)).all()) and difference.parted.sum() < ENOUGH
            if difference.singles_out(x == y) and not whole:
                slopes = (
                    _slopes(difference, AT_EQUALITY)
                    if difference.of_gradient
                    else "the comparison is strict on one side"
                )
                return Trap.KINK.cause(f"the sides part only where {name} equals {other}: {slopes}")
    return None


def halfway(difference: Difference) -> Cause | None:
    """Rounded values part only where the input is half-way between whole numbers."""
    for name, x in difference.twins:
        half = np.mod(x, 1) == 0.5
        agree = (difference.active & ~half & ~difference.parted).any()
        # Half to even and half up agree at every other half.
        often = 4 * difference.parted.sum() >= (half & difference.active).sum()
        if not difference.of_gradient and not (difference.parted & ~half).any() and agree and often:
            text = f"the sides part only where {name} is half-way between whole numbers"
            return Trap.KINK.cause(f"{text}: round half to even against half up")
    return None


def channel_with_kink(difference: Difference) -> Cause | None:
    """A gradient parts in exactly the channels in which a named value is 0 somewhere."""
    if not difference.of_gradient or not difference.own_shape:
        return None
    for axis, length in enumerate(difference.own_shape):
        parted = _any_but(difference.parted, axis)
        if length < ENOUGH or parted.all():
            continue
        for name, value in difference.values.items():
            fits = value.dtype.kind == "f" and _rare(value, np.zeros(1))
            for place in (i for i, n in enumerate(value.shape) if n == length and fits):
                if np.array_equal(_any_but(value == 0, place), parted):
                    text = f"only those indices of axis {axis} part in which {name} is exactly 0 somewhere: the slope at a kink there"
                    return Trap.KINK.cause(text)
    return None


def subnormal(difference: Difference) -> Cause | None:
    """The sides part exactly at subnormal numbers, or at subnormal inputs."""
    if not np.issubdtype(difference.jax.dtype, np.floating):
        return None
    tiny = float(np.finfo(difference.jax.dtype).tiny)
    size = np.maximum(np.abs(difference.a), np.abs(difference.b))
    if (size[difference.unequal] < tiny).all():
        return Trap.SUBNORMAL.cause("the sides part only at subnormal numbers, which XLA flushes to zero on a CPU")
    for name, x in difference.twins:
        if difference.singles_out((x != 0) & (np.abs(x) < np.finfo(np.float32).tiny)):
            return Trap.SUBNORMAL.cause(
                f"the sides part only where {name} is subnormal, which XLA flushes to zero on a CPU"
            )
    return None


def _every_element(difference: Difference, x: np.ndarray) -> bool:
    """Say whether all of the input stands at 0, and the cotangents tell the slopes."""
    return not x.any() and all(_slope(difference, side) is not None for side in (difference.a, difference.b))


def _believable(difference: Difference, x: np.ndarray, points: np.ndarray) -> bool:
    """Say whether the points are known kinks, or so often taken that it is no accident; whole numbers stand at known kinks by accident."""
    count = int(difference.parted.sum())
    whole = bool((x == np.round(x)).all())
    if np.isin(points, KINKS).all():
        return bool((points == 0).all()) or not whole or count >= ENOUGH * len(points)
    return count >= ENOUGH * len(points)


def _rare(x: np.ndarray, points: np.ndarray) -> bool:
    """Say whether few elements stand at the points: an array with many zeros has been through a mask or a ReLU, and does not enter one."""
    return float(np.isin(x, points).mean()) <= RARE


def _partners(difference: Difference, name: str) -> Iterator[tuple[str, np.ndarray]]:
    for other, y in difference.inputs.items():
        if other != name and y.size and (y != y.flat[0]).any() and _fits(y.shape, difference.own_shape):
            yield other, y


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(shape) <= len(wanted) and all(n in (1, m) for n, m in zip(shape[::-1], wanted[::-1], strict=False))


def _slopes(difference: Difference, lines: dict[tuple[float, float], str]) -> str:
    """Say what slopes the two sides take, as far as the numbers show it."""
    jax, torch = _slope(difference, difference.a), _slope(difference, difference.b)
    if jax is not None and torch is not None:
        return f"the slope at the kink is {jax:g} in JAX, {torch:g} in PyTorch{lines.get((abs(jax), abs(torch)), '')}"
    a, b, t = (x[difference.unequal] for x in (difference.a, difference.b, difference.tolerance))
    if within(b, 0, t):
        return f"the slope at the kink is 0 in PyTorch, not in JAX{lines[ONLY_JAX]}"
    if within(a, 0, t):
        return "the slope at the kink is 0 in JAX, not in PyTorch"
    if within(2 * a, b, 2 * t):
        return "JAX takes half of PyTorch's slope: jnp.clip or jnp.maximum in place of a clamp"
    return "the slopes at the kink differ"


def _slope(difference: Difference, side: np.ndarray) -> float | None:
    """Return the slope that one side has at the places where they part, known from the cotangents of an elementwise function."""
    given = difference.cotangents
    if not difference.lead or len(given) != len(side) or any(np.shape(v) != difference.own_shape for v in given):
        return None
    v = np.stack(given).astype(np.float64)
    where = difference.unequal & (v != 0)
    slopes = side[where] / v[where]
    return float(np.round(slopes[0], 6)) + 0.0 if len(slopes) and np.ptp(slopes) <= 1e-6 else None


def _any_but(mask: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(mask.any(axis=tuple(i for i in range(mask.ndim) if i != axis)))
